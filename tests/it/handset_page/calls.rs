//! The code of a flash call: what may be typed, how often, and how it goes on.

use serde_json::json;

use super::{
    chromium::{Browser, visit},
    stage::Stage,
};
use crate::app::NUMBER;

async fn call(stage: &Stage, browser: &Browser) -> String {
    browser.fill("number", NUMBER).await;
    browser.choose("flashcall").await;
    browser.press("number-button").await;
    browser.reaches("code").await;
    stage.call_at(NUMBER).await.from
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_that_called_can_be_typed_as_the_phone_shows_it() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        let from = call(&stage, browser).await;
        assert_eq!(browser.text("code-label").await, "Its last four digits, or the whole number");
        let takes = "(({ inputMode, autocomplete, maxLength }) => [inputMode, autocomplete, maxLength])(document.getElementById('code'))";
        assert_eq!(browser.evaluate(takes).await, json!(["tel", "off", 24]));
        for (typed, said) in [
            ("", "Type the last four digits of the number that called."),
            ("142", "This cost no try."),
            ("anonymous", "This cost no try."),
        ] {
            browser.check(typed).await;
            browser.says("code-error", said).await;
        }
        // +1 305 555 0142, as it is shown at home.
        let at_home = format!("({}) {}-{}", &from[2..5], &from[5..8], &from[8..]);
        browser.check(&at_home).await;
        browser.reaches("ok").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_two_tries_the_call_is_spent_and_another_way_goes_on() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        let from = call(&stage, browser).await;
        browser.check("0000").await;
        let wrong = "Not OK: the number that called does not end like that. Compare its last four digits. One try is left.";
        assert_eq!(browser.text("code-error").await, wrong);
        browser.check("1111").await;
        let spent = "Not OK, and this call allows no more tries. Have us call again, or choose another way.";
        assert_eq!(browser.text("code-error").await, spent);
        browser.reaches("code").await;
        // The right number is of no use any more.
        browser.fill("code", &from).await;
        browser.run("document.getElementById('code-form').requestSubmit()").await;
        browser.until("document.getElementById('task').ariaBusy !== 'true'").await;
        assert_eq!(browser.text("code-error").await, spent);
        let other = "document.querySelector('#channels [data-channel=voice]').innerText";
        assert_eq!(browser.evaluate(other).await, "Say the code on a call");
        let shown = "['code-button', 'code-life', 'resend'].map((id) => document.getElementById(id).checkVisibility())";
        assert_eq!(browser.evaluate(shown).await, json!([false, false, true]));
        // Nor is it when the page is loaded again.
        browser.open(&stage.base).await;
        browser.reaches("code").await;
        browser.says("code-error", spent).await;
        assert_eq!(browser.evaluate(shown).await, json!([false, false, true]));

        browser.change_to("sms").await;
        browser.says("code-lead", "It went by text message to").await;
        assert_eq!(browser.text("code-error").await, "");
        browser.says("code-life", "Good for").await;
        let takes = "(({ inputMode, autocomplete }) => [inputMode, autocomplete])(document.getElementById('code'))";
        assert_eq!(browser.evaluate(takes).await, json!(["numeric", "one-time-code"]));
        browser.check(&stage.code_at(NUMBER)).await;
        browser.reaches("ok").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_two_tries_another_call_can_be_had_when_the_wait_is_over() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        let first = call(&stage, browser).await;
        stage
            .hand(NUMBER, countersign::simulator::Hand::Decline)
            .await;
        for wrong in ["0000", "1111"] {
            browser.check(wrong).await;
        }
        let can_call = "document.getElementById('resend').innerText === 'Call again'";
        browser.until(can_call).await;
        // The service's clock has not moved on.
        browser.press("resend").await;
        browser
            .says(
                "status",
                "A code was sent a moment ago. Another can be sent in",
            )
            .await;
        stage.advance(2);
        browser.until(can_call).await;
        browser.press("resend").await;
        browser
            .says(
                "status",
                "We are calling now. The number of this call is the one that counts.",
            )
            .await;
        let second = stage.call_at(NUMBER).await.from;
        assert_ne!(first, second, "one of a hundred, by the seed of the stage");
        browser.check(&second).await;
        browser.reaches("ok").await;
    })
    .await;
}
