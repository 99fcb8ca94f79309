//! A run: everything that was asked for, one thing after another.

use std::path::{Path, PathBuf};

use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
    task::LocalSet,
};

use crate::{
    Outcome,
    block::{Block, finish, take_turns},
    comparison::Comparison,
    cost::Cost,
    deployment::Ground,
    growth, latency,
    machine::Machine,
    options::{Database, Settings, What},
    postgres::Programs,
    processes::{Pins, pin},
    progress::Progress,
    purge,
    report::Report,
    stopwatch::Stopwatch,
    summary::BlockSummary,
};

/// Measures and reports; `false` when answers were wrong.
pub(crate) fn run(settings: &Settings) -> Outcome<bool> {
    let pins = Pins::choose(!settings.no_pin)?;
    // The load is one thread, as its processor is one.
    pin(pins.rest)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let report = LocalSet::new().block_on(&runtime, async {
        tokio::select! {
            report = measure_all(settings, pins) => report,
            interrupted = interrupted() => Err(interrupted?.into()),
        }
    })?;
    let file = settings.json.clone().unwrap_or_else(default_file);
    report.write(&file)?;
    report.print(settings.markdown);
    if let Some(file) = &settings.svg {
        report.draw(file)?;
    }
    eprintln!("written to {}", file.display());
    Ok(report.is_clean())
}

async fn measure_all(settings: &Settings, pins: Pins) -> Outcome<Report> {
    let clock = Stopwatch::start();
    let (databases, programs) = available(settings)?;
    let version = programs.as_ref().map(Programs::version).transpose()?;
    let mut ground = Ground::prepare(&settings.directory, pins, programs)?;
    let machine = Machine::look(ground.directory(), version);
    if !machine.optimised {
        eprintln!("load: built without optimisation, so this only shows that the bench works");
    }
    let mut report = Report::new(machine, pins.are_used());
    report.blocks = rates(settings, &databases, &mut ground).await?;
    if settings.wants(What::Cost) {
        for database in &databases {
            eprintln!("load: {} without load", database.name());
            report
                .costs
                .push(Cost::measure(&mut ground, *database).await?);
        }
    }
    if settings.wants(What::Latency) {
        for database in &databases {
            let latencies = latency::measure(settings, &mut ground, *database).await?;
            report.latencies.extend(latencies);
        }
    }
    if settings.wants(What::Growth) {
        for database in &databases {
            let (growths, blocks) = growth::measure(settings, &mut ground, *database).await?;
            report.growths.extend(growths);
            report.blocks.extend(blocks);
        }
    }
    if settings.wants(What::Purge) {
        for database in &databases {
            let purge = purge::measure(settings, &mut ground, *database);
            report.purges.push(purge.await?);
        }
    }
    report.comparisons = Comparison::all(&report.blocks);
    report.seconds = clock.elapsed().as_secs_f64();
    Ok(report)
}

/// Closed loops, beside the limits. The databases take turns, round by round.
async fn rates(
    settings: &Settings,
    databases: &[Database],
    ground: &mut Ground,
) -> Outcome<Vec<BlockSummary>> {
    let wanted = settings.sides();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let all_connections = settings.connections();
    let rounds = databases.len() * all_connections.len() * settings.rounds();
    let mut progress = Progress::new(rounds);
    let mut summaries = Vec::new();
    for connections in all_connections {
        let mut blocks = Vec::new();
        for database in databases {
            blocks.push(Block::start(ground, *database, connections).await?);
        }
        take_turns(&mut blocks, settings, &wanted, &mut progress).await?;
        summaries.extend(finish(blocks, settings).map(|results| BlockSummary::of(&results)));
    }
    Ok(summaries)
}

/// What is to be measured, and where PostgreSQL is, if it is among that.
fn available(settings: &Settings) -> Outcome<(Vec<Database>, Option<Programs>)> {
    let mut databases = settings.databases();
    if !databases.iter().any(|database| database.is_postgres()) {
        return Ok((databases, None));
    }
    match Programs::find() {
        Ok(programs) => Ok((databases, Some(programs))),
        Err(error) if settings.may_skip_postgres() => {
            eprintln!("load: {error}. Going on without it.");
            databases.retain(|database| !database.is_postgres());
            Ok((databases, None))
        }
        Err(error) => Err(error),
    }
}

/// Beside what cargo builds.
fn default_file() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .with_file_name("load")
        .join("results.json")
}

/// Resolves when the run is to end early: what was started ends with what holds it.
async fn interrupted() -> Outcome<&'static str> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok("interrupted")
}
