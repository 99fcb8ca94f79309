//! Calls on the phone beside the form: they ring, are taken or not, speak, hear keys, and are kept.

use std::time::Duration;

use countersign::{
    domain::{delivery::Channel, policy::FallbackStep},
    simulator::{Hand, SmsFate},
};
use serde_json::json;

use super::{
    chromium::{Browser, visit},
    stage::Stage,
};
use crate::app::NUMBER;

/// Has a code sent over another channel than a text message.
async fn send_by(browser: &Browser, channel: &str) {
    browser.fill("number", NUMBER).await;
    browser.choose(channel).await;
    browser.press("number-button").await;
    browser.reaches("code").await;
}

/// What stands in the past calls and messages: the whole of it.
async fn kept(browser: &Browser) -> serde_json::Value {
    let kept = "[...document.querySelectorAll('.bubble')].map((bubble) =>
        [bubble.querySelector('.sender').innerText, ...[...bubble.querySelectorAll('.bubble-text')].map(({ innerText }) => innerText)])";
    browser.evaluate(kept).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_answered_says_the_code_and_says_it_again_when_a_key_is_pressed() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        send_by(browser, "voice").await;
        let call = stage.call_at(NUMBER).await;
        browser.says("caller", &call.from).await;
        assert_eq!(browser.text("call-state").await, "Incoming call");
        let heard = "The phone rings. + 1 3 0 5 5 5 5 0 1 0 0 calls.";
        assert_eq!(browser.text("call-news").await, heard);
        let there = "['decline', 'answer', 'hang-up', 'keypad', 'messages'].map((id) =>
            document.getElementById(id).checkVisibility())";
        assert_eq!(
            browser.evaluate(there).await,
            json!([true, true, false, false, false])
        );

        browser.press("answer").await;
        browser
            .says("call-words", "Hello. This is Countersign. Your code is:")
            .await;
        assert_eq!(browser.text("call-state").await, "On the call");
        assert_eq!(browser.focused().await, "hang-up");
        let language = "document.querySelector('#call-words span').lang";
        assert_eq!(browser.evaluate(language).await, "en");
        browser
            .until("document.getElementById('keypad').checkVisibility()")
            .await;
        assert_eq!(
            browser.evaluate(there).await,
            json!([false, false, true, true, false])
        );

        let once = browser.text("call-words").await;
        browser
            .run("document.querySelector('#keypad button').click()")
            .await;
        let twice =
            "2 === document.getElementById('call-words').innerText.match(/Your code is:/g).length";
        browser.until(twice).await;
        // What was said before is not said to be new.
        assert_eq!(
            browser
                .evaluate("document.querySelector('#call-words span').innerText")
                .await,
            json!(once)
        );

        let code: String = once.chars().filter(char::is_ascii_digit).take(6).collect();
        browser.press("hang-up").await;
        browser
            .until("document.getElementById('messages').checkVisibility()")
            .await;
        assert_eq!(browser.focused().await, "messages");
        assert_eq!(browser.text("call-news").await, "The call is over.");
        browser.messages(1).await;
        let kept = kept(browser).await;
        assert_eq!(
            (&kept[0][0], &kept[0][1]),
            (&json!(call.from), &json!("Answered call"))
        );
        assert!(kept[0][2].as_str().unwrap().starts_with(&once), "{kept}");
        browser.check(&code).await;
        browser.reaches("ok").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_declined_is_kept_as_missed_and_shows_nothing_but_its_number() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        send_by(browser, "flashcall").await;
        let call = stage.call_at(NUMBER).await;
        browser.says("caller", &call.from).await;
        assert_eq!(browser.text("caller").await, call.from);
        assert_eq!(browser.text("call-words").await, "");
        browser.press("decline").await;
        browser.messages(1).await;
        assert_eq!(kept(browser).await, json!([[call.from, "Missed call"]]));
        browser.check(&call.from[call.from.len() - 4..]).await;
        browser.reaches("ok").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_is_left_alone_answers_and_the_call_ends_by_itself() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        send_by(browser, "flashcall").await;
        let call = stage.call_at(NUMBER).await;
        browser.says("caller", &call.from).await;
        stage.advance(2);
        browser.messages(1).await;
        let said = "This call is from Countersign and only shows its number. You need not answer. Goodbye.";
        assert_eq!(kept(browser).await, json!([[call.from, "Answered call", said]]));
        let panel = browser.evaluate("document.getElementById('call').checkVisibility()");
        assert_eq!(panel.await, false);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_message_gets_lost_the_phone_rings_by_itself_and_says_a_code_that_is_ok() {
    let stage = Stage::with(|policy| {
        policy.fallback = vec![FallbackStep {
            after: Duration::from_secs(20),
            channel: Channel::Voice,
        }];
    })
    .await;
    stage.let_sms_be(NUMBER, SmsFate::Lose);
    visit(&stage.base, async |browser| {
        browser.send_to(NUMBER).await;
        stage.advance(20);
        stage.call_at(NUMBER).await;
        browser.says("call-state", "Incoming call").await;
        browser.press("answer").await;
        let code = stage.spoken_code_at(NUMBER).await;
        browser.check(&code).await;
        browser.reaches("ok").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_and_a_call_stand_in_the_order_in_which_they_came() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        browser.send_to(NUMBER).await;
        browser.messages(1).await;
        browser.change_to("voice").await;
        let call = stage.call_at(NUMBER).await;
        stage.hand(NUMBER, Hand::Decline).await;
        browser.messages(2).await;
        let kept = kept(browser).await;
        assert_eq!(kept[1], json!([call.from, "Missed call"]));
        // Another phone has none of it.
        browser.press("other-number").await;
        browser.fill("number", "+351912345679").await;
        browser.says("handset-number", "+351912345679").await;
        browser.messages(0).await;
    })
    .await;
}
