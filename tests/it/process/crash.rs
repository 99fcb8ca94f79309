//! `kill -9` of the service at any moment, under load.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use super::{
    load::Load,
    service::{Restcomm, Service, Settings},
};
use crate::app::on_both;

const ROUNDS: usize = 5;

on_both! {
    async fn a_service_killed_again_and_again_keeps_every_promise(database) {
        let place = database.create().await;
        let restcomm = Arc::new(Restcomm::start().await);
        let mut service = Service::start(&Settings::new(&place.url, &restcomm)).await;
        let running = Load::start(&service.client, &restcomm, 6);
        for _ in 0..ROUNDS {
            sleep(Duration::from_millis(rand::random_range(100..900))).await;
            service.process.kill();
            service.restart().await;
        }
        sleep(Duration::from_millis(300)).await;
        let verdict = running.stop().await.judge(&place.url).await;
        assert!(50 < verdict.promised, "{verdict:?}");
        assert!(0 < verdict.unanswered, "{verdict:?}");
        assert_eq!(verdict.failed, 0, "a code lives longer than the service was away");
    }
}
