//! What the platform's extensions deny: messages by 403, calls by a 500 that says so.

use serde_json::json;

use super::{
    manners::Manner,
    phoning::{callers, calling},
    server::Stranger,
};
use crate::{
    app::{NUMBER, on_both},
    database::Database,
    process::{PATIENCE, eventually},
};

/// Both are answered with 500: by an extension, and where nobody has said by whom calls leave the platform.
const DENIED: [&str; 2] = [
    "Not Allowed to make this outbound call",
    "Cannot create call to: +351912345600. The Active Outbound Proxy is null. Please check configuration",
];

on_both! {
    /// A country that is blocked for calls is no reason to leave the account alone: its messages go out.
    async fn calls_that_are_denied_hold_up_no_message(database) {
        let place = database.create().await;
        let stranger = Stranger::start().await;
        let service = calling(&place.url, &stranger).serve().await;
        for turn in 0..12 {
            let manner = Manner::refusing(500, "text/plain", DENIED[turn / 6]);
            stranger.change(|platform| platform.call_sends.always(manner));
            let body = json!({ "to": format!("+3519123456{turn:02}"), "channel": "voice" });
            let answer = service.client.post("/otp/send", &body).await.unwrap();
            assert_eq!((answer.status, &answer.json()["delivery"]["status"]), (202, &json!("queued")));
        }
        service.client.sent(NUMBER).await;
    }
}

/// The plan of a tenant goes on at once.
#[tokio::test(flavor = "multi_thread")]
async fn where_a_message_is_denied_the_plan_goes_on_at_once() {
    let place = Database::Sqlite.create().await;
    let stranger = Stranger::start().await;
    let mut setup = calling(&place.url, &stranger);
    setup.account = callers();
    setup.tenant = "channels = [\"sms\"]\nfallback = [{ after = \"4m\", channel = \"voice\" }]";
    let service = setup.serve().await;
    let text =
        "{\"message\":\"Now allowed to create SmsSession\",\n\"error\":\"SMS_LIMIT_EXCEEDED\"}";
    stranger.change(|platform| {
        platform
            .sends
            .then([Manner::refusing(403, "application/json", text)]);
    });
    let answer = service.client.send(NUMBER).await.unwrap();
    assert_eq!(
        (answer.status, &answer.json()["status"]),
        (202, &json!("pending")),
        "the plan may help"
    );
    let is_called = async || stranger.look(|platform| !platform.calls.is_empty());
    eventually("the phone rings", PATIENCE, is_called).await;
}
