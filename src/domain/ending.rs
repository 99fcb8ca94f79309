//! Ends that are not decided by a code: somebody cancels, or time runs out.

use super::{
    clock::Timestamp,
    id::Id,
    ledger::{Ledger, Op},
    verification::{Status, Verification},
};

/// A pending verification is to end.
#[derive(Clone, Debug)]
pub struct Cancel {
    pub tenant: String,
    pub key: Option<[u8; 32]>,
    pub id: Id,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CancelOutcome {
    /// It is canceled, now or since an earlier call.
    Canceled(Box<Verification>),
    /// It had ended otherwise before.
    Ended(Box<Verification>),
    Unknown,
    KeyRefused,
}

impl Cancel {
    pub fn decide(&self, ledger: &mut Ledger, op: Op, now: Timestamp) -> CancelOutcome {
        if !ledger.admits(self.key, now) {
            return CancelOutcome::KeyRefused;
        }
        let Some(mut verification) = ledger
            .settled(self.id, now)
            .filter(|found| found.tenant == self.tenant)
        else {
            return CancelOutcome::Unknown;
        };
        if verification.status == Status::Pending {
            verification.end(Status::Canceled, None, now);
        }
        ledger.put_verification(verification.clone(), now, op);
        if verification.status == Status::Canceled {
            CancelOutcome::Canceled(Box::new(verification))
        } else {
            CancelOutcome::Ended(Box::new(verification))
        }
    }
}

/// Notes that the time of a verification is over, and erases its code.
pub fn expire(id: Id, ledger: &mut Ledger, op: Op, now: Timestamp) {
    if let Some(verification) = ledger.settled(id, now) {
        ledger.put_verification(verification, now, op);
    }
}
