//! How a call goes: its states, and what its client is told of them.

use countersign::simulator::CallReports;
use reqwest::Method;

use super::{
    client::{ClientSide, Heard},
    *,
};

const NUMBER: &str = "+351912345678";

impl World {
    /// A call that may ring for ten seconds and tells its progress.
    async fn told_call(&self, client: &ClientSide) -> String {
        self.call(&[
            ("From", "+13055550100"),
            ("To", NUMBER),
            ("Url", &client.url("/rcml")),
            ("Timeout", "10"),
            ("StatusCallback", &client.url("/progress?token=t%20t")),
            ("StatusCallbackEvent", "completed"),
        ])
        .await
    }
}

fn told(sid: &str, progress: &str, time: &str, number: u8) -> Heard {
    let instance = &sid[..34];
    let body = format!(
        "InstanceId={instance}&AccountSid={SID}&CallSid={sid}&From=%2B13055550100&To=%2B351912345678\
         &Direction=outbound-api&CallerName=%2B13055550100&ForwardedFrom&CallStatus={progress}\
         &Timestamp=Sat%2C+31+Jan+2026+12%3A00%3A{time}+UTC&CallbackSource=call-progress-events\
         &SequenceNumber={number}&token=t+t"
    );
    Heard {
        line: "POST /progress".to_owned(),
        body,
    }
}

#[tokio::test]
async fn an_answered_call_is_told_in_four_steps_whatever_was_asked_for() {
    let (world, mut client) = (World::new(), ClientSide::new());
    client.serve_rcml("/rcml", "<Pause length=\"7\"/>");
    let sid = world.told_call(&client).await;
    world.advance_to(50, "RINGING").await;
    assert_eq!(client.next().await, told(&sid, "initiated", "00", 0));
    assert_eq!(client.next().await, told(&sid, "ringing", "00", 1));
    world.advance_to(2000, "in-progress").await;
    // The RCML is asked for at the same time.
    let (one, other) = (client.next().await, client.next().await);
    let answered = told(&sid, "answered", "02", 2);
    assert!(one == answered || other == answered, "{one:?} {other:?}");
    world.advance_to(7000, "completed").await;
    let completed = told(&sid, "completed&CallDuration=7", "09", 3);
    assert_eq!(client.next().await, completed);
    assert!(client.heard_all());
}

#[tokio::test]
async fn an_ignored_call_is_given_up_when_its_time_is_over_and_told_as_completed() {
    let (world, mut client) = (World::new(), ClientSide::new());
    world.script_call(NUMBER, "ignore").await;
    let sid = world.told_call(&client).await;
    world.advance_to(10_049, "RINGING").await;
    world.advance_to(1, "canceled").await;
    assert_eq!(client.next().await, told(&sid, "initiated", "00", 0));
    assert_eq!(client.next().await, told(&sid, "ringing", "00", 1));
    let completed = told(&sid, "completed&CallDuration=10", "10", 3);
    assert_eq!(client.next().await, completed);
    let call = world.call_record(&sid).await;
    assert_eq!(call["end_time"], "2026-01-31T12:00:10.050Z");
    assert_eq!(
        (&call["duration"], call.get("ring_duration")),
        (&json!(10), None)
    );
    let item = json!({ "kind": "call", "from": "+13055550100", "answered": false, "spoken": "",
        "rang_seconds": 10, "at": "2026-01-31T12:00:00Z" });
    assert_eq!(world.phone(NUMBER).await["items"], json!([item]));
    assert!(
        client.heard_all(),
        "the RCML of an unanswered call is never asked for"
    );
}

#[tokio::test]
async fn a_call_that_does_not_ring_leaves_a_gap_in_the_numbers() {
    for (fate, status) in [("busy", "BUSY"), ("fail", "FAILED")] {
        let (world, mut client) = (World::new(), ClientSide::new());
        world.script_call(NUMBER, fate).await;
        let sid = world.told_call(&client).await;
        world.advance_to(50, status).await;
        assert_eq!(client.next().await, told(&sid, "initiated", "00", 0));
        let completed = told(&sid, "completed&CallDuration=0", "00", 3);
        assert_eq!(client.next().await, completed);
        assert!(client.heard_all());
        let call = world.call_record(&sid).await;
        let duration = (fate == "busy").then_some(0);
        assert_eq!(
            call.get("duration"),
            duration.map(|seconds| json!(seconds)).as_ref()
        );
        assert_eq!(call.get("end_time"), None);
        assert_eq!(world.phone(NUMBER).await, no_items(NUMBER));
    }
}

#[tokio::test]
async fn progress_can_be_asked_for_by_get_and_redirected() {
    let (world, mut client) = (World::new(), ClientSide::new());
    client.serve(
        "/moved",
        client::Page {
            status: 302,
            content_type: None,
            body: String::new(),
            location: Some("/here?x=1"),
        },
    );
    world.script_call(NUMBER, "ignore").await;
    world
        .call(&[
            ("From", "+13055550100"),
            ("To", NUMBER),
            ("Url", "relative"),
            ("StatusCallback", &client.url("/moved?token=t")),
            ("StatusCallbackMethod", "GET"),
        ])
        .await;
    world.clock.advance(Duration::from_millis(10));
    let (moved, here) = (client.next().await, client.next().await);
    assert!(
        moved.line.starts_with("GET /moved?InstanceId=ID"),
        "{}",
        moved.line
    );
    assert!(
        moved
            .line
            .contains("&ForwardedFrom&CallStatus=initiated&Timestamp=")
    );
    assert!(
        moved.line.ends_with("&SequenceNumber=0&token=t"),
        "{}",
        moved.line
    );
    let expected = format!("{}&x=1", moved.line.replace("/moved", "/here"));
    assert_eq!((here.line, here.body), (expected, String::new()));
}

#[tokio::test]
async fn progress_that_gets_lost_is_still_found_by_asking() {
    let (world, mut client) = (World::new(), ClientSide::new());
    world.simulator.report_calls(CallReports::Lost);
    client.serve_rcml("/rcml", "<Hangup/>");
    let sid = world.told_call(&client).await;
    world.advance_to(2050, "completed").await;
    assert_eq!(client.next().await.line, "POST /rcml");
    assert!(client.heard_all());
    assert_eq!(world.call_record(&sid).await["status"], "completed");
}

#[tokio::test]
async fn a_phone_has_one_call_at_a_time() {
    let (world, client) = (World::new(), ClientSide::new());
    client.serve_rcml("/rcml", "<Pause length=\"60\"/>");
    let first = world.told_call(&client).await;
    world.advance_to(2050, "in-progress").await;
    let second = world.told_call(&client).await;
    world
        .advance_until(50, |simulator| {
            simulator.calls()[1].status.as_str() == "BUSY"
        })
        .await;
    assert_eq!(world.call_record(&first).await["status"], "in-progress");
    assert_eq!(world.call_record(&second).await["status"], "BUSY");
    assert_eq!(world.simulator.inbox(NUMBER).len(), 1);
    world
        .advance_until(60_000, |simulator| {
            simulator.calls()[0].status.as_str() == "completed"
        })
        .await;
    let third = world.told_call(&client).await;
    world
        .advance_until(50, |simulator| {
            simulator.calls()[2].status.as_str() == "RINGING"
        })
        .await;
    assert_eq!(world.call_record(&third).await["status"], "RINGING");
}

impl World {
    async fn modify(&self, sid: &str, status: &str) -> (u16, String) {
        let form = [("Status", status)];
        text_of(
            self.calls(Method::POST, &format!("/{sid}.json"))
                .form(&form),
        )
        .await
    }
}

#[tokio::test]
async fn a_client_may_cancel_a_call_that_rings_and_end_one_that_was_answered() {
    let (world, client) = (World::new(), ClientSide::new());
    client.serve_rcml("/rcml", "<Pause length=\"60\"/>");
    let sid = world.told_call(&client).await;
    world.advance_to(50, "RINGING").await;
    let (status, before) = world.modify(&sid, "canceled").await;
    let before: Value = serde_json::from_str(&before).unwrap();
    assert_eq!((status, &before["status"]), (200, &json!("RINGING")));
    assert_eq!(world.call_record(&sid).await["status"], "canceled");
    let gone = (410, "Call is already completed.".to_owned());
    assert_eq!(world.modify(&sid, "completed").await, gone);

    let sid = world.told_call(&client).await;
    world
        .advance_until(2050, |simulator| {
            simulator.calls()[1].status.as_str() == "in-progress"
        })
        .await;
    assert_eq!(world.modify(&sid, "canceled").await.0, 200);
    assert_eq!(world.modify(&sid, "paused").await.0, 200);
    assert_eq!(world.call_record(&sid).await["status"], "in-progress");
    assert_eq!(world.modify(&sid, "Completed").await.0, 200);
    assert_eq!(world.call_record(&sid).await["status"], "completed");
}

#[tokio::test]
async fn a_call_that_is_not_there_cannot_be_ended() {
    let world = World::new();
    let unknown = format!("ID{:032}-CA{:032}", 0, 0);
    assert_eq!(
        world.modify(&unknown, "completed").await,
        (406, String::new())
    );
    assert_eq!(world.modify("CA1", "completed").await, (400, String::new()));
}
