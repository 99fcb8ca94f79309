//! Deleting takes turns: with those who write, and each kind of rows with the others.

use std::time::Duration;

use super::pace::Pace;
use crate::domain::clock::{Clock, Stopwatch};

/// No kind of rows, and no tenant, has its turn for longer while others wait for theirs.
const TURN: Duration = Duration::from_mins(1);

pub(super) struct Sweep {
    pub(super) pace: Pace,
    clock: Clock,
    /// Since it last was done with everything.
    since: Stopwatch,
    turn: Stopwatch,
    /// Somebody's turn was over before its work.
    is_behind: bool,
}

impl Sweep {
    pub(super) fn new(clock: &Clock) -> Self {
        Self {
            pace: Pace::default(),
            clock: clock.clone(),
            since: clock.stopwatch(),
            turn: clock.stopwatch(),
            is_behind: false,
        }
    }

    pub(super) fn begins_turn(&mut self) {
        self.turn = self.clock.stopwatch();
    }

    /// How long to wait after a chunk that took so long. `is_full`: there may be more of its kind.
    pub(super) fn rest_after(&mut self, took: Duration, is_full: bool) -> Duration {
        self.pace.rest_after(took, is_full, self.since.elapsed())
    }

    /// Whether whoever has the turn goes on.
    pub(super) fn goes_on(&mut self) -> bool {
        let is_over = TURN <= self.turn.elapsed();
        self.is_behind |= is_over;
        !is_over
    }

    /// All have had their turn. Tells whether nothing was left.
    pub(super) fn is_done(&mut self) -> bool {
        if std::mem::take(&mut self.is_behind) {
            return false;
        }
        self.since = self.clock.stopwatch();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::Timestamp;

    #[test]
    fn whose_turn_is_over_goes_on_when_all_others_had_theirs() {
        let clock = Clock::manual(Timestamp::default());
        let mut sweep = Sweep::new(&clock);
        sweep.begins_turn();
        assert!(sweep.goes_on());
        clock.advance(TURN);
        assert!(!sweep.goes_on());
        sweep.begins_turn();
        assert!(sweep.goes_on(), "another kind of rows has its turn");
        assert!(!sweep.is_done());
        assert!(sweep.is_done(), "in the next round nothing was left");
    }
}
