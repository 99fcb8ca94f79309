//! Restcomm away for half a minute, under load, while the service is killed: what was accepted goes out once.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use countersign::{app, config::DatabaseUrl};
use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::{
    eventually,
    service::{Restcomm, Service, Settings},
};
use crate::app::on_both;

const SENDS: usize = 300;
const CALLERS: usize = 16;
const AWAY: Duration = Duration::from_secs(30);

/// What was asked: numbers that were accepted, with their ids, and those for which no answer came.
#[derive(Default)]
struct Asked {
    next: usize,
    accepted: Vec<(String, String)>,
    unanswered: Vec<String>,
}

on_both! {
    async fn three_hundred_sends_outlive_an_outage_and_two_deaths_and_none_arrives_twice(database) {
        let place = database.create().await;
        let mut restcomm = Restcomm::start().await;
        let mut service = Service::start(&Settings::new(&place.url, &restcomm)).await;
        let port = restcomm.port();
        restcomm.process.kill();
        let start = Instant::now();
        let asked = Arc::new(Mutex::new(Asked::default()));
        let callers = (0..CALLERS).map(|_| {
            let (client, asked) = (service.client.clone(), asked.clone());
            tokio::spawn(async move {
                loop {
                    let number = {
                        let mut asked = asked.lock().unwrap();
                        if SENDS <= asked.accepted.len() {
                            return;
                        }
                        asked.next += 1;
                        format!("+35191{:07}", asked.next)
                    };
                    let answer = client.send(&number).await;
                    if let Some(answer) = answer {
                        assert_eq!(answer.status, 202, "{}", answer.text);
                        asked.lock().unwrap().accepted.push((number, answer.id()));
                        sleep(Duration::from_millis(500)).await;
                    } else {
                        asked.lock().unwrap().unanswered.push(number);
                        while client.readiness().await != Some(200) {
                            sleep(Duration::from_millis(20)).await;
                        }
                    }
                }
            })
        });
        let callers: Vec<_> = callers.collect();
        for pause in [2, 4] {
            sleep(Duration::from_secs(pause)).await;
            service.process.kill();
            service.restart().await;
        }
        for caller in join_all(callers).await {
            caller.unwrap();
        }
        sleep(AWAY.saturating_sub(start.elapsed())).await;
        let restcomm = Restcomm::start_at(port).await;

        let store = app::open(&DatabaseUrl::parse(&place.url).unwrap()).await.unwrap();
        eventually("every delivery is settled", Duration::from_secs(90), async || {
            store.next_due().await.unwrap().is_none()
        })
        .await;
        store.close().await;
        let asked = std::mem::take(&mut *asked.lock().unwrap());
        let (mut sent, mut failed) = (0, 0);
        for (number, id) in &asked.accepted {
            let texts = restcomm.texts(number).await.len();
            let status = service.client.status(id).await;
            match texts {
                1 => sent += 1,
                0 if status["delivery"]["status"] == "failed" => failed += 1,
                _ => panic!("{number} received {texts} messages: {status}"),
            }
        }
        assert!(SENDS <= sent + failed && failed == 0, "{sent} sent, {failed} failed");
        for number in &asked.unanswered {
            assert!(restcomm.texts(number).await.len() <= 1, "{number}");
        }
    }
}
