//! What is going on, on standard error.

use std::{
    io::{IsTerminal as _, Write as _, stderr},
    time::Duration,
};

use crate::{options::Database, round::Round, stopwatch::Stopwatch};

pub(crate) struct Progress {
    clock: Stopwatch,
    /// On a terminal the line is written over.
    terminal: bool,
    rounds: u32,
    done: u32,
    round: String,
}

impl Progress {
    /// Of a run of `rounds`, those not counted that will have to be repeated.
    pub(crate) fn new(rounds: usize) -> Self {
        Self {
            clock: Stopwatch::start(),
            terminal: stderr().is_terminal(),
            rounds: u32::try_from(rounds).unwrap_or(u32::MAX),
            done: 0,
            round: String::new(),
        }
    }

    pub(crate) fn begins_round(
        &mut self,
        database: Database,
        connections: usize,
        number: usize,
        repeats: bool,
    ) {
        if repeats {
            self.rounds += 1;
        }
        let repeats = if repeats {
            " (repeats a disturbed one)"
        } else {
            ""
        };
        let database = database.name();
        let plural = if connections == 1 { "" } else { "s" };
        self.round = format!(
            "{} {database}, {connections} connection{plural}, round {number}{repeats}",
            self.left()
        );
    }

    pub(crate) fn says(&self, side: &str) {
        if self.terminal {
            eprint!("\r\x1b[K{}: {side}", self.round);
            let _ = stderr().flush();
        }
    }

    pub(crate) fn ends_round(&mut self, round: &Round) {
        self.done += 1;
        let erase = if self.terminal { "\r\x1b[K" } else { "" };
        let sides = round.sides.iter();
        let rates = sides.map(|(side, it)| format!("{} {:.0}", side.name(), it.rate()));
        let rates: Vec<String> = rates.collect();
        eprintln!("{erase}{}, a second: {}", self.round, rates.join(", "));
    }

    /// Such as `[2/30, 3:20 left]`.
    fn left(&self) -> String {
        let number = self.done + 1;
        if self.done == 0 {
            return format!("[{number}/{}]", self.rounds);
        }
        let left: Duration = self.clock.elapsed() / self.done * (self.rounds - self.done);
        let seconds = left.as_secs();
        format!(
            "[{number}/{}, {}:{:02} left]",
            self.rounds,
            seconds / 60,
            seconds % 60
        )
    }
}
