//! Two replicas on one PostgreSQL, and now the one, now the other, now the database is killed, under load. Nobody does
//! anything but start again what died, as a supervisor does.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    PATIENCE,
    cluster::Cluster,
    eventually,
    load::Load,
    service::{Caller, Restcomm, Service, Settings},
};

/// Deaths, unless [`DEATHS`] says otherwise: fewer than were asked for, lest everybody wait.
const FEW: usize = 4;
/// A variable of the environment: how many deaths there are.
const DEATHS: &str = "DEATHS";
/// How Restcomm answers until each death: at once; late, so that hand-offs are under way; never, though it took them.
const ANSWERS: [&str; 4] = ["ok", "slow:300ms", "close-after-accept", "slow:300ms"];

#[expect(
    clippy::disallowed_methods,
    reason = "who runs the test says how long it takes"
)]
fn deaths() -> usize {
    let deaths = std::env::var(DEATHS).ok();
    deaths.map_or(FEW, |deaths| deaths.parse().unwrap())
}

async fn moment() {
    sleep(Duration::from_millis(rand::random_range(100..1500))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_and_their_database_are_killed_in_turn_and_every_promise_is_kept() {
    let database = Cluster::start().await;
    let restcomm = Arc::new(Restcomm::start().await);
    let settings = Settings::new(&database.url(), &restcomm);
    let mut services = [
        Service::start(&settings).await,
        Service::start(&settings).await,
    ];
    let clients: Vec<Caller> = services
        .iter()
        .map(|service| service.client.clone())
        .collect();
    let running = Load::start_at(clients.clone(), &restcomm, 12);
    for death in 0..deaths() {
        restcomm.answer_with(ANSWERS[death % ANSWERS.len()]).await;
        moment().await;
        match death % 4 {
            0 | 2 => {
                database.kill().await;
                moment().await;
                database.run().await;
            }
            replica => {
                let service = &mut services[replica / 2];
                service.process.kill();
                moment().await;
                service.restart().await;
            }
        }
        restcomm.answer_with("ok").await;
        let back = Instant::now();
        eventually(
            "both are ready, and sends are taken",
            PATIENCE,
            async || {
                let ready = [clients[0].readiness().await, clients[1].readiness().await];
                let last = running.load.last_created();
                ready == [Some(200); 2] && last.is_some_and(|last| back < last)
            },
        )
        .await;
    }
    moment().await;
    let load = running.stop().await;
    for service in &mut services {
        assert_eq!(service.process.status(), None, "{}", service.process.said());
    }
    let verdict = load.judge(&database.url()).await;
    eprintln!("{} deaths: {verdict:?}", deaths());
    assert!(50 < verdict.promised, "{verdict:?}");
    assert!(0 < verdict.unanswered, "{verdict:?}");
    assert_eq!(
        verdict.failed, 0,
        "a code lives longer than anybody was away"
    );
}
