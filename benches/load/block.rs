//! The rounds of one database and one number of connections, on a service and a database of their own.

use std::{path::Path, time::Duration};

use crate::{
    Outcome,
    machine::fsync_time,
    measure::{Load, Target},
    options::{Database, Settings},
    postgres::Postgres,
    processes::{Pins, Process},
    progress::Progress,
    requests::Numbers,
    round::{Round, Sides},
    service::Service,
    summary::median,
};

/// Unmeasured, in front of each window: connections are opened, caches filled.
const WARM_UP: Duration = Duration::from_millis(300);

/// The limits, and the Restcomm that all share. They run from the beginning to the end.
pub(crate) struct Limits {
    pub(crate) echo: (Process, std::net::SocketAddr),
    pub(crate) relay: (Process, std::net::SocketAddr),
    pub(crate) restcomm: (Process, std::net::SocketAddr),
}

/// What was measured.
pub(crate) struct Block {
    pub(crate) database: Database,
    pub(crate) connections: usize,
    /// What writing 4 KiB and waiting for the disk took just before.
    pub(crate) fsync: Duration,
    pub(crate) rounds: Vec<Round>,
    /// Rounds in which the machine was busy with something else.
    pub(crate) discarded: usize,
    /// Whether there were too many of those, so that some stand among the rounds.
    pub(crate) unquiet: bool,
}

impl Limits {
    pub(crate) fn start(pins: Pins) -> Outcome<Self> {
        let restcomm = Process::role("restcomm", pins.rest, &[])?;
        let address = restcomm.1.to_string();
        Ok(Self {
            echo: Process::role("echo", pins.server, &[])?,
            relay: Process::role("relay", pins.server, &["--restcomm", &address])?,
            restcomm,
        })
    }
}

impl Block {
    pub(crate) async fn run(
        settings: &Settings,
        limits: &Limits,
        mut postgres: Option<&mut Postgres>,
        connections: usize,
        directory: &Path,
        pins: Pins,
        progress: &mut Progress,
    ) -> Outcome<Self> {
        let url = match &mut postgres {
            Some(postgres) => postgres.create_database()?,
            None => format!("sqlite://{}", directory.join("data.db").display()),
        };
        let database = if postgres.is_some() {
            Database::Postgres
        } else {
            Database::Sqlite
        };
        let service = Service::start(directory, &url, limits.restcomm.1, pins).await?;
        let sides = sides(limits, &service, postgres.as_deref());
        let load = Load {
            connections,
            warm_up: WARM_UP,
            window: settings.window(),
        };
        let fsync = fsync_time(directory)?;
        let mut numbers = Numbers::default();
        let mut all = Vec::new();
        let wanted = settings.rounds();
        let kept = loop {
            let quiet = quiet(&all, f64::from(settings.tolerance) / 100.0);
            if wanted <= quiet.len() || 2 * wanted <= all.len() {
                break quiet;
            }
            progress.begins_round(database, connections, all.len() + 1, wanted <= all.len());
            let round = sides.round(load, &mut numbers, progress).await;
            let round = round.map_err(|error| format!("{error}\n{}", service.last_words()))?;
            progress.ends_round(&round);
            all.push(round);
        };
        let unquiet = kept.len() < wanted;
        let (count, mut places) = (all.len(), 0..);
        if !unquiet {
            all.retain(|_| places.next().is_some_and(|place| kept.contains(&place)));
        }
        Ok(Self {
            database,
            connections,
            fsync,
            discarded: count - all.len(),
            rounds: all,
            unquiet,
        })
    }
}

fn sides(limits: &Limits, service: &Service, postgres: Option<&Postgres>) -> Sides {
    let limit = |side: &(Process, std::net::SocketAddr)| Target {
        address: side.1,
        process: side.0.id(),
        database: None,
        admin: None,
        expected: 201,
    };
    let send = Target {
        address: service.address,
        process: service.process(),
        database: postgres.map(Postgres::process),
        admin: Some(service.admin),
        expected: 201,
    };
    Sides {
        echo: limit(&limits.echo),
        relay: limit(&limits.relay),
        send,
        check: Target {
            expected: 200,
            ..send
        },
        restcomm: limits.restcomm.1,
        key: service.key.clone(),
    }
}

/// Which rounds have an echo near the median echo.
fn quiet(rounds: &[Round], tolerance: f64) -> Vec<usize> {
    let usual = median(rounds.iter().map(|round| round.echo.rate()));
    let near = |round: &Round| (round.echo.rate() - usual).abs() <= usual * tolerance;
    let rounds = rounds.iter().enumerate();
    rounds
        .filter(|(_, round)| near(round))
        .map(|(place, _)| place)
        .collect()
}
