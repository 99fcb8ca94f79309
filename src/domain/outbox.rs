//! What the courier reports, and what follows from it.

use super::{
    clock::Timestamp,
    delivery::{DeliveryReason, Progress, Report, Stage},
    id::Id,
    ledger::{Ledger, Op},
    verification::Verification,
};

/// The courier says what became of a delivery.
#[derive(Clone, Debug)]
pub struct DeliveryReport {
    pub delivery: Id,
    pub verification: Id,
    /// The claim under which the courier worked.
    pub claim: u32,
    pub report: Report,
    /// Uniform in 0..1000; spreads retries.
    pub jitter: u32,
    /// The counters this send was charged to.
    pub charges: Vec<[u8; 16]>,
}

/// What the courier needs to know after its report.
#[derive(Clone, Debug)]
pub struct ReportOutcome {
    pub progress: Progress,
    pub verification: Option<Box<Verification>>,
}

impl DeliveryReport {
    pub fn decide(&self, ledger: &mut Ledger, op: Op, now: Timestamp) -> ReportOutcome {
        let Some(mut delivery) = ledger.deliveries.get(&self.delivery).cloned() else {
            return ReportOutcome {
                progress: Progress::Stale,
                verification: None,
            };
        };
        let mut verification = ledger.verifications.get(&self.verification).cloned();
        let comes_too_late = matches!(self.report, Report::Receipt(_))
            && delivery.stage == Stage::Done
            && verification.as_ref().is_some_and(Verification::ended_early);
        let progress = if comes_too_late {
            Progress::Stale
        } else {
            delivery.report(self.claim, &self.report, self.jitter, now)
        };
        if let Some(verification) = &mut verification {
            // First what was sent, then whether its time is over: how it ends depends on it.
            verification.sent |= progress == Progress::Sent;
            verification.settle(now);
        }
        match progress {
            Progress::NothingSent(reason) => {
                // What falls back hands on what it was charged to.
                if delivery.fallback_at.is_none() {
                    ledger.give_back(&delivery, now, op);
                }
                if let Some(verification) = &mut verification
                    && reason == DeliveryReason::Refused
                    && delivery.fallback_at.is_none()
                    && verification.delivery == delivery.id
                {
                    verification.refuse(now);
                }
            }
            Progress::Noted | Progress::Sent | Progress::Stale => {}
        }
        let hands_on = delivery.fallback_at.is_some() && delivery.sent_at.is_none();
        if delivery.stage == Stage::Done && !hands_on {
            delivery.charges.clear();
        }
        ledger.deliveries.put(delivery.id, delivery, op);
        if let Some(verification) = verification.clone() {
            ledger.put_verification(verification, now, op);
        }
        ReportOutcome {
            progress,
            verification: verification.map(Box::new),
        }
    }
}

#[cfg(test)]
mod late_news;
#[cfg(test)]
pub(super) mod tests;
