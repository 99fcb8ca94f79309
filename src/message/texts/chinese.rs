//! Chinese in simplified characters, which is always UCS-2: 70 characters. The one text for all of `zh`.

use super::{Purposes, Spoken, Texts};
use crate::message::plural::Plural;

pub(super) const TEXTS: Texts = Texts {
    with_purpose: "{code} 是您的{name}验证码，用于{purpose}。",
    plain: "{code} 是您的{name}验证码。",
    nameless: "{code} 是您的验证码。",
    validity: "有效期{minutes}。",
    never_share: "请勿告诉任何人。",
    minutes: &[(Plural::Other, "{n}分钟")],
    under_a_minute: "不足1分钟",
    purposes: Purposes {
        login: "登录",
        signup: "注册",
        confirm: "确认手机号",
        payment: "确认付款",
        password: "重置密码",
    },
    spoken: Spoken {
        greeting: "您好，这里是{name}。",
        code: "您的验证码是：{code}。",
        again: "重复一遍：{code}。",
        never_tell: "请勿将验证码告诉任何来电或发消息的人。",
        invitation: "如需再听一遍，请按一。",
        goodbye: "再见。",
        flash_call: &["这是{name}的来电，仅用于显示号码。", "您无需接听。"],
        digits: ["零", "一", "二", "三", "四", "五", "六", "七", "八", "九"],
    },
    right_to_left: false,
};
