//! Is this the code? The rule that decides whether somebody is approved.

use super::{
    clock::Timestamp,
    code::Code,
    failures::Block,
    id::Id,
    ledger::{Ledger, Op},
    verification::{Status, Verification},
};
use crate::crypto::{KeyRing, UnderEveryKey};

/// A code is submitted.
#[derive(Clone, Debug)]
pub struct Check {
    pub tenant: String,
    /// Hash of the API key that asks; `None`: the caller needs none.
    pub key: Option<[u8; 32]>,
    pub target: Target,
    pub code: Code,
}

/// Which verification is meant.
#[derive(Clone, Debug)]
pub enum Target {
    Id(Id),
    /// The youngest of a number and purpose.
    Number {
        index: UnderEveryKey<[u8; 32]>,
        purpose: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckOutcome {
    /// The one and only approval of this verification.
    Approved(Box<Verification>),
    Wrong {
        attempts_left: u8,
    },
    /// The verification had ended before; it tells how.
    Ended(Box<Verification>),
    /// The number is blocked; the guess was not evaluated.
    Blocked(Block),
    /// No such verification, or another tenant's.
    Unknown,
    KeyRefused,
    /// The code's key is missing from the ring; the guess was not evaluated.
    Undecidable,
}

impl Check {
    pub fn decide(
        &self,
        ledger: &mut Ledger,
        ring: &KeyRing,
        op: Op,
        now: Timestamp,
    ) -> CheckOutcome {
        if !ledger.admits(self.key, now) {
            return CheckOutcome::KeyRefused;
        }
        let found = match &self.target {
            Target::Id(id) => ledger.settled(*id, now),
            Target::Number { index, purpose } => ledger.youngest(index, purpose, now),
        };
        let Some(mut verification) = found.filter(|found| found.tenant == self.tenant) else {
            return CheckOutcome::Unknown;
        };
        if verification.status != Status::Pending {
            ledger.put_verification(verification.clone(), now, op);
            return CheckOutcome::Ended(Box::new(verification));
        }
        let index = match &self.target {
            Target::Id(_) => ledger.index_of(&verification),
            Target::Number { index, .. } => index.clone(),
        };
        let mut budget = ledger.budget(&index, op);
        if let Some(block) = budget.block(now) {
            return CheckOutcome::Blocked(block);
        }
        let Ok(right) = verification.code_matches(&self.code, ring) else {
            return CheckOutcome::Undecidable;
        };
        let outcome = if right {
            budget.succeed();
            verification.end(Status::Approved, None, now);
            verification.approved_at = Some(now);
            CheckOutcome::Approved(Box::new(verification.clone()))
        } else {
            budget.fail(now);
            verification.wrong_at.push(now);
            let attempts_left = verification.attempts_left();
            if attempts_left == 0 {
                verification.end(Status::MaxAttemptsReached, None, now);
            }
            CheckOutcome::Wrong { attempts_left }
        };
        ledger.budgets.put(index.newest, budget, op);
        ledger.put_verification(verification, now, op);
        outcome
    }
}
