//! German: all of its letters are in the GSM alphabet.

use super::{Purposes, Spoken, Texts};
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
    spoken: Spoken {
        greeting: "Hallo. Hier ist {name}.",
        code: "Ihr Code lautet: {code}.",
        again: "Noch einmal: {code}.",
        never_tell: "Nennen Sie diesen Code niemandem, der Sie anruft oder Ihnen schreibt.",
        invitation: "Um den Code noch einmal zu hören, drücken Sie die Eins.",
        goodbye: "Auf Wiederhören.",
        flash_call: &[
            "Dieser Anruf kommt von {name} und zeigt nur die Nummer an.",
            "Sie müssen nicht abnehmen.",
        ],
        digits: [
            "null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun",
        ],
    },
    right_to_left: false,
};
