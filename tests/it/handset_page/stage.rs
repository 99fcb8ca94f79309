//! A service as `dev` runs it, with a clock in our hands: callers need no key, and the phones are beside it.

use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use countersign::{
    app::{Admin, App, Dev, StartError, Surroundings},
    config::{BaseUrl, Config},
    domain::{
        clock::Clock,
        delivery::Channel,
        key::{ApiKey, KeyKind, KeyState},
        policy::{Policy, Tenant},
        random::Random,
    },
    simulator::{Hand, LiveCall, Script, Simulator, SmsFate},
    store::ApiKeyRecord,
};
use reqwest::Client;
use serde_json::Value;
use tokio::{sync::oneshot, task::JoinHandle};

use crate::{
    answer::Answer,
    app::NOON,
    database::{Database, Place},
    settings::{config, restcomm, tenant},
};

/// Longer than anything takes, even on a machine that is busy with other things.
pub(super) const PATIENCE: Duration = Duration::from_secs(40);

pub(super) struct Stage {
    pub(super) clock: Clock,
    /// Where the page is.
    pub(super) base: String,
    pub(super) place: Arc<Place>,
    pub(super) simulator: Simulator,
    config: Config,
    tenant: Tenant,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<Result<(), StartError>>>,
}

impl Stage {
    pub(super) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// A service whose policy `change` has altered. The first resend has to wait for two seconds.
    pub(super) async fn with(change: impl FnOnce(&mut Policy)) -> Self {
        let place = Arc::new(Database::Sqlite.create().await);
        let clock = Clock::manual(NOON);
        let (simulator, base_url) = restcomm(&clock);
        let mut tenant = tenant("dev");
        "Countersign".clone_into(&mut tenant.policy.display_name);
        tenant.policy.sender = Some("Countersign".to_owned());
        tenant.policy.cool_down = Duration::from_secs(2);
        tenant.policy.channels = vec![Channel::Sms, Channel::Voice, Channel::Flashcall];
        change(&mut tenant.policy);
        let mut config = config(&place, &base_url);
        config.tenants = vec![tenant.clone()];
        config.accounts[0].voice_from = Some("+13055550100".to_owned());
        config.accounts[0].flashcall_from =
            (100..200).map(|end| format!("+13055550{end}")).collect();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        // What is said on a call is asked for here.
        config.delivery.callback_url = BaseUrl::parse(&format!("http://{address}")).unwrap();
        let mut stage = Self {
            clock,
            base: format!("http://{address}"),
            place,
            simulator,
            config,
            tenant,
            address,
            stop: None,
            running: None,
        };
        stage.run(listener).await;
        stage
    }

    async fn run(&mut self, listener: TcpListener) {
        let surroundings = Surroundings {
            clock: self.clock.clone(),
            random: Random::seeded(42),
            listener: Some(listener),
            admin: Admin::None,
            migrate: true,
            dev: Some(Dev {
                tenant: self.tenant.clone(),
                simulator: self.simulator.clone(),
            }),
        };
        let app = App::build(self.config.clone(), surroundings).await.unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        self.stop = Some(stop);
        self.running = Some(tokio::spawn(app.run(async {
            let _ = stopped.await;
        })));
    }

    pub(super) async fn stop(&mut self) {
        drop(self.stop.take());
        self.running.take().unwrap().await.unwrap().unwrap();
    }

    /// Starts it again where it was.
    pub(super) async fn start_again(&mut self) {
        let listener = TcpListener::bind(self.address).unwrap();
        self.run(listener).await;
    }

    /// A key for pages, made as `key create` makes one.
    pub(super) async fn publishable_key(&self) -> String {
        let key = ApiKey::generate(KeyKind::Publishable, &Random::system());
        let record = ApiKeyRecord {
            name: key.name().to_owned(),
            tenant: self.tenant.name.clone(),
            kind: KeyKind::Publishable,
            scopes: KeyKind::Publishable.scopes().to_vec(),
            created_at: self.clock.now(),
            state: KeyState {
                expires_at: None,
                revoked_at: None,
            },
        };
        let store = self.place.open().await;
        store.insert_key(&key, &record).await.unwrap();
        store.close().await;
        key.expose().to_owned()
    }

    pub(super) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// The code in the last message that a phone received.
    pub(super) fn code_at(&self, number: &str) -> String {
        let texts = self.simulator.texts(number);
        texts.last().expect("a message arrived")[..6].to_owned()
    }

    pub(super) fn messages_at(&self, number: &str) -> usize {
        self.simulator.texts(number).len()
    }

    /// A guess that is certainly not that code.
    pub(super) fn wrong_code(&self, number: &str) -> &'static str {
        if self.code_at(number) == "000000" {
            "111111"
        } else {
            "000000"
        }
    }

    /// The call that a phone rings for, or took. Until there is one, time goes on, but so slowly that it does not answer
    /// by itself meanwhile.
    pub(super) async fn call_at(&self, number: &str) -> LiveCall {
        let begun = tokio::time::Instant::now();
        let mut turn = 0;
        loop {
            if let Some(call) = self.simulator.live_call(number) {
                return call;
            }
            assert!(begun.elapsed() < PATIENCE, "no call came");
            if turn % 100 == 0 {
                self.clock.advance(Duration::from_millis(60));
            }
            turn += 1;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The code that a call says first.
    pub(super) async fn spoken_code_at(&self, number: &str) -> String {
        let begun = tokio::time::Instant::now();
        loop {
            let call = self.simulator.live_call(number).expect("the call goes on");
            let digits = call.spoken.chars().filter(char::is_ascii_digit);
            let code: String = digits.take(6).collect();
            if code.len() == 6 {
                return code;
            }
            assert!(begun.elapsed() < PATIENCE, "no code was said");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What the owner of a phone does with the call on it.
    pub(super) async fn hand(&self, number: &str, hand: Hand) {
        self.simulator.hand(number, hand).await.unwrap();
    }

    pub(super) fn let_sms_be(&self, number: &str, sms: SmsFate) {
        let script = Script {
            sms,
            ..Script::default()
        };
        self.simulator.script(number, script);
    }

    /// What the page could ask too, asked beside it.
    pub(super) async fn post(&self, path: &str, body: Value) -> Answer {
        let http = Client::builder().no_proxy().tls_certs_only([]).build();
        let request = http.unwrap().post(format!("{}{path}", self.base));
        Answer::of(
            request
                .header("Content-Type", "application/json")
                .body(body.to_string()),
        )
        .await
    }
}
