//! The pace at which one account is asked: requests leave one after another, a fixed gap apart.
//!
//! So no second ever sees more than the account allows, wherever it begins, and nobody overtakes. Who would wait too
//! long here goes back to the outbox, with a place in line: those who were put off come back at the same pace, and
//! whoever is new goes behind them.

use std::time::Duration;

/// Longer than this nobody waits with a lease in hand.
pub(super) const PATIENCE: Duration = Duration::from_millis(2500);
/// Who was put off comes back this much before its place in line, lest the line run dry.
const EARLY: Duration = Duration::from_millis(500);
/// Retries are no further apart.
const LONGEST: Duration = Duration::from_secs(15);

#[derive(Debug)]
pub(super) struct Shaper {
    gap: Duration,
    /// When the next request may leave.
    next: Duration,
    /// The last place in line that was given to somebody who was put off.
    promised: Duration,
}

impl Shaper {
    pub(super) fn new(max_per_second: u32) -> Self {
        Self {
            // Rounded up, so that a second never holds one too many.
            gap: Duration::from_nanos(1_000_000_000_u64.div_ceil(u64::from(max_per_second.max(1)))),
            next: Duration::ZERO,
            promised: Duration::ZERO,
        }
    }

    /// How long to wait before a request leaves; `None` where that is longer than `patience`, and nothing is taken.
    pub(super) fn take(&mut self, now: Duration, patience: Duration) -> Option<Duration> {
        let slot = self.next.max(now);
        let wait = slot.saturating_sub(now);
        if patience < wait {
            return None;
        }
        self.next = slot + self.gap;
        Some(wait)
    }

    /// Whether so many were put off that whoever is new has to go behind them. Where nobody is about to leave, those
    /// were served elsewhere.
    pub(super) fn is_crowded(&self, now: Duration) -> bool {
        PATIENCE < self.promised.saturating_sub(now) && now < self.next
    }

    #[cfg(test)]
    pub(super) fn next(&self) -> Duration {
        self.next
    }

    /// After how long to come back; `jitter` in 0..1000 spreads those for whom there is no place in line within sight.
    pub(super) fn put_off(&mut self, now: Duration, jitter: u32) -> Duration {
        let place = self.promised.max(self.next).saturating_sub(now);
        if LONGEST < place {
            return LONGEST.saturating_sub(LONGEST / 2 * jitter.min(1000) / 1000);
        }
        self.promised = now + place + self.gap;
        place.saturating_sub(EARLY)
    }
}

#[cfg(test)]
mod tests;
