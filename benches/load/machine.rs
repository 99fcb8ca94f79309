//! What the results depend on, for whoever reads them later.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde::Serialize;

use crate::{Outcome, statistics::median, stopwatch::Stopwatch};

#[derive(Serialize)]
pub(crate) struct Machine {
    pub(crate) processors: usize,
    pub(crate) model: String,
    pub(crate) kernel: String,
    pub(crate) filesystem: String,
    pub(crate) postgres: Option<String>,
    pub(crate) rustc: Option<String>,
    pub(crate) version: &'static str,
    pub(crate) commit: Option<String>,
    /// Without optimisation nothing of this is worth reading.
    pub(crate) optimised: bool,
}

impl Machine {
    pub(crate) fn look(directory: &Path, postgres: Option<String>) -> Self {
        let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpus.lines().find(|line| line.starts_with("model name"));
        let model = model.and_then(|line| line.split_once(": "));
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            processors: cpus
                .lines()
                .filter(|line| line.starts_with("processor"))
                .count(),
            model: model.map_or("unknown", |(_, model)| model).to_owned(),
            kernel: format!("Linux {}", kernel.trim()),
            filesystem: filesystem(directory),
            postgres,
            rustc: line_of("rustc", &["--version"]),
            version: env!("CARGO_PKG_VERSION"),
            commit: line_of("git", &["rev-parse", "--short", "HEAD"]),
            optimised: !cfg!(debug_assertions),
        }
    }
}

/// What kind of filesystem a directory is on. A temporary one, in memory, would make every commit free.
fn filesystem(directory: &Path) -> String {
    let directory = directory.canonicalize().unwrap_or_default();
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((PathBuf::from(words.next()?), words.next()?))
    });
    let holding = mounts.filter(|(place, _)| directory.starts_with(place));
    let nearest = holding.max_by_key(|(place, _)| place.components().count());
    nearest.map_or("unknown", |(_, kind)| kind).to_owned()
}

/// What it takes to append 4 KiB to a file and wait for the disk, in the median.
pub(crate) fn fsync_time(directory: &Path) -> Outcome<Duration> {
    let path = directory.join("fsync");
    let mut file = File::create(&path)?;
    let mut times = Vec::new();
    for _ in 0..100 {
        let clock = Stopwatch::start();
        file.write_all(&[0x5a; 4096])?;
        file.sync_all()?;
        times.push(clock.elapsed().as_secs_f64());
    }
    fs::remove_file(path)?;
    Ok(Duration::from_secs_f64(median(times.into_iter())))
}

/// The first line that a program prints, if it is there.
fn line_of(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().next().map(str::to_owned)
}
