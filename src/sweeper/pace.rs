//! How fast old rows are deleted. Each transaction that deletes holds up whoever writes, and what it costs depends on how
//! large the tables have grown. So chunks are as large as can be deleted in a short time, and after each the others have
//! their turn.

use std::time::Duration;

/// How long a chunk shall hold up others.
const HOLD: Duration = Duration::from_millis(3);
const FIRST: i64 = 50;
const MOST: i64 = 500;
/// How many times as long as a chunk took the others have their turn, and rows in a chunk at least, by how long ago the
/// sweeper last was done with everything. What is due in minutes can be deleted so gently that hardly anybody notices: on
/// SQLite a thousand verifications a second. Where they come faster than they go, others have to wait longer.
const MANNERS: [(Duration, Manner); 3] = [
    (
        Duration::from_mins(20),
        Manner {
            turn: 16,
            fewest: 12,
        },
    ),
    (
        Duration::from_mins(40),
        Manner {
            turn: 6,
            fewest: 150,
        },
    ),
    (
        Duration::MAX,
        Manner {
            turn: 2,
            fewest: MOST,
        },
    ),
];
/// After the last chunk of its kind: of many tenants each may have one in every round.
const SHORT_TURN: u32 = 2;
/// A chunk that took long had to wait itself.
const LONGEST_REST: Duration = Duration::from_secs(1);
/// No database takes so long without giving up: the clock was moved.
const LONGEST: Duration = Duration::from_secs(15);
/// Chunks after which SQLite's log is taken in.
const CHUNKS_IN_LOG: u32 = 8;

#[derive(Clone, Copy)]
struct Manner {
    turn: u32,
    fewest: i64,
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

    /// How long to wait after a chunk that took so long, in a sweep that has gone on for `sweeping`. `is_full`: there may be
    /// more of its kind.
    pub(super) fn rest_after(
        &mut self,
        took: Duration,
        is_full: bool,
        sweeping: Duration,
    ) -> Duration {
        if LONGEST < took {
            return Duration::ZERO;
        }
        // By steps: a wait for the disk that was long once says little.
        let step = self.chunk / 4;
        self.chunk += if took <= HOLD { step } else { -step };
        let manner = manner(sweeping);
        self.chunk = self.chunk.clamp(manner.fewest, MOST);
        let turn = if is_full { manner.turn } else { SHORT_TURN };
        (took * turn).min(LONGEST_REST)
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
                pace.rest_after(took, true, sweeping);
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
        let mut rest = |took, minutes| pace.rest_after(took, true, Duration::from_mins(minutes));
        let took = Duration::from_millis(7);
        assert_eq!(rest(took, 0), took * 16);
        // Rows come faster than they go.
        assert_eq!((rest(took, 20), rest(took, 40)), (took * 6, took * 2));
        assert_eq!(rest(Duration::from_secs(5), 0), LONGEST_REST);
        assert_eq!(rest(Duration::from_hours(25), 0), Duration::ZERO);
    }

    #[test]
    fn a_thousand_tenants_with_little_to_delete_are_done_within_their_minute() {
        let mut pace = Pace::default();
        let took = Duration::from_millis(5);
        let each = took + pace.rest_after(took, false, Duration::ZERO);
        assert!(each * 1000 < Duration::from_mins(1));
    }
}
