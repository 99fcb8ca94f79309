//! What tests of deliveries share: the row behind a delivery, and the clock moved from one due instant to the next.

use std::time::Duration;

use countersign::{
    config::Config,
    domain::{
        delivery::{Delivery, LEASE, Stage},
        id::Id,
        limits::Rate,
    },
    store::{Snapshot, Store},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, BREATH, NUMBER, PATIENCE, TENANT, TestApp};

/// How long an account may be silent in tests of silence: real time, since it passes in sockets.
pub(crate) const SHORT: Duration = Duration::from_secs(1);

/// The deliveries as the database has them.
pub(crate) struct Outbox(Store);

impl Outbox {
    pub(crate) async fn of(app: &TestApp) -> Self {
        Self(app.store().await)
    }

    pub(crate) async fn snapshot(&self, id: &str) -> Snapshot {
        let id = Id::parse(id).unwrap();
        self.0.snapshot(TENANT, id).await.unwrap().unwrap()
    }

    /// The latest delivery of a verification.
    pub(crate) async fn last(&self, id: &str) -> Delivery {
        self.snapshot(id).await.deliveries.pop().unwrap()
    }

    /// Waits, without moving the clock, until the latest delivery is as `done` wants it.
    pub(crate) async fn wait_for(
        &self,
        id: &str,
        what: &str,
        done: impl Fn(&Delivery) -> bool,
    ) -> Delivery {
        let shows = async {
            loop {
                let delivery = self.last(id).await;
                if done(&delivery) {
                    return delivery;
                }
                tokio::time::sleep(BREATH).await;
            }
        };
        if let Ok(delivery) = tokio::time::timeout(PATIENCE, shows).await {
            return delivery;
        }
        panic!("it never came about: {what}: {:?}", self.last(id).await)
    }

    /// Waits until the hand-off that is under way has left its mark.
    pub(crate) async fn settled(&self, id: &str) -> Delivery {
        self.wait_for(id, "the hand-off ends", |delivery| {
            delivery.stage != Stage::Claimed
        })
        .await
    }

    /// Moves the clock to when the latest delivery is due, and waits until what is done then has left its mark.
    pub(crate) async fn step(&self, app: &TestApp, id: &str) -> Delivery {
        let before = self.settled(id).await;
        let Some(due) = before.due_at else {
            // It came to its end by itself.
            return before;
        };
        // The outbox was looked at last when something else was due: its next look is at most a second away.
        let ahead = app.clock.now().until(due).max(Duration::from_secs(1));
        app.clock.advance(ahead);
        let done = self.wait_for(id, "what is due is done", |delivery| match delivery.stage {
            Stage::Done => true,
            Stage::Claimed => false,
            // What is claimed to be given up stays as it was until that is noted.
            Stage::Waiting => {
                let is_over = delivery.sealed.is_none() || delivery.give_up_at <= app.clock.now();
                before.claim < delivery.claim && !is_over
            }
            Stage::Unknown => before.tries < delivery.tries || before.stage != Stage::Unknown,
        });
        tokio::select! {
            delivery = done => delivery,
            () = time_goes_on(app) => unreachable!("time has no end"),
        }
    }

    /// Steps until nothing is left to do.
    pub(crate) async fn run_out(&self, app: &TestApp, id: &str) -> Delivery {
        let mut delivery = self.settled(id).await;
        while delivery.stage != Stage::Done {
            delivery = self.step(app, id).await;
        }
        delivery
    }
}

/// An account that is not waited for long.
pub(crate) fn impatient(config: &mut Config) {
    for account in &mut config.accounts {
        account.timeout = SHORT;
    }
}

/// A number may be sent to once an hour.
pub(crate) fn once_an_hour(config: &mut Config) {
    config.tenants[0].policy.limits.per_number = vec![Rate {
        count: 1,
        window: Duration::from_hours(1),
    }];
}

pub(crate) async fn try_send(app: &TestApp) -> Answer {
    app.post("/otp/send", json!({ "to": NUMBER })).await
}

/// A send that must be answered with 202 and `queued`; gives the id.
pub(crate) async fn send_queued(app: &TestApp) -> String {
    let answer = try_send(app).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let body = answer.json();
    assert_eq!(body["status"], "pending");
    assert_eq!(
        body["delivery"],
        json!({ "channel": "sms", "status": "queued" })
    );
    body["id"].as_str().unwrap().to_owned()
}

/// A send whose answer does not wait for the hand-off; gives the id.
pub(crate) async fn send_without_waiting(app: &TestApp) -> String {
    post_without_waiting(app, json!({ "to": NUMBER })).await
}

pub(crate) async fn post_without_waiting(app: &TestApp, body: Value) -> String {
    let request = app
        .request(Method::POST, "/otp/send")
        .header("Content-Type", "application/json")
        .header("Prefer", "respond-async");
    let answer = Answer::of(request.body(body.to_string())).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    answer.json()["id"].as_str().unwrap().to_owned()
}

/// The latest delivery as callers see it.
pub(crate) async fn delivery(app: &TestApp, id: &str) -> Value {
    app.status(id).await["delivery"].clone()
}

pub(crate) fn sent() -> Value {
    json!({ "channel": "sms", "status": "sent" })
}

pub(crate) fn failed(reason: &str) -> Value {
    json!({ "channel": "sms", "status": "failed", "reason": reason })
}

/// Lets much time pass, in which whatever was put off is done.
pub(crate) async fn long_after(app: &TestApp) {
    for _ in 0..30 {
        nothing_under_way(app).await;
        app.advance(1);
    }
    nothing_under_way(app).await;
}

/// Hand-offs and look-ups take real time: the clock waits for them, lest they outlive their leases.
async fn nothing_under_way(app: &TestApp) {
    let is_quiet = async |app: &TestApp| {
        let now = app.clock.now();
        let (now, just_claimed) = (now.as_millis(), now.plus(LEASE).as_millis());
        let busy = format!(
            "select count(*) from deliveries \
             where due_at <= {now} or stage = 'claimed' or (stage = 'unknown' and due_at = {just_claimed})"
        );
        app.place.count(&busy).await == 0
    };
    let by_itself = app.eventually("nothing is under way", is_quiet);
    tokio::select! {
        () = by_itself => {}
        () = time_goes_on(app) => {}
    }
}

/// What became due in the very moment of a look at the outbox is seen with the next one, and so is what a database on a
/// busy machine could not tell in time: a clock that stood still would keep it waiting.
async fn time_goes_on(app: &TestApp) {
    tokio::time::sleep(Duration::from_secs(2)).await;
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        app.advance(1);
    }
}
