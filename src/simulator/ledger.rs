//! The messages the platform knows, the newest hundred thousand of them.

use std::collections::{HashMap, VecDeque};

use super::message::Message;

const CAPACITY: usize = 100_000;

/// Messages in order of creation. A message's serial number minus that of the first one is its place.
#[derive(Default)]
pub(super) struct Ledger {
    messages: VecDeque<Message>,
    first: usize,
    serials: HashMap<String, usize>,
}

impl Ledger {
    pub(super) fn store(&mut self, message: Message) {
        if self.messages.len() == CAPACITY
            && let Some(oldest) = self.messages.pop_front()
        {
            self.serials.remove(&oldest.sid);
            self.first += 1;
        }
        let serial = self.first + self.messages.len();
        self.serials.insert(message.sid.clone(), serial);
        self.messages.push_back(message);
    }

    pub(super) fn get(&self, sid: &str) -> Option<&Message> {
        let serial = self.serials.get(sid)?;
        self.messages.get(serial - self.first)
    }

    pub(super) fn get_mut(&mut self, sid: &str) -> Option<&mut Message> {
        let serial = self.serials.get(sid)?;
        self.messages.get_mut(serial - self.first)
    }

    pub(super) fn oldest_first(&self) -> impl DoubleEndedIterator<Item = &Message> {
        self.messages.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::clock::Timestamp, simulator::message::Status};

    fn message(number: usize) -> Message {
        Message {
            sid: format!("SM{number}"),
            created: Timestamp::from_millis(0),
            updated: Timestamp::from_millis(0),
            sent: None,
            from: String::new(),
            to: String::new(),
            body: String::new(),
            status: Status::Sending,
            failure: None,
            api_version: String::new(),
            encoding: None,
            callback: None,
        }
    }

    #[test]
    fn the_oldest_messages_are_forgotten_and_the_others_still_found() {
        let mut ledger = Ledger::default();
        for number in 0..CAPACITY + 3 {
            ledger.store(message(number));
        }
        assert_eq!(ledger.oldest_first().count(), CAPACITY);
        assert!(ledger.get("SM2").is_none());
        assert_eq!(ledger.get("SM3").map(|found| &*found.sid), Some("SM3"));
        let last = format!("SM{}", CAPACITY + 2);
        assert_eq!(
            ledger.get_mut(&last).map(|found| found.sid.clone()),
            Some(last)
        );
    }
}
