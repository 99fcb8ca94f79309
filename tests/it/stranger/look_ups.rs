//! Answers that leave open whether the platform has the message: it is asked, and nobody gets two.

use std::time::Duration;

use countersign::domain::delivery::Stage;
use jiff::tz::Offset;
use serde_json::json;

use super::{
    manners::{Manner, Reply},
    resource::Sms,
    server::Stranger,
    setup::delivery,
    wire::Response,
};
use crate::{
    app::{NUMBER, SID, TestApp, account, on_both},
    database::Database,
    outbox::{Outbox, impatient},
    process::service::code_of,
};

/// A service on a clock of ours, with its only account at a stranger's, who keeps that clock, too. There it is the 1st of
/// a month already: a day of one digit.
async fn begin(database: Database) -> (TestApp, Stranger) {
    let stranger = Stranger::start().await;
    let app = TestApp::with(database, |config| {
        config.accounts = vec![account("first", &stranger.base_url())];
        impatient(config);
    })
    .await;
    stranger.follow(&app.clock);
    stranger.change(|platform| platform.zone = Offset::from_seconds(14 * 3600).unwrap());
    (app, stranger)
}

/// Sends to a number, which must be answered with 202, and gives the id.
async fn send(app: &TestApp, number: &str) -> String {
    let answer = app.post("/otp/send", json!({ "to": number })).await;
    assert_eq!(
        (answer.status, &answer.json()["delivery"]),
        (202, &delivery("queued"))
    );
    answer.json()["id"].as_str().unwrap().to_owned()
}

fn silent_ones() -> Vec<(&'static str, Reply)> {
    let ok = |kind: &str, body: &str| Reply::Instead(Response::of(200, kind, body));
    vec![
        ("xml", Reply::Xml),
        (
            "a page",
            ok("text/html", "<html><body>Welcome</body></html>"),
        ),
        ("nothing", Reply::Instead(Response::empty(200))),
        ("no sid", ok("application/json", "{\"status\":\"sending\"}")),
        ("a list", ok("application/json", "[]")),
        ("half", ok("application/json", "{\"sid\":\"SM0123")),
        ("no content", Reply::Instead(Response::empty(204))),
        (
            "a gateway",
            Reply::Instead(Response::of(504, "text/html", "<html></html>")),
        ),
        ("head only", Reply::HeadOnly),
        ("reset", Reply::Reset),
        ("silence", Reply::Silence),
    ]
}

on_both! {
    async fn whatever_says_too_little_is_looked_up_and_nobody_gets_two(database) {
        for takes in [true, false] {
            for (what, reply) in silent_ones() {
                let (app, stranger) = begin(database).await;
                // Whether it was taken is another matter than what is said.
                let manner = Manner { takes, ..Manner::taking(reply.clone()) };
                stranger.change(|platform| platform.sends.then([manner]));
                let id = send(&app, NUMBER).await;
                let outbox = Outbox::of(&app).await;
                assert_eq!(outbox.settled(&id).await.stage, Stage::Unknown, "{what}");
                app.advance(11);
                assert_eq!(stranger.look(|platform| platform.lists.count), 0, "{what}: too early");
                outbox.run_out(&app, &id).await;
                let texts = stranger.texts(NUMBER);
                assert_eq!(texts.len(), 1, "{what}, taken: {takes}");
                let sends = stranger.look(|platform| platform.sends.count);
                assert_eq!(sends, if takes { 1 } else { 2 }, "{what}, taken: {takes}");
                assert_eq!(app.status(&id).await["delivery"], delivery("sent"));
                assert_eq!(app.verify(&id, &code_of(&texts[0])).await.status, 200, "{what}");
            }
        }
    }

    /// Restcomm waits 10 s for itself, then says 500: it may have sent the message, or not.
    async fn a_late_500_is_no_denial(database) {
        for takes in [true, false] {
            let stranger = Stranger::start().await;
            let app = TestApp::with(database, |config| {
                config.accounts = vec![account("first", &stranger.base_url())];
                config.delivery.wait = Duration::from_millis(100);
            })
            .await;
            stranger.follow(&app.clock);
            let late = Response::of(500, "text/plain", "Ask timed out after [10000 ms]");
            let manner = Manner { takes, ..Manner::taking(Reply::Instead(late)) };
            stranger.change(|platform| platform.sends.then([manner.late(Duration::from_secs(10))]));
            let asked = tokio::spawn({
                let request = app.request(reqwest::Method::POST, "/otp/send");
                let request = request.header("Content-Type", "application/json");
                request.body(json!({ "to": NUMBER }).to_string()).send()
            });
            app.eventually("it is asked", async |_| stranger.look(|platform| platform.sends.count) == 1).await;
            app.advance(10);
            let answer = asked.await.unwrap().unwrap();
            assert_eq!(answer.status(), 202);
            let answer: serde_json::Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
            let id = answer["id"].as_str().unwrap().to_owned();
            let outbox = Outbox::of(&app).await;
            assert_eq!(outbox.settled(&id).await.stage, Stage::Unknown);
            outbox.run_out(&app, &id).await;
            assert_eq!(stranger.texts(NUMBER).len(), 1, "taken: {takes}");
            assert_eq!(app.status(&id).await["delivery"], delivery("sent"));
        }
    }

    /// Only a list denies. What the platform says instead of one is no answer.
    async fn what_is_no_list_denies_nothing(database) {
        let (app, stranger) = begin(database).await;
        let elsewhere = "http://127.0.0.1:1/restcomm/2012-04-24/Accounts";
        stranger.change(|platform| {
            platform.sends.then([Manner::taking(Reply::Reset)]);
            platform.lists.then([
                Manner::taking(Reply::Xml),
                Manner::refusing(500, "text/plain", "Index: 49, Size: 3"),
                Manner::not_taking(Reply::Instead(Response::empty(400))),
                Manner::not_taking(Reply::Instead(Response::empty(404))),
                Manner::not_taking(Reply::Instead(Response::empty(403))),
                Manner::not_taking(Reply::Instead(Response::empty(302).with("Location", elsewhere))),
                Manner::taking(Reply::HeadOnly),
                Manner::refusing(200, "application/json", "{\"messages\":null}"),
                Manner::refusing(200, "application/json", ""),
            ]);
        });
        let id = send(&app, NUMBER).await;
        let outbox = Outbox::of(&app).await;
        outbox.run_out(&app, &id).await;
        let (sends, lists) = stranger.look(|platform| (platform.sends.count, platform.lists.count));
        assert_eq!((sends, lists), (1, 10));
        assert_eq!(app.status(&id).await["delivery"], delivery("sent"));
    }

    /// Chance repeats itself in these tests, so the code of a first service is that of a second.
    async fn an_older_message_with_the_same_code_is_not_taken_for_this_one(database) {
        let (app, stranger) = begin(database).await;
        let answer = app.post("/otp/send", json!({ "to": NUMBER })).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let known: Sms = stranger.look(|platform| platform.messages[0].clone());

        let (app, stranger) = begin(database).await;
        let ages = [("OTPApp", 11), ("Elsewhere", 60)];
        stranger.change(|platform| {
            for (from, minutes) in ages {
                let created_at = app.clock.now().minus(Duration::from_mins(minutes));
                let sid = format!("SM{minutes:032}");
                let from = from.to_owned();
                let account_sid = SID.to_owned();
                platform.messages.push(Sms { sid, account_sid, created_at, from, ..known.clone() });
            }
            platform.sends.then([Manner::not_taking(Reply::Reset)]);
        });
        let id = send(&app, NUMBER).await;
        Outbox::of(&app).await.run_out(&app, &id).await;
        let messages = stranger.look(|platform| platform.messages.clone());
        assert_eq!(messages.len(), ages.len() + 1, "the older ones denied nothing");
        assert_eq!(code_of(&messages[ages.len()].body), code_of(&known.body));
    }

    /// The number has had so many messages of others that this one is not on the first page of all of them.
    async fn a_message_is_found_among_those_of_others(database) {
        let (app, stranger) = begin(database).await;
        stranger.change(|platform| platform.sends.then([Manner::taking(Reply::Reset)]));
        let id = send(&app, NUMBER).await;
        stranger.change(|platform| {
            let own = platform.messages[0].clone();
            for turn in 0..120 {
                let (sid, body) = (format!("SM{turn:032}"), "Your parcel is here".to_owned());
                let from = "Parcels".to_owned();
                platform.messages.push(Sms { sid, from, body, ..own.clone() });
            }
        });
        Outbox::of(&app).await.run_out(&app, &id).await;
        assert_eq!(stranger.look(|platform| platform.sends.count), 1);
        assert_eq!(app.status(&id).await["delivery"], delivery("sent"));
    }

    /// A machine whose clock nobody sets knows all the same how long ago it took a message.
    async fn a_clock_that_is_behind_denies_nothing(database) {
        let (app, stranger) = begin(database).await;
        stranger.change(|platform| {
            platform.behind = Duration::from_mins(25);
            platform.sends.then([Manner::taking(Reply::Reset)]);
        });
        let id = send(&app, NUMBER).await;
        Outbox::of(&app).await.run_out(&app, &id).await;
        assert_eq!(stranger.look(|platform| platform.sends.count), 1);
        assert_eq!(app.status(&id).await["delivery"], delivery("sent"));
    }
}
