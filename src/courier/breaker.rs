//! Whether an account is worth asking now: a state machine over the outcomes of its requests. It knows no clock; whoever
//! asks says when.
//!
//! An account that fails is left alone for a pause, then one request finds out whether it is back. When it is, it is
//! given more to do with each success, so that what has gathered meanwhile does not knock it down again.

use std::time::Duration;

/// So many failures after one another open the breaker.
const FAILURES_IN_A_ROW: u32 = 5;
/// So do so many of the latest [`WINDOW`] outcomes.
const FAILURES_IN_WINDOW: u32 = 10;
const WINDOW: u32 = 20;
/// Outcomes say nothing any more when none was added for so long.
const MEMORY: Duration = Duration::from_mins(1);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Deliveries are put off for this and up to half as much again, and never for more than 15 s.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// What may be at Restcomm must be asked for before its code dies, also where only sending fails.
const LOOK_UP_PAUSE: Duration = Duration::from_secs(1);
/// What finds another asking already comes back after this, and up to as much again.
const WHILE_PROBING: Duration = Duration::from_secs(1);
/// Requests at once that an account has grown used to when it counts as back.
const RECOVERED: u32 = 32;

#[derive(Debug)]
pub(super) struct Breaker {
    state: State,
    /// Counts openings and probes: an outcome from before the last says nothing of now.
    epoch: u64,
    /// Pauses since the breaker was last closed.
    pauses: u32,
}

#[derive(Debug)]
enum State {
    Closed(History),
    Open {
        since: Duration,
        until: Duration,
    },
    /// One request finds out.
    Probing,
    /// So many requests may run at once.
    Recovering(u32),
}

/// The latest outcomes, newest in the lowest bit; a set bit is a failure.
#[derive(Debug, Default)]
struct History {
    bits: u32,
    latest: Duration,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    HandOff,
    LookUp,
    /// How a message fares that the account has: nothing waits for that.
    Receipt,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As long as no more than `at_once` run.
    Go { at_once: u32 },
    /// This one finds out whether the account is back; nobody else may ask until it has.
    Probe,
    /// Not now; again after so long at the earliest.
    No(Duration),
}

/// What the breaker shows of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Closed,
    Open,
    HalfOpen,
}

impl Breaker {
    pub(super) fn new() -> Self {
        Self {
            state: State::Closed(History::default()),
            epoch: 0,
            pauses: 0,
        }
    }

    /// Belongs to a request from its beginning, and comes back with its outcome.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn shown(&self) -> Shown {
        match self.state {
            State::Closed(_) => Shown::Closed,
            State::Open { .. } => Shown::Open,
            State::Probing | State::Recovering(_) => Shown::HalfOpen,
        }
    }

    /// How many requests may run now that none has to ask first.
    pub(super) fn at_once(&self) -> u32 {
        match self.state {
            State::Closed(_) => u32::MAX,
            State::Recovering(at_once) => at_once,
            State::Open { .. } | State::Probing => 0,
        }
    }

    /// Whether a request would be sent away, and for how long. `jitter` in 0..1000 spreads those who come back.
    pub(super) fn refuses(&self, purpose: Purpose, now: Duration, jitter: u32) -> Option<Duration> {
        match self.state {
            State::Closed(_) | State::Recovering(_) => None,
            State::Probing => Some(WHILE_PROBING + share(WHILE_PROBING, jitter)),
            State::Open { since, until } => {
                let opens = match purpose {
                    Purpose::HandOff | Purpose::Receipt => until,
                    Purpose::LookUp => until.min(since + LOOK_UP_PAUSE),
                };
                let rest = opens.checked_sub(now).filter(|rest| !rest.is_zero())?;
                Some(rest + share(until.saturating_sub(since) / 2, jitter))
            }
        }
    }

    /// Asks for leave to make a request. Whoever is told to probe must bring an outcome, or [`Breaker::nothing_learned`].
    pub(super) fn ask(&mut self, purpose: Purpose, now: Duration, jitter: u32) -> Verdict {
        if let Some(wait) = self.refuses(purpose, now, jitter) {
            return Verdict::No(wait);
        }
        match self.state {
            State::Closed(_) => Verdict::Go { at_once: u32::MAX },
            State::Recovering(at_once) => Verdict::Go { at_once },
            State::Open { .. } | State::Probing => {
                self.state = State::Probing;
                self.epoch += 1;
                Verdict::Probe
            }
        }
    }

    pub(super) fn succeeded(&mut self, epoch: u64, now: Duration) {
        if epoch != self.epoch {
            return;
        }
        match &mut self.state {
            State::Closed(history) => history.add(false, now),
            State::Probing => self.state = State::Recovering(2),
            State::Recovering(at_once) if *at_once + 1 < RECOVERED => *at_once += 1,
            State::Recovering(_) => {
                self.pauses = 0;
                self.state = State::Closed(History::default());
            }
            State::Open { .. } => {}
        }
    }

    /// `jitter` in 0..1000 shortens the pause by up to half.
    pub(super) fn failed(&mut self, epoch: u64, now: Duration, jitter: u32) {
        if epoch != self.epoch {
            return;
        }
        if let State::Closed(history) = &mut self.state {
            history.add(true, now);
            if !history.is_bad() {
                return;
            }
        }
        let full = (FIRST_PAUSE * (1 << self.pauses.min(8))).min(LONGEST_PAUSE);
        self.pauses = self.pauses.saturating_add(1);
        self.epoch += 1;
        self.state = State::Open {
            since: now,
            until: now + full.saturating_sub(share(full / 2, jitter)),
        };
    }

    /// A request that was begun ended without saying anything of the account. If it was the probe, the next one is.
    pub(super) fn nothing_learned(&mut self, epoch: u64, now: Duration) {
        if epoch == self.epoch && matches!(self.state, State::Probing) {
            self.epoch += 1;
            self.state = State::Open {
                since: now,
                until: now,
            };
        }
    }
}

impl History {
    fn add(&mut self, failure: bool, now: Duration) {
        if MEMORY < now.saturating_sub(self.latest) {
            self.bits = 0;
        }
        self.bits = self.bits << 1 | u32::from(failure);
        self.latest = now;
    }

    fn is_bad(&self) -> bool {
        let within = |outcomes: u32| self.bits & ((1 << outcomes) - 1);
        within(FAILURES_IN_A_ROW).count_ones() == FAILURES_IN_A_ROW
            || FAILURES_IN_WINDOW <= within(WINDOW).count_ones()
    }
}

fn share(whole: Duration, jitter: u32) -> Duration {
    whole * jitter.min(1000) / 1000
}

#[cfg(test)]
mod tests;
