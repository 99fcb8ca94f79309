//! The decisions of a batch: what becomes of sends and checks, once their rows are loaded.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use countersign::{
    crypto::KeyRing,
    domain::{
        check::{Check, CheckOutcome, Target},
        clock::Timestamp,
        code::Code,
        delivery::Channel,
        dispatch::Dispatch,
        language::Language,
        ledger::{Ledger, Op},
        limits::{LimitName, Rate},
        phone::PhoneNumber,
        policy::{CodePolicy, Countries, Policy, Resend, Tenant, TenantLimits},
        random::Random,
        send::{LimitUse, Send, SendOutcome},
    },
};

use crate::{stopwatch::Stopwatch, values::ring};

/// Commands in a batch, as under load.
const BATCH: u32 = 64;
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
const OP: Op = [9; 16];

pub(crate) fn policy() -> Policy {
    Policy {
        display_name: "Acme Bank".to_owned(),
        sender: None,
        accounts: Vec::new(),
        channels: vec![Channel::Sms],
        countries: Countries::Anywhere,
        origins: Vec::new(),
        locale: Language::English,
        messages: BTreeMap::new(),
        code: CodePolicy::default(),
        resend: Resend::New,
        fallback: Vec::new(),
        cool_down: Policy::COOL_DOWN,
        limits: TenantLimits::default(),
        retention: Duration::from_hours(24),
    }
}

pub(crate) fn measure(stopwatch: &Stopwatch) {
    let ring = ring();
    let random = Random::seeded(1);
    let tenant = Arc::new(Tenant {
        name: "acme".to_owned(),
        policy: policy(),
    });
    let sends: Vec<Send> = (0..BATCH)
        .map(|number| send(number, &tenant, &ring, &random))
        .collect();
    stopwatch.time_each(
        "send: decide, in a batch of 64",
        BATCH,
        Ledger::default,
        |ledger| begin(&sends, ledger, &ring),
    );

    let begun = begin(&sends, Ledger::default(), &ring);
    for (name, off) in [("right", 0), ("wrong", 1)] {
        let checks: Vec<Check> = begun.iter().map(|one| check(one, off)).collect();
        let outcomes = decide(&checks, loaded(&begun), &ring);
        let approved = |outcome: &CheckOutcome| matches!(outcome, CheckOutcome::Approved(_));
        assert!(
            outcomes
                .iter()
                .all(|outcome| approved(outcome) == (off == 0))
        );
        let name = format!("check: decide a {name} one, in a batch of 64");
        stopwatch.time_each(
            &name,
            BATCH,
            || loaded(&begun),
            |ledger| decide(&checks, ledger, &ring),
        );
    }
}

fn send(place: u32, tenant: &Arc<Tenant>, ring: &KeyRing, random: &Random) -> Send {
    let number = format!("+4915123{place:06}");
    let rate = |count, hours| Rate {
        count,
        window: Duration::from_hours(hours),
    };
    let limit = |what: &[u8], rates: Vec<Rate>| LimitUse {
        name: LimitName::PerNumber,
        counter: ring.limit_id(&[what, tenant.name.as_bytes(), number.as_bytes()]),
        rates,
    };
    Send {
        tenant: tenant.clone(),
        key: None,
        number: PhoneNumber::parse(&number).unwrap(),
        index: ring.number_index(&tenant.name, &number),
        channel: Channel::Sms,
        purpose: "login".to_owned(),
        metadata: BTreeMap::new(),
        language: Language::English,
        autofill: None,
        code: Code::generate(6, random),
        verification_seed: random.bytes(),
        delivery_seed: random.bytes(),
        limits: vec![
            limit(b"number", vec![rate(3, 1), rate(5, 2), rate(10, 24)]),
            limit(b"number-everywhere", vec![rate(5, 1), rate(20, 24)]),
            limit(b"prefix", vec![rate(20, 1)]),
        ],
        account: "main".to_owned(),
        once: None,
    }
}

/// Decides all sends on one ledger, as the journal does.
fn begin(sends: &[Send], mut ledger: Ledger, ring: &KeyRing) -> Vec<Dispatch> {
    let outcomes = sends
        .iter()
        .map(|send| send.decide(&mut ledger, ring, OP, NOW));
    let begun = outcomes.filter_map(|outcome| match outcome {
        SendOutcome::Created(dispatch) => Some(dispatch),
        SendOutcome::Resent(_)
        | SendOutcome::TooSoon { .. }
        | SendOutcome::Limited { .. }
        | SendOutcome::Blocked(_)
        | SendOutcome::KeyRefused
        | SendOutcome::Unreadable
        | SendOutcome::Known(_)
        | SendOutcome::NotKnown => None,
    });
    begun.collect()
}

/// A ledger that holds what is to be checked.
fn loaded(begun: &[Dispatch]) -> Ledger {
    let mut ledger = Ledger::default();
    for Dispatch {
        verification,
        delivery,
        ..
    } in begun
    {
        let (verification, delivery) = (verification.as_ref(), delivery.as_ref());
        ledger
            .verifications
            .load(verification.id, verification.clone(), 1);
        ledger.deliveries.load(delivery.id, delivery.clone(), 1);
    }
    ledger
}

fn decide(checks: &[Check], mut ledger: Ledger, ring: &KeyRing) -> Vec<CheckOutcome> {
    let later = NOW.plus(Duration::from_secs(20));
    let checks = checks.iter();
    checks
        .map(|check| check.decide(&mut ledger, ring, OP, later))
        .collect()
}

/// A check with the code, or with one that is `off` by so much.
fn check(begun: &Dispatch, off: u32) -> Check {
    let code: u32 = begun.code.expose().parse().unwrap();
    let code = format!("{:06}", (code + off) % 1_000_000);
    Check {
        tenant: begun.verification.tenant.clone(),
        key: None,
        target: Target::Id(begun.verification.id),
        code: Code::parse_guess(&code).unwrap(),
        caller: None,
        uniform: None,
    }
}
