//! What stands below the tables: how to read them, and what went wrong.

use crate::{machine::Machine, report::Report, summary::BlockSummary, table::name};

pub(crate) fn of(report: &Report) -> Vec<String> {
    let mut notes = Vec::new();
    if !report.blocks.is_empty() {
        notes.extend(
            [
                "Medians of rounds; a ratio of 1 is as good as the limit, in brackets its lowest and highest.",
                "CPU: microseconds of processor time for each request, that of PostgreSQL behind a plus.",
                "Batch: commands in a transaction; a send is two, its own and the report of the hand-off. Commits: for each request.",
            ]
            .map(str::to_owned),
        );
    }
    if !report.latencies.is_empty() {
        notes.push(
            "Latency: from the instant at which a request was due, over 64 connections; medians of rounds. A rate is held \
             when 97 of 100 requests were answered within the window."
                .to_owned(),
        );
    }
    if !report.growths.is_empty() {
        notes.push("Rows: verifications; there are as many deliveries, and twice as many counters. Times smallest: by the echo's, in the same rounds.".to_owned());
    }
    if !report.purges.is_empty() {
        notes.push("Purge: 500 requests a second, sends and checks in turn, from the instant at which each was due; medians of windows.".to_owned());
    }
    notes.extend(of_machine(report));
    notes.extend(report.blocks.iter().flat_map(of_block));
    for purge in &report.purges {
        let faults = purge.faults().into_iter();
        notes.extend(faults.map(|fault| format!("ERRORS: purge: {fault}")));
    }
    for late in &report.latencies {
        for (what, count) in &late.errors {
            let (of, side) = (late.database, late.side.name());
            notes.push(format!(
                "ERRORS: {of}, {side} at {}: {count} times {what}",
                late.rate
            ));
        }
    }
    notes
}

fn of_machine(report: &Report) -> Vec<String> {
    let Machine {
        processors,
        model,
        kernel,
        filesystem,
        optimised,
        ..
    } = &report.machine;
    let placed = if report.pinned {
        "The server under test, with its PostgreSQL and all replicas, had one processor, and so one worker; load and Restcomm another."
    } else {
        "The system placed the processes; servers had a worker for each processor."
    };
    let mut notes = vec![
        format!("{processors} processors, {model}, {kernel}, {filesystem}."),
        placed.to_owned(),
    ];
    if !optimised {
        notes.push("WITHOUT OPTIMISATION: this says nothing about speed.".to_owned());
    }
    if filesystem == "tmpfs" {
        notes.push("DATABASES IN MEMORY: name a directory on a disk with --directory.".to_owned());
    }
    notes
}

fn of_block(block: &BlockSummary) -> Vec<String> {
    let of = format!("{}, {} connections", name(block), block.connections);
    let mut notes = vec![format!(
        "{of}: appending 4 KiB and waiting for the disk took {:.0} us ({:.0}..{:.0}); memory {:.0} MiB after start, {:.0} at most.",
        block.fsync_us.median,
        block.fsync_us.min,
        block.fsync_us.max,
        block.resident_mib,
        block.peak_resident_mib
    )];
    if block.unquiet {
        notes.push(format!(
            "UNQUIET: {of}: the echo moved too much for {} rounds; all are shown.",
            block.rounds
        ));
    } else if !block.discarded_rounds.is_empty() {
        let echoes = block.discarded_rounds.iter();
        let echoes: Vec<String> = echoes.map(|echo| format!("{echo:.0}")).collect();
        notes.push(format!(
            "{of}: discarded {} rounds, whose echo was off the median: {} a second.",
            echoes.len(),
            echoes.join(", ")
        ));
    }
    for side in &block.sides {
        let name = side.side.name();
        if let Some(afterwards) = side.afterwards_ms {
            notes.push(format!(
                "{of}, {name}: hand-offs went on for {:.0} ms after the last answer; CPU includes them.",
                afterwards.median
            ));
        }
        for (what, count) in &side.errors {
            notes.push(format!("ERRORS: {of}, {name}: {count} times {what}"));
        }
        if side.requests == 0 {
            notes.push(format!("ERRORS: {of}, {name}: nothing was measured"));
        }
    }
    notes
}
