//! How often processes wait for the disk, counted in system calls.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

use crate::{Outcome, stopwatch::Stopwatch};

/// Watches processes from outside; dropped, it lets them go.
pub(crate) struct Syncs {
    tracer: Child,
    trace: PathBuf,
}

impl Syncs {
    /// `None` where strace is missing, or may not trace.
    pub(crate) async fn watch(processes: &[u32], directory: &Path) -> Outcome<Option<Self>> {
        let (trace, words) = (directory.join("trace"), directory.join("strace.log"));
        let ids: Vec<String> = processes.iter().map(u32::to_string).collect();
        let started = Command::new("strace")
            .args(["-f", "-e", "trace=fsync,fdatasync", "-o"])
            .arg(&trace)
            .args(["-p", &ids.join(",")])
            .stdin(Stdio::null())
            .stderr(File::create(&words)?)
            .spawn();
        let Ok(mut tracer) = started else {
            return Ok(None);
        };
        let clock = Stopwatch::start();
        // It says of each process that it is attached.
        while fs::read_to_string(&words)?.matches(" attached").count() < processes.len() {
            if tracer.try_wait()?.is_some() || Duration::from_secs(5) < clock.elapsed() {
                let _ = tracer.kill();
                tracer.wait()?;
                return Ok(None);
            }
            sleep(Duration::from_millis(5)).await;
        }
        Ok(Some(Self { tracer, trace }))
    }

    /// So far. A line is written when the call returns.
    pub(crate) fn count(&self) -> Outcome<usize> {
        let trace = fs::read_to_string(&self.trace)?;
        let is_sync = |line: &&str| line.contains("sync") && line.ends_with("= 0");
        Ok(trace.lines().filter(is_sync).count())
    }
}

impl Drop for Syncs {
    fn drop(&mut self) {
        // It detaches and ends by itself.
        let _ = kill_process(Pid::from_child(&self.tracer), Signal::INT);
        let _ = self.tracer.wait();
    }
}
