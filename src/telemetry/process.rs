//! The process itself, under the names that every program has for Prometheus. Linux tells; elsewhere they stay 0.

use std::{fs, sync::Mutex};

use prometheus::{Counter, Gauge};

use super::families::Maker;

/// What `/proc` counts processor time in: always 100 for a second, whatever the kernel.
const TICKS: f64 = 100.0;

pub(super) struct Process {
    resident: Gauge,
    open_files: Gauge,
    started: Gauge,
    processor: Counter,
    /// Processor time so far, held while it is read.
    so_far: Mutex<f64>,
}

impl Process {
    pub(super) fn new(make: &Maker<'_>) -> Self {
        let process = Self {
            resident: make.gauge_named(
                "process_resident_memory_bytes",
                "Memory that the process really uses.",
            ),
            open_files: make.gauge_named(
                "process_open_fds",
                "Open files and connections; the system's limit is ulimit -n.",
            ),
            started: make.gauge_named(
                "process_start_time_seconds",
                "When the process started, in seconds since 1970.",
            ),
            processor: make.counter_named(
                "process_cpu_seconds_total",
                "Processor time that was used, in user and system mode.",
            ),
            so_far: Mutex::default(),
        };
        process.started.set(started().unwrap_or_default());
        process
    }

    /// Looks again.
    pub(super) fn read(&self) {
        self.resident.set(resident().unwrap_or_default());
        // The one that lists them is among them.
        let open = fs::read_dir("/proc/self/fd").map_or(0, |files| files.count().saturating_sub(1));
        self.open_files
            .set(u32::try_from(open).map_or(f64::NAN, f64::from));
        if let (Some(now), Ok(mut so_far)) = (processor(), self.so_far.lock()) {
            self.processor.inc_by((now - *so_far).max(0.0));
            *so_far = now;
        }
    }
}

fn resident() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024.0)
}

fn processor() -> Option<f64> {
    let (user, system) = (field(14)?, field(15)?);
    Some((user + system) / TICKS)
}

fn started() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let booted = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    Some(booted.trim().parse::<f64>().ok()? + field(22)? / TICKS)
}

/// A field of `/proc/self/stat`, counted from 1 as its manual does. The second is a name, and may hold anything.
fn field(number: usize) -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, behind_name) = stat.rsplit_once(") ")?;
    behind_name.split(' ').nth(number - 3)?.parse().ok()
}
