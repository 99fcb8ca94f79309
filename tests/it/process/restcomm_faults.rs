//! Restcomm answering badly, slowly or not at all: the caller has an answer in time, and one message comes in the end.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    PATIENCE, eventually,
    service::{Restcomm, Service, Settings, was_sent},
};
use crate::app::on_both;

/// `delivery.wait` of these tests.
const WAIT: Duration = Duration::from_secs(3);
/// `timeout` of the account: what nobody waits for.
const TIMEOUT: Duration = Duration::from_secs(9);

async fn start(database: &str, restcomm: &Restcomm) -> Service {
    let mut settings = Settings::new(database, restcomm);
    settings.wait = "3s";
    settings.timeout = "9s";
    Service::start(&settings).await
}

/// Sends, and gives status and body; the answer must come in time.
async fn timely_send(service: &Service, number: &str) -> (u16, serde_json::Value) {
    let start = Instant::now();
    let answer = service.client.send(number).await.unwrap();
    assert!(start.elapsed() < TIMEOUT, "it took {:?}", start.elapsed());
    (answer.status, answer.json())
}

/// The fault, whether the message may be at Restcomm at once, and whether the answer tells of the wait's whole length.
const FAULTS: [(&str, bool, bool); 9] = [
    ("500", false, false),
    ("401", false, false),
    ("403", false, false),
    ("garbage", true, false),
    ("slow:5s", true, true),
    ("slow:12s", true, true),
    ("hang", false, true),
    ("close", false, false),
    ("html", false, false),
];

on_both! {
    async fn whatever_restcomm_does_each_send_is_answered_in_time_and_becomes_one_message(database) {
        let place = database.create().await;
        let restcomm = Restcomm::start().await;
        let service = start(&place.url, &restcomm).await;
        let mut waiting = Vec::new();
        let numbers = (0..).map(|n| format!("+3519123400{n:02}"));
        let mut well = (0..).map(|n| format!("+351912341{n:03}"));
        for ((fault, arrives, whole_wait), number) in FAULTS.iter().zip(numbers) {
            restcomm.answer_with(fault).await;
            let start = Instant::now();
            let (status, body) = timely_send(&service, &number).await;
            assert_eq!(status, 202, "{fault}: {body}");
            assert_eq!(body["status"], "pending", "{fault}");
            assert_eq!(body["delivery"]["status"], "queued", "{fault}");
            assert_eq!(WAIT <= start.elapsed(), *whole_wait, "{fault}: {:?}", start.elapsed());
            assert_eq!(restcomm.texts(&number).await.len(), usize::from(*arrives), "{fault}");
            assert_eq!(service.client.readiness().await, Some(200), "{fault}");
            waiting.push((body["id"].as_str().unwrap().to_owned(), number, fault));
            // Were there nothing but faults, the account would be left alone.
            restcomm.answer_with("ok").await;
            for number in well.by_ref().take(10) {
                service.client.sent(&number).await;
            }
        }
        restcomm.answer_with("403-json").await;
        let (status, body) = timely_send(&service, "+351912340099").await;
        assert_eq!((status, &body["code"]), (422, &"delivery_refused".into()));

        restcomm.answer_with("ok").await;
        let (status, body) = timely_send(&service, "+351912340098").await;
        assert_eq!((status, &body["delivery"]["status"]), (201, &"sent".into()));

        for (id, number, fault) in waiting {
            eventually(&format!("the message is sent in spite of {fault}"), PATIENCE, async || {
                was_sent(&service.client.status(&id).await)
            })
            .await;
            let code = restcomm.code(&number).await;
            assert_eq!(service.client.verify(&id, &code).await.unwrap().status, 200, "{fault}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_comes_back_proves_that_its_message_was_sent() {
    let place = crate::database::Database::Sqlite.create().await;
    let restcomm = Restcomm::start().await;
    let service = start(&place.url, &restcomm).await;
    restcomm.answer_with("close-after-accept").await;
    let (status, body) = timely_send(&service, "+351912345678").await;
    assert_eq!(
        (status, &body["delivery"]["status"]),
        (202, &"queued".into())
    );
    let id = body["id"].as_str().unwrap();
    let code = restcomm.code("+351912345678").await;
    assert_eq!(service.client.verify(id, &code).await.unwrap().status, 200);
    let status = service.client.status(id).await;
    assert_eq!(
        status["delivery"],
        serde_json::json!({ "channel": "sms", "status": "sent" })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn while_restcomm_is_away_sends_are_taken_and_they_go_out_when_it_is_back() {
    let place = crate::database::Database::Sqlite.create().await;
    let mut restcomm = Restcomm::start().await;
    let service = start(&place.url, &restcomm).await;
    service.client.sent("+351912345600").await;
    restcomm.process.kill();
    let mut waiting = Vec::new();
    for n in 1..6 {
        let number = format!("+35191234560{n}");
        let (status, body) = timely_send(&service, &number).await;
        assert_eq!(status, 202, "{body}");
        waiting.push((body["id"].as_str().unwrap().to_owned(), number));
    }
    let restcomm = Restcomm::start_at(restcomm.port()).await;
    for (id, number) in waiting {
        service.client.until_sent(&id).await;
        let code = restcomm.code(&number).await;
        assert_eq!(service.client.verify(&id, &code).await.unwrap().status, 200);
    }
    service.client.sent("+351912345610").await;
}
