//! Spanish.
//!
//! "Código" and "número" hold letters that the GSM alphabet lacks, and would make the whole message UCS-2, with 70
//! characters in place of 160. "Clave" says the same, and é and ñ are in the alphabet.

use super::{Purposes, Texts};
use crate::message::plural::Plural;

pub(super) const TEXTS: Texts = Texts {
    with_purpose: "{code} es su clave de {name} {purpose}.",
    plain: "{code} es su clave de {name}.",
    nameless: "{code} es su clave.",
    validity: " Caduca en {minutes}.",
    never_share: " No la comparta con nadie.",
    minutes: &[(Plural::One, "{n} minuto"), (Plural::Other, "{n} minutos")],
    under_a_minute: "menos de un minuto",
    purposes: Purposes {
        login: "para entrar",
        signup: "para crear su cuenta",
        confirm: "para confirmar su teléfono",
        payment: "para confirmar un pago",
        password: "para cambiar su contraseña",
    },
    right_to_left: false,
};
