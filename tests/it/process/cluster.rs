//! A PostgreSQL that a test may kill.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use super::{PATIENCE, eventually, free_port, signal};

/// A PostgreSQL of this test's own, which waits for its disk as one in production does.
pub(super) struct Cluster {
    programs: PathBuf,
    /// Words before its programs, since it refuses to run as root.
    prefix: Vec<String>,
    pub(super) data: PathBuf,
    port: u16,
    options: &'static str,
}

#[expect(
    clippy::disallowed_methods,
    reason = "scripts/test says where PostgreSQL is"
)]
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("scripts/test sets {name}"))
}

impl Cluster {
    pub(super) async fn start() -> Self {
        Self::with("").await
    }

    /// Started with `options` more.
    pub(super) async fn with(options: &'static str) -> Self {
        let name = format!("killed-{:08x}", rand::random::<u32>());
        let cluster = Self {
            programs: variable("TEST_POSTGRES_BIN").into(),
            prefix: variable("TEST_POSTGRES_AS")
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            data: Path::new(&variable("TEST_POSTGRES_DIR")).join(name),
            port: free_port(),
            options,
        };
        let made = cluster.command("initdb", &["-U", "postgres", "-A", "trust", "-E", "UTF8"]);
        assert!(made.status.success(), "{made:?}");
        cluster.run().await;
        cluster
    }

    /// Starts the server, after a crash also: it recovers first.
    pub(super) async fn run(&self) {
        let directory = self.data.parent().unwrap().display();
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories={directory} \
             -c shared_buffers=16MB -c fsync=on -c synchronous_commit=on {}",
            self.port, self.options
        );
        let log = self.data.with_extension("log");
        // What a killed server leaves in shared memory may take a moment to go.
        eventually("PostgreSQL starts", PATIENCE, async || {
            let arguments = ["start", "-w", "-l", log.to_str().unwrap(), "-o", &options];
            self.command("pg_ctl", &arguments).status.success()
        })
        .await;
    }

    pub(super) fn command(&self, program: &str, arguments: &[&str]) -> Output {
        let program = self.programs.join(program).display().to_string();
        let words: Vec<_> = self.prefix.iter().chain([&program]).collect();
        Command::new(words[0])
            .args(&words[1..])
            .arg("-D")
            .arg(&self.data)
            .args(arguments)
            .current_dir(self.data.parent().unwrap())
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap()
    }

    /// The server and its children, the server first.
    pub(super) fn processes(&self) -> Vec<u32> {
        let Ok(file) = fs::read_to_string(self.data.join("postmaster.pid")) else {
            return Vec::new();
        };
        let server: u32 = file.lines().next().unwrap().parse().unwrap();
        let all = fs::read_dir("/proc").unwrap().filter_map(|entry| {
            let pid: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            // pid (name) state parent …
            let parent = stat.rsplit_once(") ")?.1.split(' ').nth(1)?;
            (parent.parse() == Ok(server)).then_some(pid)
        });
        [server].into_iter().chain(all).collect()
    }

    /// As `kill -9` of all of it does.
    pub(super) async fn kill(&self) {
        let processes = self.processes();
        signal("KILL", &processes);
        eventually("PostgreSQL is dead", PATIENCE, async || {
            processes.iter().all(
                |pid| match fs::read_to_string(format!("/proc/{pid}/stat")) {
                    Ok(stat) => stat.contains(") Z "),
                    Err(_) => true,
                },
            )
        })
        .await;
    }

    pub(super) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.command("pg_ctl", &["stop", "-m", "immediate", "-w"]);
        let _ = fs::remove_dir_all(&self.data);
    }
}
