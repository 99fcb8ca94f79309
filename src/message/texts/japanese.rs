//! Japanese, which is always UCS-2: 70 characters.

use super::{Purposes, Texts};
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
    right_to_left: false,
};
