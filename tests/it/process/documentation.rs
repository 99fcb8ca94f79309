//! Swagger UI beside the API, as `dev` has it.

use serde_json::json;

use super::dev::Dev;
use crate::docs::{assert_asked_only, assert_shows_every_operation, browser::Browser};

#[tokio::test(flavor = "multi_thread")]
async fn on_dev_a_code_can_be_sent_from_the_page_and_no_key_is_kept() {
    let dev = Dev::start().await;
    let browser = Browser::start().await;
    assert_shows_every_operation(&browser, &dev.base).await;

    browser
        .run("document.querySelector('.authorize').click()")
        .await;
    browser
        .eventually("return !!document.querySelector('.auth-container input')")
        .await;
    browser
        .run(
            "const input = document.querySelector('.auth-container input');
             const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set;
             set.call(input, 'cs_sk_notakey');
             input.dispatchEvent(new Event('input', { bubbles: true }));
             document.querySelector('.auth-btn-wrapper .authorize').click();",
        )
        .await;
    let execute = "document.querySelector('#operations-otp-sendCode .execute').click()";
    browser.run(execute).await;
    let status = "return document.querySelector('#operations-otp-sendCode .live-responses-table tbody .response-col_status')
                  ?.innerText.trim().slice(0, 3)";
    assert_eq!(browser.eventually(status).await, json!("401"));
    let kept = "return localStorage.length + sessionStorage.length + document.cookie.length";
    assert_eq!(browser.run(kept).await, json!(0));

    // What is left of the key goes with the page.
    assert_eq!(browser.complaints().await.len(), 1, "the 401 is told");
    assert_shows_every_operation(&browser, &dev.base).await;
    browser.run(execute).await;
    assert_eq!(browser.eventually(status).await, json!("201"));
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    assert_asked_only(&browser, &dev.base).await;
}
