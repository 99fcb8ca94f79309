//! `kill -9` of the service at any moment, under load.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use super::{
    load::Load,
    service::{Restcomm, Service, Settings},
};
use crate::app::on_both;

/// How Restcomm answers until each death: at once; late, so that hand-offs are under way; never, though it took them.
const ROUNDS: [&str; 5] = ["ok", "slow:300ms", "close-after-accept", "slow:300ms", "ok"];

on_both! {
    async fn a_service_killed_again_and_again_keeps_every_promise(database) {
        let place = database.create().await;
        let restcomm = Arc::new(Restcomm::start().await);
        let mut service = Service::start(&Settings::new(&place.url, &restcomm)).await;
        let running = Load::start(&service.client, &restcomm, 12);
        for answer in ROUNDS {
            restcomm.answer_with(answer).await;
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
