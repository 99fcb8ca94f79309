//! Italian: è is in the GSM alphabet.

use super::{Purposes, Spoken, Texts};
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
    spoken: Spoken {
        greeting: "Salve. La chiama {name}.",
        code: "Il suo codice è: {code}.",
        again: "Ripeto: {code}.",
        never_tell: "Non dica mai questo codice a chi la chiama o le scrive.",
        invitation: "Per ascoltarlo di nuovo, prema il tasto uno.",
        goodbye: "Arrivederci.",
        flash_call: &[
            "Questa chiamata è di {name} e serve solo a mostrare il numero di chi chiama.",
            "Non è necessario rispondere.",
        ],
        digits: [
            "zero", "uno", "due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove",
        ],
    },
    right_to_left: false,
};
