//! What the service costs while it has next to nothing to do: how soon it is ready, its memory, and what one send at a
//! time asks of the disk.

use std::{rc::Rc, time::Duration};

use serde::Serialize;
use tokio::time::sleep;

use crate::{
    Outcome,
    batches::Batches,
    client::Connection,
    deployment::{Deployment, Ground},
    machine::fsync_time,
    numbers::Numbers,
    options::Database,
    requests::Requests,
    statistics::{Spread, median},
    stopwatch::Stopwatch,
    strace::Syncs,
    table::{milliseconds, or_dash},
    usage::children,
};

const STARTS: usize = 5;
/// Sends, one after another.
const SENDS: usize = 50;
/// Long enough that what a send leaves behind is done before the next: one must not spare the other a wait for the disk.
const PAUSE: Duration = Duration::from_millis(40);

pub(crate) const HEAD: [&str; 8] = [
    "database",
    "ready ms",
    "min..max",
    "resident MiB",
    "send p50 ms",
    "fsync ms",
    "fsyncs a send",
    "commits a send",
];

/// Of one database, empty at first.
#[derive(Serialize)]
pub(crate) struct Cost {
    database: &'static str,
    ready_ms: Option<Spread>,
    /// After the last start.
    resident_mib: f64,
    /// Of sends that come one at a time.
    send_p50_us: f64,
    fsync_us: f64,
    /// By strace, where it is there. It slows sends down, so that those whose time is told are others.
    fsyncs_per_send: Option<f64>,
    commits_per_send: Option<f64>,
}

impl Cost {
    pub(crate) async fn measure(ground: &mut Ground, database: Database) -> Outcome<Self> {
        let mut deployment = ground.deploy(database).await?;
        let mut starts = Vec::new();
        for _ in 0..STARTS {
            deployment.stop()?;
            deployment.start().await?;
            let ready = deployment.replicas.iter().map(|one| one.ready_after);
            starts.extend(ready.map(|ready| ready.as_secs_f64() * 1e3));
        }
        let mut numbers = Numbers::default();
        // What is only done once is not the cost of a send.
        send_one_by_one(&deployment, &mut numbers).await?;
        let fsync = fsync_time(&deployment.directory)?;
        let admins = deployment.target().admins;
        let before = Batches::of_all(&admins).await;
        let times = send_one_by_one(&deployment, &mut numbers).await?;
        let batches = Batches::of_all(&admins).await.zip(before);
        let syncs = syncs(&deployment, &mut numbers).await?;
        #[expect(clippy::cast_precision_loss, reason = "small counts")]
        let each = |count: f64| count / SENDS as f64;
        #[expect(clippy::cast_precision_loss, reason = "small counts")]
        let syncs = syncs.map(|count| each(count as f64));
        Ok(Self {
            database: database.name(),
            ready_ms: Spread::of(starts.into_iter()),
            resident_mib: deployment.memory_mib().0,
            send_p50_us: median(times.into_iter()),
            fsync_us: fsync.as_secs_f64() * 1e6,
            fsyncs_per_send: syncs,
            commits_per_send: batches.map(|(after, before)| each((after - before).transactions())),
        })
    }

    pub(crate) fn row(&self) -> [String; 8] {
        let ready = self.ready_ms.map(|ready| ready.median);
        let range = self
            .ready_ms
            .map(|ready| format!("{:.0}..{:.0}", ready.min, ready.max));
        [
            self.database.to_owned(),
            or_dash(ready, 0),
            range.unwrap_or_default(),
            format!("{:.1}", self.resident_mib),
            milliseconds(self.send_p50_us),
            milliseconds(self.fsync_us),
            or_dash(self.fsyncs_per_send, 2),
            or_dash(self.commits_per_send, 2),
        ]
    }
}

/// How often the service and its database waited for the disk.
async fn syncs(deployment: &Deployment, numbers: &mut Numbers) -> Outcome<Option<usize>> {
    let target = deployment.target();
    let mut processes = target.processes.clone();
    if let Some(postgres) = target.database {
        processes.push(postgres);
        processes.extend(children(postgres));
    }
    let Some(syncs) = Syncs::watch(&processes, &deployment.directory).await? else {
        return Ok(None);
    };
    let before = syncs.count()?;
    send_one_by_one(deployment, numbers).await?;
    Ok(Some(syncs.count()? - before))
}

/// Microseconds that each took. They go to the replicas in turn.
async fn send_one_by_one(deployment: &Deployment, numbers: &mut Numbers) -> Outcome<Vec<f64>> {
    let fresh = numbers.take(SENDS);
    let requests = Rc::new(Requests::sends(&fresh, &deployment.key));
    let mut connections = Vec::new();
    for address in deployment.target().addresses {
        connections.push(Connection::open(address).await?);
    }
    let mut times = Vec::new();
    while let Some(next) = requests.next() {
        let connection = next.place % connections.len();
        let clock = Stopwatch::start();
        let answer = connections[connection].exchange(next.request).await?;
        times.push(clock.elapsed().as_secs_f64() * 1e6);
        if !next.expected.fits(&answer) {
            return Err(next.expected.fault(&answer).into());
        }
        sleep(PAUSE).await;
    }
    Ok(times)
}
