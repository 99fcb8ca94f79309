//! A whole service for one test: its own database, its own simulated Restcomm, a clock in our hands, and chance that
//! repeats itself.

use std::{net::TcpListener, sync::Arc, time::Duration};

use countersign::{
    app::{Admin, App, StartError, Surroundings},
    config::{BaseUrl, Config},
    domain::{
        clock::{Clock, Timestamp},
        key::{ApiKey, KeyKind, KeyState, Scope},
        random::Random,
    },
    simulator::Simulator,
    store::{ApiKeyRecord, Store},
};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    sync::oneshot,
    task::JoinHandle,
};

pub(crate) use crate::{
    answer::Answer,
    settings::{account, restcomm, root_key, tenant},
};
use crate::{
    database::{Database, Place},
    settings::config,
};

pub(crate) const NUMBER: &str = "+351912345678";
/// Saturday 2026-01-31T12:00:00Z.
pub(crate) const NOON: Timestamp = Timestamp::from_millis(1_769_860_800_000);
/// Longer than anything takes, even on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// What a machine that is busy with other things may add to a limit that a story holds the service to.
pub(crate) const SLACK: Duration = Duration::from_secs(8);
/// From one look to the next: the processors belong to those who bring about what is waited for.
pub(crate) const BREATH: Duration = Duration::from_millis(2);
pub(crate) const TENANT: &str = "acme";
pub(crate) const SID: &str = "AC00000000000000000000000000000001";
pub(crate) const TOKEN: &str = "77f8c12cc7b8f8423e5c38b035249166";

/// Makes two tests of one: on SQLite and on PostgreSQL.
macro_rules! on_both {
    ($($(#[doc = $doc:literal])* async fn $name:ident($database:ident) $body:block)+) => {
        $(mod $name {
            use super::*;
            use $crate::database::Database;

            async fn story($database: Database) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn on_sqlite() {
                story(Database::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn on_postgres() {
                story(Database::Postgres).await;
            }
        })+
    };
}
pub(crate) use on_both;

pub(crate) struct TestApp {
    pub(crate) clock: Clock,
    /// The first account's Restcomm.
    pub(crate) simulator: Simulator,
    pub(crate) key: String,
    pub(crate) base: String,
    /// The operator's listener.
    pub(crate) admin: String,
    pub(crate) place: Arc<Place>,
    pub(crate) http: Client,
    config: Config,
    random: Random,
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<Result<(), StartError>>>,
    /// What the service runs on where it must be able to die: all of it at once, as a process does.
    process: Option<Runtime>,
}

impl TestApp {
    pub(crate) async fn spawn(database: Database) -> Self {
        Self::with(database, |_| {}).await
    }

    /// A service whose configuration `change` has altered. It has one account, and one tenant without limits.
    pub(crate) async fn with(database: Database, change: impl FnOnce(&mut Config)) -> Self {
        let place = Arc::new(database.create().await);
        let clock = Clock::manual(NOON);
        let (simulator, base_url) = restcomm(&clock);
        let mut config = config(&place, &base_url);
        change(&mut config);
        Self::start(place, clock, simulator, config, Random::seeded(42), None).await
    }

    /// A service whose chance is its own, and so its ids, too.
    pub(crate) async fn seeded(database: Database, seed: u64) -> Self {
        let place = Arc::new(database.create().await);
        let clock = Clock::manual(NOON);
        let (simulator, base_url) = restcomm(&clock);
        let config = config(&place, &base_url);
        Self::start(place, clock, simulator, config, Random::seeded(seed), None).await
    }

    /// The same, as a process that [`TestApp::crash`] can kill.
    pub(crate) async fn mortal(database: Database, change: impl FnOnce(&mut Config)) -> Self {
        let place = Arc::new(database.create().await);
        let clock = Clock::manual(NOON);
        let (simulator, base_url) = restcomm(&clock);
        let mut config = config(&place, &base_url);
        change(&mut config);
        let process = Some(process());
        Self::start(place, clock, simulator, config, Random::seeded(42), process).await
    }

    /// Another process on the same database, with the same clock and Restcomm.
    pub(crate) async fn replica(&self) -> Self {
        self.replica_at(self.clock.clone()).await
    }

    /// The same on a machine with another clock.
    pub(crate) async fn replica_at(&self, clock: Clock) -> Self {
        let (place, simulator) = (self.place.clone(), self.simulator.clone());
        let (config, random) = (self.config.clone(), Random::seeded(7));
        let mut replica = Self::start(place, clock, simulator, config, random, None).await;
        replica.key.clone_from(&self.key);
        replica
    }

    async fn start(
        place: Arc<Place>,
        clock: Clock,
        simulator: Simulator,
        config: Config,
        random: Random,
        process: Option<Runtime>,
    ) -> Self {
        let http = Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .build()
            .unwrap();
        let mut app = Self {
            clock,
            simulator,
            key: String::new(),
            base: String::new(),
            admin: String::new(),
            place,
            http,
            config,
            random,
            stop: None,
            running: None,
            process,
        };
        app.run().await.unwrap();
        let mut tenants = app.config.tenants.iter();
        if tenants.any(|tenant| tenant.name == TENANT) {
            app.key = app
                .key_of(TENANT, &[Scope::Send, Scope::Verify, Scope::Read])
                .await;
        }
        app
    }

    async fn run(&mut self) -> Result<(), StartError> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let here = BaseUrl::parse(&format!("http://{}", listener.local_addr().unwrap()));
        self.config.delivery.callback_url = here.unwrap();
        let surroundings = Surroundings {
            clock: self.clock.clone(),
            random: self.random.clone(),
            listener: Some(listener),
            admin: Admin::Bound(TcpListener::bind("127.0.0.1:0").unwrap()),
            migrate: true,
            dev: None,
        };
        let process = self
            .process
            .as_ref()
            .map(|process| process.handle().clone());
        let process = process.unwrap_or_else(Handle::current);
        let build = App::build(self.config.clone(), surroundings);
        let app = process.spawn(build).await.unwrap()?;
        self.base = format!("http://127.0.0.1:{}", app.port());
        self.admin = format!("http://{}", app.admin_address().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        self.stop = Some(stop);
        self.running = Some(process.spawn(app.run(async {
            let _ = stopped.await;
        })));
        Ok(())
    }

    /// Stops the service as SIGTERM does.
    pub(crate) async fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(running) = self.running.take() {
            running.await.unwrap().unwrap();
        }
    }

    /// Stops the service and starts it again, with a configuration that `change` has altered.
    pub(crate) async fn restart_with(
        &mut self,
        change: impl FnOnce(&mut Config),
    ) -> Result<(), StartError> {
        self.stop().await;
        change(&mut self.config);
        self.run().await
    }

    /// Kills the service as SIGKILL does, wherever it stands.
    pub(crate) async fn crash(&mut self) {
        let process = self.process.take().expect("a mortal service");
        let dies = move || process.shutdown_timeout(Duration::from_secs(10));
        tokio::task::spawn_blocking(dies).await.unwrap();
        (self.stop, self.running) = (None, None);
        self.place.forget_the_dead().await;
    }

    /// Starts it again after a crash.
    pub(crate) async fn start_again(&mut self) {
        self.process = Some(process());
        self.run().await.unwrap();
    }

    /// The database, opened beside the service.
    pub(crate) async fn store(&self) -> Store {
        self.place.open().await
    }

    /// A new key, made as `key create` makes one.
    pub(crate) async fn key_of(&self, tenant: &str, scopes: &[Scope]) -> String {
        self.make_key(KeyKind::Secret, tenant, scopes).await
    }

    /// A new publishable key of [`TENANT`].
    pub(crate) async fn publishable_key(&self) -> String {
        let scopes = KeyKind::Publishable.scopes();
        self.make_key(KeyKind::Publishable, TENANT, scopes).await
    }

    pub(crate) async fn make_key(&self, kind: KeyKind, tenant: &str, scopes: &[Scope]) -> String {
        let key = ApiKey::generate(kind, &Random::system());
        let record = ApiKeyRecord {
            name: key.name().to_owned(),
            tenant: tenant.to_owned(),
            kind,
            scopes: scopes.to_vec(),
            created_at: self.clock.now(),
            state: KeyState {
                expires_at: None,
                revoked_at: None,
            },
        };
        let store = self.store().await;
        store.insert_key(&key, &record).await.unwrap();
        store.close().await;
        key.expose().to_owned()
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// `POST path` with this app's key.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.post_as(&self.key, path, body).await
    }

    pub(crate) async fn post_as(&self, key: &str, path: &str, body: Value) -> Answer {
        let request = self
            .http
            .post(format!("{}{path}", self.base))
            .bearer_auth(key);
        Answer::of(
            request
                .header("Content-Type", "application/json")
                .body(body.to_string()),
        )
        .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(
            self.http
                .get(format!("{}{path}", self.base))
                .bearer_auth(&self.key),
        )
        .await
    }

    /// A request of any shape, with this app's key.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.key)
    }

    /// Sends a code to [`NUMBER`], which must be answered with 201, and gives the id.
    pub(crate) async fn send(&self) -> String {
        self.send_to(NUMBER).await
    }

    pub(crate) async fn send_to(&self, number: &str) -> String {
        let answer = self.post("/otp/send", json!({ "to": number })).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn verify(&self, id: &str, code: &str) -> Answer {
        self.post("/otp/verify", json!({ "id": id, "code": code }))
            .await
    }

    pub(crate) async fn status(&self, id: &str) -> Value {
        let answer = self.get(&format!("/otp/{id}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    /// The code in the last message that [`NUMBER`] received.
    pub(crate) fn code(&self) -> String {
        self.code_at(NUMBER)
    }

    pub(crate) fn code_at(&self, number: &str) -> String {
        let texts = self.simulator.texts(number);
        texts.last().expect("a message arrived")[..6].to_owned()
    }

    /// A guess that is certainly not the code in the last message.
    pub(crate) fn wrong_code(&self) -> &'static str {
        if self.code() == "000000" {
            "111111"
        } else {
            "000000"
        }
    }

    /// Polls until `done`, which what happens behind the scenes brings about without the clock being moved.
    pub(crate) async fn eventually(&self, what: &str, done: impl AsyncFn(&Self) -> bool) {
        let shows = async {
            while !done(self).await {
                tokio::time::sleep(BREATH).await;
            }
        };
        assert!(
            tokio::time::timeout(PATIENCE, shows).await.is_ok(),
            "it never came about: {what}"
        );
    }

    /// Moves the clock second by second until `done`, at most `seconds`.
    pub(crate) async fn eventually_within(
        &self,
        seconds: u64,
        what: &str,
        done: impl AsyncFn(&Self) -> bool,
    ) {
        for _ in 0..=seconds {
            // What a second sets off happens on other threads: give it time to show before the next.
            for _ in 0..20 {
                if done(self).await {
                    return;
                }
                tokio::time::sleep(BREATH).await;
            }
            self.advance(1);
        }
        panic!("it did not come about within {seconds} s: {what}");
    }
}

fn process() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

impl Drop for TestApp {
    fn drop(&mut self) {
        // A runtime must not be waited for where others run.
        if let Some(process) = self.process.take() {
            process.shutdown_background();
        }
    }
}
