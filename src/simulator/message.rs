//! One SMS as the platform remembers it.

use rand::TryRng as _;

use crate::domain::clock::Timestamp;

/// Deliberately without `Debug`: a body holds a code.
#[derive(Clone)]
pub struct Message {
    pub sid: String,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub sent: Option<Timestamp>,
    pub from: String,
    pub to: String,
    pub body: String,
    /// What the client said of the body: `GSM`, `UCS-2` or `UTF-8`; `None`: nothing, which means `GSM`.
    pub encoding: Option<String>,
    pub status: Status,
    pub failure: Option<Failure>,
    pub api_version: String,
    /// Where each change of `status` is reported.
    pub callback: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Sending,
    Sent,
    Delivered,
    Undelivered,
}

impl Status {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
        }
    }
}

/// Why a message failed. The resource shows the number, the callback the name of the Java constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    LandlineOrUnreachableCarrier,
}

impl Failure {
    pub(super) const fn code(self) -> u32 {
        match self {
            Self::LandlineOrUnreachableCarrier => 30006,
        }
    }

    pub(super) const fn message(self) -> &'static str {
        match self {
            Self::LandlineOrUnreachableCarrier => "Landline or unreachable carrier",
        }
    }

    pub(super) const fn constant(self) -> &'static str {
        match self {
            Self::LandlineOrUnreachableCarrier => "LANDLINE_OR_UNREACHABLE_CARRIER",
        }
    }
}

/// `SM` and 32 random hexadecimal digits.
pub(super) fn new_sid() -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut random = [0; 16];
    rand::rngs::SysRng
        .try_fill_bytes(&mut random)
        .expect("the operating system always has randomness");
    let nibbles = random.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let digits = nibbles.map(|nibble| char::from(DIGITS[usize::from(nibble)]));
    "SM".chars().chain(digits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sid_has_the_shape_that_clients_match() {
        let sid = new_sid();
        assert_eq!(sid.len(), 34);
        assert!(sid.starts_with("SM"));
        assert!(sid.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(sid, new_sid());
    }
}
