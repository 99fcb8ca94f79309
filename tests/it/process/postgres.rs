//! `kill -9` of PostgreSQL, under load: the service needs no restart.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{
    countersign, eventually, finish, free_port,
    load::Load,
    service::{Restcomm, Service, Settings},
    signal,
};

/// For how long it is away: shorter than a caller waits for an answer, and longer.
const AWAY: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_millis(700),
    Duration::from_secs(16),
];
/// How long a caller may wait for an answer: behind batches that wait for the database, and in one.
const ANSWERED_WITHIN: Duration = Duration::from_secs(14);
/// How soon after the database sends must be taken again.
const RECOVERY: Duration = Duration::from_secs(5);

/// A PostgreSQL of this test's own, which waits for its disk as one in production does.
pub(super) struct Cluster {
    programs: PathBuf,
    /// Words before its programs, since it refuses to run as root.
    prefix: Vec<String>,
    data: PathBuf,
    port: u16,
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
        let name = format!("killed-{:08x}", rand::random::<u32>());
        let cluster = Self {
            programs: variable("TEST_POSTGRES_BIN").into(),
            prefix: variable("TEST_POSTGRES_AS")
                .split_whitespace()
                .map(str::to_owned)
                .collect(),
            data: Path::new(&variable("TEST_POSTGRES_DIR")).join(name),
            port: free_port(),
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
             -c shared_buffers=16MB -c fsync=on -c synchronous_commit=on",
            self.port
        );
        let log = self.data.with_extension("log");
        // What a killed server leaves in shared memory may take a moment to go.
        eventually("PostgreSQL starts", Duration::from_secs(20), async || {
            let arguments = ["start", "-w", "-l", log.to_str().unwrap(), "-o", &options];
            self.command("pg_ctl", &arguments).status.success()
        })
        .await;
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Output {
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
    fn processes(&self) -> Vec<u32> {
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
        eventually("PostgreSQL is dead", Duration::from_secs(5), async || {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_service_outlives_the_sudden_death_of_its_database_and_keeps_every_promise() {
    let database = Cluster::start().await;
    let restcomm = Arc::new(Restcomm::start().await);
    let mut service = Service::start(&Settings::new(&database.url(), &restcomm)).await;
    let running = Load::start(&service.client, &restcomm, 16);
    for away in AWAY {
        sleep(Duration::from_millis(rand::random_range(300..1200))).await;
        database.kill().await;
        sleep(away).await;
        database.run().await;
        let back = Instant::now();
        eventually("sends are taken again", RECOVERY, async || {
            running.load.last_created().is_some_and(|last| back < last)
        })
        .await;
    }
    let load = running.stop().await;
    let slowest = load.slowest();
    assert!(slowest < ANSWERED_WITHIN, "an answer took {slowest:?}");
    let ended = service.process.status();
    assert_eq!(ended, None, "it is still the same process");
    let verdict = load.judge(&database.url()).await;
    assert!(50 < verdict.promised, "{verdict:?}");
    assert!(0 < verdict.unanswered, "{verdict:?}");
    assert_eq!(verdict.failed, 0, "{verdict:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_a_service_says_503_and_is_not_ready() {
    let database = Cluster::start().await;
    let restcomm = Restcomm::start().await;
    let service = Service::start(&Settings::new(&database.url(), &restcomm)).await;
    let id = service.client.sent("+351912345678").await;
    database.kill().await;

    // It may say what it saw up to a second ago.
    eventually("it is not ready", RECOVERY, async || {
        service.client.readiness().await == Some(503)
    })
    .await;
    let send = service.client.send("+351912345679").await.unwrap();
    let check = service.client.verify(&id, "000000").await.unwrap();
    for answer in [send, check] {
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (503, "unavailable")
        );
        assert!(1 <= answer.retry_after());
    }

    database.run().await;
    eventually("it is ready again", RECOVERY, async || {
        service.client.readiness().await == Some(200)
    })
    .await;
    assert_eq!(restcomm.texts("+351912345679").await, [""; 0]);
    let code = restcomm.code("+351912345678").await;
    assert_eq!(service.client.verify(&id, &code).await.unwrap().status, 200);

    let demand = "host all all 127.0.0.1/32 scram-sha-256\n";
    fs::write(database.data.join("pg_hba.conf"), demand).unwrap();
    assert!(database.command("pg_ctl", &["reload"]).status.success());
    let url = database
        .url()
        .replace("postgres@", "postgres:hunter2-hunter2@");
    let mut migrate = countersign(&["migrate"]);
    migrate.env("COUNTERSIGN__DATABASE__URL", &url);
    let said = finish(migrate).await.failed();
    assert!(said.contains("password authentication failed"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}
