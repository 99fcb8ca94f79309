//! Codes that are spoken on a call, and calls whose number is the code.

mod asked;
mod doubtful;
mod flash;
mod spoken;

use std::time::Duration;

use countersign::{
    config::Config,
    domain::delivery::Channel,
    simulator::{Call, CallReports, Hand, Item},
};
use serde_json::{Value, json};

use crate::{
    app::{Answer, NUMBER, TestApp},
    database::Database,
    outbox::impatient,
};

pub(crate) const CALLER: &str = "+13055550100";
pub(crate) const HANG_UP: &str = "<Response><Hangup/></Response>";

/// Accounts that can call, and a tenant that may use every channel.
pub(crate) fn callers(config: &mut Config) {
    impatient(config);
    for account in &mut config.accounts {
        account.voice_from = Some(CALLER.to_owned());
        account.flashcall_from = (0..100).map(|n| format!("+130555501{n:02}")).collect();
    }
    for tenant in &mut config.tenants {
        tenant.policy.channels = vec![Channel::Sms, Channel::Voice, Channel::Flashcall];
    }
}

pub(crate) async fn calling(database: Database) -> TestApp {
    TestApp::with(database, callers).await
}

/// Sends over a channel, and gives the answer, which must be 201, and the id.
pub(crate) async fn send_over(app: &TestApp, channel: &str) -> (Value, String) {
    let answer = try_over(app, channel).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    (answer.json(), id)
}

pub(crate) async fn try_over(app: &TestApp, channel: &str) -> Answer {
    let body = json!({ "to": NUMBER, "channel": channel });
    app.post("/otp/send", body).await
}

/// The call that was placed last.
pub(crate) fn last_call(app: &TestApp) -> Call {
    app.simulator.calls().pop().expect("a call was placed")
}

/// Everything that was said on the last call of a phone.
pub(crate) fn said(app: &TestApp) -> String {
    app.simulator.spoken(NUMBER).pop().unwrap_or_default()
}

/// The code among what was said: the first digits there are.
pub(crate) fn spoken_code(app: &TestApp) -> String {
    let digits: String = said(app).chars().filter(char::is_ascii_digit).collect();
    digits[..6].to_owned()
}

/// Somebody answers, and hears the code to its end.
pub(crate) async fn listen(app: &TestApp) -> String {
    meanwhile(app, "the code is spoken", async |app| {
        said(app).contains("press one") || said(app).contains("Goodbye")
    })
    .await;
    spoken_code(app)
}

/// Presses keys once they are asked for.
pub(crate) async fn press(app: &TestApp, keys: &str) {
    app.eventually("keys are taken", async |app| {
        let keys = Hand::Press(keys.to_owned());
        app.simulator.hand(NUMBER, keys).await.is_ok()
    })
    .await;
}

/// The call that a phone shows last: who called, whether it was answered.
pub(crate) fn shown(app: &TestApp) -> (String, bool) {
    match app.simulator.inbox(NUMBER).pop() {
        Some(Item::Call { from, answered, .. }) => (from, answered),
        other => panic!("no call, but {other:?}"),
    }
}

pub(crate) async fn status_of(app: &TestApp, id: &str) -> String {
    let status = app.status(id).await["delivery"]["status"].clone();
    status.as_str().unwrap().to_owned()
}

pub(crate) async fn becomes(app: &TestApp, id: &str, status: &str) {
    let what = format!("the call is {status}");
    in_haste(app, &what, async |app| status_of(app, id).await == status).await;
}

/// Lets time pass until `done`, fast, for what takes a minute.
pub(crate) async fn in_haste(app: &TestApp, what: &str, done: impl AsyncFn(&TestApp) -> bool) {
    app.eventually(what, async |app| {
        if done(app).await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
        app.clock.advance(Duration::from_millis(100));
        false
    })
    .await;
}

/// Lets time pass until `done`, ten times as fast as real time: calls go to and fro between Restcomm and the service, and
/// what passes in sockets takes its time whatever our clock says.
pub(crate) async fn meanwhile(app: &TestApp, what: &str, done: impl AsyncFn(&TestApp) -> bool) {
    app.eventually(what, async |app| {
        if done(app).await {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        app.clock.advance(Duration::from_millis(10));
        false
    })
    .await;
}

fn silent(app: &TestApp) {
    app.simulator.report_calls(CallReports::Lost);
}

/// What Restcomm asks with, once somebody has answered.
async fn ask_what_to_say(app: &TestApp, path: &str, sid: &str, more: &str) -> Answer {
    let request = app.http.post(format!("{}{path}", app.base));
    let form = format!("CallSid={sid}&AccountSid=x&CallStatus=in-progress{more}");
    let kind = "application/x-www-form-urlencoded; charset=UTF-8";
    Answer::of(request.header("Content-Type", kind).body(form)).await
}

/// An address that Restcomm was given, without the host.
fn path_of(address: &str) -> String {
    address[address.find("/callbacks/").unwrap()..].to_owned()
}
