//! English.

use super::{Purposes, Spoken, Texts};
use crate::message::plural::Plural;

pub(super) const TEXTS: Texts = Texts {
    with_purpose: "{code} is your {name} code {purpose}.",
    plain: "{code} is your {name} code.",
    nameless: "{code} is your code.",
    validity: " It is valid for {minutes}.",
    never_share: " Do not share it with anyone.",
    minutes: &[(Plural::One, "{n} minute"), (Plural::Other, "{n} minutes")],
    under_a_minute: "less than a minute",
    purposes: Purposes {
        login: "to log in",
        signup: "to sign up",
        confirm: "to confirm your number",
        payment: "to confirm a payment",
        password: "to reset your password",
    },
    spoken: Spoken {
        greeting: "Hello. This is {name}.",
        code: "Your code is: {code}.",
        again: "Again: {code}.",
        never_tell: "Never tell this code to anyone who calls you or writes to you.",
        invitation: "To hear it again, press one.",
        goodbye: "Goodbye.",
        flash_call: &[
            "This call is from {name} and only shows its number.",
            "You need not answer.",
        ],
        digits: [
            "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
        ],
    },
    right_to_left: false,
};
