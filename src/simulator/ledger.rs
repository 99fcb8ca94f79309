//! The messages the platform knows, or the calls: the newest hundred thousand of them.

use std::collections::{HashMap, VecDeque};

const CAPACITY: usize = 100_000;

/// What the platform remembers under a name of its own.
pub(super) trait Record {
    fn sid(&self) -> &str;
}

/// Records in order of creation. A record's serial number minus that of the first one is its place.
pub(super) struct Ledger<R> {
    records: VecDeque<R>,
    first: usize,
    serials: HashMap<String, usize>,
}

// Derived, it would ask the same of the records.
impl<R> Default for Ledger<R> {
    fn default() -> Self {
        Self {
            records: VecDeque::new(),
            first: 0,
            serials: HashMap::new(),
        }
    }
}

impl<R: Record> Ledger<R> {
    pub(super) fn store(&mut self, record: R) {
        if self.records.len() == CAPACITY
            && let Some(oldest) = self.records.pop_front()
        {
            self.serials.remove(oldest.sid());
            self.first += 1;
        }
        let serial = self.first + self.records.len();
        self.serials.insert(record.sid().to_owned(), serial);
        self.records.push_back(record);
    }

    pub(super) fn get(&self, sid: &str) -> Option<&R> {
        let serial = self.serials.get(sid)?;
        self.records.get(serial - self.first)
    }

    pub(super) fn get_mut(&mut self, sid: &str) -> Option<&mut R> {
        let serial = self.serials.get(sid)?;
        self.records.get_mut(serial - self.first)
    }

    pub(super) fn oldest_first(&self) -> impl DoubleEndedIterator<Item = &R> {
        self.records.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Numbered(String);

    impl Record for Numbered {
        fn sid(&self) -> &str {
            &self.0
        }
    }

    #[test]
    fn the_oldest_records_are_forgotten_and_the_others_still_found() {
        let mut ledger = Ledger::default();
        for number in 0..CAPACITY + 3 {
            ledger.store(Numbered(format!("SM{number}")));
        }
        assert_eq!(ledger.oldest_first().count(), CAPACITY);
        assert!(ledger.get("SM2").is_none());
        assert_eq!(ledger.get("SM3").map(Record::sid), Some("SM3"));
        let last = format!("SM{}", CAPACITY + 2);
        assert_eq!(
            ledger.get_mut(&last).map(|found| found.0.clone()),
            Some(last)
        );
    }
}
