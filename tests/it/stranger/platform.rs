//! What the platform knows: accounts, messages, and how it was set up.

use std::{collections::HashMap, time::Duration};

use countersign::domain::clock::Timestamp;
use jiff::tz::Offset;
use tokio::time::Instant;

use super::{
    callbacks::{Fate, Way},
    calling::{Callee, SYNTHESIZERS},
    calls::Call,
    manners::Manners,
    resource::Sms,
};
use crate::app::{SID, TOKEN};

pub(super) struct Platform {
    pub(super) account: Account,
    /// Another tenant's, whose messages are none of ours.
    pub(super) foreign: Account,
    pub(super) route: Route,
    /// `normalize-numbers-for-outbound-calls`.
    pub(super) normalizes: bool,
    /// How much the clock of the machine is behind.
    pub(super) behind: Duration,
    /// The time zone of the machine.
    pub(super) zone: Offset,
    pub(super) messages: Vec<Sms>,
    /// What becomes of messages from now on.
    pub(super) fate: Fate,
    pub(super) sends: Manners,
    pub(super) lists: Manners,
    pub(super) reads: Manners,
    pub(super) calls: Vec<Call>,
    /// What becomes of calls to a number; to all others: they are answered.
    pub(super) callees: HashMap<String, Callee>,
    pub(super) call_way: Way,
    /// Its name, and the languages it knows.
    pub(super) synthesizer: (&'static str, &'static str),
    /// How long a second of ringing takes.
    pub(super) second: Duration,
    pub(super) call_sends: Manners,
    pub(super) call_lists: Manners,
    pub(super) call_reads: Manners,
    /// Requests that are being answered, and the most there ever were at once.
    pub(super) running: usize,
    pub(super) most_running: usize,
    /// When each request came.
    pub(super) arrivals: Vec<Instant>,
    /// What callbacks were answered with: status and body; `None`: nothing.
    pub(super) called_back: Vec<Option<(u16, String)>>,
}

pub(super) struct Account {
    pub(super) sid: String,
    pub(super) token: String,
    pub(super) standing: Standing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Active,
    Suspended,
    /// Its role has no `RestComm:Create:SmsMessages`.
    MayOnlyRead,
}

/// How messages leave the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Smpp,
    Sip,
}

impl Platform {
    pub(super) fn new() -> Self {
        let account = |sid: &str, token: &str| Account {
            sid: sid.to_owned(),
            token: token.to_owned(),
            standing: Standing::Active,
        };
        Self {
            account: account(SID, TOKEN),
            foreign: account(
                "AC99999999999999999999999999999999",
                "0123456789abcdef0123456789abcdef",
            ),
            route: Route::Smpp,
            normalizes: false,
            behind: Duration::ZERO,
            zone: Offset::from_seconds(-(3 * 60 + 30) * 60).unwrap(),
            messages: Vec::new(),
            fate: Fate::nothing(),
            sends: Manners::default(),
            lists: Manners::default(),
            reads: Manners::default(),
            calls: Vec::new(),
            callees: HashMap::new(),
            call_way: Way::Posted,
            synthesizer: SYNTHESIZERS[0],
            second: Duration::from_millis(100),
            call_sends: Manners::default(),
            call_lists: Manners::default(),
            call_reads: Manners::default(),
            running: 0,
            most_running: 0,
            arrivals: Vec::new(),
            called_back: Vec::new(),
        }
    }

    /// The account that these credentials are those of.
    pub(super) fn authenticate(&self, user: &str, token: &str) -> Option<&Account> {
        let mut accounts = [&self.account, &self.foreign].into_iter();
        accounts.find(|account| account.sid == user && account.token == token)
    }

    pub(super) fn message(&mut self, sid: &str) -> &mut Sms {
        let mut messages = self.messages.iter_mut();
        messages.find(|message| message.sid == sid).unwrap()
    }

    pub(super) fn call(&self, sid: &str) -> &Call {
        let mut calls = self.calls.iter();
        calls.find(|call| call.sid == sid).unwrap()
    }

    /// RFC 2822, but for the day, which has one digit where one is enough; in the machine's own time.
    pub(super) fn date(&self, at: Timestamp) -> String {
        self.written(at, "%a, %-d %b %Y %H:%M:%S %z")
    }

    pub(super) fn iso(&self, at: Timestamp) -> String {
        self.written(at, "%Y-%m-%dT%H:%M:%S%.3f%:z")
    }

    /// As callbacks of calls have it.
    pub(super) fn stamp(&self, at: Timestamp) -> String {
        let here = self.written(at, "%a, %d %b %Y %H:%M:%S");
        format!("{here} America/St_Johns")
    }

    fn written(&self, at: Timestamp, format: &str) -> String {
        let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap();
        let here = at.to_zoned(self.zone.to_time_zone());
        jiff::fmt::strtime::format(format, &here).unwrap()
    }
}

/// As the head of an answer has it.
pub(super) fn http_date(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap();
    jiff::fmt::strtime::format("%a, %d %b %Y %H:%M:%S GMT", at).unwrap()
}
