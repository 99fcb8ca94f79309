//! SIGTERM: the end within 10 s, and nothing is lost.

use std::{io::Write as _, net::TcpStream, sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::{
    PATIENCE, eventually,
    load::Load,
    service::{Restcomm, Service, Settings, was_sent},
    signal,
};
use crate::{app::on_both, database::Database};

const LIMIT: Duration = Duration::from_secs(10);

/// Sends the signal; the service must end with 0 within the limit. Gives how long it took.
async fn stops_by(name: &str, service: &mut Service) -> Duration {
    let start = Instant::now();
    signal(name, &[service.process.id()]);
    let status = service.process.ended().await;
    assert_eq!(status.code(), Some(0), "{}", service.process.said());
    assert!(start.elapsed() < LIMIT, "it took {:?}", start.elapsed());
    start.elapsed()
}

async fn start(database: Database) -> (crate::database::Place, Arc<Restcomm>, Service) {
    let place = database.create().await;
    let restcomm = Arc::new(Restcomm::start().await);
    let service = Service::start(&Settings::new(&place.url, &restcomm)).await;
    (place, restcomm, service)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_service_ends_at_once_on_sigterm_and_on_sigint() {
    let (_place, _restcomm, mut service) = start(Database::Sqlite).await;
    for (name, number) in [("TERM", "+351912345678"), ("INT", "+351912345679")] {
        // Leaves a connection that is kept alive.
        service.client.sent(number).await;
        assert!(stops_by(name, &mut service).await < Duration::from_secs(6));
        service.restart().await;
    }
}

on_both! {
    async fn sends_that_are_in_flight_are_answered_before_the_end(database) {
        let (_place, restcomm, mut service) = start(database).await;
        restcomm.answer_with("slow:1500ms").await;
        let numbers: Vec<_> = (0..20).map(|n| format!("+3519123400{n:02}")).collect();
        let sends = numbers.iter().map(|number| {
            let (client, number) = (service.client.clone(), number.clone());
            tokio::spawn(async move { client.send(&number).await })
        });
        let sends: Vec<_> = sends.collect();
        eventually("all messages are at Restcomm", PATIENCE, async || {
            let arrived = join_all(numbers.iter().map(|number| restcomm.texts(number))).await;
            arrived.iter().all(|texts| !texts.is_empty())
        })
        .await;
        stops_by("TERM", &mut service).await;
        let mut ids = Vec::new();
        for send in sends {
            let answer = send.await.unwrap().expect("an answer");
            assert_eq!(answer.status, 201, "{}", answer.text);
            ids.push(answer.id());
        }
        restcomm.answer_with("ok").await;
        service.restart().await;
        for (id, number) in ids.iter().zip(&numbers) {
            // Known as sent without asking Restcomm again: its "accepted" was kept before the end.
            assert!(was_sent(&service.client.status(id).await));
            let code = restcomm.code(number).await;
            assert_eq!(service.client.verify(id, &code).await.unwrap().status, 200);
        }
    }

    async fn a_service_stopped_under_load_keeps_every_promise(database) {
        let (place, restcomm, mut service) = start(database).await;
        let running = Load::start(&service.client, &restcomm, 6);
        sleep(Duration::from_millis(rand::random_range(300..900))).await;
        stops_by("TERM", &mut service).await;
        service.restart().await;
        sleep(Duration::from_millis(200)).await;
        let verdict = running.stop().await.judge(&place.url).await;
        assert!(20 < verdict.promised, "{verdict:?}");
        assert_eq!(verdict.failed, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_a_silent_restcomm_nor_a_caller_who_never_finishes_holds_up_the_end() {
    let (place, restcomm, mut service) = start(Database::Sqlite).await;
    restcomm.answer_with("hang").await;
    let address = service.client.base.trim_start_matches("http://").to_owned();
    let mut unfinished = TcpStream::connect(address).unwrap();
    unfinished
        .write_all(b"POST /otp/send HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{")
        .unwrap();
    let client = service.client.clone();
    let send = tokio::spawn(async move { client.send("+351912345678").await });
    sleep(Duration::from_millis(500)).await;
    stops_by("TERM", &mut service).await;
    let answer = send.await.unwrap().expect("an answer");
    assert_eq!(answer.status, 202, "{}", answer.text);

    // The message goes out after the next start.
    restcomm.answer_with("ok").await;
    service.restart().await;
    service.client.until_sent(&answer.id()).await;
    restcomm.code("+351912345678").await;
    drop(place);
}
