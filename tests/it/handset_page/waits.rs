//! Whatever has to be waited for, or comes too late: what is said, for how long, and how it goes on.

use std::time::Duration;

use countersign::domain::limits::Rate;
use serde_json::json;

use super::{chromium::visit, stage::Stage};
use crate::app::NUMBER;

const HOUR: u64 = 3600;
const RESEND: &str = "!document.getElementById('resend').disabled && document.getElementById('resend').checkVisibility()";

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_code_ends_not_ok_and_a_new_one_is_a_press_away() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        browser.send_to(NUMBER).await;
        let code = stage.code_at(NUMBER);
        stage.advance(301);
        browser.check(&code).await;
        browser.reaches("not-ok").await;
        assert_eq!(browser.title().await, "Not OK · Countersign");
        assert_eq!(browser.text("not-ok-title").await, "The code has expired");
        assert_eq!(browser.focused().await, "not-ok-title");
        browser.press("not-ok-again").await;
        browser.reaches("code").await;
        browser.check(&stage.code_at(NUMBER)).await;
        browser.reaches("ok").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_life_of_a_code_is_counted_down_and_its_end_is_said() {
    let stage = Stage::with(|policy| policy.code.ttl = Duration::from_secs(3)).await;
    visit(&stage.base, async |browser| {
        browser.send_to(NUMBER).await;
        browser
            .until("/^Good for 0:0[123]$/.test(document.getElementById('code-life').innerText)")
            .await;
        assert_eq!(
            browser
                .evaluate("document.getElementById('resend').hidden")
                .await,
            true
        );
        browser
            .says("status", "The code has expired. Send a new one.")
            .await;
        // It is said once, and there is one thing to do.
        let seen = "document.body.innerText.match(/has expired/g).length";
        assert_eq!(browser.evaluate(seen).await, 1);
        let primary = "[...document.querySelectorAll('.primary')].filter((button) => button.checkVisibility())
            .map(({ id }) => id)";
        assert_eq!(browser.evaluate(primary).await, json!(["resend"]));
        assert_eq!(browser.title().await, "The code has expired · Countersign");
        assert_eq!(browser.text("resend").await, "Send a new code");
        stage.advance(3);
        browser.press("resend").await;
        browser.messages(2).await;
        browser.check(&stage.code_at(NUMBER)).await;
        browser.reaches("ok").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_can_be_sent_again_after_a_countdown_and_no_earlier() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        browser.send_to(NUMBER).await;
        browser
            .until("/^Send again in 0:0[123]$/.test(document.getElementById('resend').innerText)")
            .await;
        assert_eq!(
            browser
                .evaluate("document.getElementById('resend').disabled")
                .await,
            true
        );
        browser.until(RESEND).await;
        // The service's clock has not moved: what it says counts, and is counted down in turn.
        browser.press("resend").await;
        let early =
            "A code was sent a moment ago, and it is still good. Another can be sent in 2 seconds.";
        browser.says("status", early).await;
        assert_eq!(browser.focused().await, "code");
        stage.advance(2);
        browser.until(RESEND).await;
        // What has become untrue does not stand any longer.
        assert_eq!(browser.text("status").await, "");
        browser.press("resend").await;
        browser
            .says(
                "status",
                "A message was sent again. Use the code of the newest one.",
            )
            .await;
        assert_eq!(browser.focused().await, "code");
        browser.messages(2).await;
        browser.check(&stage.code_at(NUMBER)).await;
        browser.reaches("ok").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_loaded_again_finds_its_way_back_to_the_code() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        browser.send_to(NUMBER).await;
        let kept = "Object.values(sessionStorage).join()";
        let kept = browser.evaluate(kept).await.as_str().unwrap().to_owned();
        assert!(kept.contains(NUMBER) && !kept.contains(&stage.code_at(NUMBER)));
        browser.open(&stage.base).await;
        browser.reaches("code").await;
        browser.says("status", "is still good").await;
        browser.messages(1).await;
        browser.says("code-to", "•• 78").await;
        browser
            .until("/^Good for [45]:/.test(document.getElementById('code-life').innerText)")
            .await;
        // And so does whoever went back to the number.
        browser.press("other-number").await;
        browser.reaches("number").await;
        browser.send_to(NUMBER).await;
        assert_eq!(stage.messages_at(NUMBER), 1);
        browser.check(&stage.code_at(NUMBER)).await;
        browser.reaches("ok").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_tries_are_used_the_number_has_to_wait_and_the_page_says_how_long() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        browser.send_to(NUMBER).await;
        let wrong = stage.wrong_code(NUMBER);
        for left in ["4 tries are", "3 tries are", "2 tries are", "One try is"] {
            browser.check(wrong).await;
            browser.says("code-error", &format!("{left} left.")).await;
        }
        browser.check(wrong).await;
        browser.reaches("not-ok").await;
        assert_eq!(browser.text("not-ok-title").await, "All tries are used");
        browser
            .says("not-ok-text", "the number may have to wait")
            .await;

        browser.press("not-ok-again").await;
        browser
            .says("not-ok-title", "This number has to wait")
            .await;
        browser
            .says("not-ok-text", "none is checked for 15 minutes.")
            .await;
        browser
            .until("/^14:5[0-9] left$/.test(document.getElementById('not-ok-wait').innerText)")
            .await;
        assert_eq!(
            browser
                .evaluate("document.getElementById('not-ok-again').disabled")
                .await,
            true
        );

        // Another number need not wait.
        browser.press("not-ok-other").await;
        browser.reaches("number").await;
        browser.send_to("+351912345679").await;
        browser.press("other-number").await;
        stage.advance(898);
        browser.fill("number", NUMBER).await;
        browser.press("number-button").await;
        browser.says("not-ok-text", "for 2 seconds.").await;
        stage.advance(2);
        browser
            .until("!document.getElementById('not-ok-again').disabled")
            .await;
        browser.press("not-ok-again").await;
        browser.reaches("code").await;
        browser.check(&stage.code_at(NUMBER)).await;
        browser.reaches("ok").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_blocked_while_its_code_is_typed_is_told_so() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        browser.send_to(NUMBER).await;
        let code = stage.code_at(NUMBER);
        fail(&stage, "another").await;
        browser.check(&code).await;
        browser
            .says("not-ok-title", "This number has to wait")
            .await;
        browser
            .until(
                "/^1[45]:[0-9][0-9] left$/.test(document.getElementById('not-ok-wait').innerText)",
            )
            .await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_number_is_told_who_can_unlock_it() {
    let stage = Stage::start().await;
    for _ in 0..20 {
        fail(&stage, "another").await;
        stage.advance(HOUR);
    }
    visit(&stage.base, async |browser| {
        browser.fill("number", NUMBER).await;
        browser.press("number-button").await;
        browser.says("not-ok-title", "This number is locked").await;
        browser
            .says("not-ok-text", "until an operator unlocks it")
            .await;
        let hidden =
            "['not-ok-again', 'not-ok-wait'].map((id) => document.getElementById(id).hidden)";
        assert_eq!(browser.evaluate(hidden).await, json!([true, true]));
        browser.press("not-ok-other").await;
        browser.send_to("+351912345679").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_holds_one_number_back_and_says_until_when() {
    let stage = Stage::with(|policy| {
        policy.limits.per_number = vec![Rate {
            count: 1,
            window: Duration::from_mins(10),
        }];
    })
    .await;
    visit(&stage.base, async |browser| {
        browser.send_to(NUMBER).await;
        browser.check(&stage.code_at(NUMBER)).await;
        browser.reaches("ok").await;
        browser.press("ok-again").await;
        browser.press("number-button").await;
        let said = "This number has had as many codes as it may for now. Another can be sent in 10 minutes.";
        browser.says("trouble", said).await;
        browser.until("/^(10:00|9:5[0-9]) left$/.test(document.getElementById('number-wait').innerText)").await;
        assert_eq!(browser.evaluate("document.getElementById('number-button').disabled").await, true);
        // Another number is free at once.
        browser.send_to("+351912345679").await;
    })
    .await;
}

/// Five wrong guesses in a row, beside the page.
async fn fail(stage: &Stage, purpose: &str) {
    let wanted = json!({ "to": NUMBER, "purpose": purpose });
    let sent = stage.post("/otp/send", wanted).await;
    assert_eq!(sent.status, 201, "{}", sent.text);
    for _ in 0..5 {
        let guess = json!({ "id": sent.json()["id"], "code": "123456789" });
        stage
            .post("/otp/verify", guess)
            .await
            .problem(422, "wrong_code");
    }
}
