//! Purposes that can be said in words.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Login,
    Signup,
    /// The number itself is confirmed.
    Confirm,
    Payment,
    Password,
}

impl Purpose {
    pub(super) const ALL: [Self; 5] = [
        Self::Login,
        Self::Signup,
        Self::Confirm,
        Self::Payment,
        Self::Password,
    ];

    /// The purpose behind a name that callers gave it. Of others nobody knows what they mean: they are not spoken of.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "login" | "signin" | "sign-in" | "sign_in" => Some(Self::Login),
            "signup" | "sign-up" | "sign_up" | "register" | "registration" => Some(Self::Signup),
            "confirm" | "verify" | "phone" => Some(Self::Confirm),
            "payment" | "pay" => Some(Self::Payment),
            "password" | "password-reset" | "password_reset" | "reset" => Some(Self::Password),
            _ => None,
        }
    }
}
