use std::time::Duration;

use zeroize::Zeroizing;

use super::*;
use crate::{
    crypto::{ROOT_KEY_LENGTH, RootKey},
    domain::{
        delivery::{DeliveryStatus, Stage},
        failures::FailureBudget,
        limits::{Counter, Rate},
        phone::PhoneNumber,
        policy::tests::policy,
        verification::tests::pending,
        wording::Wording,
    },
};

const NOW: Timestamp = Timestamp::from_millis(1_769_860_800_000);
const OP: Op = [9; 16];
const CHARGE: [u8; 16] = [5; 16];
const ONCE: [Rate; 1] = [Rate {
    count: 1,
    window: Duration::from_hours(1),
}];

fn at(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn ring() -> KeyRing {
    KeyRing::new(&[RootKey {
        id: "k1".to_owned(),
        secret: Zeroizing::new([1; ROOT_KEY_LENGTH]),
    }])
}

fn code(digits: &str) -> Code {
    Code::from_sealed(digits)
}

struct World {
    ring: KeyRing,
    ledger: Ledger,
    verification: Id,
    first: Id,
}

impl World {
    /// A code that was sent over `channel` 20 s ago, and of which nothing was heard since.
    fn new(channel: Channel) -> Self {
        let (ring, mut ledger) = (ring(), Ledger::default());
        let mut verification = pending(channel, NOW);
        verification.resend_at = at(30);
        verification.bind_code(&code("123456"), &ring);
        let beginning = Beginning {
            cause: Cause::Send,
            account: "main".to_owned(),
            number: PhoneNumber::parse("+351912345678").unwrap(),
            code: code("123456"),
            charges: vec![CHARGE],
            next: Some(NextStep {
                index: 0,
                after: Duration::from_secs(20),
            }),
            wording: Wording::default(),
        };
        let begun = beginning.dispatch(verification, &mut ledger, &ring, OP, NOW);
        let mut counter = Counter::default();
        counter.charge(&ONCE, NOW);
        ledger.counters.load(CHARGE, counter, 1);
        let mut world = Self {
            ring,
            ledger,
            verification: begun.verification.id,
            first: begun.delivery.id,
        };
        world.change(|delivery| {
            delivery.status = DeliveryStatus::Sent;
            delivery.stage = Stage::Done;
            delivery.sent_at = Some(NOW);
            delivery.fallback_at = Some(at(20));
            delivery.charges.clear();
        });
        world
    }

    fn change(&mut self, change: impl FnOnce(&mut Delivery)) {
        let mut delivery = self.delivery(self.first);
        change(&mut delivery);
        self.ledger.deliveries.put(self.first, delivery, OP);
    }

    fn delivery(&self, id: Id) -> Delivery {
        self.ledger.deliveries.get(&id).unwrap().clone()
    }

    fn verification(&self) -> Verification {
        let found = self.ledger.verifications.get(&self.verification);
        found.unwrap().clone()
    }

    fn end(&mut self, status: Status) {
        let mut verification = self.verification();
        verification.end(status, None, at(10));
        self.ledger.put_verification(verification, at(10), OP);
    }

    fn fall_back(&mut self, step: Option<Step>, now: Timestamp) -> FallBackOutcome {
        let step = step.map_or(Due::Nothing, |step| Due::Step(Box::new(step)));
        self.decide(step, now)
    }

    fn decide(&mut self, step: Due, now: Timestamp) -> FallBackOutcome {
        let due = FallBack {
            delivery: self.first,
            verification: self.verification,
            charges: vec![CHARGE],
            step,
        };
        due.decide(&mut self.ledger, &self.ring, OP, now)
    }

    fn limit_is_free(&self) -> bool {
        let counter = self.ledger.counters.get(&CHARGE).unwrap();
        counter.admits(&ONCE, at(20)).is_ok()
    }
}

fn voice() -> Step {
    Step {
        tenant: Arc::new(Tenant {
            name: "acme".to_owned(),
            policy: policy(),
        }),
        channel: Channel::Voice,
        account: "main".to_owned(),
        next: None,
        code: code("654321"),
        delivery_seed: [7; 16],
    }
}

fn started(outcome: FallBackOutcome) -> Dispatch {
    match outcome {
        FallBackOutcome::Started(dispatch) => dispatch,
        FallBackOutcome::Dropped | FallBackOutcome::Postponed => panic!("nothing was started"),
    }
}

#[test]
fn the_same_code_goes_over_the_next_channel() {
    let mut world = World::new(Channel::Sms);
    let begun = started(world.fall_back(Some(voice()), at(20)));
    assert_eq!(begun.code.expose(), "123456");
    assert_eq!(begun.number.expose(), "+351912345678");
    let (delivery, row) = (world.delivery(begun.delivery.id), world.verification());
    assert_eq!(
        (delivery.cause, delivery.channel, delivery.stage),
        (Cause::Fallback, Channel::Voice, Stage::Claimed)
    );
    assert_eq!((row.delivery, row.channel), (delivery.id, Channel::Voice));
    assert!(row.code_matches(&code("123456"), &world.ring).unwrap());
    // Neither the cool-down nor what a caller may still change moves.
    assert_eq!((row.resend_at, row.sends, row.switched), (at(30), 1, false));
    let first = world.delivery(world.first);
    assert_eq!(
        (first.status, first.sealed, first.fallback_at),
        (DeliveryStatus::Sent, None, None)
    );
}

#[test]
fn whoever_comes_second_starts_nothing() {
    let mut world = World::new(Channel::Sms);
    started(world.fall_back(Some(voice()), at(20)));
    let before = world.verification();
    let outcome = world.fall_back(Some(voice()), at(20));
    assert!(matches!(outcome, FallBackOutcome::Dropped));
    assert_eq!(world.verification(), before);
}

#[test]
fn nothing_is_started_for_a_code_that_nobody_waits_for() {
    for status in [Status::Approved, Status::Canceled] {
        let mut world = World::new(Channel::Sms);
        world.end(status);
        let outcome = world.fall_back(Some(voice()), at(20));
        assert!(matches!(outcome, FallBackOutcome::Dropped), "{status:?}");
    }
    // A number at which too many wrong codes were given is not sent to.
    let mut world = World::new(Channel::Sms);
    let mut budget = FailureBudget::default();
    for _ in 0..5 {
        budget.fail(at(10));
    }
    let index = world.verification().number_index;
    world.ledger.budgets.put(index, budget, OP);
    let outcome = world.fall_back(Some(voice()), at(20));
    assert!(matches!(outcome, FallBackOutcome::Dropped), "blocked");
    // Too early, too late, or confirmed in between.
    for (now, delivered) in [(at(19), false), (at(290), false), (at(20), true)] {
        let mut world = World::new(Channel::Sms);
        if delivered {
            world.change(|delivery| delivery.fallback_at = None);
        }
        let outcome = world.fall_back(Some(voice()), now);
        assert!(matches!(outcome, FallBackOutcome::Dropped));
        assert_eq!(world.verification().delivery, world.first);
    }
}

#[test]
fn after_a_flash_call_the_code_is_a_new_one() {
    let mut world = World::new(Channel::Flashcall);
    let mut guessed = world.verification();
    guessed.wrong_at = vec![at(5), at(6)];
    assert_eq!(guessed.attempts_left(), 0);
    world.ledger.put_verification(guessed, at(6), OP);
    let begun = started(world.fall_back(Some(voice()), at(20)));
    assert_eq!(begun.code.expose(), "654321");
    let row = world.verification();
    assert!(row.code_matches(&code("654321"), &world.ring).unwrap());
    assert_eq!(row.attempts_left(), 3);
}

#[test]
fn a_send_that_led_to_nothing_hands_on_what_it_was_charged() {
    let mut world = World::new(Channel::Sms);
    world.change(|delivery| {
        delivery.status = DeliveryStatus::Failed;
        delivery.reason = Some(DeliveryReason::Refused);
        delivery.sent_at = None;
        delivery.charges = vec![CHARGE];
    });
    let begun = started(world.fall_back(Some(voice()), at(20)));
    assert_eq!(world.delivery(begun.delivery.id).charges, [CHARGE]);
    assert!(world.delivery(world.first).charges.is_empty());
    assert!(!world.limit_is_free());
}

#[test]
fn a_refused_message_without_another_way_ends_as_one_without_a_plan() {
    let mut world = World::new(Channel::Sms);
    let mut unsent = world.verification();
    unsent.sent = false;
    world.ledger.put_verification(unsent, NOW, OP);
    world.change(|delivery| {
        delivery.status = DeliveryStatus::Failed;
        delivery.reason = Some(DeliveryReason::Refused);
        delivery.sent_at = None;
        delivery.charges = vec![CHARGE];
    });
    let outcome = world.fall_back(None, at(20));
    assert!(matches!(outcome, FallBackOutcome::Dropped));
    let row = world.verification();
    assert_eq!(row.status, Status::Failed);
    assert!(world.limit_is_free());
    assert_eq!(world.delivery(world.first).sealed, None);
}

#[test]
fn a_process_that_does_not_know_the_tenant_leaves_it_to_others() {
    let mut world = World::new(Channel::Sms);
    let outcome = world.decide(Due::Unknown, at(20));
    assert!(matches!(outcome, FallBackOutcome::Postponed));
    assert_eq!(world.delivery(world.first).fallback_at, Some(at(22)));
    started(world.fall_back(Some(voice()), at(22)));
    // Nobody knows it, and the code is about to die.
    let mut world = World::new(Channel::Sms);
    let outcome = world.decide(Due::Unknown, at(290));
    assert!(matches!(outcome, FallBackOutcome::Dropped));
    assert_eq!(world.delivery(world.first).fallback_at, None);
}

#[test]
fn a_plan_that_ends_leaves_the_code_of_a_verification_that_goes_on() {
    let mut world = World::new(Channel::Sms);
    world.change(|delivery| {
        delivery.status = DeliveryStatus::Failed;
        delivery.reason = Some(DeliveryReason::Refused);
    });
    world.fall_back(None, at(20));
    assert_eq!(world.verification().status, Status::Pending);
    assert!(world.delivery(world.first).sealed.is_some());
}
