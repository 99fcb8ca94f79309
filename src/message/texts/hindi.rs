//! Hindi, which is always UCS-2: 70 characters, vowel signs counted.

use super::{Purposes, Spoken, Texts};
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
    spoken: Spoken {
        greeting: "नमस्ते। यह कॉल {name} की ओर से है।",
        code: "आपका कोड है: {code}।",
        again: "एक बार फिर: {code}।",
        never_tell: "यह कोड किसी कॉल या संदेश करने वाले को कभी न बताएं।",
        invitation: "कोड फिर से सुनने के लिए, एक दबाएं।",
        goodbye: "नमस्ते।",
        flash_call: &[
            "यह कॉल {name} की ओर से है और केवल नंबर दिखाने के लिए है।",
            "इसे उठाना ज़रूरी नहीं है।",
        ],
        digits: [
            "शून्य",
            "एक",
            "दो",
            "तीन",
            "चार",
            "पांच",
            "छह",
            "सात",
            "आठ",
            "नौ",
        ],
    },
    right_to_left: false,
};
