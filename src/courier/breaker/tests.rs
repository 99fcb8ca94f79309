use proptest::{collection::vec, prelude::*};

use super::*;

fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn fail(breaker: &mut Breaker, times: u32, now: Duration) {
    for _ in 0..times {
        breaker.failed(breaker.epoch(), now, 0);
    }
}

/// A breaker that was opened at 0, for the first time and for a whole second.
fn open() -> Breaker {
    let mut breaker = Breaker::new();
    fail(&mut breaker, FAILURES_IN_A_ROW, at(0));
    assert_eq!(breaker.shown(), Shown::Open);
    breaker
}

fn ask(breaker: &mut Breaker, millis: u64) -> Verdict {
    breaker.ask(Purpose::HandOff, at(millis), 0)
}

const GO: Verdict = Verdict::Go { at_once: u32::MAX };

#[test]
fn five_failures_in_a_row_open_it_and_four_do_not() {
    let mut breaker = Breaker::new();
    fail(&mut breaker, 4, at(0));
    breaker.succeeded(0, at(1));
    fail(&mut breaker, 4, at(2));
    assert_eq!(ask(&mut breaker, 3), GO);
    fail(&mut breaker, 1, at(4));
    assert_eq!(ask(&mut breaker, 5), Verdict::No(at(999)));
}

#[test]
fn ten_failures_among_twenty_outcomes_open_it() {
    let mut breaker = Breaker::new();
    for n in 0..9 {
        fail(&mut breaker, 1, at(n));
        breaker.succeeded(0, at(n));
    }
    assert_eq!(ask(&mut breaker, 10), GO);
    fail(&mut breaker, 1, at(11));
    assert_eq!(breaker.shown(), Shown::Open);
}

#[test]
fn failures_of_long_ago_are_forgotten() {
    let mut breaker = Breaker::new();
    fail(&mut breaker, 4, at(0));
    fail(&mut breaker, 4, at(60_001));
    assert_eq!(breaker.shown(), Shown::Closed);
    fail(&mut breaker, 1, at(120_001));
    assert_eq!(breaker.shown(), Shown::Open, "a minute is not too long ago");
}

#[test]
fn after_the_pause_one_request_finds_out_and_the_others_come_back_later() {
    let mut breaker = open();
    assert_eq!(ask(&mut breaker, 1), Verdict::No(at(999)));
    assert_eq!(ask(&mut breaker, 999), Verdict::No(at(1)));
    assert_eq!(ask(&mut breaker, 1000), Verdict::Probe);
    assert_eq!(ask(&mut breaker, 9000), Verdict::No(WHILE_PROBING));
    assert_eq!(breaker.at_once(), 0);
}

#[test]
fn who_comes_back_is_spread_by_chance() {
    let breaker = open();
    let wait = |jitter| breaker.refuses(Purpose::HandOff, at(400), jitter);
    assert_eq!(wait(0), Some(at(600)));
    assert_eq!(wait(1000), Some(at(600 + 500)));
}

#[test]
fn pauses_double_up_to_ten_seconds_less_up_to_half_by_chance_and_begin_anew_after_recovery() {
    let mut breaker = Breaker::new();
    let mut now = at(0);
    fail(&mut breaker, 4, now);
    for (jitter, pause) in [
        (0, 1000),
        (0, 2000),
        (1000, 2000),
        (500, 6000),
        (0, 10_000),
        (1000, 5000),
    ] {
        breaker.failed(breaker.epoch(), now, jitter);
        let wait = breaker.refuses(Purpose::HandOff, now, 0);
        assert_eq!(wait, Some(at(pause)));
        now += at(pause);
        assert_eq!(breaker.ask(Purpose::HandOff, now, 0), Verdict::Probe);
    }
    while breaker.shown() != Shown::Closed {
        breaker.succeeded(breaker.epoch(), now);
    }
    fail(&mut breaker, 5, now);
    let wait = breaker.refuses(Purpose::HandOff, now, 0);
    assert_eq!(wait, Some(at(1000)));
}

#[test]
fn what_has_gathered_is_let_through_little_by_little() {
    let mut breaker = open();
    assert_eq!(ask(&mut breaker, 1000), Verdict::Probe);
    for at_once in 2..RECOVERED {
        breaker.succeeded(breaker.epoch(), at(1001));
        assert_eq!(ask(&mut breaker, 1001), Verdict::Go { at_once });
        assert_eq!(breaker.shown(), Shown::HalfOpen);
    }
    breaker.succeeded(breaker.epoch(), at(1001));
    assert_eq!(ask(&mut breaker, 1001), GO);
}

#[test]
fn one_failure_while_it_recovers_opens_it_again_for_longer() {
    let mut breaker = open();
    assert_eq!(ask(&mut breaker, 1000), Verdict::Probe);
    breaker.succeeded(breaker.epoch(), at(1000));
    breaker.failed(breaker.epoch(), at(1000), 0);
    assert_eq!(ask(&mut breaker, 1000), Verdict::No(at(2000)));
}

#[test]
fn what_began_before_the_last_turn_says_nothing() {
    let mut breaker = Breaker::new();
    let old = breaker.epoch();
    fail(&mut breaker, 5, at(0));
    breaker.failed(old, at(900), 0);
    assert_eq!(ask(&mut breaker, 1000), Verdict::Probe, "no longer a pause");
    breaker.failed(old, at(1000), 0);
    breaker.succeeded(old, at(1000));
    breaker.nothing_learned(old, at(1000));
    assert_eq!(ask(&mut breaker, 1000), Verdict::No(WHILE_PROBING));
}

#[test]
fn a_probe_that_learns_nothing_makes_room_for_the_next() {
    let mut breaker = open();
    assert_eq!(ask(&mut breaker, 1000), Verdict::Probe);
    breaker.nothing_learned(breaker.epoch(), at(1500));
    assert_eq!(ask(&mut breaker, 1500), Verdict::Probe);
}

#[test]
fn a_look_up_need_not_wait_for_the_end_of_a_long_pause() {
    let mut breaker = open();
    assert_eq!(ask(&mut breaker, 1000), Verdict::Probe);
    breaker.failed(breaker.epoch(), at(1000), 0);
    let look_up = |breaker: &mut Breaker, millis| breaker.ask(Purpose::LookUp, at(millis), 0);
    let receipt = breaker.ask(Purpose::Receipt, at(2000), 0);
    assert_eq!(receipt, Verdict::No(at(1000)), "nothing waits for it");
    assert_eq!(look_up(&mut breaker, 1500), Verdict::No(at(500)));
    assert_eq!(look_up(&mut breaker, 2000), Verdict::Probe);
    assert_eq!(ask(&mut breaker, 3000), Verdict::No(WHILE_PROBING));
    breaker.succeeded(breaker.epoch(), at(3000));
    assert_eq!(ask(&mut breaker, 3000), Verdict::Go { at_once: 2 });
}

proptest! {
    /// Whatever happens in whatever order: one probe at a time, and never a wait of more than 15 s.
    #[test]
    fn there_is_never_a_second_probe_and_never_a_wait_without_end(
        events in vec((0..5_u8, 0..4000_u64, 0..1000_u32, any::<bool>()), 1..200)
    ) {
        let mut breaker = Breaker::new();
        let mut now = at(0);
        let mut running: Vec<(u64, bool)> = Vec::new();
        for (event, passed, jitter, first) in events {
            now += at(passed);
            if event < 2 {
                let purpose = if event == 0 { Purpose::HandOff } else { Purpose::LookUp };
                match breaker.ask(purpose, now, jitter) {
                    Verdict::Go { .. } => running.push((breaker.epoch(), false)),
                    Verdict::Probe => {
                        let rival = running.iter().any(|(epoch, is_probe)| *is_probe && *epoch == breaker.epoch() - 1);
                        prop_assert!(!rival);
                        running.push((breaker.epoch(), true));
                    }
                    Verdict::No(wait) => prop_assert!(!wait.is_zero() && wait <= at(15_000)),
                }
            } else if !running.is_empty() {
                let at = if first { 0 } else { running.len() - 1 };
                let (epoch, _) = running.remove(at);
                match event {
                    2 => breaker.succeeded(epoch, now),
                    3 => breaker.failed(epoch, now, jitter),
                    _ => breaker.nothing_learned(epoch, now),
                }
            }
            prop_assert!(breaker.shown() != Shown::Open || breaker.at_once() == 0);
        }
    }
}
