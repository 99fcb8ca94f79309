//! Codes that are spoken on a call.

use std::time::Duration;

use serde_json::json;

use super::{
    callbacks::Way,
    calling::Callee,
    form,
    manners::Manner,
    phoning::{call_to, calling, send, shows, spoken_code},
    server::Stranger,
};
use crate::{
    answer::Answer,
    app::{NUMBER, on_both},
    database::Database,
    process::{PATIENCE, eventually, service::http},
};

on_both! {
    async fn a_code_spoken_on_a_call_verifies(database) {
        let place = database.create().await;
        let stranger = Stranger::start().await;
        let service = calling(&place.url, &stranger).serve().await;
        stranger.change(|platform| {
            platform.callees.insert(NUMBER.to_owned(), Callee::Answers(vec!['1', '1', '1', '1']));
        });
        let id = send(&service, NUMBER, "voice").await;
        eventually("the call is over", PATIENCE, async || {
            call_to(&stranger, NUMBER).status == "completed"
        })
        .await;
        let call = call_to(&stranger, NUMBER);
        assert_eq!((call.from.as_str(), call.fetched), ("+13055550100", 3), "three times at most");
        shows(&service, &id, "answered").await;
        let told = stranger.look(|platform| platform.called_back.clone());
        assert!(told.iter().flatten().all(|(status, _)| *status == 204), "{told:?}");
        let code = spoken_code(&call);
        let answer = service.client.verify(&id, &code).await.unwrap();
        assert_eq!((answer.status, &answer.json()["channel"]), (200, &json!("voice")));
    }

    /// The phone may be answered before the platform has answered us: then nobody knows the name of the call yet.
    async fn a_call_that_is_answered_before_the_request_speaks_its_code(database) {
        let place = database.create().await;
        let stranger = Stranger::start().await;
        let mut setup = calling(&place.url, &stranger);
        setup.display_name = "A & B <C> \\\"D\\\" 'E'";
        let service = setup.serve().await;
        let manner = Manner::well().late(Duration::from_secs(1));
        stranger.change(|platform| platform.call_sends.then([manner]));
        let id = send(&service, NUMBER, "voice").await;
        let call = call_to(&stranger, NUMBER);
        assert_eq!(call.status, "completed", "it was over before the request was");
        let heard: String = call.spoken.iter().map(|(_, text)| text.as_str()).collect();
        assert!(heard.contains("A & B"), "{heard}");
        shows(&service, &id, "answered").await;
        let answer = service.client.verify(&id, &spoken_code(&call)).await.unwrap();
        assert_eq!(answer.status, 200);
    }
}

/// Callbacks say only that a call is over; how it ended, the platform's own record says, in its own capitals.
#[tokio::test(flavor = "multi_thread")]
async fn how_a_call_ended_is_shown_whether_it_was_told_or_asked() {
    let place = Database::Sqlite.create().await;
    let stranger = Stranger::start().await;
    stranger.change(|platform| platform.second = Duration::from_millis(20));
    let service = calling(&place.url, &stranger).serve().await;
    let ends = [
        (Callee::Ignores, "unanswered"),
        (Callee::Busy, "busy"),
        (Callee::Fails, "failed"),
        (Callee::Answers(Vec::new()), "answered"),
    ];
    let mut waiting = Vec::new();
    for (way, first) in [(Way::Lost, 0), (Way::Posted, 4)] {
        stranger.change(|platform| platform.call_way = way);
        for (turn, (callee, end)) in ends.iter().enumerate() {
            let number = format!("+35191234560{}", first + turn);
            stranger.change(|platform| platform.callees.insert(number.clone(), callee.clone()));
            let id = send(&service, &number, "voice").await;
            let ended = async || call_to(&stranger, &number).ended_at.is_some();
            eventually("the call is over", PATIENCE, ended).await;
            waiting.push((id, *end));
        }
    }
    for (id, end) in waiting {
        shows(&service, &id, end).await;
        assert_eq!(service.client.status(&id).await["status"], "pending");
    }
}

/// The document gives the code to our call, three times at most, and never after its end.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_be_said_is_told_to_our_call_only() {
    let place = Database::Sqlite.create().await;
    let stranger = Stranger::start().await;
    stranger.change(|platform| {
        platform.callees.insert(NUMBER.to_owned(), Callee::Ignores);
    });
    let service = calling(&place.url, &stranger).serve().await;
    let id = send(&service, NUMBER, "voice").await;
    shows(&service, &id, "ringing").await;
    let call = call_to(&stranger, NUMBER);
    let http = http();
    let fetch = async |sid: &str| {
        let pairs = stranger.look(|platform| {
            let mut call = call.clone();
            sid.clone_into(&mut call.sid);
            call.request(platform)
        });
        let answer = Answer::of(http.post(&call.url).body(form::write(&pairs))).await;
        assert_eq!(answer.status, 200, "never 404: the line would stay open");
        assert!(answer.header("content-type").unwrap().contains("xml"));
        answer.text.contains("<Say")
    };
    let other = "ID00000000000000000000000000000000-CA00000000000000000000000000000000";
    for _ in 0..5 {
        assert!(!fetch(other).await, "another call");
    }
    for turn in 0..5 {
        assert_eq!(fetch(&call.sid).await, turn < 3, "{turn}");
    }
    let second = send(&service, "+351912345600", "voice").await;
    let ended = async || call_to(&stranger, "+351912345600").ended_at.is_some();
    eventually("the call is over", PATIENCE, ended).await;
    shows(&service, &second, "answered").await;
    let call = call_to(&stranger, "+351912345600");
    let pairs = stranger.look(|platform| call.request(platform));
    let late = Answer::of(http.post(&call.url).body(form::write(&pairs))).await;
    assert_eq!(
        (late.status, late.text.contains("<Say")),
        (200, false),
        "after its end"
    );
    let third = "+351912345699";
    stranger.change(|platform| platform.callees.insert(third.to_owned(), Callee::Ignores));
    let id = send(&service, third, "voice").await;
    shows(&service, &id, "ringing").await;
    let cancel = format!("/otp/{id}/cancel");
    assert_eq!(
        service
            .client
            .post(&cancel, &json!({}))
            .await
            .unwrap()
            .status,
        200
    );
    let call = call_to(&stranger, third);
    let pairs = stranger.look(|platform| call.request(platform));
    let late = Answer::of(http.post(&call.url).body(form::write(&pairs))).await;
    assert_eq!(
        (late.status, late.text.contains("<Say")),
        (200, false),
        "nobody waits for it"
    );
}
