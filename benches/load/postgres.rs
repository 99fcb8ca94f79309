//! A private PostgreSQL, as Debian installs it: its default settings, and every commit durable.

use std::{
    fs::{self, File, read_dir},
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use rustix::process::{Signal, geteuid};
use tokio::time::sleep;

use crate::{
    Outcome,
    processes::{Pins, Process},
    service::free_address,
    stopwatch::Stopwatch,
};

/// PostgreSQL refuses to run as root.
const AS_POSTGRES: [&str; 4] = [
    "setpriv",
    "--reuid=postgres",
    "--regid=postgres",
    "--clear-groups",
];

pub(crate) struct Postgres {
    process: Process,
    programs: Programs,
    directory: PathBuf,
    port: u16,
    created: u32,
}

/// Where `initdb` and `postgres` are.
#[derive(Clone)]
pub(crate) struct Programs(PathBuf);

impl Programs {
    /// The newest that Debian's packages installed.
    pub(crate) fn find() -> Outcome<Self> {
        let version = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
        let versions = read_dir("/usr/lib/postgresql").into_iter().flatten();
        let mut versions: Vec<_> = versions.flatten().map(|entry| entry.path()).collect();
        versions.retain(|path| path.join("bin/initdb").exists());
        versions.sort_by_key(version);
        let newest = versions.pop().ok_or(
            "PostgreSQL is missing; on Debian or Ubuntu install it with: sudo apt-get install postgresql",
        )?;
        Ok(Self(newest.join("bin")))
    }

    /// What this PostgreSQL calls itself.
    pub(crate) fn version(&self) -> Outcome<String> {
        let output = Command::new(self.0.join("postgres"))
            .arg("--version")
            .output()?;
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Postgres {
    /// Makes a cluster below `directory`, which its user must be able to reach, and starts it beside the service: what
    /// the two do for a request is to fit one processor, as it does with SQLite.
    pub(crate) async fn start(programs: Programs, directory: &Path, pins: Pins) -> Outcome<Self> {
        let directory = directory.join("postgres");
        fs::create_dir(&directory)?;
        if geteuid().is_root() {
            let user = user_id("-u")?;
            chown(&directory, Some(user), Some(user_id("-g")?))?;
        }
        let data = directory.join("data").display().to_string();
        let make = [
            "-D",
            &data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
        ];
        run(&programs, "initdb", &make, &directory)?;

        let port = free_address()?.port();
        let (program, port_text) = (programs.path("postgres"), port.to_string());
        let sockets = directory.display().to_string();
        let mut words = Vec::new();
        if geteuid().is_root() {
            words.extend(AS_POSTGRES);
            // A change of user ends the watch over the parent; this one begins it anew.
            words.extend(["--pdeathsig", "QUIT"]);
        }
        words.extend([
            &program,
            "-D",
            &data,
            "-h",
            "127.0.0.1",
            "-p",
            &port_text,
            "-k",
            &sockets,
        ]);
        let log = File::create(directory.join("postgres.log"))?;
        let process = Process::program(words, pins.server, log, Signal::QUIT)?;
        let mut postgres = Self {
            process,
            programs,
            directory,
            port,
            created: 0,
        };
        postgres.wait_until_ready().await?;
        Ok(postgres)
    }

    pub(crate) fn process(&self) -> u32 {
        self.process.id()
    }

    /// An empty database, by its URL.
    pub(crate) fn create_database(&mut self) -> Outcome<String> {
        self.created += 1;
        let (name, port) = (format!("load_{}", self.created), self.port.to_string());
        let arguments = ["-h", "127.0.0.1", "-p", &port, "-U", "postgres", &name];
        run(&self.programs, "createdb", &arguments, &self.directory)?;
        Ok(format!("postgres://postgres@127.0.0.1:{port}/{name}"))
    }

    async fn wait_until_ready(&mut self) -> Outcome {
        let port = self.port.to_string();
        let ask = ["-q", "-h", "127.0.0.1", "-p", &port];
        let clock = Stopwatch::start();
        while clock.elapsed() < Duration::from_mins(1) && !self.process.has_ended() {
            if run(&self.programs, "pg_isready", &ask, &self.directory).is_ok() {
                return Ok(());
            }
            sleep(Duration::from_millis(50)).await;
        }
        let log = fs::read_to_string(self.directory.join("postgres.log"))?;
        Err(format!("PostgreSQL did not start:\n{log}").into())
    }
}

/// Runs one of the programs to its end.
fn run(programs: &Programs, name: &str, arguments: &[&str], directory: &Path) -> Outcome {
    let program = programs.path(name);
    let mut words = Vec::new();
    if geteuid().is_root() {
        words.extend(AS_POSTGRES);
    }
    words.push(&program);
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).args(arguments);
    let output = command.current_dir(directory).output()?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)).into())
    }
}

/// The user (`-u`) or group (`-g`) that Debian's package makes.
fn user_id(which: &str) -> Outcome<u32> {
    let output = Command::new("id").args([which, "postgres"]).output()?;
    let text = String::from_utf8(output.stdout)?;
    text.trim()
        .parse()
        .map_err(|_| "there is no user postgres".into())
}
