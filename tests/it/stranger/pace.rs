//! How often the platform is asked, and what goes first.

use std::time::Duration;

use futures_util::future::join_all;

use super::{manners::Manner, platform::Route, server::Stranger, setup::Setup};
use crate::{
    database::Database,
    process::{PATIENCE, eventually},
};

/// How often the account may be asked in a second, all told.
const PACE: usize = 10;
const SENDS: usize = 50;
/// The first question about a message is asked so long after it was sent.
const FIRST_QUESTION: Duration = Duration::from_secs(10);

/// By SIP no receipt ever comes, so each message is asked for; and a service that was away asks for all of them at once.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_never_asked_too_often_and_a_new_code_goes_before_what_is_only_asked() {
    let place = Database::Sqlite.create().await;
    let stranger = Stranger::start().await;
    stranger.change(|platform| platform.route = Route::Sip);
    let mut setup = Setup::new(&place.url, &[&stranger]);
    setup.max_per_second = PACE;
    let mut service = setup.serve().await;
    let numbers: Vec<String> = (0..SENDS)
        .map(|turn| format!("+3519123456{turn:02}"))
        .collect();
    let sends = numbers.iter().map(|number| service.client.send(number));
    let mut ids = Vec::new();
    for answer in join_all(sends).await.into_iter().flatten() {
        assert!(matches!(answer.status, 201 | 202), "{}", answer.text);
        ids.push(answer.id());
    }
    for (id, number) in ids.iter().zip(&numbers) {
        service.client.until_sent(id).await;
        assert_eq!(stranger.texts(number).len(), 1);
    }
    service.process.kill();
    tokio::time::sleep(FIRST_QUESTION).await;
    service.restart().await;
    let reads = || stranger.look(|platform| platform.reads.count);
    let before = reads();
    let asked = async || before < reads();
    eventually("the platform is asked how they fare", PATIENCE, asked).await;
    // In the middle of all these questions somebody wants a code, and somebody else.
    for turn in 0..12 {
        service.client.sent(&format!("+3519123400{turn:02}")).await;
    }
    let goes_on = async || before + PACE <= reads();
    eventually("the others are asked for", PATIENCE, goes_on).await;
    let arrivals = stranger.look(|platform| platform.arrivals.clone());
    // What left in time may arrive late, and what follows then comes closer. A second's worth too many would take two.
    for (first, later) in arrivals.iter().zip(&arrivals[3 * PACE..]) {
        assert!(
            Duration::from_millis(2_200) <= *later - *first,
            "{:?}",
            *later - *first
        );
    }
}

/// A servlet container has some 200 threads, and those who wait for an answer in vain hold one each.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_slow_is_not_asked_by_everybody_at_once() {
    let place = Database::Sqlite.create().await;
    let stranger = Stranger::start().await;
    let slow = Manner::well().late(Duration::from_secs(2));
    stranger.change(|platform| platform.sends.always(slow));
    let mut setup = Setup::new(&place.url, &[&stranger]);
    setup.max_per_second = 10_000;
    let service = setup.serve().await;
    let numbers: Vec<String> = (0..400)
        .map(|turn| format!("+351912345{turn:03}"))
        .collect();
    let sends = numbers.iter().map(|number| service.client.send(number));
    let mut ids = Vec::new();
    for answer in join_all(sends).await.into_iter().flatten() {
        assert!(matches!(answer.status, 201 | 202), "{}", answer.text);
        ids.push(answer.id());
    }
    assert_eq!(ids.len(), numbers.len());
    stranger.change(|platform| platform.sends.always(Manner::well()));
    for (id, number) in ids.iter().zip(&numbers) {
        service.client.until_sent(id).await;
        assert_eq!(stranger.texts(number).len(), 1, "{number}");
    }
    let most = stranger.look(|platform| platform.most_running);
    assert!((64..=128).contains(&most), "{most} at once");
}
