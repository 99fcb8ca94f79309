//! Portuguese, in words that are the same in Brazil and in Portugal.
//!
//! "Código", "válido", "número" and "não" hold letters that the GSM alphabet lacks, and each of them would make the whole
//! message UCS-2, with 70 characters in place of 160: no room for what the code is for and for the warning. So it is
//! "PIN", it expires, the telephone is confirmed, and the warning says "nunca". Of the accents only é is used.

use super::{Purposes, Spoken, Texts};
use crate::message::plural::Plural;

pub(super) const TEXTS: Texts = Texts {
    with_purpose: "{code} é o seu PIN {name} {purpose}.",
    plain: "{code} é o seu PIN {name}.",
    nameless: "{code} é o seu PIN.",
    validity: " Expira em {minutes}.",
    never_share: " Nunca o diga a ninguém.",
    minutes: &[(Plural::One, "{n} minuto"), (Plural::Other, "{n} minutos")],
    under_a_minute: "menos de um minuto",
    purposes: Purposes {
        login: "para entrar",
        signup: "para criar a sua conta",
        confirm: "para confirmar o seu telefone",
        payment: "para confirmar um pagamento",
        password: "para mudar a sua senha",
    },
    spoken: Spoken {
        greeting: "Olá. Esta é uma chamada de {name}.",
        code: "O seu código é: {code}.",
        again: "Mais uma vez: {code}.",
        never_tell: "Nunca diga este código a quem lhe telefonar ou escrever.",
        invitation: "Para ouvir outra vez, pressione a tecla um.",
        goodbye: "Até logo.",
        flash_call: &[
            "Esta chamada é de {name} e serve apenas para mostrar o número de quem liga.",
            "Não é preciso atender.",
        ],
        digits: [
            "zero", "um", "dois", "três", "quatro", "cinco", "seis", "sete", "oito", "nove",
        ],
    },
    right_to_left: false,
};
