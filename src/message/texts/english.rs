//! English.

use super::{Purposes, Texts};
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
    right_to_left: false,
};
