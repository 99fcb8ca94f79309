use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_769_860_800_000);
const TTL: Duration = Duration::from_mins(5);

pub(super) fn at(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

/// How far a status is: none may follow one of a higher rank.
pub(super) fn rank(status: DeliveryStatus) -> u8 {
    match status {
        DeliveryStatus::Queued => 0,
        DeliveryStatus::Sent => 1,
        DeliveryStatus::Ringing => 2,
        DeliveryStatus::Delivered
        | DeliveryStatus::Undelivered
        | DeliveryStatus::Failed
        | DeliveryStatus::Answered
        | DeliveryStatus::Unanswered
        | DeliveryStatus::Busy => 3,
    }
}

/// A delivery of a pending verification, at `stage`, under its second claim.
pub(super) fn delivery(stage: Stage) -> Delivery {
    let open = stage != Stage::Done;
    Delivery {
        id: Id::new(NOW, [1; 16]),
        verification: Id::new(NOW, [2; 16]),
        tenant: "acme".to_owned(),
        channel: Channel::Sms,
        status: if open {
            DeliveryStatus::Queued
        } else {
            DeliveryStatus::Sent
        },
        reason: None,
        cause: Cause::Send,
        stage,
        due_at: open.then(|| at(10)),
        claim: 2,
        tries: 0,
        account: (stage != Stage::Waiting).then(|| "main".to_owned()),
        sid: (!open).then(|| "SM0".to_owned()),
        sealed: Some(vec![1, 2, 3]),
        key_id: "k1".to_owned(),
        charges: Vec::new(),
        give_up_at: NOW.plus(TTL).minus(GIVE_UP_BEFORE_END),
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

fn accepted() -> Report {
    Report::Accepted {
        account: "second".to_owned(),
        sid: "SM1".to_owned(),
    }
}

fn unknown() -> Report {
    Report::Unknown {
        account: "main".to_owned(),
        requested_at: at(3),
    }
}

fn moving() -> Report {
    Report::Moving {
        account: "second".to_owned(),
    }
}

fn every_report() -> [Report; 6] {
    let plain = [Report::Refused, Report::NotSent, Report::LookUpFailed];
    let [refused, not_sent, look_up_failed] = plain;
    [
        accepted(),
        refused,
        not_sent,
        unknown(),
        look_up_failed,
        moving(),
    ]
}

const STAGES: [Stage; 4] = [Stage::Waiting, Stage::Claimed, Stage::Unknown, Stage::Done];
const OPEN: [Stage; 3] = [Stage::Waiting, Stage::Claimed, Stage::Unknown];

#[test]
fn every_report_at_every_open_stage_leads_where_it_should() {
    for stage in OPEN {
        for (report, progress, next, due) in [
            (accepted(), Progress::Sent, Stage::Done, None),
            (
                Report::Refused,
                Progress::NothingSent(DeliveryReason::Refused),
                Stage::Done,
                None,
            ),
            (
                Report::NotSent,
                Progress::Noted,
                Stage::Waiting,
                Some(at(6)),
            ),
            (unknown(), Progress::Noted, Stage::Unknown, Some(at(15))),
            (Report::LookUpFailed, Progress::Noted, stage, Some(at(6))),
            (moving(), Progress::Noted, stage, Some(at(5 + 15))),
        ] {
            let mut row = delivery(stage);
            assert_eq!(
                row.report(2, &report, 0, at(5)),
                progress,
                "{stage:?} {report:?}"
            );
            assert_eq!((row.stage, row.due_at), (next, due), "{stage:?} {report:?}");
        }
    }
}

#[test]
fn who_has_the_message_is_known_at_every_stage() {
    for (report, account) in [
        (accepted(), Some("second")),
        (Report::NotSent, None),
        (unknown(), Some("main")),
        (moving(), Some("second")),
    ] {
        let mut row = delivery(Stage::Claimed);
        row.report(2, &report, 0, at(5));
        assert_eq!(row.account.as_deref(), account, "{report:?}");
    }
}

#[test]
fn a_report_under_an_older_claim_counts_only_if_the_message_was_taken() {
    for stage in STAGES {
        for report in every_report() {
            let mut row = delivery(stage);
            let progress = row.report(1, &report, 0, at(5));
            if report == accepted() && stage != Stage::Done {
                assert_eq!(progress, Progress::Sent);
                assert_eq!(row.sid.as_deref(), Some("SM1"));
            } else {
                assert_eq!(progress, Progress::Stale, "{stage:?} {report:?}");
                assert_eq!(row, delivery(stage), "{stage:?} {report:?}");
            }
        }
    }
}

#[test]
fn what_is_done_stays_done() {
    for report in every_report() {
        let mut row = delivery(Stage::Done);
        assert_eq!(row.report(2, &report, 0, at(5)), Progress::Stale);
        assert_eq!(row, delivery(Stage::Done), "{report:?}");
    }
    let mut row = delivery(Stage::Done);
    assert_eq!(row.claim(at(5)), Work::Nothing);
    assert_eq!(row.stage, Stage::Done);
}

/// Any two events after one another, at every stage: the status does not fall back.
#[test]
fn the_status_never_goes_backwards() {
    type Event = Box<dyn Fn(&mut Delivery)>;
    let events = || {
        let reports = every_report().into_iter().map(|report| -> Event {
            Box::new(move |row| {
                let claim = row.claim;
                row.report(claim, &report, 0, at(400));
            })
        });
        let others: [Event; 3] = [
            Box::new(|row| {
                row.claim(at(20));
            }),
            Box::new(|row| row.abandon(DeliveryReason::Superseded, at(20))),
            Box::new(|row| row.abandon(DeliveryReason::VerificationEnded, at(20))),
        ];
        reports.chain(others).collect::<Vec<_>>()
    };
    for stage in STAGES {
        for first in events() {
            for second in events() {
                let mut row = delivery(stage);
                let mut seen = rank(row.status);
                for event in [&first, &second] {
                    event(&mut row);
                    assert!(seen <= rank(row.status), "{stage:?} {row:?}");
                    seen = rank(row.status);
                    assert_eq!(row.due_at.is_none(), row.stage == Stage::Done, "{row:?}");
                }
            }
        }
    }
}

#[test]
fn pauses_double_up_to_15_seconds_less_up_to_half_by_chance() {
    for report in [Report::NotSent, Report::LookUpFailed] {
        for (jitter, share) in [(0, 1000), (500, 750), (999, 501), (u32::MAX, 500)] {
            let mut row = delivery(Stage::Claimed);
            for seconds in [1, 2, 4, 8, 15, 15, 15] {
                row.report(2, &report, jitter, NOW);
                let pause = NOW.until(row.due_at.unwrap()).as_millis();
                let expected = seconds * share;
                assert!(pause.abs_diff(expected) <= seconds, "{jitter}: {pause} ms");
            }
            row.tries = u32::MAX - 1;
            row.report(2, &report, jitter, NOW);
            assert!(NOW.until(row.due_at.unwrap()) <= LONGEST_PAUSE);
        }
    }
}

#[test]
fn no_pause_reaches_beyond_the_moment_to_give_up() {
    for report in [Report::NotSent, Report::LookUpFailed] {
        let mut row = delivery(Stage::Unknown);
        row.tries = 4;
        row.report(2, &report, 0, at(269));
        assert_eq!(row.due_at, Some(at(270)));
    }
}

#[test]
fn from_30_seconds_before_the_end_nothing_is_put_off_any_more() {
    for (report, progress, reason) in [
        (
            Report::NotSent,
            Progress::NothingSent(DeliveryReason::NotDeliverable),
            DeliveryReason::NotDeliverable,
        ),
        (
            Report::LookUpFailed,
            Progress::Noted,
            DeliveryReason::Unconfirmed,
        ),
    ] {
        let mut row = delivery(Stage::Claimed);
        assert_eq!(row.report(2, &report, 0, at(270)), progress);
        assert_eq!(
            (row.status, row.reason),
            (DeliveryStatus::Failed, Some(reason))
        );
        assert_eq!(row.failed_at, Some(at(270)));
    }
}

#[test]
fn what_is_claimed_is_handed_off_looked_up_or_given_up() {
    let mut untouched = delivery(Stage::Claimed);
    untouched.account = None;
    for (row, now, work, stage) in [
        (delivery(Stage::Waiting), 10, Work::HandOff, Stage::Claimed),
        (delivery(Stage::Waiting), 270, Work::GiveUp, Stage::Waiting),
        // A process that died may have handed it over; before it noted an account, it cannot have.
        (delivery(Stage::Claimed), 15, Work::LookUp, Stage::Unknown),
        (untouched.clone(), 15, Work::HandOff, Stage::Claimed),
        (untouched, 270, Work::GiveUp, Stage::Claimed),
        (delivery(Stage::Unknown), 15, Work::LookUp, Stage::Unknown),
        (delivery(Stage::Unknown), 290, Work::LookUp, Stage::Unknown),
    ] {
        let mut claimed = row.clone();
        assert_eq!(claimed.claim(at(now)), work, "{row:?}");
        assert_eq!((claimed.stage, claimed.claim), (stage, row.claim + 1));
        assert_eq!(claimed.due_at, Some(at(now).plus(LEASE)));
    }
}

#[test]
fn what_nobody_waits_for_any_more_is_erased_and_ends_with_the_next_word() {
    let ended = DeliveryReason::VerificationEnded;
    for (stage, status, work) in [
        (Stage::Waiting, DeliveryStatus::Failed, Work::GiveUp),
        (Stage::Claimed, DeliveryStatus::Queued, Work::Nothing),
        (Stage::Unknown, DeliveryStatus::Failed, Work::Nothing),
        (Stage::Done, DeliveryStatus::Sent, Work::Nothing),
    ] {
        let mut row = delivery(stage);
        row.abandon(ended, at(20));
        assert_eq!((row.status, &row.sealed), (status, &None), "{stage:?}");
        let mut again = row.clone();
        again.abandon(DeliveryReason::Superseded, at(21));
        assert_eq!(again, row, "only the first reason counts");
        assert_eq!(row.clone().claim(at(40)), work, "{stage:?}");
    }
    for (report, progress, reason) in [
        (Report::NotSent, Progress::NothingSent(ended), ended),
        (moving(), Progress::NothingSent(ended), ended),
        (unknown(), Progress::Noted, DeliveryReason::Unconfirmed),
        (
            Report::LookUpFailed,
            Progress::Noted,
            DeliveryReason::Unconfirmed,
        ),
    ] {
        let mut row = delivery(Stage::Claimed);
        row.abandon(ended, at(20));
        assert_eq!(row.report(2, &report, 0, at(21)), progress, "{report:?}");
        assert_eq!((row.stage, row.reason), (Stage::Done, Some(reason)));
    }
    let mut row = delivery(Stage::Claimed);
    row.abandon(ended, at(20));
    assert_eq!(row.report(2, &accepted(), 0, at(21)), Progress::Sent);
    assert_eq!((row.status, row.reason), (DeliveryStatus::Sent, None));
}

#[test]
fn a_lease_leaves_room_for_a_look_up_that_is_not_too_early() {
    assert!(LOOK_UP_AFTER < LEASE);
}

#[test]
fn what_is_put_off_costs_no_try_and_comes_back_where_it_stood() {
    let put_off = |seconds| Report::PutOff { until: at(seconds) };
    for (stage, next, account) in [
        (Stage::Claimed, Stage::Waiting, None),
        (Stage::Unknown, Stage::Unknown, Some("main")),
    ] {
        let mut row = delivery(stage);
        assert_eq!(row.report(2, &put_off(8), 0, at(5)), Progress::Noted);
        assert_eq!((row.stage, row.due_at, row.tries), (next, Some(at(8)), 0));
        assert_eq!(row.account.as_deref(), account);
        row.report(2, &put_off(60), 0, at(10));
        assert_eq!(row.due_at, Some(at(25)), "no pause is longer than 15 s");
        row.report(2, &put_off(275), 0, at(269));
        assert_eq!(row.due_at, Some(at(270)), "nor beyond the time to give up");
    }
    for (stage, reason) in [
        (Stage::Claimed, DeliveryReason::NotDeliverable),
        (Stage::Unknown, DeliveryReason::Unconfirmed),
    ] {
        let mut row = delivery(stage);
        row.report(2, &put_off(275), 0, at(270));
        assert_eq!((row.stage, row.reason), (Stage::Done, Some(reason)));
    }
    for (stage, reason) in [
        (Stage::Claimed, DeliveryReason::Superseded),
        (Stage::Unknown, DeliveryReason::Unconfirmed),
    ] {
        let mut row = delivery(stage);
        row.abandon(DeliveryReason::Superseded, at(20));
        row.report(2, &put_off(25), 0, at(21));
        assert_eq!((row.stage, row.reason), (Stage::Done, Some(reason)));
    }
}
