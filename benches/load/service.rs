//! The service itself: the program as users run it, with its default policy, on a database of its own.

use std::{
    fs::{self, File},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
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
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");

pub(crate) struct Service {
    process: Process,
    pub(crate) address: SocketAddr,
    /// The operator's listener.
    pub(crate) admin: SocketAddr,
    /// A secret key of its tenant.
    pub(crate) key: String,
    log: PathBuf,
}

impl Service {
    /// Starts it in `directory`, where its configuration and log are put, and waits until it is ready.
    pub(crate) async fn start(
        directory: &Path,
        database_url: &str,
        restcomm: SocketAddr,
        pins: Pins,
    ) -> Outcome<Self> {
        let (address, admin) = (free_address()?, free_address()?);
        let file = directory.join("countersign.toml");
        let keys = output(&["keygen"])?;
        fs::write(
            &file,
            configuration(address, admin, database_url, restcomm) + &keys,
        )?;
        let config = file.to_str().ok_or("a path that is not UTF-8")?;
        let log = directory.join("countersign.log");
        let serve = [PROGRAM, "serve", "--config", config];
        let process = Process::program(serve, pins.server, File::create(&log)?, Signal::KILL)?;
        let mut service = Self {
            process,
            address,
            admin,
            key: String::new(),
            log,
        };
        service.wait_until_ready().await?;
        let create = ["key", "create", "--config", config, "--tenant", "acme"];
        output(&create)?.trim().clone_into(&mut service.key);
        Ok(service)
    }

    pub(crate) fn process(&self) -> u32 {
        self.process.id()
    }

    /// The end of its log, for when something went wrong.
    pub(crate) fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(5).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    async fn wait_until_ready(&mut self) -> Outcome {
        let clock = Stopwatch::start();
        while clock.elapsed() < Duration::from_secs(30) && !self.process.has_ended() {
            if is_ready(self.address).await {
                return Ok(());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Err(format!("the service did not start:\n{}", self.last_words()).into())
    }
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
