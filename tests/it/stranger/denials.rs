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

const DENIED: &str = "Not Allowed to make this outbound call";

on_both! {
    /// A country that is blocked for calls is no reason to leave the account alone: its messages go out.
    async fn calls_that_are_denied_hold_up_no_message(database) {
        let place = database.create().await;
        let stranger = Stranger::start().await;
        let service = calling(&place.url, &stranger).serve().await;
        stranger.change(|platform| platform.call_sends.always(Manner::refusing(500, "text/plain", DENIED)));
        for turn in 0..10 {
            let body = json!({ "to": format!("+35191234560{turn}"), "channel": "voice" });
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
