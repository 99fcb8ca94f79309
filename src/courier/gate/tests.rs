//! Real tasks that race for the gate, on a clock in our hands.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::task::{JoinSet, yield_now};

use super::*;
use crate::domain::clock::Timestamp;

const PATIENCE: Duration = Duration::from_millis(2500);
const FAST: u32 = 1_000_000;

fn gate(clock: &Clock, max_per_second: u32) -> Gate {
    let (random, metrics) = (Random::seeded(1), Metrics::default());
    Gate::new("main", 1, max_per_second, clock, &random, &metrics)
}

fn noon() -> Clock {
    Clock::manual(Timestamp::from_millis(1_769_860_800_000))
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

async fn enter(gate: &Gate) -> Result<Pass, Duration> {
    gate.enter(Purpose::HandOff, PATIENCE).await
}

async fn open(gate: &Gate) {
    for _ in 0..5 {
        enter(gate).await.unwrap().done(Health::Bad);
    }
    assert!(gate.refuses(Turn::Returning).is_some());
}

/// Polls until `done`.
async fn eventually(what: &str, done: impl Fn() -> bool) {
    let shows = async {
        while !done() {
            yield_now().await;
        }
    };
    let patience = seconds(20);
    assert!(
        tokio::time::timeout(patience, shows).await.is_ok(),
        "it never came about: {what}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_all_who_race_for_the_probe_one_gets_it() {
    let clock = noon();
    let gate = gate(&clock, FAST);
    open(&gate).await;
    for _ in 0..20 {
        clock.advance(seconds(15));
        let mut racers = JoinSet::new();
        for _ in 0..200 {
            let gate = gate.clone();
            racers.spawn(async move { enter(&gate).await });
        }
        let mut passes: Vec<Pass> = racers.join_all().await.into_iter().flatten().collect();
        assert_eq!(passes.len(), 1);
        passes.remove(0).done(Health::Bad);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_hundred_who_waited_do_not_all_come_at_once_to_an_account_that_recovers() {
    let clock = noon();
    let gate = gate(&clock, FAST);
    open(&gate).await;
    clock.advance(seconds(2));
    let (running, most, done) = <(Arc<AtomicU32>, Arc<AtomicU32>, Arc<AtomicU32>)>::default();
    let mut tasks = JoinSet::new();
    for _ in 0..300 {
        let (gate, clock) = (gate.clone(), clock.clone());
        let (running, most, done) = (running.clone(), most.clone(), done.clone());
        tasks.spawn(async move {
            let pass = loop {
                match enter(&gate).await {
                    Ok(pass) => break pass,
                    Err(wait) => clock.sleep(wait).await,
                }
            };
            let now = running.fetch_add(1, Ordering::SeqCst) + 1;
            let before = done.load(Ordering::SeqCst);
            // The account was given this much to do, and may be given one more for each success.
            let may = if before < 30 { before + 2 } else { AT_ONCE };
            assert!(now <= may, "{now} after {before}");
            most.fetch_max(now, Ordering::SeqCst);
            for _ in 0..10 {
                yield_now().await;
            }
            running.fetch_sub(1, Ordering::SeqCst);
            done.fetch_add(1, Ordering::SeqCst);
            pass.done(Health::Good);
        });
    }
    let ends = async {
        while let Some(task) = tasks.join_next().await {
            task.unwrap();
        }
    };
    let goes_on = async {
        loop {
            tokio::time::sleep(Duration::from_millis(5)).await;
            clock.advance(Duration::from_millis(100));
        }
    };
    tokio::select! {
        () = ends => {}
        () = goes_on => unreachable!("time has no end"),
    }
    assert_eq!(done.load(Ordering::SeqCst), 300);
    assert!(1 < most.load(Ordering::SeqCst));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_leave_at_the_pace_and_in_the_order_of_their_coming() {
    let clock = noon();
    let gate = gate(&clock, 20);
    let left = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = JoinSet::new();
    for n in 0..40_u32 {
        let (task_gate, left) = (gate.clone(), left.clone());
        tasks.spawn(async move {
            let pass = enter(&task_gate).await.unwrap();
            left.lock().unwrap().push(n);
            pass.done(Health::Good);
        });
        // Each has its place before the next comes.
        let taken = seconds(1) / 20 * (n + 1);
        eventually("it has come", || gate.lock().shaper.next() == taken).await;
    }
    for passed in 0..40_usize {
        let count = || left.lock().unwrap().len();
        eventually("those whose time has come leave", || count() == passed + 1).await;
        clock.advance(Duration::from_millis(49));
        for _ in 0..100 {
            yield_now().await;
        }
        assert_eq!(count(), passed + 1, "nobody leaves early");
        clock.advance(Duration::from_millis(1));
    }
    tasks.join_all().await;
    assert_eq!(*left.lock().unwrap(), (0..40).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_more_run_at_once_than_may_and_who_waits_goes_next() {
    let clock = noon();
    let gate = gate(&clock, FAST);
    let mut running = Vec::new();
    for _ in 0..AT_ONCE {
        running.push(enter(&gate).await.unwrap());
    }
    let waiting: Vec<_> = (0..WAITING)
        .map(|_| {
            let gate = gate.clone();
            tokio::spawn(async move { enter(&gate).await })
        })
        .collect();
    eventually("all wait", || gate.lock().waiting.len() == WAITING).await;
    assert!(enter(&gate).await.is_err(), "there is no room to wait");
    running.pop().unwrap().done(Health::Good);
    eventually("one goes", || gate.lock().waiting.len() == WAITING - 1).await;
    let mut ended = futures_util::future::join_all(waiting);
    let ended = loop {
        // Who has just got in line may not have looked at the clock yet.
        clock.advance(PATIENCE);
        tokio::select! {
            biased;
            ended = &mut ended => break ended,
            () = yield_now() => {}
        }
    };
    let passed = ended
        .into_iter()
        .filter(|ended| ended.as_ref().unwrap().is_ok());
    assert_eq!(passed.count(), 1, "the others had no more patience");
    drop(running);
    assert_eq!(
        gate.lock().running(),
        0,
        "who has gone leaves nothing behind"
    );
}

/// Questions that nothing waits for take what is free, and no place in line.
#[tokio::test]
async fn however_much_is_asked_a_hand_off_is_not_put_off_for_it() {
    let clock = noon();
    let gate = gate(&clock, 10);
    let quarter = Duration::from_millis(250);
    let mut asked = JoinSet::new();
    for _ in 0..100 {
        let gate = gate.clone();
        asked.spawn(async move { gate.enter(Purpose::Receipt, quarter).await.is_ok() });
    }
    let mut put_off = 0;
    while put_off < 97 {
        let passed = asked.join_next().await.unwrap().unwrap();
        put_off += usize::from(!passed);
    }
    assert_eq!(gate.refuses(Turn::Fresh), None);
    assert_eq!(gate.lock().shaper.next(), Duration::from_millis(300));
}

#[tokio::test]
async fn who_waits_when_the_breaker_opens_is_sent_away() {
    let clock = noon();
    let gate = gate(&clock, FAST);
    let mut running = Vec::new();
    for _ in 0..AT_ONCE {
        running.push(enter(&gate).await.unwrap());
    }
    let waiting: Vec<_> = (0..10)
        .map(|_| {
            let gate = gate.clone();
            tokio::spawn(async move { enter(&gate).await })
        })
        .collect();
    eventually("they wait", || gate.lock().waiting.len() == 10).await;
    for pass in running.drain(..5) {
        pass.done(Health::Bad);
    }
    let ended = futures_util::future::join_all(waiting).await;
    let ended: Vec<_> = ended.into_iter().map(Result::unwrap).collect();
    let sent_away = ended.iter().filter(|ended| ended.is_err());
    assert_eq!(
        sent_away.count(),
        6,
        "four had room before the fifth failure"
    );
    drop((running, ended));
    assert!(gate.refuses(Turn::Returning).is_some());
    assert_eq!(gate.lock().running(), 0);
}
