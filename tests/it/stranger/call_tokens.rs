//! The addresses of a call: each opens its own route, and nothing is told to who guesses.

use std::time::Duration;

use super::{
    calling::Callee,
    form,
    phoning::{call_to, calling, send, shows},
    server::Stranger,
    tokens::manipulated,
};
use crate::{
    answer::Answer,
    app::{NUMBER, on_both},
    outage::Outage,
    process::{PATIENCE, eventually, service::http},
};

on_both! {
    /// While the database is away, whoever needs it is told so: who is told anything else did not need it.
    async fn what_opens_no_call_costs_no_query_and_hangs_up(database) {
        let place = database.create().await;
        let stranger = Stranger::start().await;
        stranger.change(|platform| {
            platform.callees.insert(NUMBER.to_owned(), Callee::Ignores);
            platform.second = Duration::from_secs(5);
        });
        let service = calling(&place.url, &stranger).serve().await;
        let id = send(&service, NUMBER, "voice").await;
        shows(&service, &id, "ringing").await;
        let call = call_to(&stranger, NUMBER);
        let told = call.callback.clone().unwrap();
        let token = |address: &str| address.split('/').rev().nth(1).unwrap().to_owned();
        let (said, told) = (token(&call.url), token(&told));
        assert_ne!(said, told);
        assert!(!call.url.contains('?'), "a query would be moved");
        let (news, asks) = stranger.look(|platform| {
            let news = form::write(&call.parameters("answered", 2, platform));
            (news, form::write(&call.request(platform)))
        });
        let before = service.client.status(&id).await;
        let http = http();
        let post = async |token: &str, route: &str, body: &str| {
            let url = format!("{}/callbacks/restcomm/{token}/{route}", service.client.base);
            Answer::of(http.post(url).body(body.to_owned())).await
        };
        let outage = Outage::begin(&place).await;
        let guesses = manipulated(&told).chain([said.clone(), id.clone(), "x".to_owned()]);
        for token in guesses {
            post(&token, "call", &news).await.problem(404, "not_found");
        }
        for token in manipulated(&said).chain([told.clone(), id.clone(), "x".to_owned()]) {
            let answer = post(&token, "rcml", &asks).await;
            assert_eq!((answer.status, answer.text.as_str()), (200, "<Response><Hangup/></Response>"));
        }
        for token in [&said, &told] {
            post(token, "sms", &news).await.problem(404, "not_found");
        }
        outage.end().await;
        let is_ready = async || service.client.readiness().await == Some(200);
        eventually("the database is back", PATIENCE, is_ready).await;
        assert_eq!(service.client.status(&id).await, before);
        // News of another call, or of one that is none, change nothing; nor does a body that is too long.
        let other = news.replace(&call.sid, "ID00000000000000000000000000000000-CA00000000000000000000000000000000");
        for body in [other.as_str(), "", "CallStatus=answered%00", "{}"] {
            assert_eq!(post(&told, "call", body).await.status, 204, "{body}");
        }
        let long = format!("Body={}&{news}", "x".repeat(65 * 1024));
        assert_eq!(post(&told, "call", &long).await.status, 413);
        assert_eq!(service.client.status(&id).await, before);
        assert_eq!(post(&told, "call", &news).await.status, 204);
        let after = service.client.status(&id).await;
        assert_eq!((&after["delivery"]["status"], &after["status"]), (&"answered".into(), &"pending".into()));
    }
}
