//! What an answered call does with its client's RCML.

use super::{
    client::{ClientSide, Heard, Page},
    *,
};

const NUMBER: &str = "+351912345678";

impl World {
    /// Rings a phone, lets it answer, and gives back the sid.
    async fn answered_call(&self, url: &str, more: &[(&str, &str)]) -> String {
        let form = [("From", "+13055550100"), ("To", NUMBER), ("Url", url)];
        let sid = self.call(&[&form, more].concat()).await;
        self.advance_until(50, |simulator| simulator.live_call(NUMBER).is_some())
            .await;
        self.clock.advance(Duration::from_secs(2));
        sid
    }

    async fn ends_as(&self, status: &str) {
        self.advance_to(0, status).await;
    }

    async fn listens(&self) {
        self.advance_until(0, |simulator| {
            simulator
                .live_call(NUMBER)
                .is_some_and(|call| call.listening)
        })
        .await;
    }

    async fn says(&self, spoken: &str) {
        self.advance_until(0, |simulator| simulator.spoken(NUMBER) == [spoken])
            .await;
    }

    async fn press(&self, keys: &str) {
        let path = format!("/sim/phones/{NUMBER}/call/keys");
        let body = json!({ "keys": keys }).to_string();
        let request = self.request(Method::POST, &path).body(body);
        assert_eq!(text_of(request).await, (204, String::new()));
    }
}

fn page(status: u16, content_type: Option<&'static str>, body: &str) -> Page {
    Page {
        status,
        content_type,
        body: body.to_owned(),
        location: None,
    }
}

fn digits(heard: &Heard) -> Option<&str> {
    let (_, rest) = heard.body.split_once("&Digits=")?;
    rest.split('&').next()
}

const MENU: &str = "<Gather action=\"again?round=2\" numDigits=\"1\" timeout=\"4\">\
    <Say language=\"de\">Code: 1, 2.</Say><Pause length=\"3\"/><Say>Press 1.</Say></Gather>\
    <Say language=\"fr\">Au revoir.</Say>";

#[tokio::test]
async fn without_a_key_a_gather_falls_through_after_its_time() {
    let (world, client) = (World::new(), ClientSide::new());
    client.serve_rcml("/menu", MENU);
    let sid = world.answered_call(&client.url("/menu"), &[]).await;
    world.listens().await;
    world.says("Code: 1, 2.").await;
    world.clock.advance(Duration::from_secs(3));
    world.says("Code: 1, 2. Press 1.").await;
    world.clock.advance(Duration::from_millis(3999));
    assert_eq!(world.call_record(&sid).await["status"], "in-progress");
    world.clock.advance(Duration::from_millis(1));
    world.ends_as("completed").await;
    world.says("Code: 1, 2. Press 1. Au revoir.").await;
    assert_eq!(world.call_record(&sid).await["duration"], 7);
}

#[tokio::test]
async fn a_key_is_told_to_the_action_and_cuts_the_rest_of_the_prompt_off() {
    let (world, mut client) = (World::new(), ClientSide::new());
    client.serve_rcml("/v/menu", MENU);
    client.serve_rcml("/v/again", "<Say>Once more.</Say>");
    let sid = world.answered_call(&client.url("/v/menu"), &[]).await;
    assert_eq!(client.next().await.line, "POST /v/menu");
    world.listens().await;
    world.press("12").await;
    world.ends_as("completed").await;
    let asked = client.next().await;
    assert_eq!(asked.line, "POST /v/again");
    let (instance, time) = (&sid[..34], "2026-01-31T12%3A00%3A00.000Z");
    let expected = format!(
        "CallSid={sid}&InstanceId={instance}&AccountSid={SID}&From=%2B13055550100&To=%2B351912345678\
         &CallStatus=in-progress&ApiVersion=2012-04-24&Direction=outbound-api\
         &CallerName=%2B13055550100&ForwardedFrom=null&CallTimestamp={time}&Digits=1&SpeechResult&round=2"
    );
    assert_eq!(asked.body, expected);
    world.says("Code: 1, 2. Once more.").await;
}

#[tokio::test]
async fn keys_are_gathered_until_the_last_the_finishing_one_or_the_time() {
    let (world, mut client) = (World::new(), ClientSide::new());
    let gather = |attributes: &str| format!("<Gather action=\"/done\" {attributes}/>");
    client.serve_rcml("/done", "<Hangup/>");
    for (attributes, pressed, wait, expected) in [
        ("numDigits=\"3\"", &["1", "2", "34"][..], 0, Some("123")),
        ("", &["12#3"], 0, Some("12")),
        (
            "finishOnKey=\"*9\" method=\"GET\"",
            &["1#", "9"],
            0,
            Some("1%23"),
        ),
        ("timeout=\"2\"", &["4", "5"], 2, Some("45")),
        ("", &["#"], 0, None),
    ] {
        client.serve_rcml("/menu", &gather(attributes));
        world.answered_call(&client.url("/menu"), &[]).await;
        assert_eq!(client.next().await.line, "POST /menu");
        world.listens().await;
        for keys in pressed {
            world.press(keys).await;
        }
        world.clock.advance(Duration::from_secs(wait));
        world.ends_as("completed").await;
        match expected {
            Some(expected) if attributes.contains("GET") => {
                let line = client.next().await.line;
                let query = format!("&Digits={expected}&SpeechResult");
                assert!(line.starts_with("GET /done?CallSid="), "{line}");
                assert!(line.contains(&query), "{line}");
            }
            Some(expected) => assert_eq!(digits(&client.next().await), Some(expected)),
            None => assert!(client.heard_all(), "no key is no answer"),
        }
    }
}

#[tokio::test]
async fn a_redirect_is_relative_to_its_document_and_keys_go_nowhere_without_an_action() {
    let (world, mut client) = (World::new(), ClientSide::new());
    let first = "<Gather numDigits=\"1\"/><Dial>+1</Dial><Play>x.wav</Play>\
        <Redirect method=\"GET\">../b?x=1</Redirect><Say>never</Say>";
    client.serve_rcml("/a/first", first);
    client.serve_rcml("/b", "<Say loop=\"2\">twice</Say><Reject/><Say>never</Say>");
    world.answered_call(&client.url("/a/first"), &[]).await;
    assert_eq!(client.next().await.line, "POST /a/first");
    world.listens().await;
    world.press("7").await;
    world.ends_as("completed").await;
    let line = client.next().await.line;
    assert!(line.starts_with("GET /b?CallSid=ID"), "{line}");
    assert!(line.ends_with("&x=1"), "{line}");
    assert_eq!(world.simulator.spoken(NUMBER), ["twice twice"]);
}

#[tokio::test]
async fn what_cannot_be_used_fails_the_call_that_was_answered() {
    for broken in [
        page(204, None, ""),
        page(201, Some("text/xml"), "<Response/>"),
        page(500, Some("text/xml"), "<Response/>"),
        page(404, Some("text/html"), "Not found"),
        page(200, Some("text/xml"), "<Response><Say>x</Response>"),
        page(200, Some("text/xml"), ""),
        page(200, Some("text/xml"), &" ".repeat(300_000)),
    ] {
        let (world, mut client) = (World::new(), ClientSide::new());
        let (status, length) = (broken.status, broken.body.len());
        client.serve("/rcml", broken);
        let told = [("StatusCallback", &*client.url("/told"))];
        let sid = world.answered_call(&client.url("/rcml"), &told).await;
        world.ends_as("FAILED").await;
        let mut heard = Vec::new();
        while heard.len() < 5 {
            heard.push(client.next().await);
        }
        let told = |state: &str| heard.iter().any(|heard| heard.body.contains(state));
        assert!(told("&CallStatus=answered&"), "{status} {length}");
        assert!(
            told("&CallStatus=completed&CallDuration=0&"),
            "{status} {length}"
        );
        let item = &world.phone(NUMBER).await["items"][0];
        assert_eq!(
            (&item["answered"], &item["spoken"]),
            (&json!(true), &json!(""))
        );
        assert_eq!(world.call_record(&sid).await["answered_by"], NUMBER);
    }
}

#[tokio::test]
async fn an_address_that_is_relative_or_dead_fails_the_call() {
    let world = World::new();
    for url in ["/restcomm/dial-number-entry.xml", "http://127.0.0.1:1/rcml"] {
        world.answered_call(url, &[]).await;
        world.ends_as("FAILED").await;
    }
}

#[tokio::test]
async fn the_fallback_is_asked_when_the_first_document_cannot_be_had_and_only_then() {
    for broken in [500, 404] {
        let (world, mut client) = (World::new(), ClientSide::new());
        client.serve("/rcml", page(broken, None, ""));
        client.serve_rcml("/instead", "<Say>Instead.</Say><Redirect>/rcml</Redirect>");
        let fallback = client.url("/instead");
        let more = [
            ("FallbackUrl", &*fallback),
            ("FallbackMethod", "GET"),
            ("Method", "get"),
        ];
        world.answered_call(&client.url("/rcml"), &more).await;
        let line = client.next().await.line;
        assert!(line.starts_with("GET /rcml?CallSid="), "{line}");
        let line = client.next().await.line;
        assert!(line.starts_with("GET /instead?CallSid="), "{line}");
        assert_eq!(client.next().await.line, "POST /rcml");
        world.says("Instead.").await;
        if broken == 500 {
            world.ends_as("FAILED").await;
        }
        assert!(client.heard_all());
    }
}

#[tokio::test]
async fn what_a_document_is_decides_what_becomes_of_it() {
    for (content_type, body, spoken) in [
        (Some("text/plain; charset=utf-8"), "<b>1, 2\n", "<b>1, 2"),
        (
            Some("text/html"),
            "<Response><Say>A & B</Say></Response>",
            "A & B",
        ),
        (Some("audio/wav"), "RIFF", ""),
        (None, "<Response><Say>x</Say></Response>", ""),
    ] {
        let (world, client) = (World::new(), ClientSide::new());
        client.serve("/rcml", page(200, content_type, body));
        world.answered_call(&client.url("/rcml"), &[]).await;
        world.ends_as("completed").await;
        assert_eq!(world.simulator.spoken(NUMBER), [spoken], "{content_type:?}");
    }
}

#[tokio::test]
async fn of_some_answers_a_call_takes_no_notice_and_stays_up_in_silence() {
    for silent in [
        page(404, None, ""),
        page(404, Some("text/html"), "<html/>"),
        page(200, Some("application/json"), "{}"),
        page(
            200,
            Some("text/xml"),
            "<Response><Say loop=\"0\">On</Say><Hangup/></Response>",
        ),
    ] {
        let (world, mut client) = (World::new(), ClientSide::new());
        let body = silent.body.clone();
        client.serve("/rcml", silent);
        let sid = world.answered_call(&client.url("/rcml"), &[]).await;
        assert_eq!(client.next().await.line, "POST /rcml");
        world.clock.advance(Duration::from_mins(10));
        assert_eq!(
            world.call_record(&sid).await["status"],
            "in-progress",
            "{body}"
        );
        // Not for ever, though: that would fill the memory.
        world.clock.advance(Duration::from_hours(1));
        world.ends_as("completed").await;
        let call = world.call_record(&sid).await;
        assert_eq!(call["duration"], 3600, "{body}");
    }
}

#[tokio::test]
async fn a_script_without_end_ends() {
    let (world, mut client) = (World::new(), ClientSide::new());
    client.serve_rcml("/rcml", "<Redirect>/rcml</Redirect>");
    world.answered_call(&client.url("/rcml"), &[]).await;
    world.ends_as("FAILED").await;
    for _ in 0..100 {
        assert_eq!(client.next().await.line, "POST /rcml");
    }
    assert!(client.heard_all());

    client.serve_rcml("/long", &"<Pause length=\"0\"/>".repeat(2001));
    world.answered_call(&client.url("/long"), &[]).await;
    world.ends_as("FAILED").await;
}
