//! Every request to an account passes its gate: the breaker, so many at once, and the pace.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::oneshot;

use super::{
    breaker::{Breaker, Purpose, Shown, Verdict},
    shaper::Shaper,
};
use crate::{
    domain::{
        clock::{Clock, Stopwatch},
        random::Random,
    },
    telemetry::{
        Metrics,
        labels::{self, PutOff},
    },
};

/// Requests to one account that run at once. Restcomm answers each on a thread of its servlet container, of which there
/// usually are 200, and keeps it for up to 10 s when it is in trouble: some must be left to others. More connections are
/// not kept open either.
const AT_ONCE: u32 = 128;
/// Requests that wait for one of them to end; more go back to the outbox at once.
const WAITING: usize = 128;
/// Those come back after this, and up to as much again.
const WHILE_BUSY: Duration = Duration::from_millis(500);

#[derive(Clone)]
pub(super) struct Gate(Arc<Inner>);

struct Inner {
    /// As the operator calls it; for the log.
    account: String,
    label: labels::Account,
    clock: Clock,
    /// What the state machines take for time: unlike the clock, it never jumps.
    watch: Stopwatch,
    random: Random,
    metrics: Metrics,
    state: Mutex<State>,
}

struct State {
    breaker: Breaker,
    shaper: Shaper,
    /// Requests of this epoch that run now: those of an earlier one may hang, and are no concern of a recovered account.
    running: u32,
    epoch: u64,
    waiting: VecDeque<oneshot::Sender<Pass>>,
}

/// Whether a delivery has been put off before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Fresh,
    Returning,
}

/// What a request says of the health of its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Health {
    Good,
    Bad,
    Silent,
}

/// Leave to make one request. Dropped without an outcome, it says nothing of the account.
pub(super) struct Pass {
    gate: Gate,
    /// `None` once it is given back.
    epoch: Option<u64>,
    health: Health,
}

impl Gate {
    /// `position` counts the accounts from 1.
    pub(super) fn new(
        account: &str,
        position: usize,
        max_per_second: u32,
        clock: &Clock,
        random: &Random,
        metrics: &Metrics,
    ) -> Self {
        let gate = Self(Arc::new(Inner {
            account: account.to_owned(),
            label: labels::Account::at(position),
            clock: clock.clone(),
            watch: clock.stopwatch(),
            random: random.clone(),
            metrics: metrics.clone(),
            state: Mutex::new(State {
                breaker: Breaker::new(),
                shaper: Shaper::new(max_per_second),
                running: 0,
                epoch: 0,
                waiting: VecDeque::new(),
            }),
        }));
        gate.show(Shown::Closed);
        gate
    }

    /// Whether a hand-off would be sent away at once, and after how long it should come back.
    pub(super) fn refuses(&self, turn: Turn) -> Option<Duration> {
        let (now, jitter) = (self.now(), self.jitter());
        let mut state = self.lock();
        if let Some(wait) = state.breaker.refuses(Purpose::HandOff, now, jitter) {
            self.count(PutOff::Breaker);
            return Some(wait);
        }
        if turn == Turn::Fresh && state.shaper.is_crowded(now) {
            self.count(PutOff::Pace);
            return Some(state.shaper.put_off(now, jitter));
        }
        None
    }

    /// Waits for leave to make a request, no longer than `patience`; else tells after how long to come back. Only what
    /// will come back is promised a place in line.
    pub(super) async fn enter(
        &self,
        purpose: Purpose,
        patience: Duration,
    ) -> Result<Pass, Duration> {
        let start = self.now();
        let pass = match self.ask(purpose)? {
            Asked::Pass(pass) => pass,
            Asked::Wait(mut turn) => {
                let passed = tokio::select! {
                    biased;
                    passed = &mut turn => passed.ok(),
                    () = self.0.clock.sleep(patience) => {
                        turn.close();
                        turn.try_recv().ok()
                    }
                };
                passed.ok_or_else(|| self.busy())?
            }
        };
        let (now, jitter) = (self.now(), self.jitter());
        let waited = now.saturating_sub(start);
        let wait = {
            let mut state = self.lock();
            let slot = state.shaper.take(now, patience.saturating_sub(waited));
            slot.ok_or_else(|| match purpose {
                Purpose::HandOff | Purpose::LookUp => state.shaper.put_off(now, jitter),
                Purpose::Receipt => patience,
            })
        };
        let wait = wait.inspect_err(|_| self.count(PutOff::Pace))?;
        let waits = &self.0.metrics.account_waits;
        waits.observe(self.0.label, waited + wait);
        // The timer knows milliseconds; nothing shorter is worth a sleep.
        if Duration::from_millis(1) <= wait {
            self.0.clock.sleep(wait).await;
        }
        Ok(pass)
    }

    fn ask(&self, purpose: Purpose) -> Result<Asked, Duration> {
        let (now, jitter) = (self.now(), self.jitter());
        let mut state = self.lock();
        let before = state.breaker.shown();
        let at_once = match state.breaker.ask(purpose, now, jitter) {
            Verdict::No(wait) => {
                self.count(PutOff::Breaker);
                return Err(wait);
            }
            Verdict::Probe => u32::MAX,
            Verdict::Go { at_once } => at_once.min(AT_ONCE),
        };
        self.changed(before, state.breaker.shown());
        if state.running() < at_once {
            state.running += 1;
            return Ok(Asked::Pass(self.pass(state.epoch)));
        }
        if WAITING <= state.waiting.len() {
            drop(state);
            return Err(self.busy());
        }
        let (give, turn) = oneshot::channel();
        state.waiting.push_back(give);
        Ok(Asked::Wait(turn))
    }

    /// A request has ended: the breaker learns of it, and those who waited longest go next.
    fn leave(&self, epoch: u64, health: Health) {
        let (now, jitter) = (self.now(), self.jitter());
        let mut sent_away = VecDeque::new();
        {
            let mut state = self.lock();
            state.end(epoch);
            let before = state.breaker.shown();
            match health {
                Health::Good => state.breaker.succeeded(epoch, now),
                Health::Bad => state.breaker.failed(epoch, now, jitter),
                Health::Silent => state.breaker.nothing_learned(epoch, now),
            }
            let after = state.breaker.shown();
            self.changed(before, after);
            if after == Shown::Open {
                sent_away = std::mem::take(&mut state.waiting);
            }
        }
        drop(sent_away);
        while let Some((turn, pass)) = self.next() {
            // Who has gone meanwhile gives its pass back.
            if let Err(unused) = turn.send(pass) {
                unused.unused();
            }
        }
    }

    fn next(&self) -> Option<(oneshot::Sender<Pass>, Pass)> {
        let mut state = self.lock();
        let at_once = state.breaker.at_once().min(AT_ONCE);
        if at_once <= state.running() {
            return None;
        }
        let turn = state.waiting.pop_front()?;
        state.running += 1;
        Some((turn, self.pass(state.epoch)))
    }

    fn pass(&self, epoch: u64) -> Pass {
        Pass {
            gate: self.clone(),
            epoch: Some(epoch),
            health: Health::Silent,
        }
    }

    fn busy(&self) -> Duration {
        self.count(PutOff::Busy);
        WHILE_BUSY + WHILE_BUSY * self.jitter() / 1000
    }

    fn changed(&self, before: Shown, after: Shown) {
        if before == after {
            return;
        }
        self.show(after);
        let account = self.0.account.as_str();
        let label = match after {
            Shown::Open => labels::Breaker::Open,
            Shown::HalfOpen => labels::Breaker::HalfOpen,
            Shown::Closed => labels::Breaker::Closed,
        };
        self.0
            .metrics
            .account_breaker_changes
            .count(self.0.label, label);
        if after == Shown::Open {
            tracing::warn!(account, "account.breaker_opened");
        } else if after == Shown::HalfOpen {
            tracing::info!(account, "account.breaker_probing");
        } else {
            tracing::info!(account, "account.breaker_closed");
        }
    }

    fn show(&self, shown: Shown) {
        let states = [
            (labels::Breaker::Closed, Shown::Closed),
            (labels::Breaker::Open, Shown::Open),
            (labels::Breaker::HalfOpen, Shown::HalfOpen),
        ];
        for (label, state) in states {
            let value = if state == shown { 1.0 } else { 0.0 };
            self.0
                .metrics
                .account_breaker
                .set(self.0.label, label, value);
        }
    }

    fn count(&self, why: PutOff) {
        self.0.metrics.account_put_off.count(self.0.label, why);
    }

    fn now(&self) -> Duration {
        self.0.watch.elapsed()
    }

    fn jitter(&self) -> u32 {
        u32::try_from(self.0.random.below(1000)).expect("a number below 1000")
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing is left half done by a panic.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn running(&mut self) -> u32 {
        if self.epoch != self.breaker.epoch() {
            self.epoch = self.breaker.epoch();
            self.running = 0;
        }
        self.running
    }

    fn end(&mut self, epoch: u64) {
        self.running = self.running() - u32::from(epoch == self.epoch);
    }
}

enum Asked {
    Pass(Pass),
    Wait(oneshot::Receiver<Pass>),
}

impl Pass {
    /// The request has ended.
    pub(super) fn done(mut self, health: Health) {
        self.health = health;
    }

    /// Nobody is there any more to use it: as if it had never been given.
    fn unused(mut self) {
        if let Some(epoch) = self.epoch.take() {
            self.gate.lock().end(epoch);
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(epoch) = self.epoch.take() {
            self.gate.leave(epoch, self.health);
        }
    }
}

#[cfg(test)]
mod tests;
