//! What Restcomm reports of calls, and when the plan of the tenant goes on.

use std::time::Duration;

use super::*;
use crate::domain::delivery::{
    NextStep, Report,
    tests::{at, delivery},
};

/// A call, or a message, that Restcomm took at second 1; the plan goes on after 20 s.
fn taken(channel: Channel) -> Delivery {
    let mut row = delivery(Stage::Claimed);
    row.channel = channel;
    row.next = Some(NextStep {
        index: 0,
        after: Duration::from_secs(20),
    });
    let accepted = Report::Accepted {
        account: "main".to_owned(),
        sid: "ID0-CA0".to_owned(),
    };
    row.report(2, &accepted, 0, at(1));
    row
}

fn tell(row: &mut Delivery, news: News, second: u64) -> Progress {
    let receipt = Receipt {
        account: None,
        sid: Some("ID0-CA0".to_owned()),
        news,
    };
    row.report(0, &Report::Receipt(receipt), 0, at(second))
}

#[test]
fn a_call_rings_and_is_answered() {
    let mut row = taken(Channel::Voice);
    assert_eq!(
        (row.status, row.fallback_at),
        (DeliveryStatus::Sent, Some(at(21)))
    );
    tell(&mut row, News::Ringing, 3);
    assert_eq!(
        (row.status, row.delivered_at, row.fallback_at),
        (DeliveryStatus::Ringing, None, Some(at(21)))
    );
    tell(&mut row, News::Answered, 8);
    assert_eq!(
        (row.status, row.delivered_at, row.ask_at),
        (DeliveryStatus::Answered, Some(at(8)), None)
    );
    // Not who answers, but who hears the code needs no other.
    assert_eq!((row.fallback_at, row.is_confirmed()), (Some(at(21)), false));
    row.heard();
    assert_eq!((row.fallback_at, row.is_confirmed()), (None, true));
    // Late and repeated news take nothing back, and its end is noted.
    for news in [News::Ringing, News::OnItsWay, News::Busy, News::Unanswered] {
        assert_eq!(tell(&mut row, news, 9), Progress::Stale);
    }
    tell(&mut row, News::Over, 40);
    assert_eq!(
        (row.status, row.over_at, row.ask_at),
        (DeliveryStatus::Answered, Some(at(40)), None)
    );
}

#[test]
fn the_end_of_a_call_proves_no_answer_so_that_restcomm_is_asked_how_it_ended() {
    let mut row = taken(Channel::Voice);
    tell(&mut row, News::Ringing, 3);
    tell(&mut row, News::Over, 33);
    assert_eq!(
        (row.status, row.over_at, row.ask_at),
        (DeliveryStatus::Ringing, Some(at(33)), Some(at(33)))
    );
    // It may tell of the end before it has written it down: it is asked again soon, and not for ever.
    assert!(row.ask(at(33)));
    assert_eq!(row.ask_at, Some(at(38)));
    assert!(row.ask(at(95)));
    assert_eq!(row.ask_at, Some(at(155)));
    tell(&mut row, News::Unanswered, 96);
    assert_eq!(
        (row.status, row.failed_at, row.ask_at),
        (DeliveryStatus::Unanswered, Some(at(96)), None)
    );
}

#[test]
fn a_call_that_was_answered_and_said_nothing_falls_back_when_it_is_over() {
    for news in [News::Over, News::Completed] {
        let mut row = taken(Channel::Voice);
        tell(&mut row, News::Answered, 5);
        tell(&mut row, news, 7);
        assert_eq!(
            (row.status, row.fallback_at),
            (DeliveryStatus::Answered, Some(at(7)))
        );
        let mut row = taken(Channel::Voice);
        tell(&mut row, News::Answered, 5);
        row.heard();
        tell(&mut row, news, 7);
        assert_eq!(row.fallback_at, None);
    }
    // All that was ever told of it is its end.
    let mut row = taken(Channel::Voice);
    tell(&mut row, News::Completed, 7);
    assert_eq!(
        (row.status, row.fallback_at),
        (DeliveryStatus::Answered, Some(at(7)))
    );
}

#[test]
fn a_call_that_nobody_takes_falls_back_at_once() {
    for (news, status) in [
        (News::Busy, DeliveryStatus::Busy),
        (News::Unanswered, DeliveryStatus::Unanswered),
        (
            News::Failed(DeliveryReason::UnknownError),
            DeliveryStatus::Failed,
        ),
    ] {
        let mut row = taken(Channel::Voice);
        tell(&mut row, news, 5);
        assert_eq!(
            (row.status, row.failed_at, row.fallback_at),
            (status, Some(at(5)), Some(at(5)))
        );
    }
    let mut row = taken(Channel::Sms);
    tell(
        &mut row,
        News::Undelivered(DeliveryReason::LandlineOrUnreachableCarrier),
        5,
    );
    assert_eq!(row.fallback_at, Some(at(5)));
}

#[test]
fn a_flash_call_that_rings_has_done_what_it_was_made_for() {
    let mut row = taken(Channel::Flashcall);
    tell(&mut row, News::Ringing, 3);
    let confirmed = (row.delivered_at, row.fallback_at, row.ask_at);
    assert_eq!(confirmed, (Some(at(3)), None, None));
    tell(&mut row, News::Over, 13);
    tell(&mut row, News::Unanswered, 14);
    assert_eq!(
        (row.status, row.delivered_at, row.failed_at, row.fallback_at),
        (DeliveryStatus::Unanswered, Some(at(3)), None, None)
    );
    // Where only its end was heard of, it rang all the same.
    let mut row = taken(Channel::Flashcall);
    tell(&mut row, News::Unanswered, 14);
    assert_eq!((row.delivered_at, row.fallback_at), (Some(at(14)), None));
    // A busy phone shows nothing.
    let mut row = taken(Channel::Flashcall);
    tell(&mut row, News::Busy, 4);
    assert_eq!((row.delivered_at, row.fallback_at), (None, Some(at(4))));
}

#[test]
fn what_was_delivered_or_nobody_waits_for_does_not_fall_back() {
    let mut delivered = taken(Channel::Sms);
    tell(&mut delivered, News::Delivered, 5);
    assert_eq!(delivered.fallback_at, None);
    let mut over = taken(Channel::Sms);
    over.abandon(DeliveryReason::VerificationEnded, at(5));
    assert_eq!((over.next, over.fallback_at), (None, None));
    tell(
        &mut over,
        News::Undelivered(DeliveryReason::UnknownError),
        6,
    );
    assert_eq!(over.fallback_at, None);
    // Nor does what the plan says nothing of.
    let mut last = taken(Channel::Sms);
    (last.next, last.fallback_at) = (None, None);
    tell(&mut last, News::Failed(DeliveryReason::UnknownError), 6);
    assert_eq!(last.fallback_at, None);
}

#[test]
fn a_refused_hand_off_falls_back_at_once_and_one_that_is_only_late_does_not() {
    let mut row = delivery(Stage::Claimed);
    row.next = taken(Channel::Sms).next;
    let mut refused = row.clone();
    refused.report(2, &Report::Refused, 0, at(2));
    assert_eq!(refused.fallback_at, Some(at(2)));
    row.report(2, &Report::NotSent, 0, at(2));
    assert_eq!(row.fallback_at, None);
}
