//! Is this the code? The rule that decides whether somebody is approved.

use super::{
    clock::Timestamp,
    code::Code,
    delivery::Channel,
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
    /// If `code` is a whole number that flash calls are made from: what it ends in.
    pub caller: Option<Code>,
    /// For callers who must not learn why a check failed, not by the time it takes either.
    pub uniform: Option<Decoys>,
}

/// What a check reads and writes where it counts nothing, so that it costs the database as much as a wrong guess.
///
/// A wrong guess reads five tables and writes a budget and a verification. So every uniform check reads these rows,
/// too, and one that counts nothing writes a budget and a counter that stand for nobody. Only the guess that spends
/// the last attempt, and whoever finds first that a time is over, write more: both happen once to a verification.
#[derive(Clone, Debug)]
pub struct Decoys {
    pub budget: [u8; 32],
    pub counter: [u8; 16],
    /// Names no delivery: it is looked for in place of the one that an unknown verification lacks.
    pub delivery: Id,
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
    /// The flash call was guessed at often enough; another code can still be sent.
    CodeSpent,
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
        let outcome = self.judge(ledger, ring, op, now);
        let counts_nothing = matches!(
            outcome,
            CheckOutcome::Ended(_)
                | CheckOutcome::Blocked(_)
                | CheckOutcome::Unknown
                | CheckOutcome::CodeSpent
        );
        if let Some(decoys) = self.uniform.as_ref().filter(|_| counts_nothing) {
            self.pretend(decoys, ledger, op, now);
        }
        outcome
    }

    /// Writes as a wrong guess does.
    fn pretend(&self, decoys: &Decoys, ledger: &mut Ledger, op: Op, now: Timestamp) {
        let mut budget = ledger
            .budgets
            .get(&decoys.budget)
            .cloned()
            .unwrap_or_default();
        budget.touch(now);
        ledger.budgets.put(decoys.budget, budget, op);
        let is_written = |id| ledger.verifications.is_changed_by(id, op);
        if matches!(&self.target, Target::Id(id) if is_written(id)) {
            return;
        }
        let mut counter = ledger
            .counters
            .get(&decoys.counter)
            .cloned()
            .unwrap_or_default();
        counter.touch(now);
        ledger.counters.put(decoys.counter, counter, op);
    }

    fn judge(&self, ledger: &mut Ledger, ring: &KeyRing, op: Op, now: Timestamp) -> CheckOutcome {
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
        if verification.attempts_left() == 0 {
            return CheckOutcome::CodeSpent;
        }
        let given = match (&self.caller, verification.channel) {
            (Some(ending), Channel::Flashcall) => ending,
            _ => &self.code,
        };
        let Ok(right) = verification.code_matches(given, ring) else {
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
            if verification.is_spent() {
                verification.end(Status::MaxAttemptsReached, None, now);
            }
            CheckOutcome::Wrong { attempts_left }
        };
        ledger.put_budget(index.newest, budget, op);
        ledger.put_verification(verification, now, op);
        outcome
    }
}
