use reqwest::Method;

use super::{client::ClientSide, *};

const NUMBER: &str = "+351912345678";
const FORM: [(&str, &str); 3] = [
    ("From", "+13055550100"),
    ("To", NUMBER),
    ("Url", "http://127.0.0.1:1/rcml"),
];

#[tokio::test]
async fn a_placed_call_is_answered_as_restcomm_answers_it() {
    let world = World::new();
    let response = world.place(&FORM).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-type"), Some("application/json"));
    let text = response.text().await.unwrap();
    let sid = world.simulator.calls()[0].sid.clone();
    let (instance, call) = sid.split_once('-').unwrap();
    assert_eq!((sid.len(), &instance[..2], &call[..2]), (69, "ID", "CA"));
    let path = "/2012-04-24/Accounts/AC00000000000000000000000000000001/Calls";
    let expected = format!(
        r#"{{
  "sid": "{sid}",
  "InstanceId": "{instance}",
  "date_created": "Sat, 31 Jan 2026 12:00:00 +0000",
  "date_updated": "Sat, 31 Jan 2026 12:00:00 +0000",
  "account_sid": "AC00000000000000000000000000000001",
  "to": "+351912345678",
  "from": "+13055550100",
  "status": "QUEUED",
  "start_time": "2026-01-31T12:00:00.000Z",
  "price_unit": "USD",
  "direction": "outbound-api",
  "api_version": "2012-04-24",
  "caller_name": "+13055550100",
  "uri": "{path}/{sid}.json",
  "subresource_uris": {{
    "notifications": "{path}/{sid}/Notifications.json",
    "recordings": "{path}/{sid}/Recordings.json"
  }}
}}"#
    );
    assert_eq!(text, expected);
    assert_eq!(world.call_record(&sid).await.to_string(), {
        serde_json::from_str::<Value>(&expected)
            .unwrap()
            .to_string()
    });
}

#[tokio::test]
async fn all_calls_of_a_platform_begin_with_its_name() {
    let world = World::new();
    let (one, other) = (world.call(&FORM).await, world.call(&FORM).await);
    assert_ne!(one, other);
    assert_eq!(one.split('-').next(), other.split('-').next());
}

#[tokio::test]
async fn without_a_wish_for_json_a_call_is_xml_with_another_root_when_it_is_placed() {
    let world = World::new();
    let (status, placed) = text_of(world.calls(Method::POST, "").form(&FORM)).await;
    assert_eq!(status, 200);
    let sid = world.simulator.calls()[0].sid.clone();
    let instance = &sid[..34];
    let path = "/2012-04-24/Accounts/AC00000000000000000000000000000001/Calls";
    let element = format!(
        "<Call><Sid>{sid}</Sid><InstanceId>{instance}</InstanceId>\
         <DateCreated>Sat, 31 Jan 2026 12:00:00 +0000</DateCreated>\
         <DateUpdated>Sat, 31 Jan 2026 12:00:00 +0000</DateUpdated><ParentCallSid/>\
         <AccountSid>{SID}</AccountSid><To>{NUMBER}</To><From>+13055550100</From><PhoneNumberSid/>\
         <Status>QUEUED</Status><StartTime>2026-01-31T12:00:00.000Z</StartTime><EndTime/><Duration/>\
         <Price/><PriceUnit>USD</PriceUnit><Direction>outbound-api</Direction><AnsweredBy/>\
         <ApiVersion>2012-04-24</ApiVersion><ForwardedFrom/><CallerName>+13055550100</CallerName>\
         <Uri>{path}/{sid}</Uri><SubresourceUris><Notifications>{path}/{sid}/Notifications</Notifications>\
         <Recordings>{path}/{sid}/Recordings</Recordings></SubresourceUris><Ring_duration/></Call>"
    );
    let root = "org.restcomm.connect.dao.entities.CallDetailRecord";
    assert_eq!(
        placed.replace('\n', ""),
        format!("<{root}>{element}</{root}>")
    );
    let (status, shown) = text_of(world.calls(Method::GET, &format!("/{sid}"))).await;
    assert_eq!(status, 200);
    let expected = format!("<RestcommResponse>{element}</RestcommResponse>");
    assert_eq!(shown.replace('\n', ""), expected);
}

#[tokio::test]
async fn missing_parameters_of_a_call_are_asked_for_in_order_by_plain_text() {
    let world = World::new();
    for (form, text) in [
        (&FORM[..0], "From can not be null."),
        (&FORM[..1], "To can not be null."),
        (&FORM[..2], "Url can not be null."),
    ] {
        assert_eq!(text_of(world.place(form)).await, (400, text.to_owned()));
    }
    assert_eq!(world.simulator.call_requests().stored, 0);
}

#[tokio::test]
async fn what_restcomm_does_not_catch_of_a_call_ends_in_a_500() {
    let world = World::new();
    let long = "x".repeat(256);
    for (name, value) in [
        ("Timeout", "soon"),
        ("Timeout", "1.5"),
        ("Url", "http://example.com/not a uri"),
        ("FallbackUrl", "a|b"),
        ("From", &*long),
    ] {
        let form = [(name, value), FORM[0], FORM[1], FORM[2]];
        assert_eq!(text_of(world.place(&form)).await.0, 500, "{name}={value}");
    }
    assert_eq!(world.simulator.call_requests().stored, 0);
    let odd_callback = [FORM[0], FORM[1], FORM[2], ("StatusCallback", "a|b")];
    assert_eq!(text_of(world.place(&odd_callback)).await.0, 200);
}

#[tokio::test]
async fn parties_are_trimmed_and_headers_for_the_far_end_are_no_part_of_the_number() {
    let world = World::new();
    let form = [
        ("From", " sip:+1@example.com "),
        ("To", "+131313?X-Custom-Header1=1234"),
        FORM[2],
    ];
    let sid = world.call(&form).await;
    let call = world.call_record(&sid).await;
    assert_eq!(
        (&call["from"], &call["to"]),
        (&json!("sip:+1@example.com"), &json!("+131313"))
    );
}

#[tokio::test]
async fn an_unknown_call_is_404_and_empty_and_a_malformed_sid_is_500() {
    let world = World::new();
    let unknown = format!("/ID{:032}-CA{:032}.json", 0, 0);
    let old = format!("/CA{:032}", 0);
    for sid in [&unknown, &old] {
        assert_eq!(
            text_of(world.calls(Method::GET, sid)).await,
            (404, String::new())
        );
    }
    assert_eq!(text_of(world.calls(Method::GET, "/CA1.json")).await.0, 500);
}

#[tokio::test]
async fn calls_are_guarded_like_messages() {
    let world = World::new();
    let calls = format!("/sim/restcomm/2012-04-24/Accounts/{SID}/Calls");
    assert_eq!(
        text_of(world.request(Method::POST, &calls).form(&FORM)).await,
        (401, String::new())
    );
    let other = calls.replace("0001/", "0002/");
    let one = format!("{other}/CA{:032}", 0);
    for (method, path) in [
        (Method::POST, &other),
        (Method::POST, &one),
        (Method::GET, &one),
    ] {
        let request = world.request(method, path).basic_auth(SID, Some(TOKEN));
        assert_eq!(text_of(request.form(&FORM)).await, (403, String::new()));
    }
    let json = world
        .calls(Method::POST, "")
        .header("content-type", "application/json");
    assert_eq!(text_of(json.body("{}")).await.0, 415);
    assert_eq!(text_of(world.calls(Method::DELETE, "")).await.0, 405);
}

#[tokio::test]
async fn an_answered_call_says_its_rcml_and_ends_by_itself() {
    let (world, mut client) = (World::new(), ClientSide::new());
    client.serve_rcml(
        "/rcml",
        "<Say language=\"en-gb\">Your code is: 1, 2, 3.</Say><Say>Goodbye.</Say>",
    );
    let sid = world
        .call(&[FORM[0], FORM[1], ("Url", &client.url("/rcml?t=a+b"))])
        .await;
    world.advance_to(50, "RINGING").await;
    let ringing = json!({ "kind": "call", "from": "+13055550100", "answered": false, "spoken": "",
        "rang_seconds": 0, "at": "2026-01-31T12:00:00Z" });
    assert_eq!(world.phone(NUMBER).await["items"], json!([ringing]));
    world.clock.advance(Duration::from_millis(1999));
    assert_eq!(world.phone(NUMBER).await["items"][0]["rang_seconds"], 1);
    world.advance_to(1, "completed").await;

    let asked = client.next().await;
    assert_eq!(asked.line, "POST /rcml");
    let instance = &sid[..34];
    let expected = format!(
        "CallSid={sid}&InstanceId={instance}&AccountSid={SID}&From=%2B13055550100&To=%2B351912345678\
         &CallStatus=in-progress&ApiVersion=2012-04-24&Direction=outbound-api\
         &CallerName=%2B13055550100&ForwardedFrom=null&CallTimestamp=2026-01-31T12%3A00%3A00.000Z&t=a+b"
    );
    assert_eq!(asked.body, expected);
    let item = json!({ "kind": "call", "from": "+13055550100", "answered": true,
        "spoken": "Your code is: 1, 2, 3. Goodbye.", "rang_seconds": 2, "at": "2026-01-31T12:00:00Z" });
    assert_eq!(world.phone(NUMBER).await["items"], json!([item]));
    assert_eq!(
        world.simulator.spoken(NUMBER),
        ["Your code is: 1, 2, 3. Goodbye."]
    );
    let call = world.call_record(&sid).await;
    assert_eq!(call["status"], "completed");
    assert_eq!(call["start_time"], "2026-01-31T12:00:02.050Z");
    assert_eq!(call["end_time"], "2026-01-31T12:00:02.050Z");
    assert_eq!(
        (&call["duration"], &call["ring_duration"]),
        (&json!(0), &json!(2))
    );
    assert_eq!(call["answered_by"], NUMBER);
}

#[tokio::test]
async fn numbers_addresses_and_clients_can_be_called() {
    let (world, client) = (World::new(), ClientSide::new());
    client.serve_rcml("/rcml", "<Say>Hello.</Say>");
    for (number, to) in [
        "+131313",
        "131313",
        "sip:bob@127.0.0.1:5090",
        "client:alice",
    ]
    .into_iter()
    .enumerate()
    {
        world
            .call(&[FORM[0], ("To", to), ("Url", &client.url("/rcml"))])
            .await;
        world.advance_to(2050, "completed").await;
        let call = world.simulator.calls().remove(number);
        assert_eq!((&*call.to, call.answered), (to, true));
        assert_eq!(world.simulator.spoken(to).last().unwrap(), "Hello.");
    }
}
