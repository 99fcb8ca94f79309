//! In every state of the page: what axe-core finds, what fits, what moves, and what is read aloud.

use serde_json::{Value, json};

use super::{
    chromium::{Browser, axe, visit},
    stage::Stage,
};
use crate::app::NUMBER;

/// Leads the page through its states, and has each of them looked at.
async fn walk(stage: &Stage, browser: &Browser, look: impl AsyncFn(&str)) {
    look("number").await;
    browser.fill("number", "912345678").await;
    browser.press("number-button").await;
    browser.says("number-error", "Begin with +").await;
    look("number with a fault").await;
    browser.send_to(NUMBER).await;
    browser.messages(1).await;
    look("code").await;
    browser.check(stage.wrong_code(NUMBER)).await;
    browser.says("code-error", "4 tries").await;
    look("wrong code").await;
    browser
        .until("!document.getElementById('resend').disabled")
        .await;
    browser.press("resend").await;
    browser.says("status", "it is still good").await;
    look("too early").await;
    stage.let_sms_be(NUMBER, countersign::simulator::SmsFate::Refuse);
    browser
        .until("!document.getElementById('resend').disabled")
        .await;
    stage.advance(2);
    browser.press("resend").await;
    browser.says("status", "could not be delivered").await;
    look("resend refused").await;
    browser.check("12345678901").await;
    for _ in 0..3 {
        browser.check("12345678901").await;
    }
    browser.reaches("not-ok").await;
    look("not OK").await;
    browser.press("not-ok-again").await;
    browser.says("not-ok-wait", "left").await;
    look("blocked").await;
    browser.press("not-ok-other").await;
    walk_through_calls(stage, browser, &look).await;
    browser.press("other-number").await;
    let other = "+351912345679";
    browser.choose("sms").await;
    browser.send_to(other).await;
    browser.check(&stage.code_at(other)).await;
    browser.reaches("ok").await;
    look("OK").await;
}

/// Calls in all their states, on the phone and in the form for their code.
async fn walk_through_calls(stage: &Stage, browser: &Browser, look: &impl AsyncFn(&str)) {
    let called = "+351912345677";
    browser.choose("flashcall").await;
    browser.send_to(called).await;
    stage.call_at(called).await;
    browser.says("call-state", "Incoming call").await;
    look("ringing").await;
    browser.press("decline").await;
    browser.says("messages", "Missed call").await;
    look("missed call").await;
    for wrong in ["0000", "1111"] {
        browser.check(wrong).await;
    }
    browser.says("code-error", "no more tries").await;
    look("call spent").await;
    browser.change_to("voice").await;
    stage.call_at(called).await;
    browser.says("call-state", "Incoming call").await;
    browser.press("answer").await;
    browser
        .until("document.querySelector('.key[aria-disabled=false]')?.checkVisibility()")
        .await;
    look("on the call").await;
    browser.press("hang-up").await;
    browser.messages(2).await;
    look("past calls").await;
}

async fn axe_finds_nothing(scheme: &str) {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        // What fades in has no colour of its own yet.
        browser.prefer(&[("prefers-color-scheme", scheme), ("prefers-reduced-motion", "reduce")]).await;
        browser.inject(&axe()).await;
        let seen = "return matchMedia('(prefers-color-scheme: dark)').matches;";
        assert_eq!(browser.run(seen).await, scheme == "dark");
        walk(&stage, browser, async |state| {
            let found = browser
                .run(
                    "const { violations, passes } = await axe.run(document);
                     const short = ({ id, impact, nodes }) => [id, impact, ...nodes.map(({ html }) => html)];
                     return { violations: violations.map(short), looked: passes.length > 10 };",
                )
                .await;
            assert_eq!(found, json!({ "violations": [], "looked": true }), "{scheme}, {state}");
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_in_light() {
    axe_finds_nothing("light").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_nothing_in_dark() {
    axe_finds_nothing("dark").await;
}

/// At 320 pixels, and at 1280 enlarged to 200 and 400 %.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_has_to_be_scrolled_sideways_on_narrow_screens() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        browser.screen(320, 640).await;
        walk(&stage, browser, async |state| {
            for width in [320, 640] {
                browser.screen(width, 640).await;
                let widest = "document.documentElement.scrollWidth";
                let widest = browser.evaluate(widest).await.as_u64().unwrap();
                assert!(widest <= u64::from(width), "{state}: {widest} at {width}");
                // Nor is anything cut off that cannot be scrolled to.
                let beyond = "[...document.querySelectorAll('body *:not(.unseen)')].filter((element) =>
                    element.checkVisibility() && !element.closest('svg') &&
                    (element.getBoundingClientRect().right > innerWidth || element.getBoundingClientRect().left < 0)
                ).map((element) => element.outerHTML)";
                assert_eq!(browser.evaluate(beyond).await, json!([]), "{state} at {width}");
            }
            browser.screen(320, 640).await;
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_moves_for_whoever_prefers_that() {
    let stage = Stage::start().await;
    let moving = "document.getAnimations().length";
    visit(&stage.base, async |browser| {
        let other = "+351912345670";
        browser.send_to(other).await;
        browser.messages(1).await;
        assert_ne!(
            browser.evaluate(moving).await,
            Value::from(0),
            "a message arrives"
        );
        browser.check(&stage.code_at(other)).await;
        browser.reaches("ok").await;
        browser
            .prefer(&[("prefers-reduced-motion", "reduce")])
            .await;
        browser.open(&stage.base).await;
        walk(&stage, browser, async |state| {
            assert_eq!(browser.evaluate(moving).await, Value::from(0), "{state}");
        })
        .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_counted_down_is_not_read_aloud_each_second() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        let aloud = "['code-life', 'resend', 'number-wait', 'not-ok-wait'].filter((id) =>
            document.getElementById(id).closest('[aria-live], [role=status], [role=alert], [role=log], [role=timer]'))";
        assert_eq!(browser.evaluate(aloud).await, json!([]));
        let regions = "[...document.querySelectorAll('[aria-live], [role=status], [role=alert], [role=log]')]
            .map(({ id, role, ariaLive }) => [id, role ?? ariaLive])";
        assert_eq!(
            browser.evaluate(regions).await,
            json!([
                ["number-error", "assertive"],
                ["status", "status"],
                ["trouble", "alert"],
                ["code-error", "assertive"],
                ["call-news", "status"],
                ["call-words", "log"],
                ["messages", "log"],
            ])
        );
        // Phones offer to fill these in.
        let offers = "['number', 'code'].map((id) => document.getElementById(id))
            .map(({ type, autocomplete, inputMode }) => [type, autocomplete, inputMode])";
        assert_eq!(
            browser.evaluate(offers).await,
            json!([["tel", "tel", ""], ["text", "one-time-code", "numeric"]])
        );
        assert_eq!(browser.evaluate("document.documentElement.lang").await, "en");
    })
    .await;
}
