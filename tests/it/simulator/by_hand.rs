//! The call on a phone, seen and taken by hand.

use super::{client::ClientSide, *};

const NUMBER: &str = "+351912345678";
const CALL: &str = "/sim/phones/351912345678/call";

impl World {
    async fn ringing_call(&self, url: &str) -> String {
        let sid = self
            .call(&[("From", "+13055550100"), ("To", NUMBER), ("Url", url)])
            .await;
        self.advance_until(50, |simulator| simulator.live_call(NUMBER).is_some())
            .await;
        sid
    }

    async fn shown(&self) -> Value {
        let (status, view) = json_of(self.request(Method::GET, CALL)).await;
        assert_eq!(status, 200);
        view
    }

    async fn by_hand(&self, what: &str) -> (u16, String) {
        let request = self.request(Method::POST, &format!("{CALL}/{what}"));
        text_of(request.body(r#"{"keys":"1"}"#)).await
    }
}

fn done() -> (u16, String) {
    (204, String::new())
}

fn no_such_call(message: &str) -> (u16, String) {
    (409, json!({ "message": message }).to_string())
}

#[tokio::test]
async fn a_phone_without_a_call_shows_none() {
    let world = World::new();
    assert_eq!(world.shown().await, json!({ "number": NUMBER }));
    let (rings_not, took_none) = (
        "this phone does not ring",
        "this phone has not taken a call",
    );
    for (what, message) in [
        ("answer", rings_not),
        ("decline", rings_not),
        ("hangup", took_none),
        ("keys", took_none),
    ] {
        assert_eq!(world.by_hand(what).await, no_such_call(message), "{what}");
    }
}

#[tokio::test]
async fn a_phone_told_to_ignore_calls_may_be_answered_by_hand() {
    let (world, client) = (World::new(), ClientSide::new());
    let menu = "<Gather><Say language=\"pt-br\">Um, dois.</Say></Gather>";
    client.serve_rcml("/rcml", menu);
    world.script_call(NUMBER, "ignore").await;
    let sid = world.ringing_call(&client.url("/rcml")).await;
    let ringing = json!({ "number": NUMBER, "call": { "sid": sid, "from": "+13055550100",
        "status": "ringing", "spoken": "", "listening": false } });
    assert_eq!(world.shown().await, ringing);
    assert_eq!(
        world.by_hand("hangup").await,
        no_such_call("this phone has not taken a call")
    );

    world.clock.advance(Duration::from_millis(5500));
    assert_eq!(world.by_hand("answer").await, done());
    assert_eq!(world.call_record(&sid).await["ring_duration"], 5);
    assert_eq!(
        world.by_hand("answer").await,
        no_such_call("this phone does not ring")
    );
    world
        .advance_until(0, |simulator| {
            simulator
                .live_call(NUMBER)
                .is_some_and(|call| call.listening)
        })
        .await;
    let talking = json!({ "number": NUMBER, "call": { "sid": sid, "from": "+13055550100",
        "status": "in-progress", "spoken": "Um, dois.", "language": "pt-br", "listening": true } });
    assert_eq!(world.shown().await, talking);

    world.clock.advance(Duration::from_millis(1500));
    assert_eq!(world.by_hand("hangup").await, done());
    assert_eq!(world.shown().await, json!({ "number": NUMBER }));
    let call = world.call_record(&sid).await;
    assert_eq!(
        (&call["status"], &call["duration"]),
        (&json!("completed"), &json!(1))
    );
    let item = json!({ "kind": "call", "from": "+13055550100", "answered": true,
        "spoken": "Um, dois.", "rang_seconds": 5, "at": "2026-01-31T12:00:00Z" });
    assert_eq!(world.phone(NUMBER).await["items"], json!([item]));
}

#[tokio::test]
async fn a_declined_call_is_busy() {
    let world = World::new();
    let sid = world.ringing_call("http://127.0.0.1:1/").await;
    world.clock.advance(Duration::from_millis(1200));
    assert_eq!(world.by_hand("decline").await, done());
    let call = world.call_record(&sid).await;
    assert_eq!(call["status"], "BUSY");
    assert_eq!(
        (&call["duration"], &call["ring_duration"]),
        (&json!(0), &json!(1))
    );
    let item = &world.phone(NUMBER).await["items"][0];
    assert_eq!(
        (&item["answered"], &item["rang_seconds"]),
        (&json!(false), &json!(1))
    );
}

#[tokio::test]
async fn a_call_can_be_hung_up_while_its_rcml_is_on_its_way() {
    let world = World::new();
    // Takes connections, and never answers.
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", deaf.local_addr().unwrap());
    let sid = world.ringing_call(&url).await;
    assert_eq!(world.by_hand("answer").await, done());
    assert_eq!(
        world.by_hand("keys").await,
        done(),
        "nobody listens to them"
    );
    assert_eq!(world.by_hand("hangup").await, done());
    assert_eq!(world.call_record(&sid).await["status"], "completed");
}

#[tokio::test]
async fn other_keys_than_those_of_a_phone_are_refused() {
    let world = World::new();
    let detail = "the one member is \"keys\": 1 to 32 of 0 to 9, * and #";
    let problem =
        json!({ "type": "about:blank", "title": "Bad Request", "status": 400, "detail": detail });
    for keys in [
        json!({ "keys": "a" }),
        json!({ "keys": "1", "twice": true }),
        json!({ "key": "1" }),
    ] {
        let request = world.request(Method::POST, &format!("{CALL}/keys"));
        assert_eq!(
            json_of(request.body(keys.to_string())).await,
            (400, problem.clone())
        );
    }
}
