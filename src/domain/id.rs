//! Identifiers: random, unguessable, and sorted by the time of their birth.

use std::{fmt, time::Duration};

use super::{clock::Timestamp, random::Random};
use crate::crypto::sha256;

/// Bytes of an [`Id`]: 6 of milliseconds, then 16 random ones (OWASP ASVS 11.5.1 wants 128 random bits).
pub const ID_LENGTH: usize = 22;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Base62 digits that hold 22 bytes: 62^30 > 2^176.
const TEXT_LENGTH: usize = 30;
/// Digits that fit 64 bits together. They are written and read at once: ids stand in every request and answer, and
/// dividing a long number takes longer than all else about them.
const CHUNK: usize = 10;
const CHUNK_BASE: u128 = 62_u128.pow(10);
const VALUES: [Option<u8>; 256] = values();

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

fn encode(id: [u8; ID_LENGTH]) -> String {
    let mut number = words(id);
    let mut digits = [0; TEXT_LENGTH];
    for chunk in digits.rchunks_exact_mut(CHUNK) {
        let mut remainder = 0;
        for word in &mut number {
            let value = (remainder << 64) | u128::from(*word);
            *word = low_word(value / CHUNK_BASE);
            remainder = value % CHUNK_BASE;
        }
        let mut rest = low_word(remainder);
        for digit in chunk.iter_mut().rev() {
            *digit = ALPHABET[usize::from((rest % 62).to_le_bytes()[0])];
            rest /= 62;
        }
    }
    String::from_utf8(digits.to_vec()).expect("the alphabet is ASCII")
}

fn decode(digits: &[u8]) -> Option<[u8; ID_LENGTH]> {
    if digits.len() != TEXT_LENGTH {
        return None;
    }
    let mut number = [0; 3];
    for chunk in digits.chunks_exact(CHUNK) {
        let mut carry = 0;
        for digit in chunk {
            carry = carry * 62 + u128::from(VALUES[usize::from(*digit)]?);
        }
        for word in number.iter_mut().rev() {
            let value = u128::from(*word) * CHUNK_BASE + carry;
            *word = low_word(value);
            carry = value >> 64;
        }
    }
    // Thirty digits can hold more than an id does.
    let bytes = number.map(u64::to_be_bytes);
    let (beyond, id) = bytes.as_flattened().split_first_chunk::<2>()?;
    (*beyond == [0; 2]).then(|| id.try_into().ok())?
}

/// As a number of 192 bits, the highest first.
fn words(id: [u8; ID_LENGTH]) -> [u64; 3] {
    let mut bytes = [0; 24];
    bytes[2..].copy_from_slice(&id);
    let (words, _) = bytes.as_chunks();
    [words[0], words[1], words[2]].map(u64::from_be_bytes)
}

#[expect(clippy::cast_possible_truncation, reason = "the rest is carried on")]
const fn low_word(value: u128) -> u64 {
    value as u64
}

/// What each byte is worth as a digit.
const fn values() -> [Option<u8>; 256] {
    let mut values = [None; 256];
    let mut value = 0;
    while value < 62 {
        values[ALPHABET[value as usize] as usize] = Some(value);
        value += 1;
    }
    values
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
    fn an_id_is_written_as_it_always_was() {
        let counting: [u8; ID_LENGTH] = std::array::from_fn(|place| u8::try_from(place).unwrap());
        for (bytes, text) in [
            ([0; ID_LENGTH], "otp_000000000000000000000000000000"),
            (counting, "otp_000aoTeCmZZmK3mmfHwCoSC16fIvB7"),
            ([255; ID_LENGTH], "otp_A2kL32r9ku6HrcANr3ayRQDYSUT3Z1"),
        ] {
            assert_eq!(Id(bytes).to_string(), text);
            assert_eq!(Id::parse(text), Some(Id(bytes)));
        }
    }

    #[test]
    fn a_text_beyond_22_bytes_is_no_id() {
        assert_eq!(Id::parse(&format!("otp_{}", "z".repeat(30))), None);
        assert_eq!(Id::parse("otp_A2kL32r9ku6HrcANr3ayRQDYSUT3Z2"), None);
        assert_eq!(Id::parse("otp_0"), None);
        assert_eq!(Id::parse(&"0".repeat(30)), None);
    }
}
