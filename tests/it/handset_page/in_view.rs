//! What is said is said where the person looks, and while it holds.

use serde_json::json;

use super::{
    chromium::{Browser, visit},
    faults::connected,
    stage::Stage,
};
use crate::app::NUMBER;

/// Waits until all of an element, which says something, is within the window.
async fn in_view(browser: &Browser, id: &str) {
    let rect = format!("document.getElementById('{id}').getBoundingClientRect()");
    let inside = format!("8 < {rect}.height && 0 <= {rect}.top && {rect}.bottom <= innerHeight");
    browser.until(&inside).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_smallest_phones_what_is_said_is_in_view() {
    for (width, height) in [(320, 568), (640, 400)] {
        let stage = Stage::start().await;
        visit(&stage.base, async |browser| {
            browser.screen(width, height).await;
            connected(browser, false).await;
            browser.fill("number", NUMBER).await;
            browser.press("number-button").await;
            browser.says("trouble", "cannot be reached").await;
            in_view(browser, "trouble").await;
            connected(browser, true).await;
            browser.send_to(NUMBER).await;
            browser.check(stage.wrong_code(NUMBER)).await;
            browser.says("code-error", "4 tries").await;
            in_view(browser, "code-error").await;
            browser
                .until("!document.getElementById('resend').disabled")
                .await;
            browser.press("resend").await;
            browser.says("status", "it is still good").await;
            in_view(browser, "status").await;
            connected(browser, false).await;
            browser.check(&stage.code_at(NUMBER)).await;
            browser.says("trouble", "cannot be reached").await;
            in_view(browser, "trouble").await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_code_is_checked_that_is_seen_and_heard() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        browser.send_to(NUMBER).await;
        let hold = "const fetch = window.fetch;
            const let_go = new Promise((done) => { window.letGo = done; });
            window.fetch = async (path, ...rest) => {
                if (path.endsWith('/otp/verify')) { await let_go; }
                return fetch(path, ...rest);
            };";
        browser.run(hold).await;
        browser.fill("code", &stage.code_at(NUMBER)).await;
        browser.press("code-button").await;
        browser.says("code-button", "Checking…").await;
        browser
            .until("document.getElementById('status').textContent === 'Checking…'")
            .await;
        browser.run("window.letGo();").await;
        browser.reaches("ok").await;
        let left = "document.getElementById('status').textContent + document.getElementById('code-button').textContent";
        browser.until(&format!("({left}) === 'Check the code'")).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_phone_is_that_of_the_number_which_the_service_makes_of_it() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        browser.send_to("+44 (0)7911 123499").await;
        browser.messages(1).await;
        assert_eq!(browser.text("handset-number").await, "+447911123499");
        assert_eq!(browser.text("code-to").await, "+44 •••••••• 99");
        let told = "(({ dir }) => dir)(document.querySelector('.bubble-text'))";
        assert_eq!(browser.evaluate(told).await, json!("auto"));
        browser.check(&stage.code_at("+447911123499")).await;
        browser.reaches("ok").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn details_of_the_service_are_whole_sentences() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        let sentences = "const { faultOf } = await import('./words.js');
            return [
                'an international number has 7 to 15 digits', 'the numbering plan of its country has no such number',
                'is required', 'must be a string', 'stands in place of `id`, not beside it', 'has no end.',
            ].map((detail) =>
                faultOf('to', { code: 'invalid_request', body: { errors: [{ pointer: '#/to', detail }] } }));";
        assert_eq!(
            browser.run(sentences).await,
            json!([
                "An international number has 7 to 15 digits.",
                "The numbering plan of its country has no such number.",
                "The number is required.",
                "The number must be a string.",
                "The number stands in place of `id`, not beside it.",
                "The number has no end.",
            ])
        );
    })
    .await;
}
