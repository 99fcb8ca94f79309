//! The way that most people take, and its small turns.

use serde_json::json;

use super::{chromium::visit, stage::Stage};
use crate::app::NUMBER;

#[tokio::test(flavor = "multi_thread")]
async fn a_number_its_message_a_wrong_code_and_the_right_one_end_with_ok() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        assert_eq!(browser.title().await, "Enter your number · Countersign");
        let there = browser.evaluate("document.getElementById('number').value");
        assert_eq!(there.await, "");
        assert_eq!(browser.text("handset-number").await, "Nobody’s yet");
        // Once there is a number, the phone is its.
        browser.fill("number", "+351 912 345 678").await;
        browser.says("handset-number", NUMBER).await;
        browser.press("number-button").await;
        browser.reaches("code").await;
        assert_eq!(browser.title().await, "Type the code · Countersign");
        assert_eq!(
            browser.text("code-lead").await,
            "It went by text message to"
        );
        assert_eq!(browser.text("code-to").await, "+351 ••••••• 78");
        assert_eq!(
            browser.text("code-to-spoken").await,
            "the number ending in 7 8"
        );
        assert_eq!(
            browser.described("code").await,
            "It went by text message to the number ending in 7 8."
        );
        browser
            .until(
                "/^Good for (5:00|4:5[0-9])$/.test(document.getElementById('code-life').innerText)",
            )
            .await;

        browser.messages(1).await;
        let code = stage.code_at(NUMBER);
        browser
            .says(
                "messages",
                &format!("{code} is your Countersign code to log in."),
            )
            .await;
        let sender = browser
            .evaluate("document.querySelector('.sender').innerText")
            .await;
        assert_eq!(sender, "Countersign");
        let at = browser
            .evaluate("document.querySelector('.bubble time').dateTime")
            .await;
        assert_eq!(at, "2026-01-31T12:00:00Z");

        browser.check(stage.wrong_code(NUMBER)).await;
        let said = browser.text("code-error").await;
        assert_eq!(said, "Not OK: that is not the code. 4 tries are left.");
        assert_eq!(browser.title().await, "Not OK: wrong code · Countersign");
        browser.check(stage.wrong_code(NUMBER)).await;
        browser.says("code-error", "3 tries are left.").await;

        let spaced = format!("{} {}", &code[..3], &code[3..]);
        browser.check(&spaced).await;
        browser.reaches("ok").await;
        assert_eq!(browser.title().await, "OK: number verified · Countersign");
        browser.says("ok-text", "The code was right.").await;
        browser.says("ok-text", "+351 ••••••• 78 is verified").await;
        assert_eq!(browser.focused().await, "ok-title");

        browser.press("ok-again").await;
        browser.reaches("number").await;
        assert_eq!(browser.focused().await, "number");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_number_is_said_beside_it() {
    let stage = Stage::with(|policy| {
        policy.countries = countersign::domain::policy::Countries::Only(vec!["PT".to_owned()]);
    })
    .await;
    visit(&stage.base, async |browser| {
        for (typed, said) in [
            ("", "Type a phone number."),
            ("912345678", "Begin with + and the country’s code"),
            ("+351 91a", "After the +, a number has digits only."),
            // Only the service knows the next two.
            ("+35191", "An international number has 7 to 15 digits."),
            ("+33612345678", "No codes are sent to numbers of this country or kind."),
        ] {
            browser.fill("number", typed).await;
            browser.press("number-button").await;
            browser.says("number-error", said).await;
            let focus = browser
                .evaluate("[document.activeElement.id, document.activeElement.getAttribute('aria-invalid')]")
                .await;
            assert_eq!(focus, json!(["number", "true"]), "{typed}");
        }
        // Typing takes the complaint away, and the same form still works.
        browser.send_to("+351 (912) 345-678").await;
        assert_eq!(stage.messages_at(NUMBER), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_code_costs_no_try_and_a_whole_message_can_be_pasted() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        browser.send_to(NUMBER).await;
        for (typed, said) in [("", "Type the code"), ("12", "digits only"), ("12ab56", "cost no try")] {
            browser.check(typed).await;
            browser.says("code-error", said).await;
        }
        browser.check(stage.wrong_code(NUMBER)).await;
        browser.says("code-error", "4 tries are left.").await;
        browser.messages(1).await;
        let paste = "const data = new DataTransfer();
            data.setData('text', document.querySelector('.bubble-text').innerText);
            const paste = new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true });
            document.getElementById('code').dispatchEvent(paste);
            return document.getElementById('code').value;";
        assert_eq!(browser.run(paste).await, stage.code_at(NUMBER));
        browser.press("code-button").await;
        browser.reaches("ok").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_presses_twice_sends_once() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        browser.fill("number", NUMBER).await;
        browser
            .run(
                "const form = document.getElementById('number-form');
                 form.requestSubmit(); form.requestSubmit(); document.getElementById('number-button').click();",
            )
            .await;
        browser.reaches("code").await;
        browser.messages(1).await;
        let code = stage.wrong_code(NUMBER);
        browser.fill("code", code).await;
        browser
            .run(
                "const form = document.getElementById('code-form');
                 form.requestSubmit(); form.requestSubmit(); document.getElementById('code-button').click();",
            )
            .await;
        browser.says("code-error", "4 tries are left.").await;
        assert_eq!(stage.messages_at(NUMBER), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_phone_is_asked_only_while_somebody_looks() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        browser.fill("number", NUMBER).await;
        let count = "window.asked = 0;
            const fetch = window.fetch;
            window.fetch = (...all) => { window.asked += 1; return fetch(...all); };";
        browser.run(count).await;
        browser.until("1 < window.asked").await;
        let look_away =
            "Object.defineProperty(document, 'hidden', { value: true, configurable: true });
            document.dispatchEvent(new Event('visibilitychange'));
            [window.asked, window.since] = [0, performance.now()];";
        browser.run(look_away).await;
        browser
            .until("2500 < performance.now() - window.since")
            .await;
        // One may have been under way.
        let asked = browser.evaluate("window.asked").await.as_u64().unwrap();
        assert!(asked <= 1, "{asked}");
        let look_back =
            "delete document.hidden; document.dispatchEvent(new Event('visibilitychange'));";
        browser.run(look_back).await;
        browser.until("1 < window.asked").await;
    })
    .await;
}
