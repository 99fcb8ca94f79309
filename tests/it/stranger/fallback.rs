//! What follows where a code does not arrive, or where nobody knows whether it did.

use std::time::Duration;

use serde_json::json;

use super::{
    callbacks::{Fate, Way},
    manners::{Manner, Reply},
    phoning::{call_to, calling, spoken_code},
    server::Stranger,
};
use crate::{
    database::Database,
    process::{PATIENCE, eventually, service::code_of},
};

/// The plan of a tenant: where the message does not arrive, the phone rings and speaks the same code.
#[tokio::test(flavor = "multi_thread")]
async fn where_no_message_arrives_the_phone_rings_and_speaks_the_same_code() {
    let place = Database::Sqlite.create().await;
    let stranger = Stranger::start().await;
    let mut setup = calling(&place.url, &stranger);
    setup.tenant = "channels = [\"sms\"]\nfallback = [{ after = \"5s\", channel = \"voice\" }]";
    let service = setup.serve().await;
    let (waits, is_quick) = ("+351912345601", "+351912345602");
    let slow = service.client.sent(waits).await;
    let quick = service.client.sent(is_quick).await;
    let code = code_of(&stranger.texts(is_quick)[0]);
    assert_eq!(
        service.client.verify(&quick, &code).await.unwrap().status,
        200
    );
    let is_called = async || stranger.look(|platform| !platform.calls.is_empty());
    eventually("the phone rings", PATIENCE, is_called).await;
    let ended = async || call_to(&stranger, waits).ended_at.is_some();
    eventually("the call is over", PATIENCE, ended).await;
    let code = spoken_code(&call_to(&stranger, waits));
    assert_eq!(code, code_of(&stranger.texts(waits)[0]));
    assert_eq!(
        service.client.verify(&slow, &code).await.unwrap().status,
        200
    );
    let status = service.client.status(&slow).await;
    assert_eq!(status["deliveries"][1]["cause"], "fallback", "{status}");
    assert!(stranger.look(|platform| platform.calls.iter().all(|call| call.to == waits)));
}

/// An answer that says too little leaves open whether there is a call: nobody is called twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_which_nobody_knows_is_looked_up_and_nobody_is_called_twice() {
    let place = Database::Sqlite.create().await;
    let stranger = Stranger::start().await;
    let mut setup = calling(&place.url, &stranger);
    (setup.wait, setup.timeout) = ("300ms".to_owned(), "1s".to_owned());
    let mut service = setup.serve().await;
    stranger.change(|platform| platform.call_way = Way::Lost);
    let mut ids = Vec::new();
    for (turn, takes) in [true, false, true, false].into_iter().enumerate() {
        let reply = if turn < 2 {
            Reply::Reset
        } else {
            Reply::Silence
        };
        let manner = Manner {
            takes,
            ..Manner::taking(reply)
        };
        stranger.change(|platform| platform.call_sends.then([manner]));
        let channel = if turn % 2 == 0 { "voice" } else { "flashcall" };
        let body = json!({ "to": format!("+35191234560{turn}"), "channel": channel });
        let answer = service.client.post("/otp/send", &body).await.unwrap();
        assert_eq!(answer.status, 202, "{}", answer.text);
        ids.push(answer.id());
    }
    // Whoever knew something of the last of them is dead.
    service.process.kill();
    service.restart().await;
    for (turn, id) in ids.iter().enumerate() {
        eventually("it is known", Duration::from_mins(1), async || {
            service.client.status(id).await["delivery"]["status"] != "queued"
        })
        .await;
        call_to(&stranger, &format!("+35191234560{turn}"));
    }
    assert_eq!(stranger.look(|platform| platform.call_sends.count), 6);
}

/// A message that certainly does not arrive is not waited for, whether the platform tells of it or is asked.
#[tokio::test(flavor = "multi_thread")]
async fn where_a_message_is_reported_undelivered_the_phone_rings_at_once() {
    let place = Database::Sqlite.create().await;
    let stranger = Stranger::start().await;
    let mut setup = calling(&place.url, &stranger);
    setup.tenant = "channels = [\"sms\"]\nfallback = [{ after = \"4m\", channel = \"voice\" }]";
    let service = setup.serve().await;
    for (number, way) in [("+351912345601", Way::Posted), ("+351912345602", Way::Lost)] {
        stranger.change(|platform| platform.fate = Fate::undelivered(30006).told(way));
        let id = service.client.sent(number).await;
        let is_called = async || {
            stranger.look(|platform| {
                platform
                    .calls
                    .iter()
                    .any(|call| call.ended_at.is_some() && call.to == number)
            })
        };
        eventually("the phone rings", PATIENCE, is_called).await;
        let code = spoken_code(&call_to(&stranger, number));
        assert_eq!(code, code_of(&stranger.texts(number)[0]));
        let status = service.client.status(&id).await;
        assert_eq!(
            status["deliveries"][0]["reason"],
            "landline_or_unreachable_carrier"
        );
        assert_eq!(service.client.verify(&id, &code).await.unwrap().status, 200);
    }
}
