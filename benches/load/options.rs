//! The command line. The bench runs itself again in other roles; those are hidden.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{processes::Place, sides::Side};

/// Measures how fast the service is: the program as users run it, beside limits in the same run.
///
/// The limits are a bare actix-web server that echoes the JSON of a send, and one that relays it through reqwest to the
/// same fake Restcomm and stores nothing. Each side is a process of its own, so that its processor time can be told. The
/// sides take turns, and a round in which the echo is far from its usual rate is discarded and repeated: the machine was
/// busy with something else. Nothing leaves the machine. For numbers to quote, use a quiet machine and at least 5 rounds.
#[derive(Parser)]
#[command(
    name = "load",
    max_term_width = 100,
    args_conflicts_with_subcommands = true,
    after_help = EXAMPLES
)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Given by cargo, and ignored
    #[arg(long, hide = true)]
    bench: bool,
    #[command(subcommand)]
    pub(crate) role: Option<Role>,
}

const EXAMPLES: &str = "Examples (behind `cargo bench --bench load --`):
  --quick                                     a first look, within a minute
  send check --database sqlite                two scenarios, one database
  --database postgres,replicas                all scenarios, one replica and two
  cost                                        ready time, memory, fsyncs
  latency --svg latency.svg                   at fixed rates, with a picture
  growth --database sqlite --rows 10000,10000000
  purge --database sqlite                     deletion under traffic";

#[derive(Args, Clone)]
pub(crate) struct Settings {
    /// What to measure; by default everything under load
    #[arg(value_enum, value_name = "WHAT", default_values_t = What::UNDER_LOAD)]
    what: Vec<What>,
    /// Three rounds of one second, 64 connections, SQLite, unless told otherwise: a first look
    #[arg(long)]
    quick: bool,
    /// Which databases, separated by commas; by default all. They take turns
    #[arg(long, value_enum, value_delimiter = ',')]
    database: Vec<Database>,
    /// Connections that are open at once, each with one request at a time; separated by commas [default: 64,256]
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=1024))]
    connections: Vec<u16>,
    /// Rounds to keep for each database and number of connections [default: 5; `latency`: 3]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: Option<u16>,
    /// How long each side is measured in a round [default: 2; `latency`: 3]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=60))]
    seconds: Option<u16>,
    /// For `latency`: requests that become due in a second, separated by commas
    #[arg(long, value_delimiter = ',', default_value = "100,1000,3000,10000", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rates: Vec<u32>,
    /// For `latency`: draw a picture of it
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Verifications that are there before, separated by commas; for `purge` the most of them. Ten million take minutes and
    /// gigabytes [default: 10000,1000000]
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    rows: Vec<u64>,
    /// Discard rounds whose echo is this much off the median, in per cent; at most as many as `--rounds`
    #[arg(long, default_value = "10", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(crate) tolerance: u8,
    /// Leave it to the system which processor runs what. By default the server under test, and its PostgreSQL, have the
    /// first processor, and the rest has the second
    #[arg(long)]
    pub(crate) no_pin: bool,
    /// Where databases are made, and removed again: on the disk that shall be measured
    #[arg(long, default_value = "/var/tmp", value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// Where the results are written; by default target/load/results.json
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Print the results as tables in Markdown
    #[arg(long)]
    pub(crate) markdown: bool,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum What {
    /// Sends whose hand-off to Restcomm is awaited
    Send,
    /// Sends that are answered before their hand-off
    RespondAsync,
    /// Checks with the right code
    Check,
    /// Checks with a wrong code
    Wrong,
    /// Questions how a verification stands
    Status,
    /// In turn a send and a check with the right code
    Mixed,
    /// Without load: time until ready, memory, and what one send asks of the disk
    Cost,
    /// Latencies at fixed rates, counted from when a request was due
    Latency,
    /// Sends and checks on databases of several sizes, and their start
    Growth,
    /// Latencies while a million overdue verifications are deleted
    Purge,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Database {
    Sqlite,
    /// One replica on PostgreSQL
    Postgres,
    /// Two replicas that share a PostgreSQL
    #[value(name = "replicas")]
    TwoReplicas,
}

#[derive(Subcommand)]
pub(crate) enum Role {
    #[command(hide = true)]
    Echo(Place),
    #[command(hide = true)]
    Relay {
        #[command(flatten)]
        place: Place,
        #[arg(long)]
        restcomm: SocketAddr,
    },
    #[command(hide = true)]
    Restcomm(Place),
    #[command(hide = true)]
    Exec {
        #[command(flatten)]
        place: Place,
        #[arg(last = true, required = true)]
        program: Vec<OsString>,
    },
}

impl What {
    const UNDER_LOAD: [Self; 6] = [
        Self::Send,
        Self::RespondAsync,
        Self::Check,
        Self::Wrong,
        Self::Status,
        Self::Mixed,
    ];

    /// Which side of a round it is.
    fn side(self) -> Option<Side> {
        match self {
            Self::Send => Some(Side::Send),
            Self::RespondAsync => Some(Side::RespondAsync),
            Self::Check => Some(Side::Check),
            Self::Wrong => Some(Side::Wrong),
            Self::Status => Some(Side::Status),
            Self::Mixed => Some(Side::Mixed),
            Self::Cost | Self::Latency | Self::Growth | Self::Purge => None,
        }
    }
}

impl Database {
    const ALL: [Self; 3] = [Self::Sqlite, Self::Postgres, Self::TwoReplicas];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::TwoReplicas => "PostgreSQL, 2 replicas",
        }
    }

    pub(crate) fn is_postgres(self) -> bool {
        self != Self::Sqlite
    }
}

impl Settings {
    /// What is measured in rounds, in the order of a round.
    pub(crate) fn sides(&self) -> Vec<Side> {
        let wanted: Vec<Side> = self.what.iter().filter_map(|what| what.side()).collect();
        let all = Side::SCENARIOS.into_iter();
        all.filter(|side| wanted.contains(side)).collect()
    }

    pub(crate) fn wants(&self, what: What) -> bool {
        self.what.contains(&what)
    }

    pub(crate) fn databases(&self) -> Vec<Database> {
        if !self.database.is_empty() {
            return self.database.clone();
        }
        if self.quick {
            vec![Database::Sqlite]
        } else {
            Database::ALL.to_vec()
        }
    }

    /// Whether the run goes on without PostgreSQL where there is none.
    pub(crate) fn may_skip_postgres(&self) -> bool {
        self.database.is_empty()
    }

    pub(crate) fn connections(&self) -> Vec<usize> {
        if !self.connections.is_empty() {
            return self.connections.iter().copied().map(usize::from).collect();
        }
        if self.quick { vec![64] } else { vec![64, 256] }
    }

    pub(crate) fn rounds(&self) -> usize {
        let usual = if self.quick { 3 } else { 5 };
        self.rounds.unwrap_or(usual).into()
    }

    pub(crate) fn latency_rounds(&self) -> u16 {
        self.rounds.unwrap_or(if self.quick { 1 } else { 3 })
    }

    pub(crate) fn latency_window(&self) -> Duration {
        Duration::from_secs(self.seconds.unwrap_or(3).into())
    }

    /// From the lowest to the highest.
    pub(crate) fn rates(&self) -> Vec<u32> {
        let mut rates = self.rates.clone();
        rates.sort_unstable();
        rates
    }

    /// From the smallest to the largest.
    pub(crate) fn rows(&self) -> Vec<u64> {
        let mut rows = self.rows.clone();
        if rows.is_empty() {
            rows.extend([10_000, if self.quick { 100_000 } else { 1_000_000 }]);
        }
        rows.sort_unstable();
        rows
    }

    /// What is there to be deleted.
    pub(crate) fn overdue_rows(&self) -> u64 {
        self.rows().last().copied().unwrap_or_default()
    }

    pub(crate) fn window(&self) -> Duration {
        let usual = if self.quick { 1 } else { 2 };
        Duration::from_secs(self.seconds.unwrap_or(usual).into())
    }
}
