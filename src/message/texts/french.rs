//! French: à and é are in the GSM alphabet; ç, ê, î and the curved apostrophe are not, and are not needed.

use super::{Purposes, Texts};
use crate::message::plural::Plural;

pub(super) const TEXTS: Texts = Texts {
    with_purpose: "{code} est votre code {name} {purpose}.",
    plain: "{code} est votre code {name}.",
    nameless: "{code} est votre code.",
    validity: " Il expire dans {minutes}.",
    never_share: " Ne le communiquez à personne.",
    minutes: &[(Plural::One, "{n} minute"), (Plural::Other, "{n} minutes")],
    under_a_minute: "moins d'une minute",
    purposes: Purposes {
        login: "pour vous connecter",
        signup: "pour créer votre compte",
        confirm: "pour confirmer votre numéro",
        payment: "pour confirmer un paiement",
        password: "pour changer de mot de passe",
    },
    right_to_left: false,
};
