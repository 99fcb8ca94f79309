use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
    time::Duration,
};

use super::*;
use crate::{
    domain::synthesizer::Synthesizer,
    restcomm::{
        Accounts, HandOff, Settings, SmsFrom,
        exchange::{LONGEST_ANSWER, LONGEST_LIST},
    },
};

const NOON: Timestamp = Timestamp::from_millis(1_769_860_800_000);
const PATIENCE: Duration = Duration::from_secs(5);
const SHORT: Duration = Duration::from_millis(300);

/// Stands where Restcomm should be: reads one request, and does with the connection what it is told.
fn stand_in(manners: impl FnOnce(&mut TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        read_request(&mut stream);
        manners(&mut stream);
    });
    base_url
}

fn read_request(stream: &mut TcpStream) {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let count = stream.read(&mut piece).unwrap();
        request.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&request).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        if length <= body.len() {
            return;
        }
    }
}

fn http(status: u16, content_type: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Such\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

fn answering(answer: String) -> String {
    stand_in(move |stream| {
        // Who finds the answer too long hangs up before its end.
        let _ = stream.write_all(answer.as_bytes());
    })
}

fn accounts(base_url: String, timeout: Duration) -> Accounts {
    let settings = Settings {
        name: "main".to_owned(),
        base_url,
        account_sid: "AC1".to_owned(),
        auth_token: "secret".to_owned().into(),
        sms_from: SmsFrom::default(),
        voice_from: None,
        flashcall_from: Vec::new(),
        synthesizer: Synthesizer::Any,
        timeout,
        max_per_second: 100,
    };
    Accounts::new(vec![settings]).unwrap()
}

async fn hand_off(base_url: String, timeout: Duration, clock: &Clock) -> HandOff {
    let accounts = accounts(base_url, timeout);
    let number = PhoneNumber::parse("+351912345678").unwrap();
    let account = accounts.get("main").unwrap();
    account
        .send_sms(
            &number,
            "Acme",
            "123456",
            false,
            "http://127.0.0.1/x",
            clock,
        )
        .await
        .outcome
}

async fn judged(status: u16, content_type: &str, body: &str) -> HandOff {
    let base_url = answering(http(status, content_type, body));
    hand_off(base_url, PATIENCE, &Clock::manual(NOON)).await
}

async fn looked_up(base_url: String) -> Result<Vec<Message>, LookUpFailed> {
    let accounts = accounts(base_url, PATIENCE);
    let number = PhoneNumber::parse("+351912345678").unwrap();
    let account = accounts.get("main").unwrap();
    let clock = Clock::manual(NOON);
    account.find_sms(&number, None, NOON, &clock).await
}

fn accepted(sid: &str) -> HandOff {
    HandOff::Accepted {
        sid: sid.to_owned(),
    }
}

#[tokio::test]
async fn an_answer_is_one_of_four_outcomes() {
    const JSON: &str = "application/json";
    let refusal =
        "{\"message\":\"Now allowed to create SmsSession\",\n\"error\":\"SMS_LIMIT_EXCEEDED\"}";
    let long_sid = format!(r#"{{"sid":"{}"}}"#, "S".repeat(129));
    for (status, content_type, body, outcome) in [
        (
            200,
            JSON,
            r#"{"sid":"SM1","status":"sending"}"#,
            accepted("SM1"),
        ),
        (201, JSON, r#"{"sid":"SM1"}"#, accepted("SM1")),
        (200, "text/plain", r#"{"sid":"SM1"}"#, accepted("SM1")),
        (200, JSON, r#"{"sid":""}"#, HandOff::Unknown),
        (200, JSON, r#"{"sid":null}"#, HandOff::Unknown),
        (200, JSON, r#"{"sid":1}"#, HandOff::Unknown),
        (200, JSON, r#"{"sid":"SM\u0000"}"#, HandOff::Unknown),
        (200, JSON, r#"{"status":"sending"}"#, HandOff::Unknown),
        (200, JSON, &long_sid, HandOff::Unknown),
        (200, JSON, r#"{"sid":"SM"#, HandOff::Unknown),
        (200, JSON, "", HandOff::Unknown),
        (200, "text/html", "<html></html>", HandOff::Unknown),
        (400, "text/plain", "To can not be null.", HandOff::Refused),
        (400, JSON, "", HandOff::Refused),
        (403, JSON, refusal, HandOff::Refused),
        (
            403,
            "application/json;charset=utf-8",
            refusal,
            HandOff::Refused,
        ),
        (403, JSON, "", HandOff::NotSent),
        (403, JSON, "[]", HandOff::NotSent),
        (
            403,
            "text/plain",
            "Provided Account is not active",
            HandOff::NotSent,
        ),
        (403, "text/html", refusal, HandOff::NotSent),
        (401, "text/plain", "", HandOff::NotSent),
        (404, "text/plain", "", HandOff::NotSent),
        (413, "text/plain", "", HandOff::NotSent),
        (302, "text/html", "", HandOff::NotSent),
        (500, "text/plain", "Ask timed out", HandOff::NotSent),
        (
            500,
            "text/plain",
            "Not Allowed to make this outbound call",
            HandOff::NotSent,
        ),
        (504, "text/html", "<html></html>", HandOff::Unknown),
        (503, "text/html", "<html></html>", HandOff::NotSent),
    ] {
        let found = judged(status, content_type, body).await;
        assert_eq!(found, outcome, "{status} {content_type} {body:.40}");
    }
}

#[tokio::test]
async fn an_error_of_the_server_after_9_seconds_says_nothing() {
    for (millis, outcome) in [(8_999, HandOff::NotSent), (9_000, HandOff::Unknown)] {
        for status in [500, 503] {
            let clock = Clock::manual(NOON);
            let hands = clock.clone();
            let base_url = stand_in(move |stream| {
                hands.advance(Duration::from_millis(millis));
                let answer = http(status, "text/plain", "");
                stream.write_all(answer.as_bytes()).unwrap();
            });
            let found = hand_off(base_url, PATIENCE, &clock).await;
            assert_eq!(found, outcome, "{status} after {millis} ms");
        }
    }
}

#[tokio::test]
async fn a_late_refusal_is_a_refusal_all_the_same() {
    let clock = Clock::manual(NOON);
    let hands = clock.clone();
    let base_url = stand_in(move |stream| {
        hands.advance(Duration::from_secs(30));
        let answer = http(400, "text/plain", "");
        stream.write_all(answer.as_bytes()).unwrap();
    });
    assert_eq!(hand_off(base_url, PATIENCE, &clock).await, HandOff::Refused);
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let body = format!(r#"{{"sid":"SM1","body":"{}"}}"#, "x".repeat(LONGEST_ANSWER));
    for (status, outcome) in [(200, HandOff::Unknown), (403, HandOff::NotSent)] {
        let found = judged(status, "application/json", &body).await;
        assert_eq!(found, outcome, "{status}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_may_have_been_an_acceptance() {
    let clock = Clock::manual(NOON);
    let half = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"sid\":\"SM1\"";
    for answer in [half, "HTTP/1.1 200 O", "", "nonsense\r\n\r\n"] {
        let found = hand_off(answering(answer.to_owned()), PATIENCE, &clock).await;
        assert_eq!(found, HandOff::Unknown, "{answer:?}");
    }
}

#[tokio::test]
async fn who_is_silent_may_have_the_message() {
    let clock = Clock::manual(NOON);
    for start in ["", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"] {
        let base_url = stand_in(move |stream| {
            stream.write_all(start.as_bytes()).unwrap();
            // Until the other side hangs up.
            let _ = stream.read(&mut [0]);
        });
        let found = hand_off(base_url, SHORT, &clock).await;
        assert_eq!(found, HandOff::Unknown, "{start:?}");
    }
}

#[tokio::test]
async fn who_was_never_told_has_nothing() {
    let clock = Clock::manual(NOON);
    // Refused; accepted, but without a word of TLS; and no address at all.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for base_url in [
        format!("http://{}", closed.unwrap()),
        format!("https://{}", silent.local_addr().unwrap()),
        "http://nobody.invalid".to_owned(),
        "http://".to_owned(),
    ] {
        let found = hand_off(base_url.clone(), SHORT, &clock).await;
        assert_eq!(found, HandOff::NotSent, "{base_url}");
    }
}

#[tokio::test]
async fn a_list_is_read_even_if_members_are_missing() {
    let list = r#"{"messages":[
        {"sid":"SM3","body":"late","date_created":"Sat, 31 Jan 2026 12:00:00 +0000"},
        {"sid":"SM2"},
        {"sid":"SM1","body":"early","date_created":"Sat, 31 Jan 2026 06:59:59 -0500"}
    ]}"#;
    let found = looked_up(answering(http(200, "application/json", list))).await;
    let sids: Vec<String> = found.unwrap().into_iter().map(|found| found.sid).collect();
    assert_eq!(sids, ["SM3", "SM2"]);
}

#[tokio::test]
async fn what_is_no_list_denies_nothing() {
    let endless = format!(r#"{{"messages":[],"uri":"{}"}}"#, "x".repeat(LONGEST_LIST));
    for (status, body) in [
        (200, ""),
        (200, "<html></html>"),
        (200, "{}"),
        (200, r#"{"messages":[{"body":"no name"}]}"#),
        (200, r#"{"messages":[{"sid":""}]}"#),
        (200, r#"{"messages":[{"sid":"SM\u0000"}]}"#),
        (200, &endless),
        (404, r#"{"messages":[]}"#),
        (401, ""),
        (500, r#"{"messages":[]}"#),
    ] {
        let found = looked_up(answering(http(status, "application/json", body))).await;
        assert!(found.is_err(), "{status} {body:.40}");
    }
}

#[tokio::test]
async fn a_full_page_denies_nothing_unless_it_reaches_back_far_enough() {
    let message = |date: &str| format!(r#"{{"sid":"SM1","body":"","date_created":"{date}"}}"#);
    let page = |count: usize, last: &str| {
        let mut messages = vec![message("Sat, 31 Jan 2026 12:00:01 +0000"); count];
        messages.push(message(last));
        let list = format!(r#"{{"messages":[{}]}}"#, messages.join(","));
        answering(http(200, "application/json", &list))
    };
    let (after, before) = (
        "Sat, 31 Jan 2026 12:00:00 +0000",
        "Sat, 31 Jan 2026 11:59:59 +0000",
    );
    assert!(looked_up(page(PAGE - 1, after)).await.is_err());
    assert_eq!(
        looked_up(page(PAGE - 1, before)).await.unwrap().len(),
        PAGE - 1
    );
    assert_eq!(
        looked_up(page(PAGE - 2, after)).await.unwrap().len(),
        PAGE - 1
    );
}
