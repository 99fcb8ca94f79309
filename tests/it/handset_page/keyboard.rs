//! Nothing but keys.

use super::{chromium::visit, stage::Stage};

const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";
const SPACE: &str = " ";
const DOWN: &str = "\u{e015}";

#[tokio::test(flavor = "multi_thread")]
async fn from_the_number_to_ok_by_keyboard_alone() {
    let stage = Stage::start().await;
    let number = "+351912345679";
    visit(&stage.base, async |browser| {
        browser.keys(TAB).await;
        assert_eq!(browser.focused().await, "number");
        browser.keys(number).await;
        browser.keys(ENTER).await;
        browser.reaches("code").await;
        assert_eq!(browser.focused().await, "code");
        assert_eq!(stage.messages_at(number), 1);

        browser.keys(stage.wrong_code(number)).await;
        browser.keys(ENTER).await;
        browser.says("code-error", "4 tries are left.").await;
        assert_eq!(browser.focused().await, "code");

        browser
            .until("!document.getElementById('resend').disabled")
            .await;
        stage.advance(2);
        for stop in ["code-button", "resend"] {
            browser.keys(TAB).await;
            assert_eq!(browser.focused().await, stop);
            let ring = "getComputedStyle(document.activeElement).outlineStyle";
            assert_eq!(browser.evaluate(ring).await, "solid");
        }
        browser.keys(SPACE).await;
        browser.messages(2).await;
        browser.until("document.activeElement.id === 'code'").await;

        browser.keys(stage.code_at(number)).await;
        browser.keys(TAB).await;
        browser.keys(SPACE).await;
        browser.reaches("ok").await;
        assert_eq!(browser.focused().await, "ok-title");
        browser.keys(TAB).await;
        assert_eq!(browser.focused().await, "ok-again");
        browser.keys(ENTER).await;
        browser.reaches("number").await;
        assert_eq!(browser.focused().await, "number");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_chosen_answered_heard_again_and_ended_by_keyboard_alone() {
    let stage = Stage::start().await;
    let number = "+351912345678";
    visit(&stage.base, async |browser| {
        browser.keys(TAB).await;
        browser.keys(number).await;
        browser.keys(TAB).await;
        let chosen = "document.activeElement.value";
        assert_eq!(browser.evaluate(chosen).await, "sms");
        browser.keys(DOWN).await;
        assert_eq!(browser.evaluate(chosen).await, "voice");
        browser.keys(ENTER).await;
        browser.reaches("code").await;
        stage.call_at(number).await;
        browser.says("call-state", "Incoming call").await;

        browser.evaluate("document.getElementById('other-number').focus()").await;
        for stop in ["decline", "answer"] {
            browser.keys(TAB).await;
            assert_eq!(browser.focused().await, stop);
        }
        browser.keys(ENTER).await;
        browser.until("document.activeElement.id === 'hang-up'").await;
        browser.until("document.getElementById('keypad').checkVisibility()").await;
        browser.evaluate("document.getElementById('call-words').focus()").await;
        browser.keys(TAB).await;
        let key = "document.activeElement.innerText";
        assert_eq!(browser.evaluate(key).await, "1");
        browser.keys(SPACE).await;
        browser
            .until("2 === document.getElementById('call-words').innerText.match(/Your code is:/g)?.length")
            .await;
        // The key keeps the focus, for the next time.
        assert_eq!(browser.evaluate(key).await, "1");
        browser.evaluate("document.getElementById('hang-up').focus()").await;
        browser.keys(ENTER).await;
        browser.until("document.activeElement.id === 'messages'").await;
        browser.messages(1).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_not_ok_back_to_the_number_by_keyboard_alone() {
    let stage = Stage::start().await;
    let number = "+351912345678";
    visit(&stage.base, async |browser| {
        browser.keys(TAB).await;
        browser.keys(number).await;
        browser.keys(ENTER).await;
        browser.reaches("code").await;
        let code = stage.code_at(number);
        stage.advance(301);
        browser.keys(&code).await;
        browser.keys(ENTER).await;
        browser.reaches("not-ok").await;
        assert_eq!(browser.focused().await, "not-ok-title");
        for stop in ["not-ok-again", "not-ok-other"] {
            browser.keys(TAB).await;
            assert_eq!(browser.focused().await, stop);
        }
        browser.keys(ENTER).await;
        browser.reaches("number").await;
        assert_eq!(browser.focused().await, "number");
    })
    .await;
}
