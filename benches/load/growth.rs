//! What becomes of the service when its database grows: sends and fresh checks on small and large ones, in turn.

use std::fs;

use serde::Serialize;

use crate::{
    Outcome,
    block::{Block, finish, take_turns},
    deployment::{Deployment, Ground},
    fill::{Age, fill},
    options::{Database, Settings},
    progress::Progress,
    sides::Side,
    stopwatch::Stopwatch,
    summary::{BlockSummary, Ratio},
    table::{or_dash, thousands},
};

const SIDES: [Side; 2] = [Side::Send, Side::Check];

pub(crate) const HEAD: [&str; 10] = [
    "database",
    "rows",
    "MiB on disk",
    "ready ms",
    "resident MiB",
    "at most",
    "send CPU us",
    "x smallest",
    "check CPU us",
    "x smallest",
];

/// One size of one database.
#[derive(Serialize)]
pub(crate) struct Growth {
    database: &'static str,
    /// Verifications; there are as many deliveries, and twice as many counters.
    rows: u64,
    filled_in_seconds: f64,
    mib_on_disk: Option<f64>,
    ready_ms: f64,
    resident_mib: f64,
    peak_resident_mib: f64,
    send_cpu_us: f64,
    check_cpu_us: f64,
    /// Processor time as a share of that on the smallest, both by the echo's in the same rounds.
    send_to_smallest: Option<f64>,
    check_to_smallest: Option<f64>,
}

/// Fills a database for each size, then goes through rounds in which all sizes take turns.
pub(crate) async fn measure(
    settings: &Settings,
    ground: &mut Ground,
    database: Database,
) -> Outcome<(Vec<Growth>, Vec<BlockSummary>)> {
    let (mut growths, mut blocks) = (Vec::new(), Vec::new());
    for rows in settings.rows() {
        let (growth, deployment) = Growth::make(ground, database, rows).await?;
        growths.push(growth);
        blocks.push(Block::of(ground, deployment, settings.connections()[0]));
    }
    eprintln!("load: all databases are filled");
    let mut progress = Progress::new(blocks.len() * settings.rounds());
    take_turns(&mut blocks, settings, &SIDES, &mut progress).await?;
    let mut summaries: Vec<BlockSummary> = Vec::new();
    for (growth, results) in growths.iter_mut().zip(finish(blocks, settings)) {
        let mut summary = BlockSummary::of(&results);
        summary.rows = Some(growth.rows);
        growth.take(&summary, summaries.first());
        summaries.push(summary);
    }
    Ok((growths, summaries))
}

impl Growth {
    /// Fills a database, and starts the service on it.
    async fn make(
        ground: &mut Ground,
        database: Database,
        rows: u64,
    ) -> Outcome<(Self, Deployment)> {
        let many = thousands_of(rows);
        eprintln!("load: filling {} with {many}", database.name());
        let mut deployment = ground.deploy(database).await?;
        deployment.stop()?;
        let clock = Stopwatch::start();
        fill(&deployment.url, rows, Age::Kept).await?;
        let filled_in_seconds = clock.elapsed().as_secs_f64();
        deployment.start().await?;
        let ready = deployment.replicas.iter().map(|one| one.ready_after);
        let growth = Self {
            database: database.name(),
            rows,
            filled_in_seconds,
            mib_on_disk: on_disk(&deployment),
            ready_ms: ready.max().unwrap_or_default().as_secs_f64() * 1e3,
            resident_mib: 0.0,
            peak_resident_mib: 0.0,
            send_cpu_us: 0.0,
            check_cpu_us: 0.0,
            send_to_smallest: None,
            check_to_smallest: None,
        };
        Ok((growth, deployment))
    }

    fn take(&mut self, block: &BlockSummary, smallest: Option<&BlockSummary>) {
        let cpu = |side| {
            let side = block.get(side)?;
            Some(side.cpu_us.median + side.database_cpu_us.map_or(0.0, |cpu| cpu.median))
        };
        self.send_cpu_us = cpu(Side::Send).unwrap_or_default();
        self.check_cpu_us = cpu(Side::Check).unwrap_or_default();
        self.resident_mib = block.resident_mib;
        self.peak_resident_mib = block.peak_resident_mib;
        let times = |side| Some(to_echo(smallest?, side)? / to_echo(block, side)?);
        self.send_to_smallest = times(Side::Send);
        self.check_to_smallest = times(Side::Check);
    }

    pub(crate) fn row(&self) -> [String; 10] {
        [
            self.database.to_owned(),
            thousands_of(self.rows),
            or_dash(self.mib_on_disk, 0),
            format!("{:.0}", self.ready_ms),
            format!("{:.1}", self.resident_mib),
            format!("{:.1}", self.peak_resident_mib),
            format!("{:.1}", self.send_cpu_us),
            or_dash(self.send_to_smallest, 2),
            format!("{:.1}", self.check_cpu_us),
            or_dash(self.check_to_smallest, 2),
        ]
    }
}

/// The echo's processor time as a share of that of a side.
fn to_echo(block: &BlockSummary, side: Side) -> Option<f64> {
    let summary = block.get(side)?;
    let ratio: Option<&Ratio> = summary.ratio_to_echo.as_ref().or(summary.ratio.as_ref());
    Some(ratio?.cpu.median)
}

#[expect(clippy::cast_precision_loss, reason = "bytes far below 2^53")]
fn on_disk(deployment: &Deployment) -> Option<f64> {
    let file = deployment.url.strip_prefix("sqlite://")?;
    Some(fs::metadata(file).ok()?.len() as f64 / 1024.0 / 1024.0)
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
fn thousands_of(rows: u64) -> String {
    thousands(rows as f64)
}
