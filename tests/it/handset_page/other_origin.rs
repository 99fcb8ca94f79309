//! A page of another origin, with a publishable key: which may call, and what it is told.

use std::fs;

use countersign::simulator::Hand;
use serde_json::json;

use super::{
    chromium::{Browser, visit},
    stage::Stage,
    static_server::{Place, Settings},
};
use crate::app::NUMBER;

/// The page at `place`, of which the service allows `origins`.
async fn another_origin(place: Place, origins: &[String]) -> (Stage, String) {
    let stage = Stage::with(|policy| policy.origins = origins.to_vec()).await;
    let key = stage.publishable_key().await;
    let settings = Settings {
        service: stage.base.clone(),
        key: key.clone(),
        ..Settings::default()
    };
    place.serve(settings, None);
    (stage, key)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_an_allowed_origin_sends_and_verifies_and_is_not_told_why_a_code_is_refused() {
    let place = Place::take();
    let page = place.origin("127.0.0.1");
    let (stage, _) = another_origin(place, std::slice::from_ref(&page)).await;
    visit(&page, async |browser| {
        browser.send_to(NUMBER).await;
        browser.says("code-life", "Good for").await;
        browser.check(stage.wrong_code(NUMBER)).await;
        let not_accepted =
            "This code was not accepted. Compare it with the newest message, or send a new one.";
        assert_eq!(browser.text("code-error").await, not_accepted);

        // The wait is counted down here as well, and the service has the last word.
        browser
            .until("!document.getElementById('resend').disabled")
            .await;
        browser.press("resend").await;
        browser
            .says("status", "Another can be sent in 2 seconds.")
            .await;
        stage.advance(2);
        browser
            .until("!document.getElementById('resend').disabled")
            .await;
        browser.press("resend").await;
        browser.says("status", "A message was sent again.").await;

        // What is over looks like what is wrong, and a new code is one press away.
        stage.advance(301);
        browser.check(&stage.code_at(NUMBER)).await;
        assert_eq!(browser.text("code-error").await, not_accepted);
        browser
            .until("!document.getElementById('resend').disabled")
            .await;
        browser.press("resend").await;
        browser
            .until("document.getElementById('code').value === ''")
            .await;
        browser.check(&stage.code_at(NUMBER)).await;
        browser.reaches("ok").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_call_a_page_of_another_origin_learns_no_more_than_that_a_code_is_not_accepted() {
    let place = Place::take();
    let page = place.origin("127.0.0.1");
    let stage = Stage::with(|policy| policy.origins = vec![page.clone()]).await;
    let settings = Settings {
        service: stage.base.clone(),
        key: stage.publishable_key().await,
        channels: &["flashcall", "voice"],
        ..Settings::default()
    };
    place.serve(settings, None);
    visit(&page, async |browser| {
        browser.send_to(NUMBER).await;
        let from = stage.call_at(NUMBER).await.from;
        stage.hand(NUMBER, Hand::Decline).await;
        let not_accepted = "This was not accepted. Compare it with the last four digits of the number that called last. \
                            Each call allows two tries.";
        // The last of them is right, and too late.
        for guess in ["0000", "1111", &from] {
            browser.check(guess).await;
            assert_eq!(browser.text("code-error").await, not_accepted);
        }
        browser.change_to("voice").await;
        browser.says("code-how", "a voice says the code").await;
        stage.call_at(NUMBER).await;
        stage.hand(NUMBER, Hand::Answer).await;
        let code = stage.spoken_code_at(NUMBER).await;
        browser.check(&code).await;
        browser.reaches("ok").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_loaded_again_goes_on_with_the_code_that_is_on_its_way() {
    let place = Place::take();
    let page = place.origin("127.0.0.1");
    let (stage, _) = another_origin(place, std::slice::from_ref(&page)).await;
    visit(&page, async |browser| {
        browser.send_to(NUMBER).await;
        browser.open(&page).await;
        browser.reaches("code").await;
        browser
            .says("status", "The code that was sent before is still good.")
            .await;
        assert_eq!(browser.text("code-to").await, "+351 ••••••• 78");
        browser.says("code-life", "Good for").await;
        browser.says("resend", "Send again").await;
        browser.check(&stage.code_at(NUMBER)).await;
        browser.reaches("ok").await;
        browser.open(&page).await;
        browser.reaches("number").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_begins_in_another_tab_is_told_to_wait_and_gets_on_then() {
    let place = Place::take();
    let page = place.origin("127.0.0.1");
    let (stage, _) = another_origin(place, std::slice::from_ref(&page)).await;
    visit(&page, async |browser| {
        browser.send_to(NUMBER).await;
        browser.inject("sessionStorage.clear()").await;
        browser.open(&page).await;
        browser.fill("number", NUMBER).await;
        browser.press("number-button").await;
        browser
            .says(
                "trouble",
                "A code was sent a moment ago, and it is still good.",
            )
            .await;
        browser
            .until("document.getElementById('number-button').disabled")
            .await;
        stage.advance(2);
        browser
            .until("!document.getElementById('number-button').disabled")
            .await;
        browser.press("number-button").await;
        browser.reaches("code").await;
        browser.check(&stage.code_at(NUMBER)).await;
        browser.reaches("ok").await;
    })
    .await;
}

/// Tries to send from where the browser is, with the key and without.
async fn cannot_send(browser: &Browser, stage: &Stage, key: &str) {
    for authorization in [format!("Authorization: 'Bearer {key}',"), String::new()] {
        for kind in ["application/json", "text/plain"] {
            let send = format!(
                "const answer = await fetch('{}/otp/send', {{
                     method: 'POST',
                     headers: {{ {authorization} 'Content-Type': '{kind}' }},
                     body: JSON.stringify({{ to: '{NUMBER}' }}),
                 }});
                 return answer.status;",
                stage.base
            );
            assert_eq!(
                browser.run(&send).await,
                "failed: TypeError: Failed to fetch",
                "{kind}"
            );
        }
    }
    assert_eq!(stage.messages_at(NUMBER), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_origin_can_call_however_much_it_looks_like_the_allowed_one() {
    let place = Place::take();
    let (allowed, looks_alike) = (place.origin("127.0.0.1"), place.origin("localhost"));
    let other = Place::take();
    let elsewhere = other.origin("127.0.0.1");
    other.serve(Settings::default(), None);
    let (stage, key) = another_origin(place, &[allowed]).await;
    // The page itself, under a name that is not the allowed one, says what may be wrong.
    visit(&looks_alike, async |browser| {
        browser.fill("number", NUMBER).await;
        browser.press("number-button").await;
        browser
            .says("trouble", "it does not allow this page’s address")
            .await;
        cannot_send(browser, &stage, &key).await;
    })
    .await;
    // Its policy must not be what stops it, so this is no page of ours.
    visit(&format!("{elsewhere}/nothing"), async |browser| {
        cannot_send(browser, &stage, &key).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_without_an_origin_cannot_call() {
    let place = Place::take();
    let allowed = place.origin("127.0.0.1");
    let (stage, key) = another_origin(place, &[allowed]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    fs::write(&file, "<!doctype html><title>A file</title>").unwrap();
    for page in [
        "data:text/html,<title>No origin</title>".to_owned(),
        format!("file://{}", file.display()),
    ] {
        visit(&page, async |browser| {
            assert_eq!(browser.evaluate("self.origin").await, json!("null"));
            cannot_send(browser, &stage, &key).await;
        })
        .await;
    }
}
