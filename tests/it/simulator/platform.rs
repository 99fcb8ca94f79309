use countersign::simulator::Counters;

use super::*;

const FORM: [(&str, &str); 3] = [("From", "OTPApp"), ("To", "+1"), ("Body", "x")];

fn unasked() -> Value {
    json!({ "posts": 0, "gets": 0, "polls": 0, "stored": 0 })
}

impl World {
    async fn answer(&self, answer: &str) {
        let script = json!({ "answer": answer });
        assert_eq!(self.script("/sim/platform", script).await.0, 200);
    }

    fn stored(&self) -> u64 {
        self.simulator.requests().stored
    }
}

#[tokio::test]
async fn scripted_refusals_store_nothing() {
    let world = World::new();
    let limit =
        "{\"message\":\"Now allowed to create SmsSession\",\n\"error\":\"SMS_LIMIT_EXCEEDED\"}";
    for (answer, status, body) in [
        ("500", 500, "The SMS service did not answer in time"),
        ("401", 401, ""),
        ("403", 403, ""),
        ("403-json", 403, limit),
    ] {
        world.answer(answer).await;
        assert_eq!(text_of(world.post(&FORM)).await, (status, body.to_owned()));
    }
    world.answer("html").await;
    let (status, body) = text_of(world.post(&FORM)).await;
    assert_eq!((status, body.starts_with("<html>")), (200, true));
    assert_eq!(world.stored(), 0);
    assert_eq!(world.phone("+1").await, no_items("+1"));
}

#[tokio::test]
async fn a_garbled_answer_is_a_success_that_cannot_be_read() {
    let world = World::new();
    world.answer("garbage").await;
    let (status, body) = text_of(world.post(&FORM)).await;
    assert_eq!(status, 200);
    assert!(serde_json::from_str::<Value>(&body).is_err());
    assert_eq!(world.simulator.texts("+1"), ["x"]);
}

#[tokio::test]
async fn a_closed_connection_gives_no_answer_whether_or_not_the_message_was_taken() {
    let world = World::new();
    for (answer, stored) in [("close", 0), ("close-after-accept", 1)] {
        world.answer(answer).await;
        let error = world.post(&FORM).send().await.unwrap_err();
        assert!(error.is_request(), "{error:?}");
        assert_eq!(world.stored(), stored);
    }
    assert_eq!(world.simulator.texts("+1"), ["x"]);
}

#[tokio::test]
async fn a_slow_answer_comes_after_the_message_has_arrived() {
    let world = World::new();
    world.answer("slow:5s").await;
    let asked = tokio::spawn(text_of(world.post(&FORM)));
    world
        .advance_until(0, |simulator| simulator.requests().stored == 1)
        .await;
    assert_eq!(world.simulator.texts("+1"), ["x"]);
    assert!(!asked.is_finished());
    // The handler may not have begun to wait yet: move the clock until it has answered.
    let answered = async {
        while !asked.is_finished() {
            world.clock.advance(Duration::from_secs(5));
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::app::PATIENCE, answered)
        .await
        .unwrap();
    assert_eq!(asked.await.unwrap().0, 200);
}

#[tokio::test]
async fn a_hanging_platform_neither_answers_nor_stores() {
    let world = World::new();
    world.answer("hang").await;
    let request = world.post(&FORM).timeout(Duration::from_millis(300));
    assert!(request.send().await.unwrap_err().is_timeout());
    assert_eq!(
        world.simulator.requests(),
        Counters {
            posts: 1,
            gets: 0,
            polls: 0,
            stored: 0
        }
    );
}

#[tokio::test]
async fn a_counted_answer_wears_off() {
    let world = World::new();
    let (status, view) = world
        .script("/sim/platform", json!({ "answer": "500", "times": 2 }))
        .await;
    let expected = json!({
        "answer": "500", "times": 2, "lookup": "ok", "posts": 0, "gets": 0, "polls": 0, "stored": 0,
        "call": "ok", "calls": unasked(),
    });
    assert_eq!((status, view), (200, expected));
    for status in [500, 500, 200] {
        assert_eq!(text_of(world.post(&FORM)).await.0, status);
    }
    let (_, view) = json_of(world.request(Method::GET, "/sim/platform")).await;
    let expected = json!({
        "answer": "ok", "lookup": "ok", "posts": 3, "gets": 0, "polls": 0, "stored": 1,
        "call": "ok", "calls": unasked(),
    });
    assert_eq!(view, expected);
}

#[tokio::test]
async fn lookups_fail_by_a_script_of_their_own() {
    let world = World::new();
    let sid = world.send("+1", "x").await;
    let script = json!({ "lookup": "403", "lookup_times": 1 });
    assert_eq!(world.script("/sim/platform", script).await.0, 200);
    assert_eq!(
        text_of(world.rest(Method::GET, "Messages.json")).await.0,
        403
    );
    assert_eq!(world.message(&sid).await["body"], "x");
    assert_eq!(
        world.simulator.requests(),
        Counters {
            posts: 1,
            gets: 1,
            polls: 1,
            stored: 1
        }
    );
}

#[tokio::test]
async fn a_platform_script_that_is_not_understood_is_refused() {
    let world = World::new();
    for script in [
        json!({ "answer": "200" }),
        json!({ "times": 1 }),
        json!({ "answer": "500", "times": -1 }),
        json!({ "answer": "500", "when": "now" }),
        json!({ "call": "busy" }),
        json!({ "call_times": 1 }),
    ] {
        assert_eq!(world.script("/sim/platform", script).await.0, 400);
    }
    assert_eq!(text_of(world.post(&FORM)).await.0, 200);
}

const CALL: [(&str, &str); 3] = [
    ("From", "+13055550100"),
    ("To", "+1"),
    ("Url", "http://127.0.0.1:1/"),
];

#[tokio::test]
async fn calls_fail_by_a_script_of_their_own() {
    let world = World::new();
    for (answer, status, body) in [
        ("500", 500, "Futures timed out after [10 seconds]"),
        ("401", 401, ""),
        ("403", 403, ""),
        ("403-json", 500, "Not Allowed to make this outbound call"),
    ] {
        let script = json!({ "call": answer, "call_times": 1 });
        assert_eq!(world.script("/sim/platform", script).await.0, 200);
        assert_eq!(text_of(world.place(&CALL)).await, (status, body.to_owned()));
    }
    assert_eq!(text_of(world.post(&FORM)).await.0, 200);
    let script = json!({ "call": "close-after-accept", "call_times": 1 });
    assert_eq!(world.script("/sim/platform", script).await.0, 200);
    assert!(world.place(&CALL).send().await.unwrap_err().is_request());
    let script = json!({ "lookup": "500", "lookup_times": 2 });
    assert_eq!(world.script("/sim/platform", script).await.0, 200);
    let sid = world.simulator.calls()[0].sid.clone();
    let one = format!("/{sid}.json");
    for (tail, status) in [(".json", 500), (&one, 500), (&one, 200)] {
        assert_eq!(text_of(world.calls(Method::GET, tail)).await.0, status);
    }
    let (_, view) = json_of(world.request(Method::GET, "/sim/platform")).await;
    let expected = json!({
        "answer": "ok", "lookup": "ok", "posts": 1, "gets": 0, "polls": 0, "stored": 1,
        "call": "ok", "calls": { "posts": 5, "gets": 1, "polls": 2, "stored": 1 },
    });
    assert_eq!(view, expected);
}
