//! An outage that nobody notices: many sends while the platform is away, and the service dies twice meanwhile.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{
    manners::{Manner, Reply},
    server::Stranger,
    setup::Setup,
    wire::Response,
};
use crate::{
    app::on_both,
    process::{
        PATIENCE, eventually,
        service::{Caller, code_of, http},
    },
};

const SENDS: usize = 300;
const CALLERS: usize = 16;
/// How long the platform is away, unless [`AWAY`] says otherwise: a fifth of what was asked for, lest everybody wait.
const SHORT: u64 = 6;
/// A variable of the environment: how many seconds the platform is away.
const AWAY: &str = "STRANGER_OUTAGE_SECONDS";

/// How the platform is away, a part of the time each.
const WAYS: [Absence; 3] = [Absence::Closed, Absence::TakesAndDies, Absence::Broken];

#[derive(Clone, Copy, Debug)]
enum Absence {
    /// Nobody listens.
    Closed,
    /// It takes messages, and dies before it has answered.
    TakesAndDies,
    /// It answers 500 at once.
    Broken,
}

/// What was asked: numbers that were accepted, with their ids, and those for which no answer came.
#[derive(Default)]
struct Asked {
    accepted: Vec<(String, String)>,
    cut_off: Vec<String>,
}

#[expect(
    clippy::disallowed_methods,
    reason = "who runs the test says how long it takes"
)]
fn away() -> Duration {
    let seconds = std::env::var(AWAY).ok();
    Duration::from_secs(seconds.map_or(SHORT, |seconds| seconds.parse().unwrap()))
}

/// Has as many sends accepted as fall to one of [`CALLERS`], who calls from `first` on. A call that was cut off is made up
/// for by another one, to another number. Whoever finds nobody there calls again: only a call that was begun can be cut off.
async fn call(client: Caller, asked: Arc<Mutex<Asked>>, first: usize, pause: Duration) {
    let http = http();
    let share = (first..SENDS).step_by(CALLERS).count();
    let (mut accepted, mut turn) = (0, first);
    while accepted < share {
        let number = format!("+35191{turn:07}");
        turn += CALLERS;
        let answer = loop {
            let request = http
                .post(format!("{}/otp/send", client.base))
                .bearer_auth(&client.key)
                .header("Content-Type", "application/json")
                .body(json!({ "to": number }).to_string());
            match request.send().await {
                Err(error) if error.is_connect() => sleep(Duration::from_millis(20)).await,
                answer => break answer.ok(),
            }
        };
        let body = match answer {
            Some(answer) if answer.status() == 202 => answer.text().await.ok(),
            Some(answer) => panic!("{:?}", answer.text().await),
            None => None,
        };
        if let Some(body) = body {
            let body: Value = serde_json::from_str(&body).unwrap();
            let id = body["id"].as_str().unwrap().to_owned();
            asked.lock().unwrap().accepted.push((number, id));
            accepted += 1;
        } else {
            asked.lock().unwrap().cut_off.push(number);
        }
        sleep(pause).await;
    }
}

/// Lets the platform be away for a while, in each of the ways.
async fn be_away(stranger: Stranger, away: Duration) {
    for way in WAYS {
        let manner = match way {
            Absence::Closed => None,
            Absence::TakesAndDies => Some(Manner::taking(Reply::Reset)),
            Absence::Broken => {
                let broken = Response::of(500, "text/plain", "java.lang.OutOfMemoryError");
                Some(Manner::not_taking(Reply::Instead(broken)))
            }
        };
        match manner {
            None => stranger.down().await,
            Some(manner) => {
                stranger.down().await;
                stranger.change(|platform| {
                    platform.sends.always(manner.clone());
                    let asked = Manner {
                        takes: true,
                        ..manner
                    };
                    platform.lists.always(asked);
                });
                stranger.up().await;
            }
        }
        sleep(away / 3).await;
    }
}

on_both! {
    /// On PostgreSQL two processes share the work, and each dies once.
    async fn three_hundred_sends_outlive_an_outage_and_two_deaths_and_nobody_gets_two(database) {
        let away = away();
        let place = database.create().await;
        let stranger = Stranger::start().await;
        let mut setup = Setup::new(&place.url, &[&stranger]);
        // In proportion, as far as the settings allow.
        let share = |millis: u64| millis * u64::try_from(away.as_millis()).unwrap() / 30_000;
        setup.wait = format!("{}ms", share(2500).clamp(500, 2500));
        setup.timeout = format!("{}ms", share(8000).clamp(1000, 8000));
        let mut services = vec![setup.serve().await];
        if database == Database::Postgres {
            services.push(setup.serve().await);
        }
        let start = Instant::now();
        let outage = tokio::spawn(be_away(stranger.clone(), away));
        let refuses = async || stranger.is_down();
        eventually("the platform is away", PATIENCE, refuses).await;
        let asked = Arc::new(Mutex::new(Asked::default()));
        let callers = (0..CALLERS).map(|first| {
            let pause = away / 30;
            let client = services[first % services.len()].client.clone();
            tokio::spawn(call(client, asked.clone(), first, pause))
        });
        let callers: Vec<_> = callers.collect();
        for (death, part) in [5, 2].into_iter().enumerate() {
            sleep((away / part).saturating_sub(start.elapsed())).await;
            let mortal = death % services.len();
            let service = &mut services[mortal];
            service.process.kill();
            service.restart().await;
        }
        join_all(callers).await.into_iter().for_each(Result::unwrap);
        let called = start.elapsed();
        outage.await.unwrap();
        stranger.change(|platform| {
            platform.sends.always(Manner::well());
            platform.lists.always(Manner::well());
        });
        let back = Instant::now();
        let Asked { accepted, cut_off } = std::mem::take(&mut *asked.lock().unwrap());
        assert!(cut_off.len() <= 2 * CALLERS, "{cut_off:?}");

        let service = &services[0];
        let (mut sent, mut failed) = (0, 0);
        for (number, id) in &accepted {
            let mut status = Value::Null;
            eventually("a message is sent, or given up", Duration::from_mins(2), async || {
                status = service.client.status(id).await;
                status["delivery"]["status"] != "queued"
            })
            .await;
            let texts = stranger.texts(number);
            if status["delivery"]["status"] == "sent" {
                sent += 1;
                assert_eq!(texts.len(), 1, "{number}: {status}");
                let answer = service.client.verify(id, &code_of(&texts[0])).await.unwrap();
                assert_eq!(answer.status, 200, "{number}: {}", answer.text);
            } else {
                failed += 1;
                assert!(status["status"] == "failed" && texts.len() <= 1, "{number}: {status}");
            }
        }
        let settled = back.elapsed();
        assert_eq!(failed, 0, "a code lives longer than the platform was away");
        for number in &cut_off {
            assert!(stranger.texts(number).len() <= 1, "{number}");
        }
        let requests = stranger.look(|platform| (platform.sends.count, platform.lists.count));
        eprintln!(
            "away {away:?}, called for {called:?}: {} accepted, {} cut off; {sent} sent, {failed} failed, \
             settled {settled:?} after; {requests:?} requests and look-ups",
            accepted.len(), cut_off.len(),
        );
    }
}
