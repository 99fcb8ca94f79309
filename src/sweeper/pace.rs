//! How fast old rows are deleted. Each transaction that deletes holds up whoever writes, and what it costs depends on how
//! large the tables have grown. So chunks are as large as can be deleted in a short time, and after each the others have
//! their turn.

use std::time::Duration;

/// How long a chunk shall hold up others.
const HOLD: Duration = Duration::from_millis(3);
const FIRST: i64 = 50;
const MOST: i64 = 500;
/// How it goes about it, by how long ago it last was done with everything. What is due in minutes can be deleted as gently
/// as nobody notices: that is a thousand verifications a second, and a million in a quarter of an hour. Where they come
/// faster than they go, others have to wait longer.
const MANNERS: [(Duration, Manner); 3] = [
    (
        Duration::from_mins(20),
        Manner {
            fewest: 12,
            turn: 16,
        },
    ),
    (
        Duration::from_mins(40),
        Manner {
            fewest: 150,
            turn: 6,
        },
    ),
    (
        Duration::MAX,
        Manner {
            fewest: MOST,
            turn: 2,
        },
    ),
];
/// No database takes so long without giving up: the clock was moved.
const LONGEST: Duration = Duration::from_secs(15);
/// Chunks after which SQLite's log is taken in.
const CHUNKS_IN_LOG: u32 = 8;

#[derive(Clone, Copy)]
struct Manner {
    /// Rows in a chunk at least. With few, most of the time goes into waiting for turns and for the disk.
    fewest: i64,
    /// How many times as long as a chunk took the others have their turn.
    turn: u32,
}

pub(super) struct Pace {
    chunk: i64,
    chunks: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            chunk: FIRST,
            chunks: 0,
        }
    }
}

impl Pace {
    pub(super) fn chunk(&self) -> i64 {
        self.chunk
    }

    /// How long to wait after a chunk that took so long, in a sweep that has gone on for `sweeping`.
    pub(super) fn rest_after(&mut self, took: Duration, sweeping: Duration) -> Duration {
        if LONGEST < took {
            return Duration::ZERO;
        }
        // By steps: a wait for the disk that was long once says little.
        let step = self.chunk / 4;
        self.chunk += if took <= HOLD { step } else { -step };
        let manner = manner(sweeping);
        self.chunk = self.chunk.clamp(manner.fewest, MOST);
        took * manner.turn
    }

    /// Whether it is time to take in SQLite's log.
    pub(super) fn fills_log(&mut self) -> bool {
        self.chunks = (self.chunks + 1) % CHUNKS_IN_LOG;
        self.chunks == 0
    }
}

fn manner(sweeping: Duration) -> Manner {
    let [gentle @ .., (_, last)] = MANNERS;
    let manner = gentle.iter().find(|(until, _)| sweeping < *until);
    manner.map_or(last, |(_, manner)| *manner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_grow_while_they_are_quick_and_shrink_while_they_are_slow() {
        let mut pace = Pace::default();
        let mut settle = |took, sweeping| {
            for _ in 0..20 {
                pace.rest_after(took, sweeping);
            }
            pace.chunk()
        };
        let (soon, late) = (Duration::ZERO, Duration::from_mins(20));
        assert_eq!(settle(HOLD, soon), MOST);
        assert_eq!(settle(HOLD * 2, soon), 12);
        // Rows come faster than they go.
        assert_eq!(settle(HOLD * 2, late), 150);
        assert_eq!(settle(HOLD * 2, late * 2), MOST);
    }

    #[test]
    fn others_have_their_turn_after_each_chunk_unless_the_clock_was_moved() {
        let mut pace = Pace::default();
        let took = Duration::from_millis(7);
        assert_eq!(pace.rest_after(took, Duration::ZERO), took * 16);
        // Rows come faster than they go.
        assert_eq!(pace.rest_after(took, Duration::from_mins(20)), took * 6);
        assert_eq!(pace.rest_after(took, Duration::from_hours(1)), took * 2);
        assert_eq!(
            pace.rest_after(Duration::from_hours(25), Duration::ZERO),
            Duration::ZERO
        );
    }
}
