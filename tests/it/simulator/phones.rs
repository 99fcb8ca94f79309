use reqwest::Method;

use super::*;

const NUMBER: &str = "+351912345678";

#[tokio::test]
async fn a_phone_shows_what_it_received_newest_last() {
    let world = World::new();
    assert_eq!(world.phone(NUMBER).await, no_items(NUMBER));
    world.send(NUMBER, "first").await;
    world.clock.advance(Duration::from_millis(1999));
    world.send(NUMBER, "second").await;
    world.send("+351912345679", "not for this phone").await;
    let expected = json!({ "number": NUMBER, "items": [
        { "kind": "sms", "from": "OTPApp", "text": "first", "at": "2026-01-31T12:00:00Z" },
        { "kind": "sms", "from": "OTPApp", "text": "second", "at": "2026-01-31T12:00:01Z" },
    ] });
    for spelling in ["+351912345678", "%2B351912345678", "351912345678"] {
        assert_eq!(world.phone(spelling).await, expected);
    }
    assert_eq!(world.simulator.texts(NUMBER), ["first", "second"]);
}

#[tokio::test]
async fn a_script_replaces_the_members_it_names_and_shows_the_whole() {
    let world = World::new();
    let phone = format!("/sim/phones/{NUMBER}");
    let (status, script) = world.script(&phone, json!({})).await;
    assert_eq!(
        (status, script),
        (200, json!({ "sms": "deliver", "call": "answer" }))
    );
    let (status, script) = world.script(&phone, json!({ "call": "busy" })).await;
    assert_eq!(
        (status, script),
        (200, json!({ "sms": "deliver", "call": "busy" }))
    );
    let (status, script) = world
        .script("/sim/phones/351912345678", json!({ "sms": "delay:8s" }))
        .await;
    assert_eq!(
        (status, script),
        (200, json!({ "sms": "delay:8s", "call": "busy" }))
    );
}

#[tokio::test]
async fn a_script_that_is_not_understood_is_refused_whole() {
    let world = World::new();
    let phone = format!("/sim/phones/{NUMBER}");
    let sms = "\"sms\" must be \"deliver\", \"lose\", \"undeliver\", \"refuse\" or a delay such as \"delay:8s\"";
    for (script, detail) in [
        (json!({ "call": "busy", "sms": "eat" }), sms),
        (json!({ "sms": 1 }), sms),
        (
            json!({ "call": "pick up" }),
            "\"call\" must be \"answer\", \"ignore\", \"busy\" or \"fail\"",
        ),
        (
            json!({ "call": "busy", "mail": "lose" }),
            "the members allowed are \"sms\" and \"call\"",
        ),
        (json!([]), "the body must be one JSON object"),
    ] {
        let problem = json!({ "type": "about:blank", "title": "Bad Request", "status": 400, "detail": detail });
        assert_eq!(world.script(&phone, script).await, (400, problem));
    }
    let (_, script) = world.script(&phone, json!({})).await;
    assert_eq!(script, json!({ "sms": "deliver", "call": "answer" }));
}

impl World {
    async fn script_sms(&self, fate: &str) {
        let path = format!("/sim/phones/{NUMBER}");
        assert_eq!(self.script(&path, json!({ "sms": fate })).await.0, 200);
    }
}

#[tokio::test]
async fn a_lost_message_is_sent_and_never_heard_of_again() {
    let world = World::new();
    world.script_sms("lose").await;
    let lost = world.send(NUMBER, "lost").await;
    world.script_sms("deliver").await;
    let found = world.send(NUMBER, "found").await;
    world
        .advance_until(3_600_000, |simulator| {
            simulator.messages()[1].status.as_str() == "delivered"
                && simulator.messages()[0].sent.is_some()
        })
        .await;
    assert_eq!(world.message(&lost).await["status"], "sent");
    assert_eq!(world.message(&found).await["status"], "delivered");
    assert_eq!(world.simulator.texts(NUMBER), ["found"]);
}

#[tokio::test]
async fn an_undeliverable_message_says_why() {
    let world = World::new();
    world.script_sms("undeliver").await;
    let sid = world.send(NUMBER, "x").await;
    world.advance_to_status(200, "undelivered").await;
    let message = world.message(&sid).await;
    assert_eq!(message["error_code"], 30006);
    assert_eq!(message["error_message"], "Landline or unreachable carrier");
    let (_, xml) = text_of(world.rest(Method::GET, &format!("Messages/{sid}"))).await;
    let error = "<Error><ErrorCode>30006</ErrorCode>\
        <ErrorMessage>Landline or unreachable carrier</ErrorMessage></Error>";
    assert!(xml.replace('\n', "").contains(error));
    assert_eq!(world.phone(NUMBER).await, no_items(NUMBER));
}

#[tokio::test]
async fn a_refused_message_is_400_and_not_stored() {
    let world = World::new();
    world.script_sms("refuse").await;
    let request = world.post(&[("From", "OTPApp"), ("To", NUMBER), ("Body", "x")]);
    let text = "Error type: NOT_A_NUMBER. The string supplied did not seem to be a phone number.";
    assert_eq!(text_of(request).await, (400, text.to_owned()));
    assert_eq!(world.simulator.requests().stored, 0);
}

#[tokio::test]
async fn a_delayed_message_is_accepted_at_once_and_arrives_later() {
    let world = World::new();
    world.script_sms("delay:8s").await;
    let sid = world.send(NUMBER, "late").await;
    world.advance_to_status(7_999, "sent").await;
    assert_eq!(world.phone(NUMBER).await, no_items(NUMBER));
    world
        .advance_until(1, |simulator| !simulator.inbox(NUMBER).is_empty())
        .await;
    assert_eq!(
        world.phone(NUMBER).await["items"][0]["at"],
        "2026-01-31T12:00:08Z"
    );
    assert_eq!(world.message(&sid).await["status"], "sent");
    world.advance_to_status(200, "delivered").await;
}
