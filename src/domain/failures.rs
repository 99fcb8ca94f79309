//! The failure budget of a number: wrong guesses in a row, over all its verifications.

use std::time::Duration;

use super::clock::Timestamp;

/// Every so many failures in a row block the number (PSD2 RTS Art. 4(3)(b): at most 5).
const FAILURES_PER_BLOCK: u32 = 5;
/// So many in a row lock it until an operator unlocks (NIST SP 800-63B 3.2.2).
const FAILURES_UNTIL_LOCK: u32 = 100;
const FIRST_BLOCK: Duration = Duration::from_mins(15);
const LATER_BLOCKS: Duration = Duration::from_hours(1);

/// Failures in a row of one number within one tenant. It outlives verifications, resends and channels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailureBudget {
    pub failures: u32,
    /// Checks and sends are refused before this instant; [`Timestamp::MAX`] is a lock.
    pub blocked_until: Timestamp,
    /// When the last failure was.
    pub last_failure: Timestamp,
}

/// Why nothing can be checked or sent for a number now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    Until(Timestamp),
    Locked,
}

impl FailureBudget {
    /// A budget is kept for so long after the last failure.
    pub const KEPT: Duration = Duration::from_hours(30 * 24);

    pub fn block(&self, now: Timestamp) -> Option<Block> {
        match self.blocked_until {
            Timestamp::MAX => Some(Block::Locked),
            until => (now < until).then_some(Block::Until(until)),
        }
    }

    pub fn fail(&mut self, now: Timestamp) {
        self.failures += 1;
        self.last_failure = now;
        if FAILURES_UNTIL_LOCK <= self.failures {
            self.blocked_until = Timestamp::MAX;
        } else if self.failures == FAILURES_PER_BLOCK {
            self.blocked_until = now.plus(FIRST_BLOCK);
        } else if self.failures.is_multiple_of(FAILURES_PER_BLOCK) {
            self.blocked_until = now.plus(LATER_BLOCKS);
        }
    }

    /// Changes a row that stands for no number, so that it is written: it counts nothing, and blocks nobody.
    pub fn touch(&mut self, now: Timestamp) {
        self.failures = self.failures % 2 + 1;
        self.last_failure = now;
    }

    /// A success clears earlier failures (NIST SP 800-63B 3.2.2).
    pub fn succeed(&mut self) {
        *self = Self::default();
    }

    /// Takes over what stood under an older key of the ring.
    pub fn absorb(&mut self, older: &Self) {
        let blocks = |failures| failures / FAILURES_PER_BLOCK;
        let before = blocks(self.failures).max(blocks(older.failures));
        self.failures += older.failures;
        self.blocked_until = self.blocked_until.max(older.blocked_until);
        self.last_failure = self.last_failure.max(older.last_failure);
        // Together they may have reached what neither reached alone.
        if FAILURES_UNTIL_LOCK <= self.failures {
            self.blocked_until = Timestamp::MAX;
        } else if before < blocks(self.failures) {
            let block = self.last_failure.plus(FIRST_BLOCK);
            self.blocked_until = self.blocked_until.max(block);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_in_a_row_block_for_15_minutes_every_further_five_for_60_and_a_hundred_lock() {
        let mut budget = FailureBudget::default();
        let mut now = Timestamp::from_millis(0);
        for failure in 1..=100_u32 {
            assert_eq!(
                budget.block(now),
                None,
                "failure {failure} finds the number open"
            );
            budget.fail(now);
            let expected = match failure {
                5 => Some(Block::Until(now.plus(Duration::from_mins(15)))),
                100 => Some(Block::Locked),
                n if n % 5 == 0 => Some(Block::Until(now.plus(Duration::from_hours(1)))),
                _ => None,
            };
            assert_eq!(budget.block(now), expected, "after failure {failure}");
            now = now.plus(Duration::from_hours(1));
        }
        let in_a_year = now.plus(Duration::from_hours(8760));
        assert_eq!(budget.block(in_a_year), Some(Block::Locked));
    }

    #[test]
    fn failures_that_two_keys_counted_apart_block_together() {
        let now = Timestamp::from_millis(0);
        let (mut newest, mut older) = (FailureBudget::default(), FailureBudget::default());
        for _ in 0..3 {
            newest.fail(now);
            older.fail(now);
        }
        newest.absorb(&older);
        let end = now.plus(FIRST_BLOCK);
        assert_eq!(newest.block(now), Some(Block::Until(end)));
    }

    #[test]
    fn a_success_clears_earlier_failures() {
        let mut budget = FailureBudget::default();
        let now = Timestamp::from_millis(0);
        for _ in 0..4 {
            budget.fail(now);
        }
        budget.succeed();
        for _ in 0..4 {
            budget.fail(now);
        }
        assert_eq!(budget.block(now), None);
    }
}
