//! German: all of its letters are in the GSM alphabet.

use super::{Purposes, Texts};
use crate::message::plural::Plural;

pub(super) const TEXTS: Texts = Texts {
    with_purpose: "{code} ist Ihr Code von {name} {purpose}.",
    plain: "{code} ist Ihr Code von {name}.",
    nameless: "{code} ist Ihr Code.",
    validity: " Er gilt noch {minutes}.",
    never_share: " Geben Sie ihn an niemanden weiter.",
    minutes: &[(Plural::One, "{n} Minute"), (Plural::Other, "{n} Minuten")],
    under_a_minute: "weniger als eine Minute",
    purposes: Purposes {
        login: "zum Anmelden",
        signup: "zum Registrieren",
        confirm: "zum Bestätigen Ihrer Nummer",
        payment: "zum Bestätigen einer Zahlung",
        password: "zum Ändern Ihres Passworts",
    },
    right_to_left: false,
};
