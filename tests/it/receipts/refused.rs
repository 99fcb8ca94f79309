//! Callbacks that are not Restcomm's, or not of this message: nothing changes, nothing is told, and it costs little.

use countersign::{
    crypto::{KeyRing, ROOT_KEY_LENGTH, RootKey},
    restcomm::{CallbackRoute, CallbackToken},
};
use zeroize::Zeroizing;

use super::*;
use crate::{log, outage::Outage};

fn ring(byte: u8) -> KeyRing {
    let secret = Zeroizing::new([byte; ROOT_KEY_LENGTH]);
    KeyRing::new(&[RootKey {
        id: "k1".to_owned(),
        secret,
    }])
}

async fn metric(app: &TestApp, line: &str) -> bool {
    let text = Answer::of(app.http.get(format!("{}/metrics", app.admin)))
        .await
        .text;
    text.lines().any(|found| found == line)
}

on_both! {
    /// A database that is away shows that it is not asked: who has a token that opens gets 503, who has none 404.
    async fn a_wrong_token_is_refused_without_asking_the_database(database) {
        let app = reporting(database, Reports::Lost).await;
        let id = app.send().await;
        settled(&app, &id).await;
        let before = app.status(&id).await;
        let (message, path) = last_message(&app);
        let real = path.strip_prefix("/callbacks/restcomm/").unwrap().strip_suffix("/sms").unwrap();
        let known = Outbox::of(&app).await.last(&id).await.id;
        let token = |byte, route| CallbackToken::issue(known, route, &ring(byte)).expose().to_owned();
        assert_eq!(token(1, CallbackRoute::Sms), real, "the key is the test's");
        let outage = Outage::begin(&app.place).await;
        for token in [
            token(2, CallbackRoute::Sms),
            token(1, CallbackRoute::Call),
            token(1, CallbackRoute::Rcml),
            real[1..].to_owned(),
            format!("{real}A"),
            real.to_lowercase(),
            id.clone(),
            "x".to_owned(),
            "%ff".to_owned(),
        ] {
            let path = format!("/callbacks/restcomm/{token}/sms");
            let answer = call_back(&app, &path, form(&message.sid, "delivered")).await;
            answer.problem(404, "not_found");
            assert!(!answer.text.contains(&token), "{token}");
        }
        let path = format!("/callbacks/restcomm/{real}/call");
        call_back(&app, &path, form(&message.sid, "delivered")).await.problem(404, "not_found");
        let path = format!("/callbacks/restcomm/{real}/rcml");
        let answer = call_back(&app, &path, form(&message.sid, "delivered")).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, "<Response><Hangup/></Response>"));
        outage.end().await;
        app.eventually("the database is back", async |app| app.get("/readyz").await.status == 200).await;
        assert_eq!(app.status(&id).await, before);
        let counted = r#"countersign_callbacks_total{route="sms",outcome="unknown_token"} 9"#;
        let counted_otherwise = r#"countersign_callbacks_total{outcome="unknown_token",route="sms"} 9"#;
        assert!(metric(&app, counted).await || metric(&app, counted_otherwise).await);
    }

    async fn a_known_token_is_answered_alike_whatever_is_said_and_wrong_news_change_nothing(database) {
        let app = reporting(database, Reports::Lost).await;
        let id = app.send().await;
        settled(&app, &id).await;
        let before = app.status(&id).await;
        let (message, path) = last_message(&app);
        for text in [
            String::new(),
            "{}".to_owned(),
            form("SM00000000000000000000000000000000", "delivered"),
            form(&message.sid, "delivered").replace(SID, "AC99999999999999999999999999999999"),
            form(&message.sid, "approved"),
            form(&message.sid, ""),
            "x".repeat(64 * 1024),
        ] {
            let answer = call_back(&app, &path, text).await;
            assert_eq!((answer.status, answer.text.as_str()), (204, ""));
        }
        assert_eq!(app.status(&id).await, before);
        let big = format!("Body={}", "x".repeat(70 * 1024));
        call_back(&app, &path, big).await.problem(413, "body_too_large");
        assert_eq!(app.status(&id).await, before);
    }

    /// Whatever becomes of a callback, the log names its route, and nothing of its token.
    async fn a_token_stands_in_no_log_no_answer_and_no_database(database) {
        log::capture();
        let app = reporting(database, Reports::Told).await;
        let id = app.send().await;
        settled(&app, &id).await;
        let (message, path) = last_message(&app);
        let token = path.split('/').nth(3).unwrap().to_owned();
        app.advance(1);
        app.eventually("the callback is noted", async |app| delivery(app, &id).await == delivered()).await;
        let mut answers = Vec::new();
        for path in [path.clone(), format!("{path}?{token}"), format!("{path}/x"), format!("/{token}"), format!("{path}x")] {
            answers.push(call_back(&app, &path, form(&message.sid, "sent")).await);
        }
        answers.push(call_back(&app, &path, "x".repeat(70 * 1024)).await);
        answers.push(Answer::of(app.http.put(format!("{}{path}", app.base))).await);
        for answer in answers {
            assert!(!format!("{:?}{}", answer.headers, answer.text).contains(&token));
        }
        let dump = app.place.dump().await;
        assert!(!dump.windows(token.len()).any(|window| window == token.as_bytes()));
        for lines in [log::text(), log::json()] {
            assert!(lines.contains("/callbacks/restcomm/{token}/sms"), "the log was not captured");
            assert!(!lines.contains(&token));
        }
    }

    /// One token is good for one delivery, also among those of one verification.
    async fn the_token_of_an_earlier_message_speaks_of_that_one_only(database) {
        let app = reporting(database, Reports::None).await;
        let id = app.send().await;
        settled(&app, &id).await;
        let (first, path) = last_message(&app);
        app.advance(30);
        assert_eq!(app.post("/otp/send", json!({ "to": NUMBER })).await.status, 200);
        settled(&app, &id).await;
        let (second, _) = last_message(&app);
        assert_ne!(first.sid, second.sid);
        call_back(&app, &path, form(&second.sid, "delivered")).await;
        assert_eq!(delivery(&app, &id).await, sent());
        call_back(&app, &path, form(&first.sid, "undelivered&ErrorCode=30003")).await;
        let status = app.status(&id).await;
        assert_eq!(status["delivery"], sent());
        assert_eq!(status["deliveries"][0]["reason"], "handset_unreachable");
    }
}
