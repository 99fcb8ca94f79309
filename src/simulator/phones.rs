//! The handsets: what arrived on each, and what each was told to do.

use std::{
    borrow::Cow,
    collections::{HashMap, VecDeque},
};

use serde::{Serialize, Serializer};

use super::script::Script;
use crate::domain::clock::Timestamp;

const ITEMS_PER_PHONE: usize = 1_000;
const ITEMS: usize = 100_000;
const SCRIPTS: usize = 100_000;

/// Something a phone received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Item {
    Sms {
        from: String,
        text: String,
        #[serde(serialize_with = "rfc3339")]
        at: Timestamp,
    },
    /// There as soon as the phone rings, and brought up to date as the call goes on.
    Call {
        from: String,
        answered: bool,
        spoken: String,
        rang_seconds: u64,
        #[serde(serialize_with = "rfc3339")]
        at: Timestamp,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn rfc3339<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.rfc3339())
}

/// The name of a phone: a number without its `+` gets one.
pub(super) fn canonical(number: &str) -> Cow<'_, str> {
    if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) {
        Cow::Owned(format!("+{number}"))
    } else {
        Cow::Borrowed(number)
    }
}

/// Keyed by canonical number. Every collection drops its oldest entry when full.
#[derive(Default)]
pub(super) struct Phones {
    inboxes: HashMap<String, VecDeque<(u64, Item)>>,
    /// All items in order of arrival, to know whose turn it is to be forgotten.
    arrivals: VecDeque<(u64, String)>,
    serial: u64,
    scripts: HashMap<String, Script>,
    scripted: VecDeque<String>,
}

impl Phones {
    pub(super) fn inbox(&self, number: &str) -> Vec<Item> {
        let inbox = self.inboxes.get(&*canonical(number));
        inbox
            .into_iter()
            .flatten()
            .map(|(_, item)| item.clone())
            .collect()
    }

    /// Gives back the name under which [`Phones::update`] finds the item.
    pub(super) fn receive(&mut self, number: &str, item: Item) -> u64 {
        let number = canonical(number).into_owned();
        self.serial += 1;
        let inbox = self.inboxes.entry(number.clone()).or_default();
        inbox.push_back((self.serial, item));
        if ITEMS_PER_PHONE < inbox.len() {
            inbox.pop_front();
        }
        self.arrivals.push_back((self.serial, number));
        if ITEMS < self.arrivals.len() {
            self.forget_oldest();
        }
        self.serial
    }

    /// Nothing where the item was forgotten.
    pub(super) fn update(&mut self, number: &str, serial: u64, item: Item) {
        let Some(inbox) = self.inboxes.get_mut(&*canonical(number)) else {
            return;
        };
        if let Ok(place) = inbox.binary_search_by_key(&serial, |(known, _)| *known) {
            inbox[place].1 = item;
        }
    }

    fn forget_oldest(&mut self) {
        let Some((serial, number)) = self.arrivals.pop_front() else {
            return;
        };
        let Some(inbox) = self.inboxes.get_mut(&number) else {
            return;
        };
        // A crowded phone may have dropped that item by itself already.
        inbox.pop_front_if(|(oldest, _)| *oldest <= serial);
        if inbox.is_empty() {
            self.inboxes.remove(&number);
        }
    }

    pub(super) fn script(&self, number: &str) -> Script {
        self.scripts
            .get(&*canonical(number))
            .copied()
            .unwrap_or_default()
    }

    pub(super) fn follow(&mut self, number: &str, script: Script) {
        let number = canonical(number).into_owned();
        if self.scripts.insert(number.clone(), script).is_some() {
            return;
        }
        self.scripted.push_back(number);
        if SCRIPTS < self.scripted.len()
            && let Some(oldest) = self.scripted.pop_front()
        {
            self.scripts.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(text: usize) -> Item {
        Item::Sms {
            from: "OTPApp".into(),
            text: text.to_string(),
            at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn a_number_is_the_same_phone_with_and_without_its_plus() {
        let mut phones = Phones::default();
        phones.receive("351912345678", item(1));
        assert_eq!(phones.inbox("+351912345678"), [item(1)]);
        assert_eq!(canonical("alice"), "alice");
        assert_eq!(canonical(""), "");
    }

    #[test]
    fn an_item_is_brought_up_to_date_in_its_place() {
        let mut phones = Phones::default();
        let first = phones.receive("1", item(1));
        phones.receive("+2", item(2));
        phones.receive("+1", item(3));
        phones.update("+1", first, item(4));
        phones.update("+1", first + 1, item(5));
        assert_eq!(phones.inbox("+1"), [item(4), item(3)]);
        assert_eq!(phones.inbox("+2"), [item(2)]);
    }

    #[test]
    fn a_phone_keeps_its_newest_thousand_items() {
        let mut phones = Phones::default();
        for number in 0..ITEMS_PER_PHONE + 2 {
            phones.receive("+1", item(number));
        }
        let inbox = phones.inbox("+1");
        assert_eq!(inbox.len(), ITEMS_PER_PHONE);
        assert_eq!(inbox.first(), Some(&item(2)));
    }

    #[test]
    fn all_phones_together_keep_the_newest_hundred_thousand_items() {
        let mut phones = Phones::default();
        phones.receive("+1", item(0));
        for number in 0..ITEMS {
            phones.receive(&format!("+2{number}"), item(number));
        }
        assert_eq!(phones.inbox("+1"), []);
        assert_eq!(phones.inbox("+20"), [item(0)]);
        assert_eq!(phones.inboxes.len(), ITEMS);
    }

    #[test]
    fn a_crowded_phone_does_not_lose_an_item_twice() {
        let mut phones = Phones::default();
        for number in 0..ITEMS + 500 {
            phones.receive("+1", item(number));
        }
        assert_eq!(phones.inbox("+1").len(), ITEMS_PER_PHONE);
    }
}
