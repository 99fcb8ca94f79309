//! When something is down, refused or lost: plain words, nothing lost, and no dead end.

use countersign::simulator::{Answer as Restcomm, SmsFate};
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, SqliteConnection};

use super::{
    chromium::{Browser, visit},
    stage::Stage,
};
use crate::app::NUMBER;

const UNREACHABLE: &str =
    "The service cannot be reached. Check the connection and try again in a moment.";

/// Whether the browser has a connection.
pub(super) async fn connected(browser: &Browser, connected: bool) {
    browser.devtools("Network.enable", json!({})).await;
    let conditions = json!({ "offline": !connected, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
    browser
        .devtools("Network.emulateNetworkConditions", conditions)
        .await;
}

/// The id of the verification that is pending for [`NUMBER`], which a send that comes too early is told.
async fn pending(stage: &Stage) -> Value {
    let answer = stage.post("/otp/send", json!({ "to": NUMBER })).await;
    answer.problem(429, "resend_too_soon")["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_down_is_said_to_be_and_works_when_it_is_back() {
    let mut stage = Stage::start().await;
    let page = stage.base.clone();
    visit(&page, async |browser| {
        stage.stop().await;
        browser.fill("number", NUMBER).await;
        browser.press("number-button").await;
        browser.says("trouble", UNREACHABLE).await;
        stage.start_again().await;
        browser.send_to(NUMBER).await;
        assert_eq!(browser.text("trouble").await, "");
        browser.messages(1).await;
        stage.stop().await;
        browser.check(&stage.code_at(NUMBER)).await;
        browser.says("trouble", UNREACHABLE).await;
        stage.start_again().await;
        browser.press("code-button").await;
        browser.reaches("ok").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_gone_is_no_fault_of_what_was_typed() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        let mut database = SqliteConnection::connect(&stage.place.url).await.unwrap();
        database.execute("begin exclusive").await.unwrap();
        browser.fill("number", NUMBER).await;
        browser.press("number-button").await;
        let said = "The service cannot do this right now. Nothing was lost: try again in a moment.";
        browser.says("trouble", said).await;
        database.execute("rollback").await.unwrap();
        browser.send_to(NUMBER).await;
        browser.check(&stage.code_at(NUMBER)).await;
        browser.reaches("ok").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_code_whose_answer_was_lost_is_ok_when_it_is_checked_again() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        browser.send_to(NUMBER).await;
        let (id, code) = (pending(&stage).await, stage.code_at(NUMBER));
        connected(browser, false).await;
        browser.check(&code).await;
        browser.says("trouble", UNREACHABLE).await;
        // What the browser did not hear of.
        let approved = stage
            .post("/otp/verify", json!({ "id": id, "code": code }))
            .await;
        assert_eq!(approved.status, 200);
        connected(browser, true).await;
        browser.press("code-button").await;
        browser.reaches("ok").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_somebody_else_has_used_or_called_off_ends_not_ok() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        browser.send_to(NUMBER).await;
        let (id, code) = (pending(&stage).await, stage.code_at(NUMBER));
        let approved = stage
            .post("/otp/verify", json!({ "id": id, "code": code }))
            .await;
        assert_eq!(approved.status, 200);
        browser.check(&code).await;
        browser
            .says("not-ok-title", "This code was used before")
            .await;

        browser.press("not-ok-again").await;
        browser.reaches("code").await;
        let id = pending(&stage).await;
        let cancel = format!("/otp/{}/cancel", id.as_str().unwrap());
        assert_eq!(stage.post(&cancel, json!({})).await.status, 200);
        browser.check(&stage.code_at(NUMBER)).await;
        browser
            .says("not-ok-title", "This code no longer counts")
            .await;
        browser.press("not-ok-other").await;
        browser.reaches("number").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_still_on_its_way_is_said_to_be() {
    let stage = Stage::start().await;
    stage.simulator.answer_sends(Restcomm::ServerError, Some(1));
    visit(&stage.base, async |browser| {
        browser.send_to(NUMBER).await;
        browser
            .says("status", "The message is still on its way out.")
            .await;
        // It is tried again when the service's clock goes on; that happens on other threads, which get time for it.
        for turn in 0..1000 {
            if stage.messages_at(NUMBER) == 1 {
                break;
            }
            if turn % 10 == 0 {
                stage.advance(1);
            }
            browser.title().await;
        }
        browser.messages(1).await;
        browser.check(&stage.code_at(NUMBER)).await;
        browser.reaches("ok").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_no_message_reaches_is_said_to_be_one() {
    let stage = Stage::start().await;
    stage.let_sms_be(NUMBER, SmsFate::Refuse);
    visit(&stage.base, async |browser| {
        browser.fill("number", NUMBER).await;
        browser.press("number-button").await;
        let said = "The message could not be delivered to this number. Check it, or use another.";
        browser.says("number-error", said).await;
        assert_eq!(browser.focused().await, "number");
        browser.send_to("+351912345679").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_turns_to_another_number_is_not_called_back_by_a_late_answer() {
    let stage = Stage::start().await;
    visit(&stage.base, async |browser| {
        browser.send_to(NUMBER).await;
        browser
            .until("!document.getElementById('resend').disabled")
            .await;
        stage.advance(2);
        stage.simulator.answer_sends(Restcomm::Hang, Some(1));
        browser.press("resend").await;
        browser
            .until("document.getElementById('task').ariaBusy === 'true'")
            .await;
        // Two clicks on what is under way are none.
        browser.press("resend").await;
        browser.press("other-number").await;
        browser.reaches("number").await;
        // It is answered when the service has waited long enough for Restcomm.
        while stage.simulator.requests().posts < 2 {
            browser.title().await;
        }
        stage.advance(3);
        browser
            .until("2 === performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('/otp/send')).length")
            .await;
        browser.send_to("+351912345679").await;
        assert_eq!(browser.text("code-to").await, "+351 ••••••• 79");
        assert_eq!(browser.text("status").await, "");
    })
    .await;
}
