use zeroize::Zeroizing;

use super::*;
use crate::{
    crypto::{ROOT_KEY_LENGTH, RootKey},
    domain::{
        delivery::{Cause, Stage},
        dispatch::Beginning,
        phone::PhoneNumber,
        verification::{Verification, tests::pending},
        wording::Wording,
    },
};

const NOW: Timestamp = Timestamp::from_millis(1_769_860_800_000);
const OP: Op = [9; 16];

struct World {
    ring: KeyRing,
    ledger: Ledger,
    verification: Id,
    call: Id,
}

impl World {
    /// A call that Restcomm took, and that nobody has answered yet.
    fn new() -> Self {
        let ring = KeyRing::new(&[RootKey {
            id: "k1".to_owned(),
            secret: Zeroizing::new([1; ROOT_KEY_LENGTH]),
        }]);
        let mut ledger = Ledger::default();
        let verification = pending(Channel::Voice, NOW);
        let call = beginning("123456").dispatch(verification, &mut ledger, &ring, OP, NOW);
        let mut world = Self {
            ring,
            ledger,
            verification: call.verification.id,
            call: call.delivery.id,
        };
        world.change(|call| {
            call.status = DeliveryStatus::Ringing;
            call.stage = Stage::Done;
            call.sid = Some("ID0-CA0".to_owned());
        });
        world
    }

    fn change(&mut self, change: impl FnOnce(&mut Delivery)) {
        let mut call = self.row();
        change(&mut call);
        self.ledger.deliveries.put(self.call, call, OP);
    }

    fn row(&self) -> Delivery {
        self.ledger.deliveries.get(&self.call).unwrap().clone()
    }

    fn verification(&self) -> Verification {
        let found = self.ledger.verifications.get(&self.verification);
        found.unwrap().clone()
    }

    fn ask(&mut self, call: Option<&str>) -> Option<(String, bool)> {
        let speak = Speak {
            delivery: self.call,
            verification: self.verification,
            call: call.map(str::to_owned),
            is_answered: true,
        };
        match speak.decide(&mut self.ledger, &self.ring, OP, NOW) {
            SpeakOutcome::Say { code, again, .. } => Some((code.expose().to_owned(), again)),
            SpeakOutcome::HangUp => None,
        }
    }
}

fn beginning(code: &str) -> Beginning {
    Beginning {
        cause: Cause::Send,
        account: "main".to_owned(),
        number: PhoneNumber::parse("+351912345678").unwrap(),
        code: Code::from_sealed(code),
        charges: Vec::new(),
        next: None,
        wording: Wording::default(),
    }
}

#[test]
fn a_call_is_told_the_code_three_times_and_asked_for_a_key_but_the_last() {
    let mut world = World::new();
    for again in [true, true, false] {
        let said = world.ask(Some("ID0-CA0"));
        assert_eq!(said, Some(("123456".to_owned(), again)));
    }
    assert_eq!(world.ask(Some("ID0-CA0")), None);
    assert_eq!(world.row().spoken, 3);
    assert_eq!(world.row().status, DeliveryStatus::Answered);
    // To be heard is not to be proved.
    assert_eq!(world.verification().status, Status::Pending);
}

#[test]
fn another_call_hears_nothing_and_its_asking_does_not_count() {
    let mut world = World::new();
    for call in [Some("ID0-CA9"), Some(""), None] {
        assert_eq!(world.ask(call), None, "{call:?}");
    }
    assert_eq!(world.row().spoken, 0);
    assert_eq!(world.row().status, DeliveryStatus::Ringing);
}

#[test]
fn until_restcomm_told_the_name_of_the_call_any_will_do_and_the_first_is_the_one() {
    let mut world = World::new();
    world.change(|call| {
        call.sid = None;
        call.stage = Stage::Claimed;
        call.status = DeliveryStatus::Queued;
    });
    assert!(world.ask(None).is_some());
    // That it asks proves that it was placed.
    let row = world.row();
    assert_eq!((row.stage, row.sid), (Stage::Done, None));
    assert_eq!(row.status, DeliveryStatus::Answered);
    assert!(world.ask(Some("ID0-CA9")).is_some());
    assert_eq!(world.ask(Some("ID0-CA8")), None);
    assert!(world.ask(Some("ID0-CA9")).is_some());
}

#[test]
fn a_call_that_is_over_hears_nothing() {
    for change in [
        |call: &mut Delivery| call.over_at = Some(NOW),
        // Its end was never told.
        |call: &mut Delivery| call.delivered_at = Some(NOW.minus(LONGEST_CALL)),
        |call: &mut Delivery| call.status = DeliveryStatus::Unanswered,
        |call: &mut Delivery| call.status = DeliveryStatus::Busy,
        |call: &mut Delivery| call.status = DeliveryStatus::Failed,
        |call: &mut Delivery| call.channel = Channel::Flashcall,
        |call: &mut Delivery| call.channel = Channel::Sms,
    ] {
        let mut world = World::new();
        world.change(change);
        assert_eq!(world.ask(Some("ID0-CA0")), None);
        assert_eq!(world.row().spoken, 0);
    }
}

#[test]
fn after_the_end_of_the_verification_nothing_is_said() {
    for status in [Status::Approved, Status::Canceled, Status::Expired] {
        let mut world = World::new();
        let mut verification = world.verification();
        verification.end(status, None, NOW);
        world.ledger.put_verification(verification, NOW, OP);
        assert_eq!(world.ask(Some("ID0-CA0")), None, "{status:?}");
    }
}

#[test]
fn what_is_said_is_the_live_code() {
    let mut world = World::new();
    let mut verification = world.verification();
    verification.send_over(Channel::Sms);
    verification.delivery = Id::new(NOW, [3; 16]);
    beginning("654321").dispatch(verification, &mut world.ledger, &world.ring, OP, NOW);
    let said = world.ask(Some("ID0-CA0"));
    assert_eq!(said, Some(("654321".to_owned(), true)));
    // The digits of a flash call are not for saying.
    let mut verification = world.verification();
    verification.send_over(Channel::Flashcall);
    world.ledger.put_verification(verification, NOW, OP);
    assert_eq!(world.ask(Some("ID0-CA0")), None);
}
