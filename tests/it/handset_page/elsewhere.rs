//! The folder `web/` with other settings.

use countersign::domain::delivery::Channel;
use serde_json::json;

use super::{
    chromium::visit,
    stage::Stage,
    static_server::{Place, Settings},
};
use crate::app::NUMBER;

#[tokio::test(flavor = "multi_thread")]
async fn another_channel_is_offered_where_the_settings_list_one_and_its_refusal_is_said_in_words() {
    let stage = Stage::with(|policy| policy.channels = vec![Channel::Sms]).await;
    let place = Place::take();
    let page = place.origin("127.0.0.1");
    let settings = Settings {
        channels: &["sms", "voice"],
        ..Settings::default()
    };
    place.serve(settings, Some(&stage.base));
    visit(&page, async |browser| {
        browser.send_to(NUMBER).await;
        let offered = "[...document.querySelectorAll('#channels button')].filter((button) => button.checkVisibility())
            .map((button) => button.innerText).join()";
        assert_eq!(browser.evaluate(offered).await, "Call me instead");
        browser.run("document.querySelector('[data-channel=voice]').click()").await;
        let said = "This service does not send codes this way. The ways that are left still work.";
        browser.says("trouble", said).await;
        assert_eq!(stage.messages_at(NUMBER), 1);
        browser.check(&stage.code_at(NUMBER)).await;
        browser.reaches("ok").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_phone_nothing_is_filled_in_and_no_phone_is_asked_for() {
    let stage = Stage::start().await;
    let place = Place::take();
    let page = place.origin("127.0.0.1");
    place.serve(Settings::default(), Some(&stage.base));
    visit(&page, async |browser| {
        let there = "document.getElementById('number').value + document.getElementById('handset').checkVisibility()";
        assert_eq!(browser.evaluate(there).await, "false");
        let ways = "document.querySelectorAll('#channels button').length + document.getElementById('ways').checkVisibility()";
        assert_eq!(browser.evaluate(ways).await, 0);
        browser.says("number-lead", "We send a short code to it by text message.").await;
        browser.send_to(NUMBER).await;
        browser.check(&stage.code_at(NUMBER)).await;
        browser.reaches("ok").await;
        let asked = "performance.getEntriesByType('resource').filter(({ name }) => name.includes('/sim/')).length";
        assert_eq!(browser.evaluate(asked).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_cannot_start_says_so_and_keeps_the_number_to_itself() {
    let place = Place::take();
    let page = place.origin("127.0.0.1");
    let settings = Settings {
        missing: true,
        ..Settings::default()
    };
    place.serve(settings, None);
    visit(&page, async |browser| {
        let shown =
            "getComputedStyle(document.getElementById('not-started')).visibility === 'visible'";
        browser.until(shown).await;
        browser
            .says("not-started", "This page has not started.")
            .await;
        let off = "['number', 'number-button'].map((id) => document.getElementById(id).disabled)";
        assert_eq!(browser.evaluate(off).await, json!([true, true]));
        // Whatever sends the forms nevertheless, nothing of them gets into an address.
        let send = "for (const form of document.forms) {
                for (const field of form.elements) {
                    field.disabled = false;
                }
                form.querySelector('input').value = '+351912345678';
                form.requestSubmit();
            }
            await new Promise((done) => setTimeout(done, 300));
            return location.href;";
        assert_eq!(browser.run(send).await, format!("{page}/"));
    })
    .await;
}
