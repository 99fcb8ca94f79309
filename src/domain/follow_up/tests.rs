use std::time::Duration;

use super::*;
use crate::domain::{
    clock::Timestamp,
    delivery::{DeliveryReason, Report},
    id::Id,
    outbox::{
        DeliveryReport,
        tests::{CHARGE, NOW, delivery, ledger, verification},
    },
    verification::{Status, Verification},
};

const OP: [u8; 16] = [9; 16];
const ASK_AT: Timestamp = Timestamp::from_millis(NOW.as_millis() + 10_000);

fn follow_up() -> FollowUp {
    FollowUp {
        sealed: Some(vec![1]),
        next: None,
        fallback_at: None,
    }
}

/// The delivery's row, of a message that Restcomm has.
fn sent() -> Delivery {
    Delivery {
        stage: Stage::Done,
        sent_at: Some(NOW),
        sealed: None,
        ask_at: Some(ASK_AT),
        charges: Vec::new(),
        ..delivery()
    }
}

/// A batch that has loaded both rows, Restcomm having the message.
fn loaded() -> Ledger {
    let mut ledger = ledger(|verification, delivery| {
        verification.follow_up = Some(follow_up());
        *delivery = sent();
    });
    ledger.join_follow_ups();
    ledger
}

fn verification_of(ledger: &Ledger) -> &Verification {
    ledger.verifications.get(&verification().id).unwrap()
}

fn is_written(ledger: &Ledger) -> bool {
    let row = ledger.deliveries.row(&delivery().id);
    row.unwrap().changed_by.is_some()
}

fn end(ledger: &mut Ledger, status: Status, now: Timestamp) {
    let mut ended = verification_of(ledger).clone();
    ended.end(status, None, now);
    ledger.put_verification(ended, now, OP);
}

#[test]
fn it_moves_to_the_verification_when_restcomm_has_the_message() {
    let mut ledger = ledger(|_, _| {});
    let report = DeliveryReport {
        delivery: delivery().id,
        verification: verification().id,
        claim: 1,
        report: Report::Accepted {
            account: "main".to_owned(),
            sid: "SM1".to_owned(),
        },
        jitter: 0,
        charges: vec![CHARGE],
    };
    report.decide(&mut ledger, OP, NOW);
    ledger.part_follow_ups();
    assert_eq!(verification_of(&ledger).follow_up, Some(follow_up()));
    let row = ledger.deliveries.get(&delivery().id).unwrap();
    assert_eq!((&row.sealed, row.ask_at), (&None, Some(ASK_AT)));
    assert!(is_written(&ledger));
}

#[test]
fn a_delivery_under_way_keeps_it_in_its_own_row() {
    let mut ledger = ledger(|_, _| {});
    let mut waiting = delivery();
    waiting.stage = Stage::Waiting;
    ledger.deliveries.put(waiting.id, waiting.clone(), OP);
    ledger.part_follow_ups();
    assert_eq!(ledger.deliveries.get(&waiting.id), Some(&waiting));
    assert_eq!(verification_of(&ledger).follow_up, None);
    let row = ledger.verifications.row(&verification().id).unwrap();
    assert_eq!(row.changed_by, None);
}

#[test]
fn decisions_find_it_in_the_delivery_and_what_nobody_changed_is_not_written() {
    let mut ledger = loaded();
    let mut joined = sent();
    joined.put_follow_up(follow_up());
    assert_eq!(ledger.deliveries.get(&joined.id), Some(&joined));
    ledger.part_follow_ups();
    assert!(!is_written(&ledger));
    assert_eq!(verification_of(&ledger).follow_up, Some(follow_up()));
}

#[test]
fn the_end_of_a_verification_erases_code_and_number_whether_or_not_its_delivery_is_here() {
    let early = NOW.plus(Duration::from_mins(1));
    for (status, at) in [
        (Status::Approved, early),
        (Status::Canceled, early),
        (Status::Expired, verification().expires_at),
    ] {
        let mut with = loaded();
        end(&mut with, status, at);
        with.part_follow_ups();
        assert_eq!(verification_of(&with).follow_up, None, "{status:?}");
        assert!(!is_written(&with), "{status:?}");

        let pending = Verification {
            follow_up: Some(follow_up()),
            ..verification()
        };
        let mut without = Ledger::default();
        without.verifications.load(pending.id, pending, 1);
        end(&mut without, status, at);
        without.part_follow_ups();
        assert_eq!(verification_of(&without).follow_up, None, "{status:?}");
    }
}

#[test]
fn what_another_message_takes_the_place_of_leaves_nothing_behind() {
    let mut ledger = loaded();
    let mut previous = ledger.deliveries.get(&delivery().id).unwrap().clone();
    previous.abandon(DeliveryReason::Superseded, NOW);
    ledger.deliveries.put(previous.id, previous, OP);
    let latest = Delivery {
        id: Id::new(NOW, [7; 16]),
        ..delivery()
    };
    let mut resent = verification_of(&ledger).clone();
    resent.delivery = latest.id;
    ledger.deliveries.put(latest.id, latest.clone(), OP);
    ledger.put_verification(resent, NOW, OP);
    ledger.part_follow_ups();
    assert_eq!(verification_of(&ledger).follow_up, None);
    let not_asked_for = Delivery {
        ask_at: None,
        ..sent()
    };
    assert_eq!(ledger.deliveries.get(&delivery().id), Some(&not_asked_for));
    assert!(is_written(&ledger));
    assert_eq!(ledger.deliveries.get(&latest.id), Some(&latest));
}

/// As an earlier version left it.
#[test]
fn what_stands_in_the_delivery_of_a_message_that_restcomm_has_is_honoured_and_erased_there() {
    let old = Delivery {
        sealed: Some(vec![1]),
        ask_at: Some(ASK_AT),
        ..sent()
    };
    let loaded = || ledger(|_, delivery| *delivery = old.clone());
    let mut ended = loaded();
    end(&mut ended, Status::Approved, NOW);
    ended.part_follow_ups();
    assert_eq!(ended.deliveries.get(&old.id), Some(&sent()));
    assert!(is_written(&ended));
    assert_eq!(verification_of(&ended).follow_up, None);

    let mut told = loaded();
    let mut news = old.clone();
    news.spoken = 1;
    told.deliveries.put(old.id, news, OP);
    told.part_follow_ups();
    assert_eq!(verification_of(&told).follow_up, Some(follow_up()));
    assert_eq!(told.deliveries.get(&old.id).unwrap().sealed, None);
}
