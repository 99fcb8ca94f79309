//! The service itself: the program as users run it, with its default policy.

use std::{
    fs::{self, OpenOptions},
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::Command,
    time::Duration,
};

use rustix::process::Signal;
use tokio::time::sleep;

use crate::{
    Outcome,
    client::Connection,
    processes::{Pins, Process},
    restcomm,
    stopwatch::Stopwatch,
    usage::resident_kib,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");
const READY_WITHIN: Duration = Duration::from_mins(2);

/// A replica: one process of the program.
pub(crate) struct Service {
    process: Process,
    pub(crate) settings: Settings,
    /// From its start until it said that it is ready.
    pub(crate) ready_after: Duration,
    /// Memory it had then, in KiB.
    pub(crate) resident_kib: u64,
}

/// How a replica is started.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) address: SocketAddr,
    /// The operator's listener.
    pub(crate) admin: SocketAddr,
    pub(crate) config: PathBuf,
}

impl Service {
    /// Starts it, and waits until it is ready.
    pub(crate) async fn start(settings: Settings, pins: Pins) -> Outcome<Self> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(settings.log())?;
        let config = settings.config.to_str().ok_or("a path that is not UTF-8")?;
        let serve = [PROGRAM, "serve", "--config", config];
        let clock = Stopwatch::start();
        let process = Process::program(serve, pins.server, log, Signal::KILL)?;
        let mut service = Self {
            process,
            settings,
            ready_after: Duration::ZERO,
            resident_kib: 0,
        };
        while !is_ready(service.settings.address).await {
            if READY_WITHIN < clock.elapsed() || service.process.has_ended() {
                let words = service.settings.last_words();
                return Err(format!("the service did not start:\n{words}").into());
            }
            sleep(Duration::from_millis(1)).await;
        }
        service.ready_after = clock.elapsed();
        service.resident_kib = service.memory_kib().0;
        Ok(service)
    }

    pub(crate) fn process(&self) -> u32 {
        self.process.id()
    }

    /// What it has now, and the most it ever had.
    pub(crate) fn memory_kib(&self) -> (u64, u64) {
        resident_kib(self.process())
    }

    /// Ends it as an operator does.
    pub(crate) fn stop(mut self) -> Outcome {
        self.process.end(Signal::TERM)
    }
}

impl Settings {
    /// Writes the configuration of a replica.
    pub(crate) fn write(
        config: PathBuf,
        database_url: &str,
        restcomm: SocketAddr,
        keys: &str,
    ) -> Outcome<Self> {
        let (address, admin) = (free_address()?, free_address()?);
        let text = configuration(address, admin, database_url, restcomm) + keys;
        fs::write(&config, text)?;
        Ok(Self {
            address,
            admin,
            config,
        })
    }

    /// The end of its log, for when something went wrong.
    pub(crate) fn last_words(&self) -> String {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(5).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    fn log(&self) -> PathBuf {
        self.config.with_extension("log")
    }
}

/// A fresh section `[keys]`.
pub(crate) fn new_keys() -> Outcome<String> {
    output(&["keygen"])
}

/// A secret key of the tenant.
pub(crate) fn new_key(settings: &Settings) -> Outcome<String> {
    let config = settings.config.to_str().ok_or("a path that is not UTF-8")?;
    let create = ["key", "create", "--config", config, "--tenant", "acme"];
    Ok(output(&create)?.trim().to_owned())
}

/// One account, one tenant, and for everything else the default: also for the limits, which count each send twice and
/// are not reached, since each number is sent to once. Codes live as long as they can, so that none expires within the
/// measuring; and a send waits for its hand-off as long as it can, so that a slow one shows as such. The pace is out of reach, too.
fn configuration(
    address: SocketAddr,
    admin: SocketAddr,
    database_url: &str,
    restcomm: SocketAddr,
) -> String {
    let base_url = restcomm::base_url(restcomm);
    let (sid, token, sender) = (restcomm::SID, restcomm::TOKEN, restcomm::SENDER);
    format!(
        r#"
public_url = "http://{address}"
server = {{ bind = "{address}", admin_bind = "{admin}" }}
database = {{ url = "{database_url}" }}
delivery = {{ wait = "10s" }}

[[restcomm]]
name = "main"
base_url = "{base_url}"
account_sid = "{sid}"
auth_token = "{token}"
sms_from = "{sender}"
max_per_second = 1000000

[tenants.acme]
display_name = "Acme Bank"
countries = ["DE", "IN", "PT"]
code = {{ ttl = "10m" }}

"#
    )
}

async fn is_ready(address: SocketAddr) -> bool {
    let Ok(mut connection) = Connection::open(address).await else {
        return false;
    };
    let request = b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    let answer = connection.exchange(request).await;
    answer.is_ok_and(|answer| answer.status == 200)
}

/// What a command of the program prints.
fn output(arguments: &[&str]) -> Outcome<String> {
    let output = Command::new(PROGRAM).args(arguments).env_clear().output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// An address that was free a moment ago.
pub(crate) fn free_address() -> Outcome<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
