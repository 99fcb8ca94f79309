//! Callers who repeat a send, under its `Idempotency-Key`, until they are answered, while the service is killed again and
//! again, or replaced: each is answered, and nobody gets two messages.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};

use super::{
    PATIENCE, eventually,
    service::{Caller, Restcomm, Service, Settings},
};
use crate::{app::on_both, database::Database};

const CALLERS: usize = 12;
/// Sends that are answered after each event, at the least.
const SENDS: usize = 60;
/// How Restcomm answers until each death: at once; late, so that answers are waited for; never, though it took them.
const ROUNDS: [&str; 5] = ["slow:300ms", "ok", "close-after-accept", "slow:300ms", "ok"];

/// What a caller was told in the end.
struct Told {
    number: String,
    status: u16,
    text: String,
    /// How often it had to be asked for.
    asked: usize,
    /// It was told meanwhile that the service cannot.
    unavailable: bool,
}

/// Callers who never pause.
struct Callers {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    tasks: Vec<JoinHandle<Vec<Told>>>,
}

fn key(number: &str) -> String {
    format!("\"{number}\"")
}

/// Asks until it is answered, one of `clients` after the other.
async fn ask(clients: &[Caller], number: &str) -> Told {
    let start = Instant::now();
    let mut unavailable = false;
    for asked in 1.. {
        assert!(start.elapsed() < PATIENCE, "{number} is never answered");
        let client = &clients[asked % clients.len()];
        match client.send_once(number, &key(number)).await {
            Some(answer) if matches!(answer.status, 201 | 202) => {
                return Told {
                    number: number.to_owned(),
                    status: answer.status,
                    text: answer.text,
                    asked,
                    unavailable,
                };
            }
            Some(answer) => {
                assert!(matches!(answer.status, 409 | 503), "{}", answer.text);
                unavailable |= answer.status == 503;
            }
            None => {}
        }
        sleep(Duration::from_millis(50)).await;
    }
    unreachable!("it asks on")
}

impl Callers {
    fn start(clients: &[Caller]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicUsize::new(0));
        let tasks = (0..CALLERS).map(|caller| {
            let (stop, answered) = (stop.clone(), answered.clone());
            let clients = clients.to_vec();
            tokio::spawn(async move {
                let mut all = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let number = format!("+35191{:07}", caller * 100_000 + all.len());
                    all.push(ask(&clients, &number).await);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                all
            })
        });
        Self {
            tasks: tasks.collect(),
            stop,
            answered,
        }
    }

    async fn go_on(&self) {
        let enough = self.answered.load(Ordering::Relaxed) + SENDS;
        eventually("enough are answered", PATIENCE, async || {
            enough <= self.answered.load(Ordering::Relaxed)
        })
        .await;
    }

    async fn end(self) -> Vec<Told> {
        self.stop.store(true, Ordering::Relaxed);
        let all = join_all(self.tasks).await;
        all.into_iter().flat_map(Result::unwrap).collect()
    }
}

/// Asserts that all are answered by `client` as they were, and received one message each.
async fn judge(all: &[Told], client: &Caller, restcomm: &Restcomm) {
    for Told {
        number,
        status,
        text,
        ..
    } in all
    {
        let again = client.send_once(number, &key(number)).await.unwrap();
        assert_eq!((again.status, &again.text), (*status, text));
        client.until_sent(&again.id()).await;
        let code = restcomm.code(number).await;
        assert!(!again.text.contains(&code), "{}", again.text);
    }
    let first = client.send_once(&all[0].number, &key(&all[0].number)).await;
    let code = restcomm.code(&all[0].number).await;
    let approved = client.verify(&first.unwrap().id(), &code).await.unwrap();
    assert_eq!(approved.status, 200, "{}", approved.text);
}

on_both! {
    async fn who_repeats_a_send_until_it_is_answered_gets_one_message_whoever_dies(database) {
        let place = database.create().await;
        let restcomm = Restcomm::start().await;
        let mut service = Service::start(&Settings::new(&place.url, &restcomm)).await;
        let callers = Callers::start(std::slice::from_ref(&service.client));
        for answer in ROUNDS {
            restcomm.answer_with(answer).await;
            sleep(Duration::from_millis(rand::random_range(100..900))).await;
            service.process.kill();
            service.restart().await;
        }
        callers.go_on().await;
        let all = callers.end().await;
        assert!(all.iter().any(|told| 1 < told.asked), "some had to ask again");
        judge(&all, &service.client, &restcomm).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_one_replica_after_the_other_is_replaced_nobody_is_refused() {
    let place = Database::Postgres.create().await;
    let restcomm = Restcomm::start().await;
    let settings = Settings::new(&place.url, &restcomm);
    let mut services = [
        Service::start(&settings).await,
        Service::start(&settings).await,
    ];
    let clients = [0, 1].map(|n: usize| services[n].client.clone());
    let callers = Callers::start(&clients);
    callers.go_on().await;
    for step in [
        "alter table deliveries add column weight bigint not null default 7",
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
         select max(version) + 1, 'step', true, '', 0 from _sqlx_migrations",
    ] {
        // As a newer version would, of which one replica after the other is started.
        place.change(step).await;
        for service in &mut services {
            service.process.terminate();
            let status = service.process.ended().await;
            assert_eq!(status.code(), Some(0), "{}", service.process.said());
            callers.go_on().await;
            service.restart().await;
            callers.go_on().await;
        }
    }
    let all = callers.end().await;
    assert!(all.iter().any(|told| 1 < told.asked), "one was away");
    assert!(
        !all.iter().any(|told| told.unavailable),
        "the other was there"
    );
    judge(&all, &clients[0], &restcomm).await;
}
