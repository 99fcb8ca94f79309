//! Japanese, which is always UCS-2: 70 characters.

use super::{Purposes, Spoken, Texts};
use crate::message::plural::Plural;

pub(super) const TEXTS: Texts = Texts {
    with_purpose: "{code} は{name}の認証コード（{purpose}）です。",
    plain: "{code} は{name}の認証コードです。",
    nameless: "{code} は認証コードです。",
    validity: "有効期限は{minutes}です。",
    never_share: "誰にも教えないでください。",
    minutes: &[(Plural::Other, "{n}分")],
    under_a_minute: "1分未満",
    purposes: Purposes {
        login: "ログイン用",
        signup: "新規登録用",
        confirm: "電話番号確認用",
        payment: "支払い確認用",
        password: "パスワード変更用",
    },
    spoken: Spoken {
        greeting: "こんにちは。{name}です。",
        code: "認証コードをお伝えします。{code}。",
        again: "もう一度お伝えします。{code}。",
        never_tell: "電話やメッセージで聞かれても、このコードは誰にも教えないでください。",
        invitation: "もう一度お聞きになるには、一を押してください。",
        goodbye: "失礼いたします。",
        flash_call: &[
            "{name}です。この電話は、発信者番号をお知らせするためだけのものです。",
            "お出になる必要はありません。",
        ],
        digits: ["ゼロ", "一", "二", "三", "四", "五", "六", "七", "八", "九"],
    },
    right_to_left: false,
};
