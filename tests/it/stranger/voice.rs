//! Codes that are spoken on a call, and calls whose number is the code.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    callbacks::Way,
    calling::{Callee, SYNTHESIZERS},
    calls::Call,
    form,
    manners::{Manner, Reply},
    server::Stranger,
    setup::Setup,
};
use crate::{
    answer::Answer,
    app::{NUMBER, on_both},
    database::Database,
    process::{
        PATIENCE, eventually,
        service::{Service, http},
    },
};

const CHANNELS: &str = "channels = [\"sms\", \"voice\", \"flashcall\"]";

/// Settings of an account that may call, flash calls included.
fn callers() -> String {
    let pool: Vec<String> = (0..50)
        .map(|turn| format!("\"+1305555{:04}\"", 100 + 37 * turn))
        .collect();
    format!(
        "voice_from = \"+13055550100\"\nflashcall_from = [{}]",
        pool.join(", ")
    )
}

fn calling(database: &str, stranger: &Stranger) -> Setup {
    let mut setup = Setup::new(database, &[stranger]);
    (setup.account, setup.tenant) = (callers(), CHANNELS);
    setup
}

/// Has a code brought to a number, and gives the id.
async fn send(service: &Service, number: &str, channel: &str) -> String {
    let body = json!({ "to": number, "channel": channel });
    let answer = service.client.post("/otp/send", &body).await.unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.id()
}

async fn shows(service: &Service, id: &str, status: &str) {
    eventually(&format!("it shows {status}"), PATIENCE, async || {
        service.client.status(id).await["delivery"]["status"] == status
    })
    .await;
}

fn call_to(stranger: &Stranger, number: &str) -> Call {
    stranger.look(|platform| {
        let mut calls = platform.calls.iter().filter(|call| call.to == number);
        let call = calls.next().unwrap().clone();
        assert!(calls.next().is_none(), "two calls to {number}");
        call
    })
}

/// The digits that were spoken one by one.
fn spoken_code(call: &Call) -> String {
    let digits = |text: &str| {
        text.chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
    };
    let mut codes = call.spoken.iter().map(|(_, text)| (digits(text), text));
    let (code, text) = codes.find(|(digits, _)| digits.len() == 6).unwrap();
    assert!(
        !text.contains(&code),
        "it would be read as a number: {text}"
    );
    code
}

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

    async fn the_number_that_called_is_the_code_of_a_flash_call(database) {
        let place = database.create().await;
        let stranger = Stranger::start().await;
        let service = calling(&place.url, &stranger).serve().await;
        for (turn, callee) in [Callee::Ignores, Callee::Answers(Vec::new()), Callee::Ignores].into_iter().enumerate() {
            let number = format!("+35191234560{turn}");
            stranger.change(|platform| platform.callees.insert(number.clone(), callee.clone()));
            let id = send(&service, &number, "flashcall").await;
            let ended = async || call_to(&stranger, &number).ended_at.is_some();
            eventually("it stops ringing", PATIENCE, ended).await;
            let call = call_to(&stranger, &number);
            assert!(call.timeout <= 15, "{}", call.timeout);
            assert_eq!(call.answered, callee != Callee::Ignores);
            assert!(call.spoken.iter().all(|(_, text)| !text.contains(|sign: char| sign.is_ascii_digit())));
            // By its last digits, or by all of it.
            let code = if turn == 0 { &call.from[call.from.len() - 4..] } else { &call.from };
            let answer = service.client.verify(&id, code).await.unwrap();
            assert_eq!((answer.status, &answer.json()["channel"]), (200, &json!("flashcall")));
        }
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
}

/// What is asked for in a language that the synthesizer does not know is said in English: then it must be English.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_heard_is_in_the_language_that_it_is_written_in() {
    for synthesizer in SYNTHESIZERS {
        let place = Database::Sqlite.create().await;
        let stranger = Stranger::start().await;
        stranger.change(|platform| {
            platform.synthesizer = synthesizer;
            platform.second = Duration::from_millis(1);
        });
        let mut setup = calling(&place.url, &stranger);
        for named in ["any", synthesizer.0] {
            setup.account = format!("{}\nsynthesizer = \"{named}\"", callers());
            let service = setup.serve().await;
            let languages = ["en", "pt", "es", "fr", "de", "it", "ar", "hi", "ja", "zh"];
            for (turn, language) in languages.into_iter().enumerate() {
                let number = format!("+35191234{}{turn:03}", usize::from(named == "any"));
                let body = json!({ "to": number, "channel": "voice", "locale": language });
                let answer = service.client.post("/otp/send", &body).await.unwrap();
                assert_eq!(answer.status, 201, "{}", answer.text);
                let ended = async || call_to(&stranger, &number).ended_at.is_some();
                eventually("the call is over", PATIENCE, ended).await;
                let call = call_to(&stranger, &number);
                let spoken: Vec<&str> = call.spoken.iter().map(|(key, _)| key.as_str()).collect();
                let is_english = call.spoken.iter().any(|(_, text)| text.contains("code"));
                let all = |key: &str| spoken.iter().all(|spoken| spoken.starts_with(key));
                assert!(
                    if is_english { all("en") } else { all(language) },
                    "{synthesizer:?} {named} {language}: {:?}",
                    call.spoken
                );
                let answer = service
                    .client
                    .verify(&answer.id(), &spoken_code(&call))
                    .await;
                assert_eq!(answer.unwrap().status, 200, "{language}");
            }
        }
    }
}

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
    let code = crate::process::service::code_of(&stranger.texts(is_quick)[0]);
    assert_eq!(
        service.client.verify(&quick, &code).await.unwrap().status,
        200
    );
    let is_called = async || stranger.look(|platform| !platform.calls.is_empty());
    eventually("the phone rings", PATIENCE, is_called).await;
    let ended = async || call_to(&stranger, waits).ended_at.is_some();
    eventually("the call is over", PATIENCE, ended).await;
    let code = spoken_code(&call_to(&stranger, waits));
    assert_eq!(
        code,
        crate::process::service::code_of(&stranger.texts(waits)[0])
    );
    assert_eq!(
        service.client.verify(&slow, &code).await.unwrap().status,
        200
    );
    let status: Value = service.client.status(&slow).await;
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
    let service = setup.serve().await;
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
    for (turn, id) in ids.iter().enumerate() {
        eventually("it is known", Duration::from_mins(1), async || {
            service.client.status(id).await["delivery"]["status"] != "queued"
        })
        .await;
        call_to(&stranger, &format!("+35191234560{turn}"));
    }
    assert_eq!(stranger.look(|platform| platform.call_sends.count), 6);
}
