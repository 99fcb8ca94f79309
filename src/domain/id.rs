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
        let digits = encode(self.0);
        f.write_str("otp_")?;
        f.write_str(std::str::from_utf8(&digits).expect("the alphabet is ASCII"))
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

/// Digits that are converted together: their value fits into 32 bits.
const STRIDE: usize = 5;
const STRIDE_VALUE: u64 = 62_u64.pow(5);
/// Words of 32 bits that hold an id, the first half empty.
const WORDS: usize = 6;

/// What each byte means as a digit; `NO_DIGIT`: nothing.
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < 62 {
        digits[ALPHABET[digit as usize] as usize] = digit;
        digit += 1;
    }
    digits
};
const NO_DIGIT: u8 = 255;

#[expect(
    clippy::cast_possible_truncation,
    reason = "a remainder, and a quotient of 32 bits"
)]
fn encode(number: [u8; ID_LENGTH]) -> [u8; TEXT_LENGTH] {
    let mut bytes = [0; WORDS * 4];
    bytes[WORDS * 4 - ID_LENGTH..].copy_from_slice(&number);
    let mut words = bytes
        .as_chunks()
        .0
        .iter()
        .map(|word| u32::from_be_bytes(*word));
    let mut words: [u32; WORDS] = std::array::from_fn(|_| words.next().unwrap_or_default());
    let mut digits = [0; TEXT_LENGTH];
    for five in digits.rchunks_mut(STRIDE) {
        let mut rest = 0_u64;
        for word in &mut words {
            let value = rest << 32 | u64::from(*word);
            *word = (value / STRIDE_VALUE) as u32;
            rest = value % STRIDE_VALUE;
        }
        for digit in five.iter_mut().rev() {
            *digit = ALPHABET[(rest % 62) as usize];
            rest /= 62;
        }
    }
    digits
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half, the high one is carried on"
)]
fn decode(digits: &[u8]) -> Option<[u8; ID_LENGTH]> {
    if digits.len() != TEXT_LENGTH {
        return None;
    }
    let mut words = [0_u32; WORDS];
    for five in digits.chunks(STRIDE) {
        let mut carry = 0_u64;
        for digit in five {
            let value = DIGITS[usize::from(*digit)];
            if value == NO_DIGIT {
                return None;
            }
            carry = carry * 62 + u64::from(value);
        }
        for word in words.iter_mut().rev() {
            let value = u64::from(*word) * STRIDE_VALUE + carry;
            *word = value as u32;
            carry = value >> 32;
        }
    }
    let mut bytes = [0; WORDS * 4];
    for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
        *bytes = word.to_be_bytes();
    }
    let (beyond, number) = bytes.split_last_chunk()?;
    // 62^30 is a little more than what an id can be.
    (beyond == [0, 0]).then_some(*number)
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
