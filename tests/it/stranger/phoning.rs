//! What stories of calls have in common: the settings, the sends, and what was heard.

use serde_json::json;

use super::{calls::Call, server::Stranger, setup::Setup};
use crate::process::{PATIENCE, eventually, service::Service};

const CHANNELS: &str = "channels = [\"sms\", \"voice\", \"flashcall\"]";

/// Settings of an account that may call, flash calls included.
pub(super) fn callers() -> String {
    let pool: Vec<String> = (0..50)
        .map(|turn| format!("\"+1305555{:04}\"", 100 + 37 * turn))
        .collect();
    format!(
        "voice_from = \"+13055550100\"\nflashcall_from = [{}]",
        pool.join(", ")
    )
}

pub(super) fn calling(database: &str, stranger: &Stranger) -> Setup {
    let mut setup = Setup::new(database, &[stranger]);
    (setup.account, setup.tenant) = (callers(), CHANNELS);
    setup
}

/// Has a code brought to a number, and gives the id.
pub(super) async fn send(service: &Service, number: &str, channel: &str) -> String {
    let body = json!({ "to": number, "channel": channel });
    let answer = service.client.post("/otp/send", &body).await.unwrap();
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.id()
}

pub(super) async fn shows(service: &Service, id: &str, status: &str) {
    eventually(&format!("it shows {status}"), PATIENCE, async || {
        service.client.status(id).await["delivery"]["status"] == status
    })
    .await;
}

pub(super) fn call_to(stranger: &Stranger, number: &str) -> Call {
    stranger.look(|platform| {
        let mut calls = platform.calls.iter().filter(|call| call.to == number);
        let call = calls.next().unwrap().clone();
        assert!(calls.next().is_none(), "two calls to {number}");
        call
    })
}

/// The digits that were spoken one by one.
pub(super) fn spoken_code(call: &Call) -> String {
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
