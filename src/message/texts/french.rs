//! French: à and é are in the GSM alphabet; ç, ê, î and the curved apostrophe are not, and are not needed.

use super::{Purposes, Spoken, Texts};
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
    spoken: Spoken {
        greeting: "Bonjour. Ici {name}.",
        code: "Votre code est : {code}.",
        again: "Je répète : {code}.",
        never_tell: "Ne donnez jamais ce code à une personne qui vous appelle ou vous écrit.",
        invitation: "Pour l'entendre à nouveau, appuyez sur la touche un.",
        goodbye: "Au revoir.",
        flash_call: &[
            "Ici {name}. Cet appel sert seulement à afficher le numéro de l'appelant.",
            "Il n'est pas nécessaire de répondre.",
        ],
        digits: [
            "zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf",
        ],
    },
    right_to_left: false,
};
