//! What Restcomm reports of messages that it took: by itself, or asked.

mod asked;
mod refused;

use std::time::Duration;

use countersign::{
    domain::{clock::Timestamp, delivery::Stage},
    simulator::{Answer as Fault, Message, Reports, Script, SmsFate},
};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    app::{Answer, NOON, NUMBER, SID, TestApp, on_both},
    database::Database,
    outbox::{Outbox, delivery, impatient, long_after, send_queued, sent},
};

pub(crate) fn delivered() -> Value {
    json!({ "channel": "sms", "status": "delivered" })
}

fn undelivered(reason: &str) -> Value {
    json!({ "channel": "sms", "status": "undelivered", "reason": reason })
}

/// A service whose Restcomm learns of messages, and tells as much as `reports`.
async fn reporting(database: Database, reports: Reports) -> TestApp {
    let app = TestApp::with(database, impatient).await;
    app.simulator.report(reports);
    app
}

/// The last message that Restcomm took, and where it reports on it: without the host.
fn last_message(app: &TestApp) -> (Message, String) {
    let message = app.simulator.messages().pop().unwrap();
    let callback = message.callback.clone().unwrap();
    let path = callback.find("/callbacks/").unwrap();
    (message, callback[path..].to_owned())
}

/// The form of a callback, as Restcomm writes it.
fn form(sid: &str, status: &str) -> String {
    format!(
        "From=OTPApp&To=%2B351912345678&Body=x&AccountSid={SID}&MessageSid={sid}&MessageStatus={status}&Body=x"
    )
}

/// Posts what Restcomm would.
async fn call_back(app: &TestApp, path: &str, form: String) -> Answer {
    let request = app.http.post(format!("{}{path}", app.base));
    let kind = "application/x-www-form-urlencoded; charset=UTF-8";
    Answer::of(request.header("Content-Type", kind).body(form)).await
}

async fn settled(app: &TestApp, id: &str) {
    let outbox = Outbox::of(app).await;
    outbox
        .wait_for(id, "the answer is noted", |row| row.stage == Stage::Done)
        .await;
}

fn later(millis: u64) -> Timestamp {
    NOON.plus(Duration::from_millis(millis))
}

on_both! {
    async fn a_message_that_arrives_is_shown_as_delivered(database) {
        let app = reporting(database, Reports::Told).await;
        let id = app.send().await;
        settled(&app, &id).await;
        assert_eq!(delivery(&app, &id).await, sent());
        app.advance(1);
        app.eventually("the callback is noted", async |app| delivery(app, &id).await == delivered()).await;
        let status = app.status(&id).await;
        assert_eq!(status["status"], "pending", "delivered is not approved");
        assert_eq!(
            status["deliveries"],
            json!([{
                "channel": "sms", "status": "delivered", "cause": "send", "created_at": NOON.rfc3339(),
                "sent_at": NOON.rfc3339(), "delivered_at": later(1000).rfc3339(),
            }])
        );
        let last = status["timeline"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last, json!({ "at": later(1000).rfc3339(), "event": "sms.delivered" }));
        app.advance(60);
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
        assert_eq!(app.simulator.requests().polls, 0, "there was nothing to ask");
    }

    async fn a_message_that_does_not_arrive_is_shown_with_the_reason_in_words(database) {
        let app = reporting(database, Reports::Told).await;
        app.simulator.script(NUMBER, Script { sms: SmsFate::Undeliver, ..Script::default() });
        let id = app.send().await;
        settled(&app, &id).await;
        app.advance(1);
        let expected = undelivered("landline_or_unreachable_carrier");
        app.eventually("the callback is noted", async |app| delivery(app, &id).await == expected).await;
        let status = app.status(&id).await;
        assert_eq!(status["status"], "pending", "a resend may still come");
        assert_eq!(
            status["deliveries"],
            json!([{
                "channel": "sms", "status": "undelivered", "reason": "landline_or_unreachable_carrier",
                "cause": "send", "created_at": NOON.rfc3339(), "sent_at": NOON.rfc3339(),
            }])
        );
        let last = status["timeline"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last, json!({ "at": later(1000).rfc3339(), "event": "sms.undelivered" }));
        app.simulator.script(NUMBER, Script::default());
        app.advance(30);
        assert_eq!(app.post("/otp/send", json!({ "to": NUMBER })).await.status, 200);
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
    }

    /// Restcomm's traps: parameters moved into the query, other names, other types, a body that is none.
    async fn whatever_form_it_comes_in_a_report_is_read(database) {
        let app = reporting(database, Reports::Lost).await;
        for (turn, shape) in ["get", "query", "names", "json type", "few", "bytes"].into_iter().enumerate() {
            let number = format!("+35191234560{turn}");
            let id = app.send_to(&number).await;
            settled(&app, &id).await;
            let (message, path) = last_message(&app);
            let text = form(&message.sid, "delivered");
            let url = format!("{}{path}", app.base);
            let request = match shape {
                "get" => app.http.get(format!("{url}?{text}")),
                "query" => app.http.post(format!("{url}?token=x&{text}")).body("Body=x&Body=x"),
                "names" => app.http.post(url).body(format!("SmsStatus=delivered&SmsSid={}", message.sid)),
                "json type" => app.http.post(url).header("Content-Type", "application/json").body(text),
                "few" => app.http.post(url).body("MessageStatus=DELIVERED"),
                _ => app.http.post(url).body([b"Body=\xff\xfe%zz&".as_slice(), text.as_bytes()].concat()),
            };
            let answer = Answer::of(request).await;
            assert_eq!((answer.status, answer.text.as_str(), shape), (204, "", shape));
            assert_eq!((delivery(&app, &id).await, shape), (delivered(), shape));
        }
    }

    /// The first end counts; what comes before it in time and after it in order does not undo it.
    async fn reports_that_race_on_two_replicas_agree_on_one_end(database) {
        let app = reporting(database, Reports::Lost).await;
        let id = app.send().await;
        settled(&app, &id).await;
        let (message, path) = last_message(&app);
        let replica = app.replica().await;
        let words = ["sent", "delivered", "undelivered&ErrorCode=30006", "failed&ErrorCode=QUEUE_OVERFLOW"];
        let answers = join_all((0..64).map(|turn| {
            let at = if turn % 2 == 0 { &app } else { &replica };
            call_back(at, &path, form(&message.sid, words[turn / 2 % 4]))
        })).await;
        assert!(answers.iter().all(|answer| answer.status == 204));
        let end = app.status(&id).await;
        let steps: Vec<&str> = end["timeline"].as_array().unwrap().iter().map(|step| step["event"].as_str().unwrap()).collect();
        let word = format!("sms.{}", end["delivery"]["status"].as_str().unwrap());
        assert_eq!(steps, ["created", "sms.queued", "sms.sent", &word]);
        assert_ne!(word, "sms.sent");
        for word in words {
            assert_eq!(call_back(&replica, &path, form(&message.sid, word)).await.status, 204);
        }
        assert_eq!(app.status(&id).await, end);
    }

    /// Restcomm may report before we could read its answer: then its report is the answer.
    async fn a_report_that_comes_before_the_answer_to_the_send_proves_that_it_was_sent(database) {
        let app = reporting(database, Reports::Lost).await;
        app.simulator.answer_sends(Fault::CloseAfterAccept, Some(1));
        let id = send_queued(&app).await;
        let outbox = Outbox::of(&app).await;
        outbox.wait_for(&id, "nobody knows", |row| row.stage == Stage::Unknown).await;
        let (message, path) = last_message(&app);
        assert_eq!(call_back(&app, &path, form(&message.sid, "sent")).await.status, 204);
        let row = outbox.last(&id).await;
        assert_eq!(delivery(&app, &id).await, sent());
        assert_eq!((row.stage, row.due_at, row.sid.as_deref()), (Stage::Done, None, Some(&*message.sid)));
        assert!(outbox.snapshot(&id).await.verification.sent);
        app.advance(14);
        assert_eq!(app.verify(&id, &app.code()).await.status, 200);
        let requests = app.simulator.requests();
        assert_eq!((requests.posts, requests.gets), (1, 0), "nothing is looked up or sent again");
    }

    async fn a_report_after_the_end_changes_nothing(database) {
        for end in ["canceled", "approved"] {
            let app = reporting(database, Reports::Lost).await;
            let id = app.send().await;
            settled(&app, &id).await;
            let (message, path) = last_message(&app);
            let ended = if end == "canceled" {
                app.post(&format!("/otp/{id}/cancel"), json!({})).await
            } else {
                app.verify(&id, &app.code()).await
            };
            assert_eq!(ended.status, 200);
            let before = app.status(&id).await;
            for told in ["delivered", "failed"] {
                assert_eq!(call_back(&app, &path, form(&message.sid, told)).await.status, 204);
            }
            assert_eq!(app.status(&id).await, before, "{end}");
        }
    }
}

/// A route for Restcomm is no way to call the API, and takes no other method.
#[tokio::test(flavor = "multi_thread")]
async fn the_route_takes_post_and_get_and_no_other_method() {
    let app = reporting(Database::Sqlite, Reports::Lost).await;
    app.send().await;
    let (_, path) = last_message(&app);
    for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        let answer = Answer::of(app.request(method, &path)).await;
        answer.problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), Some("GET, POST"));
    }
}
