//! Arabic, which is always UCS-2: 70 characters. It is short for that reason.
//!
//! The first letter decides that a phone writes the message from right to left; digits, which stand before it, do not.
//! A number stands between the words, never beside the name, and the name is isolated (`message`).

use super::{Purposes, Spoken, Texts};
use crate::message::plural::Plural;

pub(super) const TEXTS: Texts = Texts {
    with_purpose: "{code} رمز {name} {purpose}.",
    plain: "{code} رمز {name}.",
    nameless: "{code} رمز التحقق.",
    validity: " صالح {minutes}.",
    never_share: " لا تشاركه.",
    minutes: &[
        (Plural::One, "دقيقة واحدة"),
        (Plural::Two, "دقيقتين"),
        (Plural::Few, "{n} دقائق"),
        (Plural::Many, "{n} دقيقة"),
        (Plural::Other, "{n} دقيقة"),
    ],
    under_a_minute: "أقل من دقيقة",
    purposes: Purposes {
        login: "لتسجيل الدخول",
        signup: "لإنشاء حسابك",
        confirm: "لتأكيد رقمك",
        payment: "لتأكيد الدفع",
        password: "لتغيير كلمة السر",
    },
    spoken: Spoken {
        greeting: "مرحبًا. هذه مكالمة من {name}.",
        code: "رمز التحقق هو: {code}.",
        again: "مرة أخرى: {code}.",
        never_tell: "لا تخبر بهذا الرمز أي شخص يتصل بك أو يراسلك.",
        invitation: "لسماع الرمز مرة أخرى، اضغط على الرقم واحد.",
        goodbye: "مع السلامة.",
        flash_call: &[
            "هذه المكالمة من {name}، وهي لإظهار الرقم فقط.",
            "لا داعي للرد.",
        ],
        digits: [
            "صفر",
            "واحد",
            "اثنان",
            "ثلاثة",
            "أربعة",
            "خمسة",
            "ستة",
            "سبعة",
            "ثمانية",
            "تسعة",
        ],
    },
    right_to_left: true,
};
