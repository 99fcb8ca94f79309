//! A run: everything that was asked for, one block after the other.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
    task::LocalSet,
};

use crate::{
    Outcome,
    block::{Block, Limits},
    machine::Machine,
    options::{Database, Settings},
    postgres::{Postgres, Programs},
    processes::{Pins, pin},
    progress::Progress,
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
    report.print(settings);
    eprintln!("written to {}", file.display());
    Ok(report.is_clean())
}

async fn measure_all(settings: &Settings, pins: Pins) -> Outcome<Report> {
    let clock = Stopwatch::start();
    let (databases, programs) = available(settings)?;
    let directory = directory(&settings.directory)?;
    let version = programs.as_ref().map(Programs::version).transpose()?;
    let machine = Machine::look(directory.path(), version);
    if !machine.optimised {
        eprintln!("load: built without optimisation, so this only shows that the bench works");
    }
    let limits = Limits::start(pins)?;
    let connections = settings.connections();
    let mut progress = Progress::new(databases.len() * connections.len() * settings.rounds());
    let mut blocks = Vec::new();
    for database in databases {
        let mut postgres = match (database, &programs) {
            (Database::Postgres, Some(programs)) => {
                Some(Postgres::start(programs.clone(), directory.path(), pins).await?)
            }
            _ => None,
        };
        for connections in &connections {
            let place = directory.path().join("block");
            fs::create_dir(&place)?;
            let block = Block::run(
                settings,
                &limits,
                postgres.as_mut(),
                *connections,
                &place,
                pins,
                &mut progress,
            );
            blocks.push(BlockSummary::of(&block.await?));
            fs::remove_dir_all(&place)?;
        }
    }
    Ok(Report {
        machine,
        pinned: pins.are_used(),
        seconds: clock.elapsed().as_secs_f64(),
        blocks,
    })
}

/// What is to be measured, and where PostgreSQL is, if it is among that.
fn available(settings: &Settings) -> Outcome<(Vec<Database>, Option<Programs>)> {
    let mut databases = settings.databases();
    if !databases.contains(&Database::Postgres) {
        return Ok((databases, None));
    }
    match Programs::find() {
        Ok(programs) => Ok((databases, Some(programs))),
        Err(error) if settings.may_skip_postgres() => {
            eprintln!("load: {error}. Going on without it.");
            databases.retain(|database| *database != Database::Postgres);
            Ok((databases, None))
        }
        Err(error) => Err(error),
    }
}

/// A place for the databases that PostgreSQL's user can reach, and that goes with the run.
fn directory(parent: &Path) -> Outcome<TempDir> {
    let directory = tempfile::Builder::new()
        .prefix("countersign-load.")
        .tempdir_in(parent)
        .map_err(|error| format!("{}: {error}", parent.display()))?;
    fs::set_permissions(directory.path(), Permissions::from_mode(0o711))?;
    Ok(directory)
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
