//! The simulated Restcomm, spoken to over real HTTP as a client would.

mod auth;
mod by_hand;
mod call_lists;
mod callbacks;
mod calls;
mod client;
mod lists;
mod phones;
mod platform;
mod progress;
mod sends;
mod server;
mod speech;

use std::{net::TcpListener, time::Duration};

use countersign::{
    domain::clock::{Clock, Timestamp},
    simulator::{Account, Simulator, serve},
};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

const SID: &str = "AC00000000000000000000000000000001";
const TOKEN: &str = "77f8c12cc7b8f8423e5c38b035249166";
/// Saturday 2026-01-31T12:00:00Z.
const NOON: Timestamp = Timestamp::from_millis(1_769_860_800_000);

/// A simulator on its own port, with its clock in our hands.
struct World {
    simulator: Simulator,
    clock: Clock,
    http: Client,
    base: String,
}

impl World {
    fn new() -> Self {
        Self::with_shutdown(std::future::pending())
    }

    fn with_shutdown(shutdown: impl Future<Output = ()> + Send + 'static) -> Self {
        let account = Account::parse(&format!("{SID}:{TOKEN}")).unwrap();
        let clock = Clock::manual(NOON);
        let simulator = Simulator::new(account, clock.clone());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(serve(listener, simulator.clone(), shutdown));
        let http = Client::builder()
            .no_proxy()
            .tls_certs_only([])
            .build()
            .unwrap();
        Self {
            simulator,
            clock,
            http,
            base,
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    /// An authenticated request below `SMS`.
    fn rest(&self, method: Method, tail: &str) -> RequestBuilder {
        let path = format!("/sim/restcomm/2012-04-24/Accounts/{SID}/SMS/{tail}");
        self.request(method, &path).basic_auth(SID, Some(TOKEN))
    }

    fn post(&self, form: &[(&str, &str)]) -> RequestBuilder {
        self.rest(Method::POST, "Messages.json").form(form)
    }

    /// Sends an SMS and gives back its sid.
    async fn send(&self, to: &str, body: &str) -> String {
        let form = [("From", "OTPApp"), ("To", to), ("Body", body)];
        let (status, answer) = json_of(self.post(&form)).await;
        assert_eq!(status, 200);
        answer["sid"].as_str().unwrap().to_owned()
    }

    async fn message(&self, sid: &str) -> Value {
        let (status, message) =
            json_of(self.rest(Method::GET, &format!("Messages/{sid}.json"))).await;
        assert_eq!(status, 200);
        message
    }

    async fn script(&self, path: &str, script: Value) -> (u16, Value) {
        json_of(self.request(Method::PUT, path).body(script.to_string())).await
    }

    async fn phone(&self, number: &str) -> Value {
        let (status, phone) =
            json_of(self.request(Method::GET, &format!("/sim/phones/{number}"))).await;
        assert_eq!(status, 200);
        phone
    }

    /// Moves the clock; what it set off happens on the server's threads, so wait for it to show.
    async fn advance_until(&self, millis: u64, done: impl Fn(&Simulator) -> bool) {
        self.clock.advance(Duration::from_millis(millis));
        let shows = async {
            while !done(&self.simulator) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(crate::app::PATIENCE, shows)
            .await
            .unwrap();
    }

    async fn advance_to_status(&self, millis: u64, status: &str) {
        self.advance_until(millis, |simulator| {
            simulator
                .messages()
                .iter()
                .all(|message| message.status.as_str() == status)
        })
        .await;
    }
}

async fn text_of(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

async fn json_of(request: RequestBuilder) -> (u16, Value) {
    let (status, text) = text_of(request).await;
    (status, serde_json::from_str(&text).unwrap())
}

fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap())
}

fn no_items(number: &str) -> Value {
    json!({ "number": number, "items": [] })
}
