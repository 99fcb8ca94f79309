use super::*;
use crate::domain::{
    delivery::{DeliveryStatus, Work},
    outbox::tests::{CHARGE, NOW, delivery, ledger, verification},
};

const OP: Op = [7; 16];

fn decide(ledger: &mut Ledger) -> Status {
    let take_back = TakeBack {
        verification: verification().id,
        delivery: delivery().id,
        indexes: Vec::new(),
        charges: vec![CHARGE],
    };
    take_back.decide(ledger, OP, NOW);
    ledger.verifications.get(&verification().id).unwrap().status
}

#[test]
fn what_nobody_was_told_of_ends_unsent_and_counts_against_no_limit() {
    let mut ledger = ledger(|_, _| {});
    assert_eq!(decide(&mut ledger), Status::Canceled);
    let ended = ledger.deliveries.get(&delivery().id).unwrap();
    assert_eq!(
        (ended.status, ended.stage, &ended.sealed),
        (DeliveryStatus::Failed, Stage::Done, &None)
    );
    assert!(ledger.counters.get(&CHARGE).unwrap().instants.is_empty());
}

#[test]
fn a_delivery_whose_lease_lapsed_is_not_handed_over_any_more() {
    let mut ledger = ledger(|_, delivery| {
        delivery.handed_at = Some(delivery.created_at);
        assert_eq!(delivery.claim(NOW), Work::LookUp);
    });
    assert_eq!(decide(&mut ledger), Status::Canceled);
    let ended = ledger.deliveries.get(&delivery().id).unwrap();
    assert_eq!((ended.stage, &ended.sealed), (Stage::Done, &None));
    assert!(ledger.counters.get(&CHARGE).unwrap().instants.is_empty());
}

#[test]
fn what_somebody_is_handing_over_or_has_asked_for_again_stands() {
    let mut handed_over = ledger(|_, delivery| delivery.claim = 2);
    assert_eq!(decide(&mut handed_over), Status::Pending);
    let mut perhaps_handed_over = ledger(|_, delivery| {
        delivery.stage = Stage::Unknown;
        delivery.handed_at = Some(NOW.plus(std::time::Duration::from_secs(20)));
    });
    assert_eq!(decide(&mut perhaps_handed_over), Status::Pending);
    let mut sent = ledger(|_, delivery| delivery.stage = Stage::Done);
    assert_eq!(decide(&mut sent), Status::Pending);
    let mut resent = ledger(|verification, _| {
        verification.delivery = Id::new(NOW, [8; 16]);
    });
    assert_eq!(decide(&mut resent), Status::Pending);
}

#[test]
fn what_was_never_committed_needs_nothing() {
    let mut ledger = Ledger::default();
    let take_back = TakeBack {
        verification: verification().id,
        delivery: delivery().id,
        indexes: Vec::new(),
        charges: Vec::new(),
    };
    take_back.decide(&mut ledger, OP, NOW);
    assert_eq!(ledger.verifications.iter().count(), 0);
    assert_eq!(ledger.deliveries.iter().count(), 0);
}
