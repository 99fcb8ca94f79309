//! The results: as a file for programs, and for people.

use std::{fs, path::Path};

use serde::Serialize;

use crate::{Outcome, machine::Machine, options::Settings, summary::BlockSummary, table};

#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    /// Whether each process was kept on one processor. Servers have a worker for each processor they may use.
    pub(crate) pinned: bool,
    pub(crate) seconds: f64,
    pub(crate) blocks: Vec<BlockSummary>,
}

impl Report {
    /// Without an answer that was not the right one.
    pub(crate) fn is_clean(&self) -> bool {
        !self.blocks.iter().any(BlockSummary::has_errors)
    }

    pub(crate) fn write(&self, path: &Path) -> Outcome {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()).into())
    }

    pub(crate) fn print(&self, settings: &Settings) {
        let rows = self.blocks.iter().flat_map(table::rows);
        print!(
            "\n{}\n",
            table::layout(&table::HEAD, rows, settings.markdown)
        );
        let rows = self.blocks.iter().map(table::ratios);
        println!(
            "{}",
            table::layout(&table::RATIO_HEAD, rows, settings.markdown)
        );
        for line in self.notes() {
            println!("{line}");
        }
    }

    fn notes(&self) -> Vec<String> {
        let Machine {
            processors,
            model,
            kernel,
            filesystem,
            ..
        } = &self.machine;
        let mut notes = vec![
            "Medians of rounds; a ratio of 1 is as good as the limit, in brackets its lowest and highest.".to_owned(),
            "CPU: microseconds of processor time for each request, that of PostgreSQL behind a plus.".to_owned(),
            "Batch: commands in a transaction; a send is two, its own and the report of the hand-off.".to_owned(),
            format!("{processors} processors, {model}, {kernel}, {filesystem}."),
        ];
        let placed = if self.pinned {
            "The server under test, with its PostgreSQL, had one processor, and so one worker; load and Restcomm another."
        } else {
            "The system placed the processes; servers had a worker for each processor."
        };
        notes.push(placed.to_owned());
        if !self.machine.optimised {
            notes.push("WITHOUT OPTIMISATION: this says nothing about speed.".to_owned());
        }
        let syncs = self.blocks.iter().map(|block| block.fsync_us);
        let (fastest, slowest) = syncs.fold((f64::INFINITY, 0.0), |(low, high), sync| {
            (sync.min(low), sync.max(high))
        });
        notes.push(format!(
            "Appending 4 KiB to a file and waiting for the disk took {fastest:.0} to {slowest:.0} us in the meantime."
        ));
        if filesystem == "tmpfs" {
            notes.push(
                "DATABASES IN MEMORY: name a directory on a disk with --directory.".to_owned(),
            );
        }
        for block in &self.blocks {
            let of = format!("{}, {} connections", block.database, block.connections);
            if block.unquiet {
                notes.push(format!(
                    "UNQUIET: {of}: the echo moved too much for {} rounds; all are shown.",
                    block.rounds
                ));
            } else if 0 < block.discarded_rounds {
                let count = block.discarded_rounds;
                notes.push(format!("{of}: {count} disturbed rounds were repeated."));
            }
            for (name, side) in block.sides() {
                for (what, count) in &side.errors {
                    notes.push(format!("ERRORS: {of}, {name}: {count} times {what}"));
                }
                if side.requests == 0 {
                    notes.push(format!("ERRORS: {of}, {name}: nothing was measured"));
                }
            }
        }
        notes
    }
}
