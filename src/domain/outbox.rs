//! What the courier reports, and what follows from it.

use super::{
    clock::Timestamp,
    delivery::{DeliveryReason, Progress, Report, Stage},
    id::Id,
    ledger::{Ledger, Op},
    verification::{Reason, Status, Verification},
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
        let progress = delivery.report(self.claim, &self.report, self.jitter, now);
        let mut verification = ledger.verifications.get(&self.verification).cloned();
        if let Some(verification) = &mut verification {
            // First what was sent, then whether its time is over: how it ends depends on it.
            verification.sent |= progress == Progress::Sent;
            verification.settle(now);
        }
        match progress {
            Progress::NothingSent(reason) => {
                for charge in &delivery.charges {
                    if let Some(mut counter) = ledger.counters.get(charge).cloned() {
                        counter.give_back(delivery.created_at);
                        ledger.counters.put(*charge, counter, op);
                    }
                }
                if let Some(verification) = &mut verification
                    && reason == DeliveryReason::Refused
                    && verification.status == Status::Pending
                    && verification.delivery == delivery.id
                    && !verification.sent
                {
                    verification.end(Status::Failed, Some(Reason::DeliveryRefused), now);
                }
            }
            Progress::Noted | Progress::Sent | Progress::Stale => {}
        }
        if delivery.stage == Stage::Done {
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
mod tests {
    use std::{collections::BTreeMap, sync::Arc, time::Duration};

    use zeroize::Zeroizing;

    use super::*;
    use crate::{
        crypto::{KeyRing, RootKey},
        domain::{
            code::Code,
            delivery::Channel,
            phone::PhoneNumber,
            policy::{CodePolicy, Countries, Policy, Resend, Tenant, TenantLimits},
            send::{Send, SendOutcome},
        },
    };

    /// A ledger that holds one verification, sent at the beginning of time by an account called `main`.
    fn sent() -> (Ledger, DeliveryReport) {
        let root = RootKey {
            id: "k1".to_owned(),
            secret: Zeroizing::new([1; 32]),
        };
        let ring = KeyRing::new(&[root]);
        let number = PhoneNumber::parse("+351912345678").unwrap();
        let tenant = Tenant {
            name: "acme".to_owned(),
            policy: Policy {
                display_name: "Acme Bank".to_owned(),
                sender: None,
                accounts: Vec::new(),
                countries: Countries::Anywhere,
                code: CodePolicy::default(),
                resend: Resend::New,
                cool_down: Policy::COOL_DOWN,
                limits: TenantLimits::default(),
                retention: Duration::from_hours(24),
            },
        };
        let send = Send {
            key: None,
            index: ring.number_index(&tenant.name, number.expose()),
            number,
            tenant: Arc::new(tenant),
            channel: Channel::Sms,
            purpose: "login".to_owned(),
            metadata: BTreeMap::new(),
            code: Code::from_sealed("123456"),
            verification_seed: [1; 16],
            delivery_seed: [2; 16],
            limits: Vec::new(),
            account: "main".to_owned(),
        };
        let mut ledger = Ledger::default();
        let outcome = send.decide(&mut ledger, &ring, [3; 16], Timestamp::default());
        let SendOutcome::Created(dispatch) = outcome else {
            panic!("a first send begins a verification");
        };
        let report = DeliveryReport {
            delivery: dispatch.delivery.id,
            verification: dispatch.verification.id,
            claim: 1,
            report: Report::Accepted {
                account: "main".to_owned(),
                sid: "SM1".to_owned(),
            },
            jitter: 0,
            charges: Vec::new(),
        };
        (ledger, report)
    }

    #[test]
    fn news_of_a_hand_off_that_comes_after_the_end_still_says_that_something_was_sent() {
        let (mut ledger, report) = sent();
        let later = Timestamp::default().plus(Duration::from_mins(6));
        let outcome = report.decide(&mut ledger, [4; 16], later);
        let verification = outcome.verification.unwrap();
        assert_eq!(outcome.progress, Progress::Sent);
        assert_eq!(
            (verification.status, verification.reason),
            (Status::Expired, None)
        );
    }

    #[test]
    fn without_news_nothing_was_ever_sent() {
        let (mut ledger, mut report) = sent();
        report.report = Report::NotSent;
        let later = Timestamp::default().plus(Duration::from_mins(6));
        let verification = report
            .decide(&mut ledger, [4; 16], later)
            .verification
            .unwrap();
        assert_eq!(
            (verification.status, verification.reason),
            (Status::Failed, Some(Reason::NotDeliverable))
        );
    }
}
