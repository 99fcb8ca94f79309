//! Hindi, which is always UCS-2: 70 characters, vowel signs counted.

use super::{Purposes, Texts};
use crate::message::plural::Plural;

pub(super) const TEXTS: Texts = Texts {
    with_purpose: "{code} {purpose} {name} कोड है।",
    plain: "{code} आपका {name} कोड है।",
    nameless: "{code} आपका कोड है।",
    validity: " वैधता: {minutes}।",
    never_share: " किसी को न बताएं।",
    minutes: &[(Plural::Other, "{n} मिनट")],
    under_a_minute: "एक मिनट से कम",
    purposes: Purposes {
        login: "लॉगिन के लिए",
        signup: "खाता बनाने के लिए",
        confirm: "नंबर की पुष्टि के लिए",
        payment: "भुगतान के लिए",
        password: "पासवर्ड बदलने के लिए",
    },
    right_to_left: false,
};
