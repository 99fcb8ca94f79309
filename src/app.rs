//! The service put together: build it, ask for its port, run it until it is told to stop.

mod safety;
mod server;

use std::{
    fmt,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use actix_web::{dev::Server, web};
use thiserror::Error;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use zeroize::Zeroizing;

use crate::{
    config::{AccountConfig, Config, DatabaseUrl, KeysConfig},
    courier::{self, Courier},
    crypto::{KeyRing, RootKey},
    domain::{clock::Clock, phone::PhoneNumber, policy::Tenant, random::Random},
    http::{Api, Readiness, Scrapes},
    restcomm::{Accounts, Settings, SmsFrom},
    simulator::Simulator,
    store::{Directory, Journal, Started, Store, StoreError},
    sweeper::Sweeper,
    telemetry::Metrics,
    verifier::{self, Verifier},
};

/// How often the clock is set by the database's.
const SET_CLOCK_EVERY: Duration = Duration::from_secs(10);
/// What is in flight may take this long after SIGTERM.
const LAST_DELIVERIES: Duration = Duration::from_secs(3);
const LAST_CONNECTIONS: Duration = Duration::from_secs(1);
/// And all of that together, so that whoever stops the process never has to kill it.
const LAST_OF_ALL: Duration = Duration::from_millis(8500);

/// A service that is bound and ready to run.
pub struct App {
    address: SocketAddr,
    admin_address: Option<SocketAddr>,
    server: Server,
    admin: Option<Server>,
    store: Store,
    courier: Courier,
    started: tokio::sync::mpsc::Receiver<Started>,
    sweeper: Sweeper,
    clock: Clock,
}

/// What the configuration does not say.
pub struct Surroundings {
    pub clock: Clock,
    pub random: Random,
    /// Bound already where the port must be known before.
    pub listener: Option<TcpListener>,
    /// The operator's listener; `dev` may go without.
    pub admin: Admin,
    pub migrate: bool,
    pub dev: Option<Dev>,
}

/// Where the operator's routes are.
pub enum Admin {
    /// At `server.admin_bind`.
    Configured,
    Bound(TcpListener),
    /// Nowhere of their own.
    None,
}

/// What only `dev` has.
pub struct Dev {
    /// The tenant of callers without a key.
    pub tenant: Tenant,
    pub simulator: Simulator,
}

#[derive(Debug, Error)]
pub enum StartError {
    #[error("cannot listen on {address}: {error}; is the port taken? Set {key} to another")]
    Listen {
        key: &'static str,
        address: SocketAddr,
        error: std::io::Error,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "the database has no schema, or an old one; run `countersign migrate`, or start without --no-migrate"
    )]
    NotMigrated,
    #[error("{}", safety::several(.0))]
    Unsafe(Vec<String>),
    #[error("cannot prepare the connections to Restcomm (are CA certificates installed?): {0}")]
    Client(reqwest::Error),
    #[error("the server stopped: {0}")]
    Server(std::io::Error),
}

impl App {
    /// Opens the database, binds the listener, and starts what works behind the scenes.
    pub async fn build(config: Config, surroundings: Surroundings) -> Result<Self, StartError> {
        let Surroundings {
            clock,
            random,
            listener,
            admin,
            migrate,
            dev,
        } = surroundings;
        let store = open(&config.database).await?;
        let store = store.counted_in(Metrics::default());
        if migrate {
            store.migrate().await?;
        } else if !store.is_current().await.unwrap_or(false) {
            return Err(StartError::NotMigrated);
        }
        let ring = ring(&config.keys);
        follow_database(&store, &clock).await?;
        safety::refuse_unsafe(&config, &store, &ring, clock.now()).await?;
        PhoneNumber::warm_up();

        let directory = Directory::new(store.clone(), clock.clone(), config.tenants);
        let accounts = config.accounts.into_iter().map(settings).collect();
        let accounts = Arc::new(Accounts::new(accounts).map_err(StartError::Client)?);
        let (journal, started) =
            Journal::start(store.clone(), ring.clone(), clock.clone(), random.clone()).await?;
        let courier = Courier::new(courier::Parts {
            store: store.clone(),
            journal: journal.clone(),
            directory: directory.clone(),
            accounts: accounts.clone(),
            ring: ring.clone(),
            clock: clock.clone(),
            random: random.clone(),
            callback_url: config.delivery.callback_url.as_str().to_owned(),
        });
        let sweeper = Sweeper {
            store: store.clone(),
            journal: journal.clone(),
            directory: directory.clone(),
            clock: clock.clone(),
        };
        let verifier = Verifier::new(verifier::Parts {
            store: store.clone(),
            journal,
            accounts,
            ring,
            clock: clock.clone(),
            random: random.clone(),
            wait: config.delivery.wait,
            per_number: config.limits.per_number,
            directory: directory.clone(),
            callback_url: config.delivery.callback_url.as_str().to_owned(),
        });
        let (keyless, simulator) = dev.map(|dev| (Arc::new(dev.tenant), dev.simulator)).unzip();
        let api = Api {
            verifier,
            directory,
            store: store.clone(),
            clock: clock.clone(),
            random,
            public_url: config.public_url.as_str().to_owned(),
            readiness: Readiness::default(),
            scrapes: Scrapes::default(),
            keyless,
            trusted_proxies: config.server.trusted_proxies,
        };
        let listener = match listener {
            Some(listener) => listener,
            None => bind("server.bind", config.server.bind)?,
        };
        let admin = match admin {
            Admin::Configured => Some(bind("server.admin_bind", config.server.admin_bind)?),
            Admin::Bound(listener) => Some(listener),
            Admin::None => None,
        };
        let api = web::Data::new(api);
        let address = address_of(&listener)?;
        let admin_address = admin.as_ref().map(address_of).transpose()?;
        let admin = admin
            .map(|listener| server::admin(listener, api.clone()))
            .transpose()
            .map_err(StartError::Server)?;
        let server = server::public(listener, api, simulator).map_err(StartError::Server)?;
        Ok(Self {
            address,
            admin_address,
            server,
            admin,
            store,
            courier,
            started,
            sweeper,
            clock,
        })
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the operator's routes are, if they have a listener of their own.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// Serves until `shutdown`, then finishes what is in flight and closes the database.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), StartError> {
        let Self {
            server,
            admin,
            store,
            courier,
            started,
            sweeper,
            clock,
            ..
        } = self;
        let stop = CancellationToken::new();
        let background = TaskTracker::new();
        background.spawn(courier.run(started, stop.clone()));
        background.spawn(sweeper.run(stop.clone()));
        background.spawn(keep_time(store.clone(), clock, stop.clone()));
        background.close();

        let handles: Vec<_> = [Some(&server), admin.as_ref()]
            .into_iter()
            .flatten()
            .map(Server::handle)
            .collect();
        if let Some(admin) = admin {
            tokio::spawn(admin);
        }
        let mut serving = tokio::spawn(server);
        let ended = tokio::select! {
            ended = &mut serving => Some(ended),
            () = shutdown => None,
        };
        tracing::info!("service.stopping");
        let all_of_it = async {
            // Both at once, so that nobody who still asks holds up the other.
            futures_util::future::join_all(handles.iter().map(|handle| handle.stop(true))).await;
            // Sends that were answered are durable; what the courier cannot finish now, it resumes after the next start.
            stop.cancel();
            let _ = tokio::time::timeout(LAST_DELIVERIES, background.wait()).await;
            // A database that does not answer keeps nobody here.
            let _ = tokio::time::timeout(LAST_CONNECTIONS, store.close()).await;
        };
        let _ = tokio::time::timeout(LAST_OF_ALL, all_of_it).await;
        let outcome = match ended {
            Some(ended) => ended,
            // It was told to stop, and what it has not finished by now it never will.
            None => tokio::time::timeout(Duration::ZERO, serving)
                .await
                .unwrap_or(Ok(Ok(()))),
        };
        tracing::info!("service.stopped");
        match outcome {
            Ok(result) => result.map_err(StartError::Server),
            Err(error) => Err(StartError::Server(std::io::Error::other(error))),
        }
    }
}

/// Binds with a message that says what to do: set `key` to another address.
pub fn bind(key: &'static str, address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).map_err(|error| StartError::Listen {
        key,
        address,
        error,
    })
}

fn address_of(listener: &TcpListener) -> Result<SocketAddr, StartError> {
    listener.local_addr().map_err(StartError::Server)
}

/// Opens the database that the configuration names.
pub async fn open(url: &DatabaseUrl) -> Result<Store, StoreError> {
    let opened = match url.sqlite_path() {
        Some(path) => Store::open_sqlite(path).await,
        None => Store::open_postgres(url.expose()).await,
    };
    opened.map_err(|error| StoreError::NotOpened {
        // Shows no password.
        database: format!("the database {url:?}"),
        reason: match error {
            StoreError::Unavailable(reason) | StoreError::Lost(reason) => reason,
            StoreError::Refused(error) => error.to_string(),
            StoreError::Full
            | StoreError::Damaged { .. }
            | StoreError::Newer { .. }
            | StoreError::Again
            | StoreError::NotOpened { .. }
            | StoreError::Migration(_) => error.to_string(),
        },
    })
}

async fn follow_database(store: &Store, clock: &Clock) -> Result<(), StoreError> {
    let watch = clock.stopwatch();
    if let Some(time) = store.time().await? {
        clock.follow(time, watch.elapsed());
        let offset = i32::try_from(clock.offset_millis()).unwrap_or(i32::MAX);
        store.metrics().clock_offset.set(f64::from(offset) / 1000.0);
    }
    Ok(())
}

/// Replicas agree on the time by following their database's.
async fn keep_time(store: Store, clock: Clock, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(SET_CLOCK_EVERY) => {}
            () = stop.cancelled() => return,
        }
        if let Err(error) = follow_database(&store, &clock).await {
            store.count_error(&error);
            tracing::warn!(%error, "clock.not_set");
        }
    }
}

fn ring(keys: &KeysConfig) -> KeyRing {
    let roots: Vec<RootKey> = keys
        .root
        .iter()
        .map(|key| RootKey {
            id: key.id.clone(),
            secret: Zeroizing::new(*key.secret.expose()),
        })
        .collect();
    KeyRing::new(&roots)
}

fn settings(account: AccountConfig) -> Settings {
    Settings {
        name: account.name,
        base_url: account.base_url.as_str().to_owned(),
        account_sid: account.account_sid,
        auth_token: account.auth_token,
        sms_from: SmsFrom {
            default: account.sms_from.default,
            by_country: account.sms_from.by_country,
        },
        voice_from: account.voice_from,
        flashcall_from: account.flashcall_from,
        synthesizer: account.synthesizer,
        timeout: account.timeout,
        max_per_second: account.max_per_second,
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "App({})", self.address)
    }
}
