//! The rows that one batch has locked. Decisions read and write here; the store loads it before and writes it after.

use std::{collections::HashMap, hash::Hash};

use super::{
    clock::Timestamp,
    delivery::{Delivery, DeliveryReason},
    failures::FailureBudget,
    id::Id,
    idempotency::Remembered,
    key::KeyState,
    limits::Counter,
    verification::{Status, Verification},
};
use crate::crypto::UnderEveryKey;

/// Random name of a command, kept in the rows it changes, so that a commit of unknown fate can be read back.
pub type Op = [u8; 16];

/// Everything one batch decides on.
#[derive(Debug, Default)]
pub struct Ledger {
    /// API keys by the hash of their text.
    pub keys: HashMap<[u8; 32], KeyState>,
    /// Sends that bear an `Idempotency-Key`, by a keyed hash of it.
    pub sends: Rows<[u8; 32], Remembered>,
    /// By the number's blind index within its tenant.
    pub budgets: Rows<[u8; 32], FailureBudget>,
    pub counters: Rows<[u8; 16], Counter>,
    pub verifications: Rows<Id, Verification>,
    pub deliveries: Rows<Id, Delivery>,
    /// The youngest verification by number and purpose.
    pub youngest: HashMap<([u8; 32], String), Id>,
    /// For numbers indexed under an older key: their index under every key.
    pub indexes: HashMap<[u8; 32], UnderEveryKey<[u8; 32]>>,
}

/// The locked rows of one table.
#[derive(Debug)]
pub struct Rows<K, V>(HashMap<K, Row<V>>);

#[derive(Debug)]
pub struct Row<V> {
    pub value: V,
    /// What was loaded, once it has changed.
    pub before: Option<V>,
    /// The version that was loaded; 0: the row is new.
    pub version: i64,
    /// The last command of this batch that changed it.
    pub changed_by: Option<Op>,
}

impl<K: Eq + Hash + Copy, V: Clone + PartialEq> Rows<K, V> {
    pub fn load(&mut self, key: K, value: V, version: i64) {
        self.0.insert(
            key,
            Row {
                value,
                before: None,
                version,
                changed_by: None,
            },
        );
    }

    /// Makes room for so many more.
    pub fn reserve(&mut self, more: usize) {
        self.0.reserve(more);
    }

    pub fn get(&self, key: &K) -> Option<&V> {
        self.0.get(key).map(|row| &row.value)
    }

    /// Puts what a command made of a row. A row that stays as it was is not written.
    pub fn put(&mut self, key: K, value: V, op: Op) {
        match self.0.get_mut(&key) {
            Some(row) if row.value == value => {}
            Some(row) => {
                let before = std::mem::replace(&mut row.value, value);
                if row.version != 0 && row.before.is_none() {
                    row.before = Some(before);
                }
                row.changed_by = Some(op);
            }
            None => {
                self.0.insert(
                    key,
                    Row {
                        value,
                        before: None,
                        version: 0,
                        changed_by: Some(op),
                    },
                );
            }
        }
    }

    /// Whether the command `op` was the last to change a row.
    pub fn is_changed_by(&self, key: &K, op: Op) -> bool {
        self.0
            .get(key)
            .is_some_and(|row| row.changed_by == Some(op))
    }

    pub fn row(&self, key: &K) -> Option<&Row<V>> {
        self.0.get(key)
    }

    pub fn row_mut(&mut self, key: &K) -> Option<&mut Row<V>> {
        self.0.get_mut(key)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&K, &Row<V>)> {
        self.0.iter()
    }
}

impl<K, V> Rows<K, V> {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

impl<K, V> Default for Rows<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl Ledger {
    /// Whether the API key that asks is valid at `now`. Who needs none always is.
    pub fn admits(&self, key: Option<[u8; 32]>, now: Timestamp) -> bool {
        key.is_none_or(|hash| {
            self.keys
                .get(&hash)
                .is_some_and(|state| state.is_valid(now))
        })
    }

    /// Under which indexes the number of a verification is counted.
    pub fn index_of(&self, verification: &Verification) -> UnderEveryKey<[u8; 32]> {
        let alone = UnderEveryKey {
            newest: verification.number_index,
            older: Vec::new(),
        };
        self.indexes
            .get(&verification.number_index)
            .cloned()
            .unwrap_or(alone)
    }

    /// The failure budget of a number. What stands under an older key moves to the newest.
    pub fn budget(&mut self, index: &UnderEveryKey<[u8; 32]>, op: Op) -> FailureBudget {
        let mut budget = self.budgets.get(&index.newest).cloned().unwrap_or_default();
        for older in &index.older {
            if let Some(found) = self
                .budgets
                .get(older)
                .filter(|found| **found != FailureBudget::default())
            {
                budget.absorb(found);
                self.budgets.put(*older, FailureBudget::default(), op);
                self.budgets.put(index.newest, budget.clone(), op);
            }
        }
        budget
    }

    /// Writes the failure budget of a number. One that never failed has no row, and needs none.
    pub fn put_budget(&mut self, index: [u8; 32], budget: FailureBudget, op: Op) {
        if budget != FailureBudget::default() || self.budgets.get(&index).is_some() {
            self.budgets.put(index, budget, op);
        }
    }

    /// The counter of a limit. What stands under an older key moves to the newest.
    pub fn counter(&mut self, id: &UnderEveryKey<[u8; 16]>, op: Op) -> Counter {
        let mut counter = self.counters.get(&id.newest).cloned().unwrap_or_default();
        for older in &id.older {
            if let Some(found) = self
                .counters
                .get(older)
                .filter(|found| **found != Counter::default())
            {
                counter.absorb(found.clone());
                self.counters.put(*older, Counter::default(), op);
                self.counters.put(id.newest, counter.clone(), op);
            }
        }
        counter
    }

    /// The youngest verification of a number and purpose, as it stands at `now`.
    pub fn youngest(
        &self,
        index: &UnderEveryKey<[u8; 32]>,
        purpose: &str,
        now: Timestamp,
    ) -> Option<Verification> {
        let ids = index
            .all()
            .filter_map(|index| self.youngest.get(&(*index, purpose.to_owned())));
        self.settled(*ids.max()?, now)
    }

    /// A verification as it stands at `now`.
    pub fn settled(&self, id: Id, now: Timestamp) -> Option<Verification> {
        let mut verification = self.verifications.get(&id)?.clone();
        verification.settle(now);
        Some(verification)
    }

    /// A verification begins: from now on it is the youngest of its number and purpose, also for what comes later in the
    /// same batch.
    pub fn begin(&mut self, verification: &Verification) {
        let subject = (verification.number_index, verification.purpose.clone());
        self.youngest.insert(subject, verification.id);
    }

    /// A delivery led to nothing: it counts against no limit.
    pub fn give_back(&mut self, delivery: &Delivery, now: Timestamp, op: Op) {
        for charge in &delivery.charges {
            if let Some(mut counter) = self.counters.get(charge).cloned() {
                counter.give_back(delivery.created_at, now);
                self.counters.put(*charge, counter, op);
            }
        }
    }

    /// What a delivery of `from` was charged to counts for the one that takes its place at `to`, by whose instant it is
    /// given back.
    pub fn move_charges(&mut self, charges: &[[u8; 16]], from: Timestamp, to: Timestamp, op: Op) {
        for charge in charges {
            if let Some(mut counter) = self.counters.get(charge).cloned() {
                counter.move_charge(from, to);
                self.counters.put(*charge, counter, op);
            }
        }
    }

    /// Writes a verification. With its end, the code and the number of its latest delivery are erased. Where that is not
    /// here, Restcomm has it, and they stood with the verification.
    pub fn put_verification(&mut self, verification: Verification, now: Timestamp, op: Op) {
        if verification.ended_at.is_some()
            && let Some(mut delivery) = self.deliveries.get(&verification.delivery).cloned()
        {
            if verification.status == Status::Approved {
                delivery.prove(now);
            }
            delivery.abandon(DeliveryReason::VerificationEnded, now);
            self.deliveries.put(delivery.id, delivery, op);
        }
        self.verifications.put(verification.id, verification, op);
    }
}
