use std::time::Duration;

use super::*;
use crate::domain::{
    delivery::{Cause, Channel, Delivery, DeliveryStatus, Stage},
    limits::{Counter, Rate},
    verification::{Reason, Status, tests::pending},
    wording::Wording,
};

pub(in crate::domain) const NOW: Timestamp = Timestamp::from_millis(1_769_860_800_000);
const OP: Op = [9; 16];
pub(in crate::domain) const CHARGE: [u8; 16] = [5; 16];
const ONCE: [Rate; 1] = [Rate {
    count: 1,
    window: Duration::from_hours(1),
}];

pub(in crate::domain) fn verification() -> Verification {
    Verification {
        code_hash: Some([4; 32]),
        sent: false,
        ..pending(Channel::Sms, NOW)
    }
}

pub(in crate::domain) fn delivery() -> Delivery {
    Delivery {
        id: Id::new(NOW, [2; 16]),
        verification: Id::new(NOW, [1; 16]),
        tenant: "acme".to_owned(),
        channel: Channel::Sms,
        status: DeliveryStatus::Queued,
        reason: None,
        cause: Cause::Send,
        stage: Stage::Claimed,
        due_at: Some(NOW),
        claim: 1,
        tries: 0,
        account: Some("main".to_owned()),
        sid: None,
        sealed: Some(vec![1]),
        key_id: "k1".to_owned(),
        charges: vec![CHARGE],
        give_up_at: NOW.plus(Duration::from_secs(270)),
        created_at: NOW,
        handed_at: None,
        sent_at: None,
        delivered_at: None,
        failed_at: None,
        wording: Wording::default(),
        ask_at: None,
        spoken: 0,
        over_at: None,
        next: None,
        fallback_at: None,
    }
}

/// What a batch has locked, `change` applied to it; the send is charged to a limit of one.
pub(in crate::domain) fn ledger(change: impl FnOnce(&mut Verification, &mut Delivery)) -> Ledger {
    let (mut verification, mut delivery, mut counter) =
        (verification(), delivery(), Counter::default());
    change(&mut verification, &mut delivery);
    counter.charge(&ONCE, NOW);
    let mut ledger = Ledger::default();
    ledger.counters.load(CHARGE, counter, 1);
    ledger.verifications.load(verification.id, verification, 1);
    ledger.deliveries.load(delivery.id, delivery, 1);
    ledger
}

fn decide(ledger: &mut Ledger, report: Report) -> ReportOutcome {
    let (delivery, verification) = (delivery().id, verification().id);
    let report = DeliveryReport {
        delivery,
        verification,
        claim: 1,
        report,
        jitter: 0,
        charges: vec![CHARGE],
    };
    report.decide(ledger, OP, NOW)
}

fn limit_is_given_back(ledger: &Ledger) -> bool {
    ledger
        .counters
        .get(&CHARGE)
        .unwrap()
        .admits(&ONCE, NOW)
        .is_ok()
}

fn row(ledger: &Ledger) -> &Verification {
    ledger.verifications.get(&verification().id).unwrap()
}

fn accepted() -> Report {
    Report::Accepted {
        account: "main".to_owned(),
        sid: "SM1".to_owned(),
    }
}

#[test]
fn what_is_accepted_was_sent_and_keeps_its_charge_and_its_code() {
    let mut ledger = ledger(|_, _| {});
    assert_eq!(decide(&mut ledger, accepted()).progress, Progress::Sent);
    assert!(row(&ledger).sent);
    assert!(!limit_is_given_back(&ledger));
    let delivery = ledger.deliveries.get(&delivery().id).unwrap();
    assert!(delivery.sealed.is_some(), "a resend may repeat the code");
    assert!(delivery.charges.is_empty());
    assert_eq!(decide(&mut ledger, accepted()).progress, Progress::Stale);
}

#[test]
fn a_refusal_ends_what_was_never_sent() {
    let mut ledger = ledger(|_, _| {});
    let outcome = decide(&mut ledger, Report::Refused);
    let verification = outcome.verification.unwrap();
    assert_eq!(
        (verification.status, verification.reason),
        (Status::Failed, Some(Reason::DeliveryRefused))
    );
    assert_eq!(row(&ledger), &*verification);
    assert_eq!(verification.code_hash, None);
    assert!(limit_is_given_back(&ledger));
    let delivery = ledger.deliveries.get(&delivery().id).unwrap();
    assert_eq!(
        (delivery.status, &delivery.sealed),
        (DeliveryStatus::Failed, &None)
    );
}

#[test]
fn a_refusal_leaves_alone_what_was_sent_before_has_ended_or_has_moved_on() {
    let changes: [fn(&mut Verification); 3] = [
        |verification| verification.sent = true,
        |verification| verification.end(Status::Approved, None, NOW),
        |verification| verification.delivery = Id::new(NOW, [8; 16]),
    ];
    for change in changes {
        let mut ledger = ledger(|verification, _| change(verification));
        let before = row(&ledger).clone();
        assert_eq!(
            decide(&mut ledger, Report::Refused).progress,
            Progress::NothingSent(DeliveryReason::Refused)
        );
        assert_eq!(row(&ledger), &before);
        assert!(limit_is_given_back(&ledger));
    }
}

#[test]
fn a_charge_is_given_back_once() {
    let mut ledger = ledger(|_, _| {});
    decide(&mut ledger, Report::Refused);
    let mut counter = ledger.counters.get(&CHARGE).unwrap().clone();
    counter.charge(&ONCE, NOW);
    ledger.counters.put(CHARGE, counter, OP);
    for report in [Report::Refused, Report::NotSent] {
        assert_eq!(decide(&mut ledger, report).progress, Progress::Stale);
        assert!(!limit_is_given_back(&ledger), "this is another send's");
    }
}

#[test]
fn what_may_have_been_sent_keeps_its_charge() {
    for give_up in [false, true] {
        let mut ledger = ledger(|_, delivery| {
            if give_up {
                delivery.give_up_at = NOW;
            }
        });
        decide(&mut ledger, Report::LookUpFailed);
        assert!(!limit_is_given_back(&ledger));
        assert_eq!(row(&ledger).status, Status::Pending);
    }
}

#[test]
fn what_comes_too_late_gives_its_charge_back_and_lets_the_verification_run_out() {
    let mut ledger = ledger(|_, delivery| delivery.give_up_at = NOW);
    let progress = decide(&mut ledger, Report::NotSent).progress;
    assert_eq!(
        progress,
        Progress::NothingSent(DeliveryReason::NotDeliverable)
    );
    assert!(limit_is_given_back(&ledger));
    assert_eq!(row(&ledger).status, Status::Pending);
}

#[test]
fn a_delivery_that_is_gone_needs_no_report() {
    let outcome = decide(&mut Ledger::default(), accepted());
    assert_eq!(outcome.progress, Progress::Stale);
    assert!(outcome.verification.is_none());
}
