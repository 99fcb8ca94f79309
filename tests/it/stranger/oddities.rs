//! Messages, sent and checked through the platform as it is, with the program itself.

use jiff::tz::Offset;
use serde_json::json;

use super::{
    callbacks::Fate,
    form::value,
    manners::{Manner, Reply},
    platform::{Route, Standing},
    server::Stranger,
    setup::{Setup, delivery},
    wire::Response,
};
use crate::{
    app::{NUMBER, on_both},
    database::Database,
    process::{PATIENCE, eventually, service::code_of},
};

/// The platform says by itself that it limits messages.
const LIMIT: &str =
    "{\"message\":\"Now allowed to create SmsSession\",\n\"error\":\"SMS_LIMIT_EXCEEDED\"}";

on_both! {
    async fn a_code_sent_by_sms_verifies_and_its_receipts_are_shown(database) {
        let place = database.create().await;
        let stranger = Stranger::start().await;
        stranger.change(|platform| platform.fate = Fate::delivered());
        let service = Setup::new(&place.url, &[&stranger]).serve().await;
        let answer = service.client.send(NUMBER).await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.text);
        let mut body = answer.json();
        let id = answer.id();
        for member in ["created_at", "expires_at", "resend_after"] {
            assert!(body.as_object_mut().unwrap().remove(member).is_some());
        }
        assert_eq!(
            body,
            json!({
                "id": id, "status": "pending", "to": "+351*******78", "channel": "sms", "purpose": "login",
                "delivery": delivery("sent"), "attempts_left": 5,
            })
        );
        let sms = stranger.look(|platform| platform.messages[0].clone());
        assert_eq!((&*sms.from, &*sms.to, &*sms.encoding), ("OTPApp", NUMBER, "GSM"));
        assert!(sms.body.len() <= 160, "{}", sms.body);
        let callback = sms.callback.clone().unwrap();
        assert!(callback.starts_with(&service.client.base) && !callback.contains('?'), "{callback}");
        eventually("the receipts are noted", PATIENCE, async || {
            service.client.status(&id).await["delivery"] == delivery("delivered")
        })
        .await;
        assert_eq!(service.client.status(&id).await["status"], "pending", "delivered is not approved");
        let answers = stranger.look(|platform| platform.called_back.clone());
        assert_eq!(answers, vec![Some((204, String::new())); 2]);
        let code = code_of(&sms.body);
        let answer = service.client.verify(&id, &code).await.unwrap();
        assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("approved")));
        let again = service.client.verify(&id, &code).await.unwrap();
        assert_eq!(again.json()["code"], "already_approved");
    }
}

/// What the platform says when it took a message, in every form that can be read at once.
#[tokio::test(flavor = "multi_thread")]
async fn an_acceptance_is_known_in_whatever_form_it_is_given() {
    let place = Database::Sqlite.create().await;
    let stranger = Stranger::start().await;
    let service = Setup::new(&place.url, &[&stranger]).serve().await;
    for (turn, reply) in [
        Reply::Usual,
        Reply::Status(201),
        Reply::Status(202),
        Reply::Nulls,
    ]
    .into_iter()
    .enumerate()
    {
        stranger.change(|platform| platform.sends.then([Manner::taking(reply)]));
        let number = format!("+35191234567{turn}");
        let id = service.client.sent(&number).await;
        let texts = stranger.texts(&number);
        assert_eq!(texts.len(), 1);
        let answer = service.client.verify(&id, &code_of(&texts[0])).await;
        assert_eq!(answer.unwrap().status, 200);
    }
}

/// What it says when it did not, in every form: the caller has 202 and the message comes later, or 422 and none does.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_platform_did_not_take_comes_later_or_is_refused_for_good() {
    let place = Database::Sqlite.create().await;
    let stranger = Stranger::start().await;
    let service = Setup::new(&place.url, &[&stranger]).serve().await;
    let elsewhere = Stranger::start().await;
    let moved = |status| {
        let place = format!("{}/Accounts", elsewhere.base_url());
        let response = Response::empty(status).with("Location", &place);
        Manner::not_taking(Reply::Instead(response))
    };
    let xml = "<RestcommResponse><Error>SMS_LIMIT_EXCEEDED</Error></RestcommResponse>";
    let manners = [
        Manner::refusing(
            500,
            "text/plain",
            "Ask timed out on [Actor[akka://RestComm]]",
        ),
        Manner::refusing(500, "application/json", "java.lang.NullPointerException"),
        Manner::not_taking(Reply::Instead(Response::empty(401))),
        Manner::not_taking(Reply::Instead(Response::empty(403))),
        Manner::refusing(403, "text/plain", "Provided Account is not active"),
        Manner::refusing(403, "application/xml", xml),
        Manner::not_taking(Reply::Instead(Response::empty(404))),
        moved(301),
        moved(302),
        moved(307),
    ];
    let mut waiting = Vec::new();
    for (turn, manner) in manners.into_iter().enumerate() {
        stranger.change(|platform| platform.sends.then([manner]));
        let number = format!("+35191234560{turn}");
        let answer = service.client.send(&number).await.unwrap();
        assert_eq!(
            (answer.status, &answer.json()["delivery"]),
            (202, &delivery("queued")),
            "{turn}"
        );
        assert_eq!(stranger.texts(&number).len(), 0, "{turn}");
        waiting.push((number, answer.id()));
        // Were there nothing but faults, the account would be left alone.
        for well in 0..3 {
            service
                .client
                .sent(&format!("+3519123457{turn}{well}"))
                .await;
        }
    }
    stranger.change(|platform| {
        platform.sends.then([
            Manner::refusing(403, "application/json", LIMIT),
            Manner::refusing(400, "application/json", "Body can not be null."),
        ]);
    });
    for number in ["+351912345610", "+351912345611"] {
        let answer = service.client.send(number).await.unwrap();
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (422, "delivery_refused")
        );
    }
    for (number, id) in waiting {
        eventually("the message comes", PATIENCE, async || {
            service.client.status(&id).await["delivery"] == delivery("sent")
        })
        .await;
        let texts = stranger.texts(&number);
        assert_eq!(texts.len(), 1, "{number}");
        let answer = service.client.verify(&id, &code_of(&texts[0])).await;
        assert_eq!(answer.unwrap().status, 200);
    }
    assert_eq!(elsewhere.look(|platform| platform.sends.count), 0);
}

/// The platform itself decides, and no answer is put into its mouth.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_may_not_send_is_no_reason_to_refuse_a_caller() {
    let place = Database::Sqlite.create().await;
    let stranger = Stranger::start().await;
    let service = Setup::new(&place.url, &[&stranger]).serve().await;
    let mut waiting = Vec::new();
    for (turn, standing) in [Standing::Suspended, Standing::MayOnlyRead]
        .into_iter()
        .enumerate()
    {
        stranger.change(|platform| platform.account.standing = standing);
        let answer = service.client.send(&format!("+35191234567{turn}")).await;
        let answer = answer.unwrap();
        assert_eq!(answer.status, 202, "{}", answer.text);
        waiting.push(answer.id());
    }
    stranger.change(|platform| {
        platform.account.standing = Standing::Active;
        platform.account.token = "changed".to_owned();
    });
    let answer = service.client.send("+351912345672").await.unwrap();
    assert_eq!(answer.status, 202, "{}", answer.text);
    waiting.push(answer.id());
    stranger.change(|platform| platform.account.token = crate::app::TOKEN.to_owned());
    for id in waiting {
        service.client.until_sent(&id).await;
    }
    assert_eq!(stranger.look(|platform| platform.messages.len()), 3);
}

/// By SIP the platform reports nothing: the message stays sent, whatever is asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_leaves_by_sip_is_sent_and_stays_so() {
    let place = Database::Sqlite.create().await;
    let stranger = Stranger::start().await;
    stranger.change(|platform| {
        platform.route = Route::Sip;
        platform.zone = Offset::from_seconds(14 * 3600).unwrap();
    });
    let service = Setup::new(&place.url, &[&stranger]).serve().await;
    let id = service.client.sent(NUMBER).await;
    eventually("the platform is asked", PATIENCE, async || {
        0 < stranger.look(|platform| platform.reads.count)
    })
    .await;
    let status = service.client.status(&id).await;
    assert_eq!(status["delivery"], delivery("sent"));
    assert_eq!(stranger.look(|platform| platform.called_back.len()), 0);
    let code = code_of(&stranger.texts(NUMBER)[0]);
    assert_eq!(service.client.verify(&id, &code).await.unwrap().status, 200);
}

/// Trap 7: what stands in the query of a callback address would reach us in the body.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_we_need_stands_in_a_query() {
    let place = Database::Sqlite.create().await;
    let stranger = Stranger::start().await;
    let service = Setup::new(&place.url, &[&stranger]).serve().await;
    let id = service.client.sent(NUMBER).await;
    let sms = stranger.change(|platform| {
        let sms = &mut platform.messages[0];
        let callback = sms.callback.take().unwrap();
        // An operator's proxy may add one.
        sms.callback = Some(format!("{callback}?via=proxy&MessageSid="));
        sms.status = "delivered";
        sms.clone()
    });
    let pairs = super::callbacks::parameters(&sms);
    assert_eq!(value(&pairs, "MessageStatus"), Some("delivered"));
    stranger
        .tell(&sms.sid, super::callbacks::Way::Posted, pairs)
        .await;
    assert_eq!(
        service.client.status(&id).await["delivery"],
        delivery("delivered")
    );
}
