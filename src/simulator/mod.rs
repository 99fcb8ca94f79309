//! A simulated Restcomm with simulated handsets, over real HTTP.
//!
//! It knows nothing of the service: it is what the service (or any other client of Restcomm) talks to
//! where no real platform can be had. It follows Restcomm-Connect wherever a client could notice,
//! except that phone numbers are never normalised and there is one account, an administrator.
//! All memory is bounded; the oldest messages, items and scripts are forgotten first.

mod account;
mod answer;
mod api;
mod call;
mod callback;
mod control;
mod errand;
mod form;
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
mod sid;
mod tally;
mod xml;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use actix_web::web;

pub use self::{
    account::Account,
    call::{Call, CallReports, CallStatus, Hand, LiveCall},
    errand::{Address, Method},
    life::Reports,
    message::{Failure, Message, Status},
    phones::Item,
    script::{Answer, CallFate, Script, SmsFate},
    server::serve,
    tally::Counters,
};
use self::{
    answer::Plan,
    call::Lines,
    ledger::Ledger,
    phones::{Phones, canonical},
    sid::new_sid,
    tally::Tally,
};
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
    /// What the sids of all its calls begin with.
    instance: String,
    sms: Tally,
    phoning: Tally,
}

#[derive(Default)]
struct State {
    messages: Ledger<Message>,
    calls: Ledger<Call>,
    lines: Lines,
    phones: Phones,
    sends: Plan,
    placings: Plan,
    lookups: Plan,
    reports: Reports,
    call_reports: CallReports,
}

impl Simulator {
    pub fn new(account: Account, clock: Clock) -> Self {
        Self(Arc::new(Platform {
            account,
            clock,
            http: errand::client(),
            state: Mutex::default(),
            instance: new_sid("ID"),
            sms: Tally::default(),
            phoning: Tally::default(),
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
            web::scope("/sim/phones/{number}/call")
                .app_data(simulator.clone())
                .route("", web::get().to(call::show))
                .route("/answer", web::post().to(call::answer))
                .route("/decline", web::post().to(call::decline))
                .route("/hangup", web::post().to(call::hang_up))
                .route("/keys", web::post().to(call::press)),
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
        let now = self.0.clock.now();
        let mut state = self.state();
        let State { lines, phones, .. } = &mut *state;
        lines.show(&canonical(number), phones, now);
        phones.inbox(number)
    }

    /// The texts of the SMS among [`Simulator::inbox`].
    pub fn texts(&self, number: &str) -> Vec<String> {
        let sms = self
            .inbox(number)
            .into_iter()
            .filter_map(|item| match item {
                Item::Sms { text, .. } => Some(text),
                Item::Call { .. } => None,
            });
        sms.collect()
    }

    /// What was said in each of the calls among [`Simulator::inbox`].
    pub fn spoken(&self, number: &str) -> Vec<String> {
        let calls = self
            .inbox(number)
            .into_iter()
            .filter_map(|item| match item {
                Item::Call { spoken, .. } => Some(spoken),
                Item::Sms { .. } => None,
            });
        calls.collect()
    }

    /// Decides what becomes of whatever is sent to this number from now on.
    pub fn script(&self, number: &str, script: Script) {
        self.state().phones.follow(number, script);
    }

    /// Decides how the next requests to send are answered: `times` of them, or all.
    pub fn answer_sends(&self, answer: Answer, times: Option<u32>) {
        self.state().sends = Plan::new(answer, times);
    }

    /// The same for placing calls.
    pub fn answer_calls(&self, answer: Answer, times: Option<u32>) {
        self.state().placings = Plan::new(answer, times);
    }

    /// The same for looking up one message or call, or a list of them.
    pub fn answer_lookups(&self, answer: Answer, times: Option<u32>) {
        self.state().lookups = Plan::new(answer, times);
    }

    /// Decides how much the platform learns of what becomes of messages, and tells.
    pub fn report(&self, reports: Reports) {
        self.state().reports = reports;
    }

    /// The same for calls.
    pub fn report_calls(&self, reports: CallReports) {
        self.state().call_reports = reports;
    }

    /// Every message the platform remembers, oldest first.
    pub fn messages(&self) -> Vec<Message> {
        self.state().messages.oldest_first().cloned().collect()
    }

    /// The same of calls.
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.oldest_first().cloned().collect()
    }

    /// What the SMS resources have been asked.
    pub fn requests(&self) -> Counters {
        self.0.sms.read()
    }

    /// What the resources of calls have been asked.
    pub fn call_requests(&self) -> Counters {
        self.0.phoning.read()
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
