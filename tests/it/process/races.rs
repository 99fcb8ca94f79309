//! Races over two replicas on one PostgreSQL, round after round, each with a fresh number: what may happen once happens
//! once, what is counted is counted exactly, and nobody is told of a fault.

mod rounds;

use std::{sync::Arc, time::Duration};

use countersign::{config::Config, domain::limits::Rate};
use futures_util::{StreamExt as _, stream};
use tokio::time::Instant;

use self::rounds::{Kind, Phones, Race};
use super::{
    eventually,
    service::{Caller, Restcomm, Service, Settings},
};
use crate::{
    app::{TestApp, root_key},
    database::Database,
};

/// Rounds of each kind, unless [`ROUNDS`] says otherwise: fewer than were asked for, lest everybody wait.
const FEW: u32 = 150;
/// A variable of the environment: rounds of each kind.
const ROUNDS: &str = "RACE_ROUNDS";
/// Rounds that run side by side, so that their requests share batches.
const AT_ONCE: usize = 8;
/// Keys that are tried again in the end.
const TRIED_AGAIN: u32 = 500;

#[expect(
    clippy::disallowed_methods,
    reason = "who runs the test says how long it takes"
)]
fn rounds() -> u32 {
    let rounds = std::env::var(ROUNDS).ok();
    rounds.map_or(FEW, |rounds| rounds.parse().unwrap())
}

/// Runs all rounds of all kinds, and tells how long it took.
async fn run(race: &Race) {
    let rounds = rounds();
    for kind in Kind::ALL {
        let start = Instant::now();
        let requests: usize = stream::iter(0..rounds)
            .map(|round| race.run(kind, round))
            .buffer_unordered(AT_ONCE)
            .fold(0, |sum, asked| std::future::ready(sum + asked))
            .await;
        eprintln!(
            "{kind:?}: {rounds} rounds, {requests} requests in {:?}",
            start.elapsed()
        );
    }
}

/// Asserts that sends that were repeated are answered as before, by replicas that were started since.
async fn replay(race: &Race) {
    let rounds = rounds();
    let step = rounds.div_ceil(TRIED_AGAIN).max(1) as usize;
    for round in (0..rounds).step_by(step) {
        race.is_replayed(round).await;
    }
}

fn thrice(config: &mut Config) {
    config.tenants[0].policy.limits.per_number = vec![Rate {
        count: 3,
        window: Duration::from_mins(10),
    }];
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_replicas_decide_every_race_as_one_would() {
    let mut app = TestApp::with(Database::Postgres, thrice).await;
    let mut beside = app.replica().await;
    let phones = Phones::Here(app.simulator.clone(), app.clock.clone());
    let callers =
        |app: &TestApp, beside: &TestApp| [app, beside].map(|app| Caller::new(&app.base, &app.key));
    let mut race = Race::new(callers(&app, &beside), phones);
    run(&race).await;
    for replica in [&mut app, &mut beside] {
        replica.restart_with(|_| {}).await.unwrap();
    }
    race.services = callers(&app, &beside);
    replay(&race).await;
}

/// In the middle of a rotation: each reads what the other writes, and would write it under another key.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_replicas_with_other_newest_keys_decide_every_race_as_one_would() {
    let rings = [[1, 2], [2, 1]].map(|ring| ring.map(|n| root_key(&format!("k{n}"), n)).to_vec());
    let [first, second] = rings;
    let app = TestApp::with(Database::Postgres, |config| {
        thrice(config);
        config.keys.root = first;
    })
    .await;
    let mut beside = app.replica().await;
    let turned = beside.restart_with(|config| config.keys.root = second);
    turned.await.unwrap();
    let phones = Phones::Here(app.simulator.clone(), app.clock.clone());
    let callers = [&app, &beside].map(|app| Caller::new(&app.base, &app.key));
    let race = Race::new(callers, phones);
    run(&race).await;
    replay(&race).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_decide_every_race_as_one_would() {
    let place = Database::Postgres.create().await;
    let restcomm = Arc::new(Restcomm::start().await);
    let settings = Settings::new(&place.url, &restcomm);
    let text = |port| {
        let text = settings.text(port);
        let limited = text.replace(
            "limits = { per_number = []",
            "limits = { per_number = [\"3/10m\"]",
        );
        assert_ne!(limited, text);
        limited
    };
    let mut services = [
        Service::start_with(text, |command| command).await,
        Service::start_with(text, |command| command).await,
    ];
    let key = services[0].client.key.clone();
    let callers = [0, 1].map(|n: usize| Caller::new(&services[n].client.base, &key));
    let race = Race::new(callers, Phones::There(restcomm));
    run(&race).await;
    for service in &mut services {
        service.process.terminate();
        service.process.ended().await;
        service.restart().await;
    }
    eventually("both are ready", super::PATIENCE, async || {
        let [one, other] = &services;
        let ready = [one.client.readiness().await, other.client.readiness().await];
        ready == [Some(200); 2]
    })
    .await;
    replay(&race).await;
}
