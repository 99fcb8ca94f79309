//! Two replicas whose clocks are five seconds apart, and drift while they run. A replica follows the time of its database,
//! so this is more than ever happens: what is left is to harm nothing.

mod leases;

use std::time::Duration;

use countersign::{
    config::Config,
    domain::{clock::Clock, limits::Rate},
};
use futures_util::future::join_all;
use serde_json::json;

use crate::{
    app::{Answer, NOON, NUMBER, TestApp},
    database::Database,
    fallback::noted,
};

const APART: u64 = 5;
const WINDOW: u64 = 600;

/// The second replica's clock is ahead of the first one's, or behind it.
const WAYS: [Way; 2] = [Way::Ahead, Way::Behind];

#[derive(Clone, Copy, Debug)]
enum Way {
    Ahead,
    Behind,
}

/// Two replicas on one database.
struct Two {
    app: TestApp,
    beside: TestApp,
    way: Way,
}

impl Two {
    async fn start(way: Way, change: impl FnOnce(&mut Config)) -> Self {
        let app = TestApp::with(Database::Postgres, change).await;
        let apart = Duration::from_secs(APART);
        let clock = match way {
            Way::Ahead => NOON.plus(apart),
            Way::Behind => NOON.minus(apart),
        };
        let beside = app.replica_at(Clock::manual(clock)).await;
        Self { app, beside, way }
    }

    fn both(&self) -> [&TestApp; 2] {
        [&self.app, &self.beside]
    }

    fn advance(&self, seconds: u64) {
        for app in self.both() {
            app.advance(seconds);
        }
    }

    /// Whose clock is ahead.
    fn first(&self) -> &TestApp {
        match self.way {
            Way::Ahead => &self.beside,
            Way::Behind => &self.app,
        }
    }

    fn last(&self) -> &TestApp {
        match self.way {
            Way::Ahead => &self.app,
            Way::Behind => &self.beside,
        }
    }
}

async fn send_for(app: &TestApp, purpose: &str) -> Answer {
    let body = json!({ "to": NUMBER, "purpose": purpose });
    app.post("/otp/send", body).await
}

fn thrice(config: &mut Config) {
    config.tenants[0].policy.limits.per_number = vec![Rate {
        count: 3,
        window: Duration::from_secs(WINDOW),
    }];
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_code_is_good_at_both_and_what_has_expired_for_one_has_for_the_other() {
    for way in WAYS {
        let two = Two::start(way, |_| {}).await;
        for (sender, checker) in [(&two.app, &two.beside), (&two.beside, &two.app)] {
            let id = sender.send().await;
            assert_eq!(checker.verify(&id, &sender.code()).await.status, 200);
            let again = sender.verify(&id, &sender.code()).await;
            again.problem(409, "already_approved");
        }
        let id = two.app.send().await;
        noted(&two.app, &id).await;
        let code = two.app.code();
        two.advance(300 - APART - 1);
        assert_eq!(two.first().status(&id).await["status"], "pending");
        two.advance(APART + 1);
        // By one clock the code has just died, or is about to: who says so first decides.
        let first = two.first().verify(&id, &code).await;
        first.problem(410, "expired");
        let last = two.last().verify(&id, &code).await;
        last.problem(410, "expired");
        for app in two.both() {
            assert_eq!(app.status(&id).await["status"], "expired");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn how_long_to_wait_is_true_to_a_few_seconds_at_either() {
    for way in WAYS {
        let two = Two::start(way, |_| {}).await;
        let id = two.app.send().await;
        for app in two.both() {
            let early = send_for(app, "login").await;
            early.problem(429, "resend_too_soon");
            let wait = early.retry_after();
            assert!((30 - APART..=30 + APART).contains(&wait), "{wait}");
        }
        two.advance(29);
        let wait = match way {
            // Its time has come.
            Way::Ahead => 0,
            Way::Behind => {
                let early = send_for(&two.beside, "login").await;
                early.problem(429, "resend_too_soon");
                early.retry_after()
            }
        };
        assert!(wait <= 1 + APART, "{wait}");
        two.advance(wait);
        let resent = send_for(&two.beside, "login").await;
        assert_eq!((resent.status, &resent.json()["id"]), (200, &json!(id)));
        for _ in 0..5 {
            two.app
                .verify(&id, "123456789")
                .await
                .problem(422, "wrong_code");
        }
        for app in two.both() {
            let blocked = send_for(app, "another").await;
            blocked.problem(429, "too_many_attempts");
            let wait = blocked.retry_after();
            assert!((900 - APART..=900 + APART).contains(&wait), "{wait}");
        }
        two.advance(900 + APART);
        assert_eq!(send_for(&two.beside, "another").await.status, 201);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_youngest_is_the_one_that_began_last_whosever_clock_is_behind() {
    for way in WAYS {
        let two = Two::start(way, |_| {}).await;
        for app in [two.first(), two.last(), two.first(), two.last()] {
            let id = app.send().await;
            let by_number = json!({ "to": NUMBER, "code": app.code() });
            let approved = app.post("/otp/verify", by_number).await;
            assert_eq!((approved.status, &approved.json()["id"]), (200, &json!(id)));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn limits_are_exact_at_both_at_once() {
    for way in WAYS {
        let two = Two::start(way, thrice).await;
        for round in 0..2 {
            let sends = (0..20).map(|n| {
                let app = two.both()[n % 2];
                async move { send_for(app, &format!("p{round}-{n}")).await }
            });
            let answers = join_all(sends).await;
            let sent = answers.iter().filter(|answer| answer.status == 201);
            assert_eq!(sent.count(), 3);
            for refused in answers.iter().filter(|answer| answer.status != 201) {
                refused.problem(429, "rate_limited");
                let wait = refused.retry_after();
                assert!((WINDOW - APART..=WINDOW + APART).contains(&wait), "{wait}");
            }
            two.advance(WINDOW + APART);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn limits_hold_while_the_clocks_drift() {
    for way in WAYS {
        let two = Two::start(way, thrice).await;
        let (mut apart, mut sent) = (APART, Vec::new());
        for n in 0_u64..150 {
            // Between none and five seconds, now shrinking, now growing.
            let step = 20 + n * 37 % 50;
            let wanted = n * 7 % (APART + 1);
            let (first, last) = (two.first(), two.last());
            last.advance(step);
            first.advance(step + wanted - apart);
            apart = wanted;
            let now = last.clock.now();
            let answer = send_for(two.both()[(n % 3 % 2) as usize], &format!("p{n}")).await;
            if answer.status == 201 {
                sent.push(now);
            } else {
                answer.problem(429, "rate_limited");
                let wait = answer.retry_after();
                assert!((1..=WINDOW + APART).contains(&wait), "{wait}");
            }
        }
        for four in sent.windows(4) {
            let within = four[0].until(four[3]);
            assert!(Duration::from_secs(WINDOW - APART) <= within, "{four:?}");
        }
        // As many as fit, but for what the differences cost.
        assert!(30 <= sent.len(), "{}", sent.len());
    }
}
