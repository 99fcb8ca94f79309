//! The built program as its user runs it: processes, signals, sudden death.

mod cluster;
mod commands;
mod configuration;
mod crash;
mod deaths;
mod dev;
mod documentation;
mod durability;
mod full_disk;
mod keys;
mod load;
mod postgres;
mod postgres_faults;
mod races;
mod repeats;
mod restcomm_faults;
mod restcomm_outage;
mod secrets;
pub(crate) mod service;
mod shutdown;
mod sqlite_faults;
mod tenants;
mod typescript;

use std::{
    io::{Read, Write as _},
    net::TcpListener,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::Duration,
};

use tokio::time::{Instant, sleep};

pub(crate) use crate::app::{PATIENCE, SLACK};

const SID: &str = "AC00000000000000000000000000000001";
const TOKEN: &str = "77f8c12cc7b8f8423e5c38b035249166";

/// A process, and what it has printed so far. It is killed when dropped.
pub(crate) struct Process {
    child: Child,
    stdout: Output,
    stderr: Output,
}

/// A command that ran to its end.
#[derive(Debug)]
struct Finished {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

struct Output {
    text: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

/// The program with these arguments, and nothing of this process' environment.
fn countersign(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(arguments).env_clear();
    command
}

/// Runs the program to its end.
async fn run(arguments: &[&str]) -> Finished {
    finish(countersign(arguments)).await
}

/// Runs it with `--config FILE`.
async fn run_with(config: &Path, arguments: &[&str]) -> Finished {
    let config = ["--config", config.to_str().unwrap()];
    run(&[&config, arguments].concat()).await
}

async fn finish(command: Command) -> Finished {
    Process::spawn(command).finished().await
}

impl Process {
    fn spawn(command: Command) -> Self {
        Self::spawn_with(command, "")
    }

    fn spawn_with(mut command: Command, stdin: &str) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Whoever does not read it closes it, which is no fault.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let stdout = Output::of(child.stdout.take().unwrap());
        let stderr = Output::of(child.stderr.take().unwrap());
        Self {
            child,
            stdout,
            stderr,
        }
    }

    fn id(&self) -> u32 {
        self.child.id()
    }

    /// The status, once it has ended.
    fn status(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    fn terminate(&self) {
        signal("TERM", &[self.id()]);
    }

    /// As `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end. What it printed is complete then.
    async fn ended(&mut self) -> ExitStatus {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.status() {
                break status;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "it does not end: {}",
                self.said()
            );
            sleep(Duration::from_millis(5)).await;
        };
        self.stdout.join();
        self.stderr.join();
        status
    }

    async fn finished(mut self) -> Finished {
        let code = self.ended().await.code();
        Finished {
            code,
            stdout: self.stdout.text(),
            stderr: self.stderr.text(),
        }
    }

    /// Everything it printed so far.
    pub(crate) fn said(&self) -> String {
        format!("{}{}", self.stdout.text(), self.stderr.text())
    }

    /// Waits until standard output holds `text`, then gives all of it.
    async fn prints(&mut self, text: &str) -> String {
        let start = Instant::now();
        while !self.stdout.text().contains(text) {
            assert!(self.status().is_none(), "it ended: {}", self.said());
            assert!(start.elapsed() < PATIENCE, "{text:?} never came");
            sleep(Duration::from_millis(5)).await;
        }
        self.stdout.text()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be over already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Finished {
    /// Asserts success, and gives what it printed.
    #[track_caller]
    fn succeeded(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.stdout
    }

    /// Asserts that it failed without printing anything but the reason, and gives that.
    #[track_caller]
    fn failed(self) -> String {
        assert_eq!(self.code, Some(1), "{}", self.stderr);
        assert_eq!(self.stdout, "");
        self.stderr
    }

    /// Asserts that the command line was refused, and gives the reason.
    #[track_caller]
    fn misused(self) -> String {
        assert_eq!(self.code, Some(2), "{}", self.stderr);
        assert_eq!(self.stdout, "");
        self.stderr
    }
}

impl Output {
    fn of(mut pipe: impl Read + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let sink = text.clone();
        let reader = std::thread::spawn(move || {
            let mut chunk = [0; 16 * 1024];
            while let Ok(read @ 1..) = pipe.read(&mut chunk) {
                sink.lock().unwrap().extend_from_slice(&chunk[..read]);
            }
        });
        Self {
            text,
            reader: Some(reader),
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap()).into_owned()
    }

    fn join(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
    }
}

/// Sends a signal to processes that this test started.
fn signal(name: &str, pids: &[u32]) {
    let pids = pids.iter().map(u32::to_string);
    Command::new("kill")
        .arg(format!("-{name}"))
        .args(pids)
        .stderr(Stdio::null())
        .status()
        .unwrap();
}

/// A port that is free now. It is outside the range from which the kernel takes ports for outgoing connections, so that
/// it is still there when a killed service comes back to it.
pub(crate) fn free_port() -> u16 {
    loop {
        let port = rand::random_range(12_000..20_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Polls until `done`.
pub(crate) async fn eventually(
    what: &str,
    patience: Duration,
    mut done: impl AsyncFnMut() -> bool,
) {
    let start = Instant::now();
    while !done().await {
        assert!(start.elapsed() < patience, "it never came about: {what}");
        sleep(Duration::from_millis(20)).await;
    }
}
