use reqwest::Method;

use super::*;

const FORM: [(&str, &str); 3] = [
    ("From", "OTPApp"),
    ("To", "+351912345678"),
    ("Body", "It's <1> & 2=2"),
];

#[tokio::test]
async fn an_accepted_message_is_answered_as_restcomm_answers_it() {
    let world = World::new();
    let response = world.post(&FORM).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-type"), Some("application/json"));
    let text = response.text().await.unwrap();
    let sid = world.simulator.messages()[0].sid.clone();
    let expected = r#"{
  "sid": "SID",
  "date_created": "Sat, 31 Jan 2026 12:00:00 +0000",
  "date_updated": "Sat, 31 Jan 2026 12:00:00 +0000",
  "account_sid": "AC00000000000000000000000000000001",
  "from": "OTPApp",
  "to": "+351912345678",
  "body": "It\u0027s \u003c1\u003e \u0026 2\u003d2",
  "status": "sending",
  "direction": "outbound-api",
  "price": "0",
  "price_unit": "USD",
  "api_version": "2012-04-24",
  "uri": "/2012-04-24/Accounts/AC00000000000000000000000000000001/SMS/Messages/SID.json"
}"#;
    assert_eq!(text, expected.replace("SID", &sid));
}

#[tokio::test]
async fn the_day_of_a_date_may_have_one_digit() {
    let world = World::new();
    world.clock.advance(Duration::from_hours(24));
    let sid = world.send("+1", "").await;
    let created = &world.message(&sid).await["date_created"];
    assert_eq!(created, "Sun, 1 Feb 2026 12:00:00 +0000");
}

#[tokio::test]
async fn without_a_wish_for_json_the_answer_is_xml() {
    let world = World::new();
    let request = world
        .rest(Method::POST, "Messages")
        .header("accept", "*/*")
        .form(&FORM);
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-type"), Some("application/xml"));
    let text = response.text().await.unwrap();
    let sid = world.simulator.messages()[0].sid.clone();
    let expected = "<RestcommResponse><SMSMessage><Sid>SID</Sid>\
        <DateCreated>Sat, 31 Jan 2026 12:00:00 +0000</DateCreated>\
        <DateUpdated>Sat, 31 Jan 2026 12:00:00 +0000</DateUpdated><DateSent/>\
        <AccountSid>AC00000000000000000000000000000001</AccountSid><From>OTPApp</From>\
        <To>+351912345678</To><Body>It&apos;s &lt;1&gt; &amp; 2=2</Body><Status>sending</Status>\
        <Direction>outbound-api</Direction><Price>0</Price><PriceUnit>USD</PriceUnit>\
        <ApiVersion>2012-04-24</ApiVersion>\
        <Uri>/2012-04-24/Accounts/AC00000000000000000000000000000001/SMS/Messages/SID</Uri>\
        </SMSMessage></RestcommResponse>";
    assert_eq!(text.replace('\n', ""), expected.replace("SID", &sid));
}

#[tokio::test]
async fn json_comes_by_an_accept_that_contains_it_or_by_a_suffix_on_any_segment() {
    let world = World::new();
    let version = "/sim/restcomm/2012-04-24";
    let ask = |path: String, accept: &'static str| {
        let request = world.request(Method::GET, &format!("{version}/{path}"));
        request
            .basic_auth(SID, Some(TOKEN))
            .header("accept", accept)
    };
    for (path, accept, content_type) in [
        (
            format!("Accounts/{SID}/SMS/Messages"),
            "text/html, x/vnd.json",
            "application/json",
        ),
        (
            format!("Accounts.json/{SID}/SMS/Messages"),
            "application/xml",
            "application/json",
        ),
        (
            format!("Accounts/{SID}.json/SMS.json/Messages"),
            "*/*",
            "application/json",
        ),
        (
            format!("Accounts/{SID}/SMS/Messages.json"),
            "*/*",
            "application/json",
        ),
        (
            format!("Accounts/{SID}/SMS/Messages"),
            "application/xml",
            "application/xml",
        ),
    ] {
        let response = ask(path, accept).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "content-type"), Some(content_type));
    }
}

#[tokio::test]
async fn missing_parameters_are_asked_for_in_order_by_plain_text() {
    let world = World::new();
    for (form, text) in [
        (&FORM[..0], "From can not be null."),
        (&FORM[..1], "To can not be null."),
        (&FORM[..2], "Body can not be null."),
        (&[FORM[2]], "From can not be null."),
    ] {
        assert_eq!(text_of(world.post(form)).await, (400, text.to_owned()));
    }
    let empty = [("From", ""), ("To", ""), ("Body", "")];
    assert_eq!(text_of(world.post(&empty)).await.0, 200);
}

#[tokio::test]
async fn what_restcomm_does_not_catch_ends_in_a_500() {
    let world = World::new();
    let long = "x".repeat(1000);
    for (name, value) in [
        ("Encoding", "utf-8"),
        ("StatusCallback", "http://example.com/not a uri"),
        ("Body", &*long),
    ] {
        let form = [(name, value), FORM[0], FORM[1], FORM[2]];
        assert_eq!(text_of(world.post(&form)).await.0, 500, "{name}");
    }
    assert_eq!(world.simulator.requests().stored, 0);
}

#[tokio::test]
async fn encodings_headers_and_the_version_are_accepted() {
    let world = World::new();
    let form = [
        FORM[0],
        FORM[1],
        ("Body", "Ω"),
        ("Encoding", "UCS-2"),
        ("X-Custom-Header-1", "1"),
        ("ApiVersion", "2010-04-01"),
    ];
    let (status, answer) = json_of(world.post(&form)).await;
    assert_eq!(status, 200);
    assert_eq!(answer["body"], "Ω");
    assert_eq!(answer["api_version"], "2010-04-01");
    assert!(
        answer["uri"]
            .as_str()
            .unwrap()
            .starts_with("/2010-04-01/Accounts/")
    );
}

#[tokio::test]
async fn a_message_is_sending_then_sent_then_delivered() {
    let world = World::new();
    let sid = world.send("+351912345678", "Hello").await;
    assert_eq!(world.message(&sid).await["status"], "sending");

    world.advance_to_status(50, "sent").await;
    let message = world.message(&sid).await;
    assert_eq!(message["status"], "sent");
    assert_eq!(message["date_sent"], "2026-01-31T12:00:00.050Z");

    world.advance_to_status(150, "delivered").await;
    let message = world.message(&sid).await;
    assert_eq!(message["status"], "delivered");
    assert_eq!(message["date_sent"], "2026-01-31T12:00:00.050Z");
    assert_eq!(message.get("error_code"), None);
}

#[tokio::test]
async fn an_unknown_message_is_404_and_empty_and_a_malformed_sid_is_500() {
    let world = World::new();
    let unknown = "Messages/SM00000000000000000000000000000000.json";
    assert_eq!(
        text_of(world.rest(Method::GET, unknown)).await,
        (404, String::new())
    );
    assert_eq!(
        text_of(world.rest(Method::GET, "Messages/SM1.json"))
            .await
            .0,
        500
    );
}
