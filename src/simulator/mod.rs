//! A simulated Restcomm with simulated handsets, over real HTTP.
//!
//! It knows nothing of the service: it is what the service (or any other client of Restcomm) talks to
//! where no real platform can be had. It follows Restcomm-Connect wherever a client could notice,
//! except that phone numbers are never normalised and there is one account, an administrator.
//! All memory is bounded; the oldest messages, items and scripts are forgotten first.

mod account;
mod answer;
mod api;
mod callback;
mod control;
mod json;
mod ledger;
mod life;
mod listing;
mod message;
mod phones;
mod reply;
mod script;
mod send;
mod server;
mod xml;

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use actix_web::web;
use serde::Serialize;

pub use self::{
    account::Account,
    life::Reports,
    message::{Failure, Message, Status},
    phones::Item,
    script::{Answer, CallFate, Script, SmsFate},
    server::serve,
};
use self::{answer::Plan, ledger::Ledger, phones::Phones};
use crate::domain::clock::Clock;

/// Where [`Simulator::configure`] mounts the REST API.
pub const REST_PATH: &str = "/sim/restcomm/2012-04-24";

/// Restcomm's own limit for a request body.
const MAX_BODY: usize = 10_000_000;

/// A handle on the platform. Clones share it.
#[derive(Clone)]
pub struct Simulator(Arc<Platform>);

struct Platform {
    account: Account,
    clock: Clock,
    http: reqwest::Client,
    state: Mutex<State>,
    posts: AtomicU64,
    gets: AtomicU64,
    polls: AtomicU64,
    stored: AtomicU64,
}

#[derive(Default)]
struct State {
    ledger: Ledger,
    phones: Phones,
    sends: Plan,
    lookups: Plan,
    reports: Reports,
}

/// What the SMS resources have been asked since the start, refused requests included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Counters {
    pub posts: u64,
    /// For lists.
    pub gets: u64,
    /// For one message.
    pub polls: u64,
    /// How many messages were accepted.
    pub stored: u64,
}

impl Simulator {
    pub fn new(account: Account, clock: Clock) -> Self {
        Self(Arc::new(Platform {
            account,
            clock,
            http: callback::client(),
            state: Mutex::default(),
            posts: AtomicU64::new(0),
            gets: AtomicU64::new(0),
            polls: AtomicU64::new(0),
            stored: AtomicU64::new(0),
        }))
    }

    /// Mounts the REST API at [`REST_PATH`], the phones at `/sim/phones` and the switches at `/sim/platform`.
    pub fn configure(&self, cfg: &mut web::ServiceConfig) {
        self.configure_rest(cfg, REST_PATH);
        let simulator = web::Data::new(self.clone());
        cfg.service(
            web::resource("/sim/phones/{number}")
                .app_data(simulator.clone())
                .route(web::get().to(control::show_phone))
                .route(web::put().to(control::script_phone)),
        )
        .service(
            web::resource("/sim/platform")
                .app_data(simulator)
                .route(web::get().to(control::show_platform))
                .route(web::put().to(control::script_platform)),
        );
    }

    /// Mounts the REST API alone, at a path that ends in the API version.
    pub fn configure_rest(&self, cfg: &mut web::ServiceConfig, path: &str) {
        cfg.service(
            web::resource(format!("{path}/{{tail:.*}}"))
                .app_data(web::Data::new(self.clone()))
                .app_data(web::PayloadConfig::new(MAX_BODY))
                .to(api::dispatch),
        );
    }

    /// What the phone received, newest last.
    pub fn inbox(&self, number: &str) -> Vec<Item> {
        self.state().phones.inbox(number)
    }

    /// The texts of the SMS among [`Simulator::inbox`].
    pub fn texts(&self, number: &str) -> Vec<String> {
        let sms = self
            .inbox(number)
            .into_iter()
            .map(|Item::Sms { text, .. }| text);
        sms.collect()
    }

    /// Decides what becomes of whatever is sent to this number from now on.
    pub fn script(&self, number: &str, script: Script) {
        self.state().phones.follow(number, script);
    }

    /// Decides how the next requests to send are answered: `times` of them, or all.
    pub fn answer_sends(&self, answer: Answer, times: Option<u32>) {
        self.state().sends = Plan::new(answer, times);
    }

    /// The same for looking up one message or a list of them.
    pub fn answer_lookups(&self, answer: Answer, times: Option<u32>) {
        self.state().lookups = Plan::new(answer, times);
    }

    /// Decides how much the platform learns of what becomes of messages, and tells.
    pub fn report(&self, reports: Reports) {
        self.state().reports = reports;
    }

    /// Every message the platform remembers, oldest first.
    pub fn messages(&self) -> Vec<Message> {
        self.state().ledger.oldest_first().cloned().collect()
    }

    pub fn requests(&self) -> Counters {
        Counters {
            posts: self.0.posts.load(Ordering::Relaxed),
            gets: self.0.gets.load(Ordering::Relaxed),
            polls: self.0.polls.load(Ordering::Relaxed),
            stored: self.0.stored.load(Ordering::Relaxed),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing is left half done by a panic that would make the rest unusable.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Simulator({:?})", self.0.account)
    }
}
