//! Identifiers: random, unguessable, and sorted by the time of their birth.

use std::{fmt, time::Duration};

use super::{clock::Timestamp, random::Random};
use crate::crypto::sha256;

/// Bytes of an [`Id`]: 6 of milliseconds, then 16 random ones (OWASP ASVS 11.5.1 wants 128 random bits).
pub const ID_LENGTH: usize = 22;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Base62 digits that hold 22 bytes: 62^30 > 2^176.
const TEXT_LENGTH: usize = 30;

/// Identifier of a verification or a delivery. Rows sort by it in order of creation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; ID_LENGTH]);

impl Id {
    /// The id of what is born at `now`, with 16 random bytes.
    pub fn new(now: Timestamp, random: [u8; 16]) -> Self {
        let mut bytes = Self::smallest_at(now).0;
        bytes[6..].copy_from_slice(&random);
        Self(bytes)
    }

    /// The same, for what comes after `older`, also where the clocks of two replicas disagree, or both are born within a
    /// millisecond.
    pub fn after(older: Self, now: Timestamp, random: [u8; 16]) -> Self {
        Self::new(now.max(older.born().plus(Duration::from_millis(1))), random)
    }

    /// No id born at `now` or later is smaller: the end of a key range.
    pub fn smallest_at(now: Timestamp) -> Self {
        let mut bytes = [0; ID_LENGTH];
        bytes[..6].copy_from_slice(&now.as_millis().max(0).to_be_bytes()[2..]);
        Self(bytes)
    }

    /// When it was born: the time it sorts by.
    pub fn born(&self) -> Timestamp {
        let mut millis = [0; 8];
        millis[2..].copy_from_slice(&self.0[..6]);
        Timestamp::from_millis(i64::from_be_bytes(millis))
    }

    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// An id for a text that is none: nothing bears it, and it is looked for like any other.
    pub fn standing_for(text: &str) -> Self {
        let mut bytes = [0; ID_LENGTH];
        bytes.copy_from_slice(&sha256(text.as_bytes())[..ID_LENGTH]);
        Self(bytes)
    }

    /// `otp_` and 30 base62 digits, as callers see a verification.
    pub fn parse(text: &str) -> Option<Self> {
        decode(text.strip_prefix("otp_")?.as_bytes()).map(Self)
    }
}

impl AsRef<[u8]> for Id {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("otp_")?;
        f.write_str(&encode(self.0))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `length` random base62 digits, each uniform: the random part of an API key.
pub fn random_base62(random: &Random, length: usize) -> String {
    let mut digits = String::with_capacity(length);
    while digits.len() < length {
        let [byte] = random.bytes();
        // 248 is the largest multiple of 62 in a byte: what lies above would make some digits likelier.
        if byte < 248 {
            digits.push(char::from(ALPHABET[usize::from(byte % 62)]));
        }
    }
    digits
}

/// `value` in exactly `length` base62 digits (the low ones when it needs more).
pub fn base62(mut value: u64, length: usize) -> String {
    let mut digits = vec![b'0'; length];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[usize::try_from(value % 62).expect("a digit is below 62")];
        value /= 62;
    }
    String::from_utf8(digits).expect("the alphabet is ASCII")
}

fn encode(mut number: [u8; ID_LENGTH]) -> String {
    let mut digits = [0; TEXT_LENGTH];
    for digit in digits.iter_mut().rev() {
        let mut remainder = 0_usize;
        for byte in &mut number {
            let value = remainder * 256 + usize::from(*byte);
            *byte = u8::try_from(value / 62).expect("the quotient of a base-256 digit fits a byte");
            remainder = value % 62;
        }
        *digit = ALPHABET[remainder];
    }
    String::from_utf8(digits.to_vec()).expect("the alphabet is ASCII")
}

fn decode(digits: &[u8]) -> Option<[u8; ID_LENGTH]> {
    if digits.len() != TEXT_LENGTH {
        return None;
    }
    let mut number = [0_u8; ID_LENGTH];
    for digit in digits {
        let mut carry = ALPHABET.iter().position(|known| known == digit)?;
        for byte in number.iter_mut().rev() {
            let value = usize::from(*byte) * 62 + carry;
            *byte = value.to_le_bytes()[0];
            carry = value >> 8;
        }
        if carry != 0 {
            return None;
        }
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_id_survives_being_written_and_read(bytes: [u8; ID_LENGTH]) {
            let id = Id(bytes);
            prop_assert_eq!(Id::parse(&id.to_string()), Some(id));
        }

        #[test]
        fn no_text_breaks_the_parser(text in ".*") {
            if let Some(id) = Id::parse(&text) {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }

    #[test]
    fn ids_sort_by_time_also_as_text() {
        let random = Random::seeded(1);
        let earlier = Id::new(Timestamp::from_millis(1_000), random.bytes());
        let later = Id::new(Timestamp::from_millis(1_001), random.bytes());
        assert!(earlier < later && earlier.to_string() < later.to_string());
        assert_eq!(later.born(), Timestamp::from_millis(1_001));
    }

    #[test]
    fn what_comes_after_sorts_after_whatever_the_clock_says() {
        let older = Id::new(Timestamp::from_millis(1_000), [255; 16]);
        for (now, born) in [(900, 1_001), (1_000, 1_001), (1_500, 1_500)] {
            let younger = Id::after(older, Timestamp::from_millis(now), [0; 16]);
            assert!(older < younger);
            assert_eq!(younger.born(), Timestamp::from_millis(born));
        }
    }

    #[test]
    fn a_text_beyond_22_bytes_is_no_id() {
        assert_eq!(Id::parse(&format!("otp_{}", "z".repeat(30))), None);
        assert_eq!(Id::parse("otp_0"), None);
        assert_eq!(Id::parse(&"0".repeat(30)), None);
    }
}
