//! Italian: è is in the GSM alphabet.

use super::{Purposes, Texts};
use crate::message::plural::Plural;

pub(super) const TEXTS: Texts = Texts {
    with_purpose: "{code} è il suo codice {name} {purpose}.",
    plain: "{code} è il suo codice {name}.",
    nameless: "{code} è il suo codice.",
    validity: " Scade tra {minutes}.",
    never_share: " Non lo comunichi a nessuno.",
    minutes: &[(Plural::One, "{n} minuto"), (Plural::Other, "{n} minuti")],
    under_a_minute: "meno di un minuto",
    purposes: Purposes {
        login: "per accedere",
        signup: "per creare un account",
        confirm: "per confermare il numero",
        payment: "per confermare un pagamento",
        password: "per cambiare la password",
    },
    right_to_left: false,
};
