//! What is written for Restcomm.

use std::time::Duration;

use countersign::{
    domain::{clock::Timestamp, code::Code, id::Id, random::Random, wording::Wording},
    message,
    restcomm::{CallbackRoute, CallbackToken},
};

use crate::{decisions::policy, stopwatch::Stopwatch, values::ring};

pub(crate) fn measure(stopwatch: &Stopwatch) {
    let (policy, ring) = (policy(), ring());
    let random = Random::seeded(1);
    let code = Code::generate(6, &random);
    let wording = Wording {
        purpose: "login".to_owned(),
        ..Wording::default()
    };
    stopwatch.time("message: write", || {
        message::sms(&policy, &wording, &code, Duration::from_mins(5))
    });
    let delivery = Id::new(Timestamp::from_millis(1_800_000_000_000), random.bytes());
    stopwatch.time("callback: make its address", || {
        CallbackToken::address(
            delivery,
            CallbackRoute::Sms,
            "https://otp.example.com",
            &ring,
        )
    });
    let token = CallbackToken::issue(delivery, CallbackRoute::Sms, &ring);
    stopwatch.time("callback: open its token", || {
        CallbackToken::open(token.expose(), CallbackRoute::Sms, &ring)
    });
}
