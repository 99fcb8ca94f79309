//! Callers who repeat a send, under its `Idempotency-Key`, until they are answered, while the service is killed again and
//! again: each is answered, and nobody gets two messages.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::{
    PATIENCE, eventually,
    service::{Caller, Restcomm, Service, Settings},
};
use crate::app::on_both;

const CALLERS: usize = 12;
/// Sends that are answered, at the least.
const SENDS: usize = 60;
/// How Restcomm answers until each death: at once; late, so that answers are waited for; never, though it took them.
const ROUNDS: [&str; 5] = ["slow:300ms", "ok", "close-after-accept", "slow:300ms", "ok"];

/// What a caller was told in the end.
struct Told {
    number: String,
    status: u16,
    text: String,
    /// How often it had to be asked for.
    asked: u32,
}

async fn ask(client: &Caller, number: &str) -> Told {
    let start = Instant::now();
    for asked in 1.. {
        assert!(start.elapsed() < PATIENCE, "{number} is never answered");
        let answer = client.send_once(number, &format!("\"{number}\"")).await;
        match answer {
            Some(answer) if matches!(answer.status, 201 | 202) => {
                return Told {
                    number: number.to_owned(),
                    status: answer.status,
                    text: answer.text,
                    asked,
                };
            }
            Some(answer) => assert!(matches!(answer.status, 409 | 503), "{}", answer.text),
            None => {}
        }
        sleep(Duration::from_millis(50)).await;
    }
    unreachable!("it asks on")
}

on_both! {
    async fn who_repeats_a_send_until_it_is_answered_gets_one_message_whoever_dies(database) {
        let place = database.create().await;
        let restcomm = Arc::new(Restcomm::start().await);
        let mut service = Service::start(&Settings::new(&place.url, &restcomm)).await;
        let stop = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicUsize::new(0));
        let callers = (0..CALLERS).map(|caller| {
            let (client, stop, answered) = (service.client.clone(), stop.clone(), answered.clone());
            tokio::spawn(async move {
                let mut all = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let number = format!("+35191{:07}", caller * 100_000 + all.len());
                    all.push(ask(&client, &number).await);
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                all
            })
        });
        let callers: Vec<_> = callers.collect();
        for answer in ROUNDS {
            restcomm.answer_with(answer).await;
            sleep(Duration::from_millis(rand::random_range(100..900))).await;
            service.process.kill();
            service.restart().await;
        }
        eventually("enough are answered", PATIENCE, async || {
            SENDS <= answered.load(Ordering::Relaxed)
        })
        .await;
        stop.store(true, Ordering::Relaxed);
        let all = join_all(callers).await;
        let all: Vec<Told> = all.into_iter().flat_map(Result::unwrap).collect();
        assert!(all.iter().any(|told| 1 < told.asked), "some had to ask again");
        for Told { number, status, text, .. } in &all {
            let again = service.client.send_once(number, &format!("\"{number}\"")).await.unwrap();
            assert_eq!((again.status, &again.text), (*status, text));
            service.client.until_sent(&again.id(), Duration::from_secs(45)).await;
            assert_eq!(restcomm.texts(number).await.len(), 1, "{number}");
            assert!(!again.text.contains(&restcomm.code(number).await), "{}", again.text);
        }
        let verified = &all[0];
        let id = service.client.send_once(&verified.number, &format!("\"{}\"", verified.number)).await.unwrap().id();
        let code = restcomm.code(&verified.number).await;
        assert_eq!(service.client.verify(&id, &code).await.unwrap().status, 200);
    }
}
