//! Spanish.
//!
//! "Código" and "número" hold letters that the GSM alphabet lacks, and would make the whole message UCS-2, with 70
//! characters in place of 160. "Clave" says the same, and é and ñ are in the alphabet.

use super::{Purposes, Spoken, Texts};
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
    spoken: Spoken {
        greeting: "Hola. Le llama {name}.",
        code: "Su código es: {code}.",
        again: "Se lo repetimos: {code}.",
        never_tell: "No diga nunca este código a quien le llame o le escriba.",
        invitation: "Para oírlo de nuevo, pulse el uno.",
        goodbye: "Adiós.",
        flash_call: &[
            "Esta llamada es de {name} y solo sirve para mostrar el número de quien llama.",
            "No hace falta que conteste.",
        ],
        digits: [
            "cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve",
        ],
    },
    right_to_left: false,
};
