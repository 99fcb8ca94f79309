//! Callbacks of strangers to the stranger: wrong, foreign, late, huge. Nothing changes, nothing is told, little is spent.

use reqwest::Client;
use serde_json::json;
use tokio::time::Instant;

use super::{callbacks::parameters, form, resource::Sms, server::Stranger, setup::Setup};
use crate::{
    answer::Answer,
    app::on_both,
    outage::Outage,
    process::{
        PATIENCE, SLACK, eventually,
        service::{Service, code_of, http},
    },
};

/// A service with two messages, and what a forger would post about the first.
struct Scene {
    stranger: Stranger,
    service: Service,
    http: Client,
    ids: [String; 2],
    messages: [Sms; 2],
}

impl Scene {
    async fn begin(database: &str) -> Self {
        let stranger = Stranger::start().await;
        let service = Setup::new(database, &[&stranger]).serve().await;
        let ids = [
            service.client.sent("+351912345601").await,
            service.client.sent("+351912345602").await,
        ];
        for id in &ids {
            service.client.until_sent(id).await;
        }
        let messages = stranger.look(|platform| platform.messages.clone());
        Self {
            stranger,
            service,
            http: http(),
            ids,
            messages: messages.try_into().ok().unwrap(),
        }
    }

    fn token(&self, of: usize) -> String {
        let callback = self.messages[of].callback.as_deref().unwrap();
        let token = callback.split('/').rev().nth(1).unwrap();
        token.to_owned()
    }

    fn news(&self, of: usize, status: &'static str) -> String {
        let mut news = self.messages[of].clone();
        news.status = status;
        form::write(&parameters(&news))
    }

    async fn post(&self, path: &str, body: String) -> Answer {
        let url = format!("{}{path}", self.service.client.base);
        let kind = "application/x-www-form-urlencoded; charset=UTF-8";
        Answer::of(self.http.post(url).header("Content-Type", kind).body(body)).await
    }

    async fn forge(&self, token: &str, body: String) -> Answer {
        self.post(&format!("/callbacks/restcomm/{token}/sms"), body)
            .await
    }

    async fn all(&self) -> [serde_json::Value; 2] {
        let client = &self.service.client;
        [
            client.status(&self.ids[0]).await,
            client.status(&self.ids[1]).await,
        ]
    }
}

/// The token with one sign changed, for each of its signs.
pub(super) fn manipulated(token: &str) -> impl Iterator<Item = String> {
    (0..token.len()).map(|at| {
        let mut bytes = token.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
        String::from_utf8(bytes).unwrap()
    })
}

on_both! {
    /// While the database is away, whoever needs it is told 503: who is told 404 did not need it.
    async fn a_token_that_is_not_right_costs_no_query_and_changes_nothing(database) {
        let place = database.create().await;
        let scene = Scene::begin(&place.url).await;
        let before = scene.all().await;
        let (right, other) = (scene.token(0), scene.token(1));
        assert!(22 <= right.len() && right != other, "at least 128 bits");
        let outage = Outage::begin(&place).await;
        let start = Instant::now();
        let mut wrong: Vec<String> = manipulated(&right).collect();
        wrong.extend([
            format!("{}{}", &right[..right.len() / 2], &other[right.len() / 2..]),
            right[1..].to_owned(), format!("{right}x"), format!("{right}%20"), right.to_uppercase(),
            scene.ids[0].clone(), "x".repeat(4096), "%00".to_owned(), "..".to_owned(),
        ]);
        let tried = wrong.len();
        for token in wrong {
            let answer = scene.forge(&token, scene.news(0, "delivered")).await;
            assert_eq!(answer.status, 404, "{}", answer.text);
            assert!(!answer.text.contains(&right[..20]), "nothing is told");
        }
        // The right token opens no other route.
        for route in ["call", "rcml", "sms/x", "SMS"] {
            let path = format!("/callbacks/restcomm/{right}/{route}");
            let answer = scene.post(&path, scene.news(0, "delivered")).await;
            assert!(answer.status == 404 || answer.text.contains("<Hangup/>"), "{route}: {}", answer.text);
        }
        assert!(start.elapsed() < SLACK, "{tried} took {:?}", start.elapsed());
        outage.end().await;
        let is_ready = async || scene.service.client.readiness().await == Some(200);
        eventually("the database is back", PATIENCE, is_ready).await;
        assert_eq!(scene.all().await, before);
    }

    async fn a_body_that_is_too_long_or_is_none_changes_nothing(database) {
        let place = database.create().await;
        let scene = Scene::begin(&place.url).await;
        let before = scene.all().await;
        let right = scene.token(0);
        let long = |length: usize| format!("Body={}&{}", "x".repeat(length), scene.news(0, "delivered"));
        for (token, status) in [(right.clone(), 413), ("x".repeat(right.len()), 404)] {
            for length in [65 * 1024, 4 * 1024 * 1024] {
                let url = format!("{}/callbacks/restcomm/{token}/sms", scene.service.client.base);
                // It may hang up on us before it has read what it does not want.
                let answer = scene.http.post(url).body(long(length)).send().await;
                assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status() == status), "{length}");
            }
        }
        for body in ["", "=&&=", "MessageStatus", "MessageStatus=&MessageSid=", "{\"MessageStatus\":\"delivered\"}", "%"] {
            let answer = scene.forge(&right, body.to_owned()).await;
            assert_eq!((answer.status, answer.text.as_str()), (204, ""), "{body}");
        }
        assert_eq!(scene.all().await, before);
        // One of usual length is read.
        assert_eq!(scene.forge(&right, long(60 * 1024)).await.status, 204);
        assert_eq!(scene.all().await[0]["delivery"]["status"], "delivered");
    }

    /// Neither `delivered` nor anything else approves; and after the end nothing revives.
    async fn no_report_approves_extends_or_revives(database) {
        let place = database.create().await;
        let scene = Scene::begin(&place.url).await;
        let before = scene.all().await;
        let client = &scene.service.client;
        for status in ["approved", "received", "delivered", "failed", "sent"] {
            let answer = scene.forge(&scene.token(0), scene.news(0, status)).await;
            assert_eq!((answer.status, answer.text.as_str()), (204, ""), "{status}");
        }
        let after = scene.all().await;
        for member in ["status", "expires_at", "attempts_left", "resend_after"] {
            assert_eq!(after[0][member], before[0][member], "{member}");
        }
        assert_eq!(after[0]["delivery"]["status"], "delivered", "the first end counts");
        assert_eq!(after[1], before[1]);
        // One is approved, the other canceled; then everything is reported once more.
        let code = code_of(&scene.messages[0].body);
        assert_eq!(client.verify(&scene.ids[0], &code).await.unwrap().status, 200);
        let cancel = format!("/otp/{}/cancel", scene.ids[1]);
        assert_eq!(client.post(&cancel, &json!({})).await.unwrap().status, 200);
        let ended = scene.all().await;
        for of in [0, 1] {
            for status in ["sent", "failed", "delivered", "undelivered"] {
                let answer = scene.forge(&scene.token(of), scene.news(of, status)).await;
                assert_eq!((answer.status, answer.text.as_str()), (204, ""), "{status}");
            }
        }
        let late = scene.all().await;
        assert_eq!(late[0], ended[0]);
        for member in ["status", "ended_at", "expires_at", "attempts_left", "approved_at"] {
            assert_eq!(late[1][member], ended[1][member], "{member}");
        }
        assert_eq!(scene.stranger.look(|platform| platform.messages.len()), 2, "nothing is sent for it");
    }
}
