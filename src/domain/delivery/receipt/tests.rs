//! Of text messages, and what holds for all.

use proptest::prelude::*;

use super::*;
use crate::domain::delivery::{
    Report,
    tests::{at, delivery, rank},
};

const ALL_NEWS: [News; 4] = [
    News::OnItsWay,
    News::Delivered,
    News::Undelivered(DeliveryReason::LandlineOrUnreachableCarrier),
    News::Failed(DeliveryReason::UnknownError),
];
const EVERY_NEWS: [News; 10] = [
    ALL_NEWS[0],
    ALL_NEWS[1],
    ALL_NEWS[2],
    ALL_NEWS[3],
    News::Ringing,
    News::Answered,
    News::Completed,
    News::Unanswered,
    News::Busy,
    News::Over,
];
const OPEN: [Stage; 3] = [Stage::Waiting, Stage::Claimed, Stage::Unknown];

fn told(sid: Option<&str>, account: Option<&str>, news: News) -> Report {
    Report::Receipt(Receipt {
        account: account.map(str::to_owned),
        sid: sid.map(str::to_owned),
        news,
    })
}

/// A message that Restcomm has just taken.
fn sent() -> Delivery {
    let mut row = delivery(Stage::Claimed);
    let accepted = Report::Accepted {
        account: "main".to_owned(),
        sid: "SM0".to_owned(),
    };
    row.report(2, &accepted, 0, at(1));
    row
}

#[test]
fn what_restcomm_reports_is_noted_with_its_time_and_reason() {
    for (news, reason, delivered_at, failed_at) in [
        (ALL_NEWS[1], None, Some(at(5)), None),
        (
            ALL_NEWS[2],
            Some(DeliveryReason::LandlineOrUnreachableCarrier),
            None,
            Some(at(5)),
        ),
        (
            ALL_NEWS[3],
            Some(DeliveryReason::UnknownError),
            None,
            Some(at(5)),
        ),
    ] {
        let mut row = sent();
        let report = told(Some("SM0"), Some("main"), news);
        assert_eq!(row.report(0, &report, 0, at(5)), Progress::Noted);
        let expected = Delivery {
            status: news.status().unwrap(),
            reason,
            delivered_at,
            failed_at,
            ask_at: None,
            ..sent()
        };
        assert_eq!(row, expected, "{news:?}");
        // Saying it again changes nothing, and saying otherwise neither.
        assert_eq!(row.report(0, &report, 0, at(6)), Progress::Noted);
        for other in ALL_NEWS.into_iter().filter(|other| *other != news) {
            let report = told(Some("SM0"), None, other);
            assert_eq!(row.report(0, &report, 0, at(6)), Progress::Stale);
        }
        assert_eq!(row, expected, "{news:?}");
    }
}

#[test]
fn any_news_of_a_delivery_of_unknown_fate_proves_that_it_was_sent() {
    for stage in OPEN {
        for news in ALL_NEWS {
            let mut row = delivery(stage);
            let report = told(Some("SM7"), Some("second"), news);
            assert_eq!(row.report(0, &report, 0, at(5)), Progress::Sent);
            assert_eq!(
                (row.status, row.stage, row.due_at, row.sent_at),
                (news.status().unwrap(), Stage::Done, None, Some(at(5)))
            );
            assert_eq!(
                (row.sid.as_deref(), row.account.as_deref()),
                (Some("SM7"), Some("second"))
            );
            // The answer to the send comes too late to change anything.
            let before = row.clone();
            let late = Report::Accepted {
                account: "main".to_owned(),
                sid: "SM7".to_owned(),
            };
            assert_eq!(row.report(2, &late, 0, at(6)), Progress::Stale);
            for report in [Report::NotSent, Report::LookUpFailed, Report::Refused] {
                assert_eq!(row.report(2, &report, 0, at(6)), Progress::Stale);
            }
            assert_eq!(row, before);
        }
    }
}

#[test]
fn a_name_that_no_callback_told_is_learnt_from_the_answer_to_the_send() {
    let mut row = delivery(Stage::Claimed);
    row.report(0, &told(None, None, News::Delivered), 0, at(5));
    let late = Report::Accepted {
        account: "main".to_owned(),
        sid: "SM7".to_owned(),
    };
    row.report(2, &late, 0, at(6));
    assert_eq!(
        (row.status, row.sid.as_deref(), row.sent_at, row.ask_at),
        (DeliveryStatus::Delivered, Some("SM7"), Some(at(5)), None)
    );
}

#[test]
fn news_of_another_message_or_account_changes_nothing() {
    for (sid, account) in [
        (Some("SM9"), Some("main")),
        (Some("SM0"), Some("second")),
        (Some("SM9"), None),
        (None, Some("second")),
    ] {
        let mut row = sent();
        let report = told(sid, account, News::Delivered);
        assert_eq!(row.report(0, &report, 0, at(5)), Progress::Stale);
        assert_eq!(row, sent());
    }
}

#[test]
fn restcomm_is_asked_ever_more_rarely_until_it_does_not_matter() {
    let mut row = sent();
    let mut asked = Vec::new();
    while let Some(due) = row.ask_at {
        if row.ask(due) {
            asked.push(at(0).until(due).as_secs());
        }
    }
    assert_eq!(asked, [11, 31, 91, 151, 211, 271, 331, 391]);
    // Whoever comes late does not ask twice in a moment.
    let mut late = sent();
    assert!(late.ask(at(20)));
    assert_eq!(late.ask_at, Some(at(80)));
}

#[test]
fn nobody_asks_for_what_is_over() {
    for change in [
        |row: &mut Delivery| row.abandon(DeliveryReason::Superseded, at(20)),
        |row: &mut Delivery| {
            row.report(0, &told(None, None, News::Delivered), 0, at(20));
        },
    ] {
        let mut row = sent();
        change(&mut row);
        assert_eq!(row.ask_at, None);
    }
    // How a verification ended is looked at when that is due: one that expired may have been of a phone that was never
    // reached.
    let mut row = sent();
    row.abandon(DeliveryReason::VerificationEnded, at(20));
    assert_eq!((row.ask_at, row.sealed), (Some(at(11)), None));
}

proptest! {
    #[test]
    fn a_delivery_never_goes_backwards_whatever_comes_in_whatever_order(
        stage in 0_usize..3,
        channel in 0_usize..3,
        events in prop::collection::vec((0_usize..10, 0_usize..3, any::<bool>()), 0..12),
    ) {
        let mut row = delivery(OPEN[stage]);
        row.channel = [Channel::Sms, Channel::Voice, Channel::Flashcall][channel];
        for (step, (news, sid, abandoned)) in events.into_iter().enumerate() {
            let before = row.clone();
            let sid = [None, Some("SM0"), Some("SM1")][sid];
            let now = at(u64::try_from(step).unwrap());
            if abandoned {
                row.abandon(DeliveryReason::Superseded, now);
            }
            row.report(0, &told(sid, Some("main"), EVERY_NEWS[news]), 0, now);
            prop_assert!(rank(before.status) <= rank(row.status));
            if before.is_final() {
                prop_assert_eq!(before.status, row.status);
            }
            if before.sid.is_some() {
                prop_assert_eq!(&before.sid, &row.sid);
            }
            prop_assert_eq!(row.stage, Stage::Done);
            prop_assert_eq!(row.due_at, None);
        }
    }
}
