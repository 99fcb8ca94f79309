//! The rounds: what is asked at once, and what must come of it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use countersign::{domain::clock::Clock, simulator::Simulator};
use futures_util::future::join_all;
use serde_json::json;

use crate::{
    app::Answer,
    process::{
        PATIENCE, eventually,
        service::{Caller, Restcomm, code_of},
    },
};

/// Checks of the right code at once.
const CHECKS: usize = 8;
/// Wrong guesses at once, of which [`ATTEMPTS`] count.
const GUESSES: usize = 12;
const ATTEMPTS: usize = 5;
/// Sends at once: for one purpose one goes out, for many [`LIMIT`].
const SENDS: usize = 10;
const LIMIT: usize = 3;
/// Sends at once under one key, and in every tenth round.
const REPEATS: usize = 12;
const MANY_REPEATS: usize = 50;

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// The right code, checked many times: one is approved.
    Approval,
    /// Wrong codes: as many are counted as there are attempts.
    Guesses,
    /// Sends for one purpose: one begins a verification, and the others come too soon.
    Beginning,
    /// Sends to one number: as many go out as its limit allows.
    Limit,
    /// Sends with one `Idempotency-Key`: one goes out.
    Repeats,
}

impl Kind {
    pub(super) const ALL: [Self; 5] = [
        Self::Approval,
        Self::Guesses,
        Self::Beginning,
        Self::Limit,
        Self::Repeats,
    ];
}

pub(super) enum Phones {
    /// With the clock of all, which a round moves on a little: hand-offs keep a pace.
    Here(Simulator, Clock),
    There(Arc<Restcomm>),
}

pub(super) struct Race {
    pub(super) services: [Caller; 2],
    phones: Phones,
    /// What was answered under a key, by round.
    answered: Mutex<HashMap<u32, (u16, String)>>,
}

fn number(kind: Kind, round: u32) -> String {
    format!("+35191{:07}", kind as u32 * 1_000_000 + round)
}

fn count(answers: &[Answer], status: u16, code: &str) -> usize {
    let those = answers.iter().filter(|answer| answer.status == status);
    those
        .filter(|answer| code.is_empty() || answer.code() == code)
        .count()
}

impl Race {
    pub(super) fn new(services: [Caller; 2], phones: Phones) -> Self {
        Self {
            services,
            phones,
            answered: Mutex::default(),
        }
    }

    /// Runs a round, and gives how many requests it took.
    pub(super) async fn run(&self, kind: Kind, round: u32) -> usize {
        let number = number(kind, round);
        if let Phones::Here(_, clock) = &self.phones {
            clock.advance(Duration::from_millis(1));
        }
        match kind {
            Kind::Approval => self.approval(&number).await,
            Kind::Guesses => self.guesses(&number).await,
            Kind::Beginning => self.beginning(&number).await,
            Kind::Limit => self.limit(&number).await,
            Kind::Repeats => self.repeats(&number, round).await,
        }
    }

    async fn approval(&self, number: &str) -> usize {
        let id = self.send(number).await;
        let code = self.code(number).await;
        let checks = (0..CHECKS).map(|n| {
            // By its id, and as the youngest of its number.
            let named = if n < CHECKS / 2 {
                json!({ "id": id, "code": code })
            } else {
                json!({ "to": number, "code": code })
            };
            async move { self.service(n).post("/otp/verify", &named).await }
        });
        let answers = all(checks).await;
        assert_eq!(count(&answers, 200, ""), 1, "{number}: {answers:?}");
        assert_eq!(
            count(&answers, 409, "already_approved"),
            CHECKS - 1,
            "{number}: {answers:?}"
        );
        1 + CHECKS
    }

    async fn guesses(&self, number: &str) -> usize {
        let id = self.send(number).await;
        // Three digits more than the code has.
        let guesses = (0..GUESSES).map(|n| self.service(n).verify(&id, "123456789"));
        let answers = all(guesses).await;
        let wrong = answers.iter().filter(|answer| answer.status == 422);
        let mut left: Vec<u64> = wrong
            .map(|answer| {
                assert_eq!(answer.code(), "wrong_code");
                answer.json()["attempts_left"].as_u64().unwrap()
            })
            .collect();
        left.sort_unstable();
        assert_eq!(left, [0, 1, 2, 3, 4], "{number}: {answers:?}");
        let spent = count(&answers, 410, "max_attempts_reached");
        assert_eq!(spent, GUESSES - ATTEMPTS, "{number}: {answers:?}");
        let status = self.services[0].status(&id).await;
        assert_eq!(status["status"], "max_attempts_reached", "{status}");
        2 + GUESSES
    }

    async fn beginning(&self, number: &str) -> usize {
        let answers = all((0..SENDS).map(|n| self.service(n).send(number))).await;
        let begun = count(&answers, 201, "") + count(&answers, 202, "");
        assert_eq!(begun, 1, "{number}: {answers:?}");
        let early = count(&answers, 429, "resend_too_soon");
        assert_eq!(early, SENDS - 1, "{number}: {answers:?}");
        self.received(number, 1).await;
        SENDS
    }

    async fn limit(&self, number: &str) -> usize {
        let sends = (0..SENDS).map(|n| {
            let body = json!({ "to": number, "purpose": format!("p{n}") });
            async move { self.service(n).post("/otp/send", &body).await }
        });
        let answers = all(sends).await;
        let sent = count(&answers, 201, "") + count(&answers, 202, "");
        assert_eq!(sent, LIMIT, "{number}: {answers:?}");
        let limited = count(&answers, 429, "rate_limited");
        assert_eq!(limited, SENDS - LIMIT, "{number}: {answers:?}");
        self.received(number, LIMIT).await;
        SENDS
    }

    async fn repeats(&self, number: &str, round: u32) -> usize {
        let many = if round.is_multiple_of(10) {
            MANY_REPEATS
        } else {
            REPEATS
        };
        let sends = (0..many).map(|n| self.send_once(n, number));
        let answers = all(sends).await;
        let refused = count(&answers, 409, "idempotency_in_progress");
        let given = answers
            .iter()
            .filter(|answer| matches!(answer.status, 201 | 202));
        let given: Vec<&Answer> = given.collect();
        assert_eq!(refused + given.len(), many, "{number}: {answers:?}");
        let own = given
            .iter()
            .filter(|answer| answer.header("idempotent-replayed").is_none());
        assert_eq!(own.count(), 1, "{number}: one of them sends: {answers:?}");
        for answer in &given {
            assert_eq!(
                (answer.status, &answer.text),
                (given[0].status, &given[0].text)
            );
        }
        self.received(number, 1).await;
        let answer = (given[0].status, given[0].text.clone());
        self.answered.lock().unwrap().insert(round, answer);
        many
    }

    /// Asserts that a send of that round is answered as before.
    pub(super) async fn is_replayed(&self, round: u32) {
        let number = number(Kind::Repeats, round);
        let answers = all((0..2).map(|n| self.send_once(n, &number))).await;
        let before = self.answered.lock().unwrap()[&round].clone();
        for again in answers {
            assert_eq!(again.header("idempotent-replayed"), Some("true"));
            assert_eq!((again.status, again.text), before);
        }
        self.received(&number, 1).await;
    }

    fn service(&self, n: usize) -> &Caller {
        &self.services[n % 2]
    }

    async fn send(&self, number: &str) -> String {
        let answer = self.services[0].send(number).await.unwrap();
        assert!(matches!(answer.status, 201 | 202), "{}", answer.text);
        answer.id()
    }

    async fn send_once(&self, n: usize, number: &str) -> Option<Answer> {
        self.service(n)
            .send_once(number, &format!("\"{number}\""))
            .await
    }

    async fn texts(&self, number: &str) -> Vec<String> {
        match &self.phones {
            Phones::Here(simulator, _) => simulator.texts(number),
            Phones::There(restcomm) => restcomm.texts(number).await,
        }
    }

    /// The code, as soon as it arrives: who was answered with 202 may wait for it.
    async fn code(&self, number: &str) -> String {
        self.received(number, 1).await;
        code_of(&self.texts(number).await[0])
    }

    /// Asserts that the phone receives so many messages.
    async fn received(&self, number: &str, messages: usize) {
        eventually("the messages arrive", PATIENCE, async || {
            messages <= self.texts(number).await.len()
        })
        .await;
        assert_eq!(self.texts(number).await.len(), messages, "{number}");
    }
}

/// All at once; every one is answered.
async fn all(requests: impl Iterator<Item = impl Future<Output = Option<Answer>>>) -> Vec<Answer> {
    let answers = join_all(requests).await.into_iter();
    answers.map(|answer| answer.expect("an answer")).collect()
}
