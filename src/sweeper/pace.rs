//! How fast old rows are deleted. Each transaction that deletes holds up whoever writes, and what it costs depends on how
//! large the tables have grown. So chunks are as large as can be deleted in a short time, and after each the others have
//! their turn.

use std::time::Duration;

/// How long a chunk shall hold up others.
const HOLD: Duration = Duration::from_millis(3);
/// Rows in a chunk. With fewer, most of the time would go into waiting for turns and for the disk, and rows could come
/// faster than they go.
const FIRST: i64 = 100;
const FEWEST: i64 = 32;
const MOST: i64 = 500;
/// How many times as long as a chunk took the others have their turn.
const TURN: u32 = 2;
/// No database takes so long without giving up: the clock was moved.
const LONGEST: Duration = Duration::from_secs(15);

pub(super) struct Pace {
    chunk: i64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { chunk: FIRST }
    }
}

impl Pace {
    pub(super) fn chunk(&self) -> i64 {
        self.chunk
    }

    /// How long to wait after a full chunk that took so long.
    pub(super) fn rest_after(&mut self, took: Duration) -> Duration {
        if LONGEST < took {
            return Duration::ZERO;
        }
        // By steps: a wait for the disk that was long once says little.
        let step = self.chunk / 4;
        self.chunk += if took <= HOLD { step } else { -step };
        self.chunk = self.chunk.clamp(FEWEST, MOST);
        took * TURN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_grow_while_they_are_quick_and_shrink_while_they_are_slow() {
        let mut pace = Pace::default();
        let mut settle = |took| {
            for _ in 0..20 {
                pace.rest_after(took);
            }
            pace.chunk()
        };
        assert_eq!(settle(HOLD), MOST);
        assert_eq!(settle(HOLD * 2), FEWEST);
    }

    #[test]
    fn others_have_their_turn_after_each_chunk_unless_the_clock_was_moved() {
        let mut pace = Pace::default();
        let took = Duration::from_millis(7);
        assert_eq!(pace.rest_after(took), Duration::from_millis(14));
        assert_eq!(pace.rest_after(Duration::from_hours(25)), Duration::ZERO);
    }
}
