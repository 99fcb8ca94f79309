//! What the platform reports, in all its ways, and what the caller is shown of it.

use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{
    callbacks::{Fate, Way, parameters},
    manners::{Manner, Reply},
    resource::{FAULTS, Fault},
    server::Stranger,
    setup::{Setup, delivery},
    wire::{Response, Wire},
};
use crate::{
    app::{NUMBER, on_both},
    database::Database,
    process::{PATIENCE, eventually, service::Service},
};

async fn shows(service: &Service, id: &str, expected: &Value) {
    eventually(&format!("{expected} is shown"), PATIENCE, async || {
        service.client.status(id).await["delivery"] == *expected
    })
    .await;
}

fn with_reason(status: &str, reason: &str) -> Value {
    json!({ "channel": "sms", "status": status, "reason": reason })
}

on_both! {
    async fn what_restcomm_calls_30006_is_shown_as_undelivered_with_the_reason_in_words(database) {
        let place = database.create().await;
        let stranger = Stranger::start().await;
        stranger.change(|platform| platform.fate = Fate::undelivered(30006));
        let service = Setup::new(&place.url, &[&stranger]).serve().await;
        let id = service.client.sent(NUMBER).await;
        let expected = with_reason("undelivered", "landline_or_unreachable_carrier");
        shows(&service, &id, &expected).await;
        let status = service.client.status(&id).await;
        assert_eq!(status["status"], "pending");
        assert_eq!(status["deliveries"][0]["reason"], "landline_or_unreachable_carrier");
        let last = status["timeline"].as_array().unwrap().last().unwrap();
        assert_eq!(last["event"], "sms.undelivered");
        assert!(stranger.texts(NUMBER).len() == 1 && !status.to_string().contains(NUMBER));
    }

    async fn receipts_in_any_order_twice_early_or_by_get_lead_to_one_end(database) {
        let place = database.create().await;
        let stranger = Stranger::start().await;
        let service = Setup::new(&place.url, &[&stranger]).serve().await;
        let plain = Fate::delivered;
        let fates = [
            Fate { times: 3, ..plain() },
            Fate { backwards: true, ..plain() },
            Fate { early: true, ..plain() },
            Fate { early: true, backwards: true, times: 2, ..plain() },
            plain().told(Way::ByGet),
            Fate { early: true, ..plain().told(Way::ByGet) },
        ];
        for (turn, fate) in fates.into_iter().enumerate() {
            stranger.change(|platform| platform.fate = fate.clone());
            let id = service.client.sent(&format!("+35191234560{turn}")).await;
            shows(&service, &id, &delivery("delivered")).await;
            let told = async || stranger.look(|platform| platform.called_back.len()) == 2 * fate.times;
            eventually("all is told", PATIENCE, told).await;
            let answers = stranger.change(|platform| std::mem::take(&mut platform.called_back));
            assert!(answers.iter().all(|answer| *answer == Some((204, String::new()))), "{answers:?}");
            let status = service.client.status(&id).await;
            assert_eq!((&status["status"], &status["delivery"]), (&json!("pending"), &delivery("delivered")));
            let ends = status["timeline"].as_array().unwrap().iter();
            assert_eq!(ends.filter(|step| step["event"] == "sms.delivered").count(), 1, "{fate:?}");
        }
        assert_eq!(stranger.look(|platform| platform.messages.len()), 6);
    }
}

/// Each by its name in a callback, and by its number when asked.
#[tokio::test(flavor = "multi_thread")]
async fn every_fault_has_its_reason_in_words_whether_told_or_asked() {
    let place = Database::Sqlite.create().await;
    let stranger = Stranger::start().await;
    let service = Setup::new(&place.url, &[&stranger]).serve().await;
    let reasons = [
        "queue_overflow",
        "account_suspended",
        "handset_unreachable",
        "message_blocked",
        "handset_unknown",
        "landline_or_unreachable_carrier",
        "carrier_violation",
        "unknown_error",
        "missing_segment",
        "price_too_high",
    ];
    let mut waiting = Vec::new();
    for (way, first) in [(Way::Lost, 0), (Way::Posted, 50)] {
        for (turn, (fault, reason)) in FAULTS.iter().zip(reasons).enumerate() {
            let fate = Fate::of(&[("failed", Some(*fault))]).told(way);
            stranger.change(|platform| platform.fate = fate);
            let number = format!("+3519123456{:02}", first + turn);
            let id = service.client.sent(&number).await;
            if way == Way::Posted {
                shows(&service, &id, &with_reason("failed", reason)).await;
            } else {
                waiting.push((id, reason));
            }
        }
    }
    // By SIP a message fails without a number.
    stranger.change(|platform| platform.fate = Fate::of(&[("failed", None)]).told(Way::Lost));
    let id = service.client.sent("+351912345699").await;
    waiting.push((id, "unknown_error"));
    for (id, reason) in waiting {
        shows(&service, &id, &with_reason("failed", reason)).await;
    }
}

/// Its own record may be read in ways that tell nothing; then it is asked again.
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_got_lost_is_asked_for() {
    let place = Database::Sqlite.create().await;
    let stranger = Stranger::start().await;
    stranger.change(|platform| {
        platform.fate = Fate::undelivered(30003).told(Way::Lost);
        platform.reads.then([Manner::taking(Reply::Nulls)]);
    });
    let service = Setup::new(&place.url, &[&stranger]).serve().await;
    let id = service.client.sent(NUMBER).await;
    service.client.until_sent(&id).await;
    shows(
        &service,
        &id,
        &with_reason("undelivered", "handset_unreachable"),
    )
    .await;
    assert_eq!(stranger.look(|platform| platform.reads.count), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_of_another_message_changes_nothing() {
    let place = Database::Sqlite.create().await;
    let stranger = Stranger::start().await;
    let service = Setup::new(&place.url, &[&stranger]).serve().await;
    let (one, other) = ("+351912345601", "+351912345602");
    let ids = [
        service.client.sent(one).await,
        service.client.sent(other).await,
    ];
    for id in &ids {
        service.client.until_sent(id).await;
    }
    let messages = stranger.look(|platform| platform.messages.clone());
    let before = [
        service.client.status(&ids[0]).await,
        service.client.status(&ids[1]).await,
    ];
    // The address of one, and the news of the other; then those of another account.
    let mut news = messages[1].clone();
    news.status = "failed";
    news.error = Some(Fault::numbered(30004));
    stranger
        .tell(&messages[0].sid, Way::Posted, parameters(&news))
        .await;
    let mut news = messages[0].clone();
    news.status = "delivered";
    news.account_sid = stranger.look(|platform| platform.foreign.sid.clone());
    stranger
        .tell(&messages[0].sid, Way::Posted, parameters(&news))
        .await;
    let answers = stranger.look(|platform| platform.called_back.clone());
    assert_eq!(answers, vec![Some((204, String::new())); 2]);
    let after = [
        service.client.status(&ids[0]).await,
        service.client.status(&ids[1]).await,
    ];
    assert_eq!(after, before);
}

/// `callback_url` may be a proxy's that sends Restcomm on: it comes by the same method, with the same parameters.
#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_that_is_redirected_arrives() {
    let place = Database::Sqlite.create().await;
    let stranger = Stranger::start().await;
    stranger.change(|platform| platform.fate = Fate::delivered());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut setup = Setup::new(&place.url, &[&stranger]);
    setup.callback_url = Some(format!("http://{}/otp", listener.local_addr().unwrap()));
    let service = setup.serve().await;
    let base = service.client.base.clone();
    tokio::spawn(async move {
        for status in [301, 307].into_iter().cycle() {
            let (stream, _) = listener.accept().await.unwrap();
            let mut wire = Wire::new(stream);
            let request = wire.request().await.unwrap();
            let place = format!("{base}{}", request.path.strip_prefix("/otp").unwrap());
            wire.answer(&Response::empty(status).with("Location", &place))
                .await;
        }
    });
    let id = service.client.sent(NUMBER).await;
    shows(&service, &id, &delivery("delivered")).await;
}

/// An answer is not taken back by the next one.
#[tokio::test(flavor = "multi_thread")]
async fn who_was_told_that_a_message_is_sent_is_never_told_less() {
    let place = Database::Sqlite.create().await;
    let stranger = Stranger::start().await;
    let service = Setup::new(&place.url, &[&stranger]).serve().await;
    for turn in 0..50 {
        let id = service.client.sent(&format!("+3519123456{turn:02}")).await;
        assert_eq!(
            service.client.status(&id).await["delivery"],
            delivery("sent")
        );
    }
}
