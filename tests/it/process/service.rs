//! A running service with its Restcomm, each a process of its own.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

use super::{PATIENCE, Process, SID, TOKEN, countersign, eventually, free_port, run_with};
use crate::app::Answer;

/// Whether Restcomm took the latest message of a verification, whatever it has reported since.
pub(super) fn was_sent(status: &Value) -> bool {
    matches!(
        status["delivery"]["status"].as_str(),
        Some("sent" | "delivered")
    )
}

/// The settings of a service, as text.
pub(super) struct Settings {
    pub(super) database: String,
    pub(super) restcomm: String,
    pub(super) wait: &'static str,
    pub(super) timeout: &'static str,
    pub(super) ttl: &'static str,
    pub(super) code_length: u8,
    /// The line with the account's token.
    pub(super) token: String,
}

/// `countersign simulator`, which survives the service.
pub(super) struct Restcomm {
    pub(super) process: Process,
    pub(super) address: String,
    http: Client,
}

/// `countersign serve`, reached over HTTP alone.
pub(crate) struct Service {
    pub(crate) process: Process,
    pub(crate) client: Caller,
    pub(super) config: PathBuf,
    directory: Arc<TempDir>,
}

/// Somebody with a key. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) base: String,
    pub(crate) key: String,
    http: Client,
}

pub(crate) fn http() -> Client {
    Client::builder()
        .no_proxy()
        .tls_certs_only([])
        .timeout(Duration::from_mins(1))
        // A server may close an idle connection at the moment of its next use.
        .pool_idle_timeout(Duration::from_secs(2))
        .build()
        .unwrap()
}

/// A message begins with its code.
pub(crate) fn code_of(text: &str) -> String {
    text.split(' ').next().unwrap().to_owned()
}

impl Settings {
    pub(super) fn new(database: &str, restcomm: &Restcomm) -> Self {
        Self {
            database: database.to_owned(),
            restcomm: restcomm.address.clone(),
            wait: "5s",
            timeout: "8s",
            ttl: "5m",
            code_length: 6,
            token: format!("auth_token = \"{TOKEN}\""),
        }
    }

    /// The file: one account, and one tenant without limits.
    pub(super) fn text(&self, port: u16) -> String {
        let Self {
            database,
            restcomm,
            wait,
            timeout,
            ttl,
            code_length,
            token,
        } = self;
        let admin_port = free_port();
        format!(
            "public_url = \"https://otp.acme.test\"\n\
             [server]\nbind = \"127.0.0.1:{port}\"\nadmin_bind = \"127.0.0.1:{admin_port}\"\n\
             [database]\nurl = \"{database}\"\n\
             [keys]\nroot = [\"k1:T0x6bm1WcVQzYkNqR3lQd0xoU2VBZ1VpRnZYb0RrTTE=\"]\n\
             [delivery]\nwait = \"{wait}\"\n\
             [[restcomm]]\nname = \"main\"\nbase_url = \"http://{restcomm}/restcomm/2012-04-24\"\n\
             account_sid = \"{SID}\"\n{token}\nsms_from = \"OTPApp\"\ntimeout = \"{timeout}\"\nmax_per_second = 100000\n\
             [limits]\nper_number = []\n\
             [tenants.acme]\ndisplay_name = \"Acme Bank\"\ncountries = [\"*\"]\n\
             code = {{ length = {code_length}, ttl = \"{ttl}\", attempts = 5 }}\n\
             limits = {{ per_number = [], per_ip = [], per_prefix = [], per_key = [], per_tenant = [] }}\n"
        )
    }
}

impl Restcomm {
    pub(super) async fn start() -> Self {
        Self::start_at(0).await
    }

    pub(super) async fn start_at(port: u16) -> Self {
        let account = format!("{SID}:{TOKEN}");
        let port = port.to_string();
        let arguments = ["simulator", "--port", &port, "--account", &account];
        let mut process = Process::spawn(countersign(&arguments));
        let welcome = process.prints("/sim/phones/").await;
        let address = welcome.split_once("listens on http://").unwrap().1;
        let address = address.split_once('/').unwrap().0.to_owned();
        Self {
            process,
            address,
            http: http(),
        }
    }

    pub(super) fn port(&self) -> u16 {
        self.address.rsplit_once(':').unwrap().1.parse().unwrap()
    }

    /// The texts that a phone received, oldest first.
    pub(super) async fn texts(&self, number: &str) -> Vec<String> {
        let url = format!("http://{}/sim/phones/{number}", self.address);
        let phone = Answer::of(self.http.get(url)).await.json();
        let items = phone["items"].as_array().unwrap();
        let text = |item: &Value| item["text"].as_str().unwrap().to_owned();
        items.iter().map(text).collect()
    }

    /// The code in the only message that a phone received.
    pub(super) async fn code(&self, number: &str) -> String {
        let texts = self.texts(number).await;
        assert_eq!(texts.len(), 1, "{number} received {texts:?}");
        code_of(&texts[0])
    }

    /// Tells the platform how to answer from now on.
    pub(super) async fn answer_with(&self, answer: &str) {
        let url = format!("http://{}/sim/platform", self.address);
        let body = json!({ "answer": answer }).to_string();
        let answer = Answer::of(self.http.put(url).body(body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

impl Service {
    pub(super) async fn start(settings: &Settings) -> Self {
        Self::start_by(settings, |command| command).await
    }

    /// Starts it by a command that `change` makes of the plain one.
    pub(super) async fn start_by(
        settings: &Settings,
        change: impl Fn(std::process::Command) -> std::process::Command,
    ) -> Self {
        Self::start_with(|port| settings.text(port), change).await
    }

    /// Starts it with the configuration that `text` writes for a port.
    pub(crate) async fn start_with(
        text: impl Fn(u16) -> String,
        change: impl Fn(std::process::Command) -> std::process::Command,
    ) -> Self {
        let directory = Arc::new(tempfile::tempdir().unwrap());
        let config = directory.path().join("countersign.toml");
        loop {
            let port = free_port();
            fs::write(&config, text(port)).unwrap();
            let serve = countersign(&["serve", "--config", config.to_str().unwrap()]);
            let process = Process::spawn(change(serve));
            let mut service = Self {
                process,
                client: Caller::new(&format!("http://127.0.0.1:{port}"), ""),
                config: config.clone(),
                directory: directory.clone(),
            };
            if service.is_ready().await {
                service.client.key = service.new_key().await;
                return service;
            }
            // Somebody else was faster at the port: take another.
            let said = service.process.said();
            assert!(said.contains("cannot listen"), "{said}");
        }
    }

    /// Starts it again on the same port, after it ended or was killed.
    pub(crate) async fn restart(&mut self) {
        let config = self.config.to_str().unwrap().to_owned();
        self.process = Process::spawn(countersign(&["serve", "--config", &config]));
        assert!(self.is_ready().await, "{}", self.process.said());
    }

    /// Waits until it is ready; `false` when it ends first.
    async fn is_ready(&mut self) -> bool {
        let start = Instant::now();
        loop {
            if self.process.status().is_some() {
                self.process.ended().await;
                return false;
            }
            if self.client.readiness().await == Some(200) {
                return true;
            }
            assert!(start.elapsed() < PATIENCE, "{}", self.process.said());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(super) async fn new_key(&self) -> String {
        let arguments = ["key", "create", "--tenant", "acme"];
        let printed = run_with(&self.config, &arguments).await.succeeded();
        printed.trim_end().to_owned()
    }

    /// Where its files are.
    pub(super) fn directory(&self) -> &std::path::Path {
        self.directory.path()
    }
}

impl Caller {
    /// `key`: empty for none.
    pub(crate) fn new(base: &str, key: &str) -> Self {
        Self {
            base: base.to_owned(),
            key: key.to_owned(),
            http: http(),
        }
    }

    /// `POST path`; `None` when no answer came.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Option<Answer> {
        self.ask(Method::POST, path, body.to_string()).await
    }

    /// Sends a code.
    pub(crate) async fn send(&self, number: &str) -> Option<Answer> {
        self.post("/otp/send", &json!({ "to": number })).await
    }

    /// Sends a code under an `Idempotency-Key`.
    pub(crate) async fn send_once(&self, number: &str, key: &str) -> Option<Answer> {
        let body = json!({ "to": number }).to_string();
        let request = self.request(Method::POST, "/otp/send", body);
        answer_to(request.header("Idempotency-Key", key)).await
    }

    /// Sends a code, which must be answered with 201, and gives the id.
    pub(crate) async fn sent(&self, number: &str) -> String {
        let answer = self.send(number).await.unwrap();
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.id()
    }

    pub(crate) async fn verify(&self, id: &str, code: &str) -> Option<Answer> {
        self.post("/otp/verify", &json!({ "id": id, "code": code }))
            .await
    }

    pub(crate) async fn status(&self, id: &str) -> Value {
        let answer = self
            .ask(Method::GET, &format!("/otp/{id}"), String::new())
            .await
            .unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    pub(crate) async fn readiness(&self) -> Option<u16> {
        let answer = self.ask(Method::GET, "/readyz", String::new()).await;
        answer.map(|answer| answer.status)
    }

    /// Waits until the message of a verification is known to be sent.
    pub(crate) async fn until_sent(&self, id: &str) {
        eventually("the message is sent", PATIENCE, async || {
            was_sent(&self.status(id).await)
        })
        .await;
    }

    pub(crate) async fn ask(&self, method: Method, path: &str, body: String) -> Option<Answer> {
        answer_to(self.request(method, path, body)).await
    }

    fn request(&self, method: Method, path: &str, body: String) -> reqwest::RequestBuilder {
        let request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .header("Content-Type", "application/json")
            .body(body);
        if self.key.is_empty() {
            return request;
        }
        request.bearer_auth(&self.key)
    }
}

/// `None` when no answer came.
async fn answer_to(request: reqwest::RequestBuilder) -> Option<Answer> {
    let response = request.send().await.ok()?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.ok()?;
    Some(Answer {
        status,
        headers,
        text,
    })
}

impl Answer {
    /// The id of the verification that it tells of.
    pub(crate) fn id(&self) -> String {
        self.json()["id"].as_str().unwrap().to_owned()
    }
}
