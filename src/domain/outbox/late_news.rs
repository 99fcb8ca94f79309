//! Tests of reports that come after the end of their verification.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use zeroize::Zeroizing;

use super::*;
use crate::{
    crypto::{KeyRing, RootKey},
    domain::{
        code::Code,
        delivery::Channel,
        language::Language,
        phone::PhoneNumber,
        policy::{Tenant, tests::policy},
        send::{Send, SendOutcome},
        verification::{Reason, Status},
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
        policy: policy(),
    };
    let send = Send {
        key: None,
        index: ring.number_index(&tenant.name, number.expose()),
        number,
        tenant: Arc::new(tenant),
        channel: Channel::Sms,
        purpose: "login".to_owned(),
        metadata: BTreeMap::new(),
        language: Language::English,
        autofill: None,
        code: Code::from_sealed("123456"),
        verification_seed: [1; 16],
        delivery_seed: [2; 16],
        limits: Vec::new(),
        account: "main".to_owned(),
        once: None,
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
