//! The calls that are live, and which phone each of them engages.

use std::collections::HashMap;

use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use super::Call;
use crate::{
    domain::clock::Timestamp,
    simulator::{
        State,
        phones::{Item, Phones},
        script::CallFate,
    },
};

/// More calls than this at once, and the network takes no other.
const MOST_LINES: usize = 10_000;
/// Orders that wait for one call; whoever gives another waits with them.
const ORDERS: usize = 64;
/// What one call may say, in bytes.
const MOST_SPOKEN: usize = 64 * 1024;

/// What somebody wants of a live call: the first four are the phone's, the last two its client's.
pub(super) enum Order {
    Answer,
    Decline,
    HangUp,
    Keys(String),
    /// Unless it was answered.
    Cancel,
    Complete,
}

/// An order, and where to say whether it could be followed, once it was.
pub(super) type Asked = (Order, oneshot::Sender<bool>);

/// One live call. Deliberately without `Debug`: what is spoken may hold a code.
pub(super) struct Line {
    /// Canonical.
    pub(super) number: String,
    from: String,
    orders: mpsc::Sender<Asked>,
    /// What the phone shows of it, from when it rings on.
    item: Option<u64>,
    pub(super) rings: Option<Timestamp>,
    /// When it was answered, or ended.
    pub(super) rang_until: Option<Timestamp>,
    pub(super) answered: bool,
    spoken: String,
    language: Option<String>,
    pub(super) listening: bool,
}

impl Line {
    pub(super) fn ring(&mut self, phones: &mut Phones, at: Timestamp) {
        self.rings = Some(at);
        self.item = Some(phones.receive(&self.number, self.item(at, at)));
    }

    pub(super) fn say(&mut self, text: &str, language: &str) {
        self.language = Some(language.to_owned());
        if text.is_empty() || MOST_SPOKEN < self.spoken.len() + text.len() {
            return;
        }
        if !self.spoken.is_empty() {
            self.spoken.push(' ');
        }
        self.spoken.push_str(text);
    }

    /// Brings what the phone shows up to date.
    pub(super) fn show(&self, phones: &mut Phones, now: Timestamp) {
        if let (Some(serial), Some(since)) = (self.item, self.rings) {
            phones.update(&self.number, serial, self.item(since, now));
        }
    }

    fn item(&self, since: Timestamp, now: Timestamp) -> Item {
        Item::Call {
            from: self.from.clone(),
            answered: self.answered,
            spoken: self.spoken.clone(),
            rang_seconds: since.until(self.rang_until.unwrap_or(now)).as_secs(),
            at: since,
        }
    }
}

/// What a phone shows of the call that it rings for, or that it took.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct LiveCall {
    pub sid: String,
    pub from: String,
    pub status: &'static str,
    pub spoken: String,
    /// Of what was said last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Keys are waited for.
    pub listening: bool,
}

#[derive(Default)]
pub(in crate::simulator) struct Lines {
    live: HashMap<String, Line>,
    /// Canonical numbers, and the sid of the call that each is engaged with.
    engaged: HashMap<String, String>,
}

impl Lines {
    /// Takes a call up, and tells what becomes of it: a phone has one call at a time.
    pub(super) fn open(
        &mut self,
        call: &Call,
        number: String,
        scripted: CallFate,
    ) -> (CallFate, mpsc::Receiver<Asked>) {
        let fate = if MOST_LINES <= self.live.len() {
            CallFate::Fail
        } else if self.engaged.contains_key(&number) && scripted != CallFate::Fail {
            CallFate::Busy
        } else {
            scripted
        };
        if matches!(fate, CallFate::Answer | CallFate::Ignore) {
            self.engaged.insert(number.clone(), call.sid.clone());
        }
        let (orders, given) = mpsc::channel(ORDERS);
        let line = Line {
            number,
            from: call.from.clone(),
            orders,
            item: None,
            rings: None,
            rang_until: None,
            answered: false,
            spoken: String::new(),
            language: None,
            listening: false,
        };
        self.live.insert(call.sid.clone(), line);
        (fate, given)
    }

    pub(super) fn close(&mut self, sid: &str) -> Option<Line> {
        let line = self.live.remove(sid)?;
        if self.engaged.get(&line.number).is_some_and(|by| by == sid) {
            self.engaged.remove(&line.number);
        }
        Some(line)
    }

    pub(super) fn is_live(&self, sid: &str) -> bool {
        self.live.contains_key(sid)
    }

    pub(super) fn orders(&self, sid: &str) -> Option<mpsc::Sender<Asked>> {
        Some(self.live.get(sid)?.orders.clone())
    }

    /// The call that this phone rings for, or took.
    pub(super) fn on(&self, number: &str) -> Option<LiveCall> {
        let (sid, line) = self.line(number)?;
        line.rings?;
        Some(LiveCall {
            sid: sid.clone(),
            from: line.from.clone(),
            status: if line.answered {
                "in-progress"
            } else {
                "ringing"
            },
            spoken: line.spoken.clone(),
            language: line.language.clone(),
            listening: line.listening,
        })
    }

    /// Brings what this phone shows of its live call up to date.
    pub(in crate::simulator) fn show(&self, number: &str, phones: &mut Phones, now: Timestamp) {
        if let Some((_, line)) = self.line(number) {
            line.show(phones, now);
        }
    }

    /// By canonical number.
    fn line(&self, number: &str) -> Option<(&String, &Line)> {
        let sid = self.engaged.get(number)?;
        Some((sid, self.live.get(sid)?))
    }
}

impl State {
    /// Takes over what became of a call.
    pub(super) fn keep(&mut self, call: &Call) {
        if let Some(stored) = self.calls.get_mut(&call.sid) {
            stored.clone_from(call);
        }
    }

    /// Does something with a live call and its phone.
    pub(super) fn with_line(&mut self, sid: &str, act: impl FnOnce(&mut Line, &mut Phones)) {
        let Self { lines, phones, .. } = self;
        if let Some(line) = lines.live.get_mut(sid) {
            act(line, phones);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::simulator::{Address, CallStatus, Method};

    fn call(number: usize) -> Call {
        let now = Timestamp::from_millis(0);
        Call {
            sid: format!("CA{number}"),
            created: now,
            updated: now,
            started: now,
            ended: None,
            from: String::new(),
            to: String::new(),
            status: CallStatus::Queued,
            answered: false,
            duration: None,
            ring_duration: None,
            api_version: String::new(),
            rcml: Address {
                url: String::new(),
                method: Method::Post,
            },
            fallback: None,
            callback: None,
            timeout: Duration::ZERO,
        }
    }

    fn open(lines: &mut Lines, sid: usize, phone: &str, scripted: CallFate) -> CallFate {
        lines.open(&call(sid), phone.to_owned(), scripted).0
    }

    #[test]
    fn a_phone_is_engaged_until_its_own_call_ends() {
        let mut lines = Lines::default();
        assert_eq!(
            open(&mut lines, 1, "+1", CallFate::Ignore),
            CallFate::Ignore
        );
        assert_eq!(open(&mut lines, 2, "+1", CallFate::Answer), CallFate::Busy);
        assert_eq!(open(&mut lines, 3, "+1", CallFate::Fail), CallFate::Fail);
        assert_eq!(
            open(&mut lines, 4, "+2", CallFate::Answer),
            CallFate::Answer
        );
        lines.close("CA2");
        assert_eq!(open(&mut lines, 5, "+1", CallFate::Answer), CallFate::Busy);
        lines.close("CA1");
        assert_eq!(
            open(&mut lines, 6, "+1", CallFate::Answer),
            CallFate::Answer
        );
        assert!(lines.is_live("CA6") && !lines.is_live("CA1"));
    }

    #[test]
    fn a_network_that_is_full_takes_no_call() {
        let mut lines = Lines::default();
        for number in 0..MOST_LINES {
            let phone = format!("+{number}");
            assert_eq!(
                open(&mut lines, number, &phone, CallFate::Answer),
                CallFate::Answer
            );
        }
        assert_eq!(
            open(&mut lines, MOST_LINES, "+x", CallFate::Answer),
            CallFate::Fail
        );
    }

    #[test]
    fn what_one_call_may_say_is_bounded() {
        let mut lines = Lines::default();
        open(&mut lines, 1, "+1", CallFate::Answer);
        let line = lines.live.get_mut("CA1").unwrap();
        line.say("one", "en");
        line.say("", "de");
        line.say("two", "fr");
        line.say(&"x".repeat(MOST_SPOKEN), "es");
        assert_eq!(
            (&*line.spoken, line.language.as_deref()),
            ("one two", Some("es"))
        );
    }
}
