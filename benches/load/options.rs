//! The command line. The bench runs itself again in other roles; those are hidden.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::processes::Place;

/// Measures sends with hand-off, and checks with the right code, beside two limits in the same run: a bare actix-web
/// server that echoes JSON, and one that relays it through reqwest to the same fake Restcomm, storing nothing.
///
/// Each side is a process of its own, so that its processor time can be told. The sides take turns, and a round in
/// which the echo is far from its usual rate is repeated: the machine was busy with something else. Nothing leaves the
/// machine. For numbers to quote, use a quiet machine and at least 5 rounds.
#[derive(Parser)]
#[command(
    name = "load",
    max_term_width = 100,
    args_conflicts_with_subcommands = true
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

#[derive(Args, Clone)]
pub(crate) struct Settings {
    /// One round of one second, 64 connections, SQLite: proves that the bench works, measures nothing
    #[arg(long)]
    pub(crate) quick: bool,
    #[arg(long, value_enum, default_value_t = Databases::Both)]
    database: Databases,
    /// Connections that are open at once, each with one request at a time; separated by commas
    #[arg(long, value_delimiter = ',', default_value = "1,64,256", value_parser = clap::value_parser!(u16).range(1..=1024))]
    connections: Vec<u16>,
    /// Rounds to keep for each database and number of connections
    #[arg(long, default_value = "5", value_parser = clap::value_parser!(u16).range(1..=100))]
    rounds: u16,
    /// How long each side is measured in a round
    #[arg(long, default_value = "2", value_parser = clap::value_parser!(u16).range(1..=60))]
    seconds: u16,
    /// Repeat rounds whose echo is this much off the median, in per cent; at most as many as `--rounds`
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

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Databases {
    Sqlite,
    Postgres,
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
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

impl Database {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

impl Settings {
    pub(crate) fn databases(&self) -> Vec<Database> {
        match self.database {
            _ if self.quick => vec![Database::Sqlite],
            Databases::Sqlite => vec![Database::Sqlite],
            Databases::Postgres => vec![Database::Postgres],
            Databases::Both => vec![Database::Sqlite, Database::Postgres],
        }
    }

    /// Whether the run goes on without PostgreSQL where there is none.
    pub(crate) fn may_skip_postgres(&self) -> bool {
        self.database == Databases::Both
    }

    pub(crate) fn connections(&self) -> Vec<usize> {
        if self.quick {
            return vec![64];
        }
        self.connections.iter().copied().map(usize::from).collect()
    }

    pub(crate) fn rounds(&self) -> usize {
        if self.quick { 1 } else { self.rounds.into() }
    }

    pub(crate) fn window(&self) -> Duration {
        Duration::from_secs(if self.quick { 1 } else { self.seconds.into() })
    }
}
