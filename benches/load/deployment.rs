//! The service as it is deployed for a measurement: one or more replicas on a database of their own.

use std::{
    fs::{self, Permissions},
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::{
    Outcome,
    measure::Target,
    options::Database,
    postgres::{Postgres, Programs},
    processes::{Pins, Process},
    round::Sides,
    service::{Service, Settings, new_key, new_keys},
};

/// Where everything of a run takes place.
pub(crate) struct Ground {
    pub(crate) pins: Pins,
    pub(crate) limits: Limits,
    /// Started when it is first asked for.
    postgres: Option<Postgres>,
    programs: Option<Programs>,
    deployed: u32,
    directory: TempDir,
}

/// The limits, and the Restcomm that all share. They run from the beginning to the end.
pub(crate) struct Limits {
    echo: (Process, SocketAddr),
    relay: (Process, SocketAddr),
    pub(crate) restcomm: (Process, SocketAddr),
}

pub(crate) struct Deployment {
    pub(crate) database: Database,
    pub(crate) url: String,
    /// A secret key of its tenant.
    pub(crate) key: String,
    pub(crate) replicas: Vec<Service>,
    settings: Vec<Settings>,
    postgres: Option<u32>,
    pins: Pins,
    pub(crate) directory: PathBuf,
}

impl Ground {
    /// Below `parent`, in a directory that PostgreSQL's user can reach, and that goes with the run.
    pub(crate) fn prepare(parent: &Path, pins: Pins, programs: Option<Programs>) -> Outcome<Self> {
        let directory = tempfile::Builder::new()
            .prefix("countersign-load.")
            .tempdir_in(parent)
            .map_err(|error| format!("{}: {error}", parent.display()))?;
        fs::set_permissions(directory.path(), Permissions::from_mode(0o711))?;
        Ok(Self {
            pins,
            limits: Limits::start(pins)?,
            postgres: None,
            programs,
            deployed: 0,
            directory,
        })
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The service on an empty database.
    pub(crate) async fn deploy(&mut self, database: Database) -> Outcome<Deployment> {
        self.deployed += 1;
        let directory = self.directory.path().join(self.deployed.to_string());
        fs::create_dir(&directory)?;
        let url = match database {
            Database::Sqlite => format!("sqlite://{}", directory.join("data.db").display()),
            Database::Postgres | Database::TwoReplicas => {
                self.postgres().await?.create_database()?
            }
        };
        let replicas = if database == Database::TwoReplicas {
            2
        } else {
            1
        };
        let (keys, restcomm) = (new_keys()?, self.limits.restcomm.1);
        let settings = (1..=replicas).map(|number| {
            let config = directory.join(format!("replica-{number}.toml"));
            Settings::write(config, &url, restcomm, &keys)
        });
        let mut deployment = Deployment {
            database,
            settings: settings.collect::<Outcome<_>>()?,
            postgres: self.postgres.as_ref().map(Postgres::process),
            url,
            key: String::new(),
            replicas: Vec::new(),
            pins: self.pins,
            directory,
        };
        deployment.start().await?;
        deployment.key = new_key(&deployment.settings[0])?;
        Ok(deployment)
    }

    /// A deployment beside the limits.
    pub(crate) fn sides(&self, deployment: &Deployment) -> Sides {
        let limit = |side: &(Process, SocketAddr)| Target {
            addresses: vec![side.1],
            processes: vec![side.0.id()],
            database: None,
            admins: Vec::new(),
        };
        Sides {
            echo: limit(&self.limits.echo),
            relay: limit(&self.limits.relay),
            service: deployment.target(),
            restcomm: self.limits.restcomm.1,
            key: deployment.key.clone(),
        }
    }

    async fn postgres(&mut self) -> Outcome<&mut Postgres> {
        if self.postgres.is_none() {
            let programs = self.programs.clone().ok_or("PostgreSQL is missing")?;
            let started = Postgres::start(programs, self.directory.path(), self.pins);
            self.postgres = Some(started.await?);
        }
        self.postgres.as_mut().ok_or("it was just started".into())
    }
}

impl Limits {
    fn start(pins: Pins) -> Outcome<Self> {
        let restcomm = Process::role("restcomm", pins.rest, &[])?;
        let address = restcomm.1.to_string();
        Ok(Self {
            echo: Process::role("echo", pins.server, &[])?,
            relay: Process::role("relay", pins.server, &["--restcomm", &address])?,
            restcomm,
        })
    }
}

impl Deployment {
    /// Starts all replicas, one after another.
    pub(crate) async fn start(&mut self) -> Outcome {
        for settings in &self.settings {
            let service = Service::start(settings.clone(), self.pins).await?;
            self.replicas.push(service);
        }
        Ok(())
    }

    /// Ends all replicas, as an operator does.
    pub(crate) fn stop(&mut self) -> Outcome {
        self.replicas.drain(..).try_for_each(Service::stop)
    }

    pub(crate) fn target(&self) -> Target {
        Target {
            addresses: self.settings.iter().map(|one| one.address).collect(),
            processes: self.replicas.iter().map(Service::process).collect(),
            database: self.postgres.filter(|_| self.database.is_postgres()),
            admins: self.settings.iter().map(|one| one.admin).collect(),
        }
    }

    /// Memory of the replicas together after their start, in MiB, and the most they ever had.
    #[expect(clippy::cast_precision_loss, reason = "kilobytes far below 2^53")]
    pub(crate) fn memory_mib(&self) -> (f64, f64) {
        let after_start: u64 = self.replicas.iter().map(|one| one.resident_kib).sum();
        let most: u64 = self.replicas.iter().map(|one| one.memory_kib().1).sum();
        (after_start as f64 / 1024.0, most as f64 / 1024.0)
    }

    /// The ends of the logs, for when something went wrong.
    pub(crate) fn last_words(&self) -> String {
        let words = self.settings.iter().map(Settings::last_words);
        words.collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        self.replicas.clear();
        // It may hold gigabytes, which the next one needs.
        let _ = fs::remove_dir_all(&self.directory);
    }
}
