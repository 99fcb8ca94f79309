//! API keys: who may call.

use std::fmt;

use zeroize::Zeroizing;

use super::{
    clock::Timestamp,
    id::{base62, random_base62},
    random::Random,
    words::words,
};
use crate::crypto::sha256;

/// Random digits of a key: 22 of base62 are 131 bits.
const RANDOM_DIGITS: usize = 22;
/// Digits of the CRC-32 that ends a key, so that a mistyped one costs no query.
const CHECKSUM_DIGITS: usize = 6;
/// Digits of the random part that are kept in clear, as the key's name.
const NAME_DIGITS: usize = 8;

/// The text of an API key: shown once, kept as a hash. It cannot be printed.
#[derive(Clone)]
pub struct ApiKey(Zeroizing<String>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// For backends.
    Secret,
    /// For pages in browsers: whoever sees the page has the key.
    Publishable,
}

/// How much a caller may learn and say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// A backend: it learns why something was refused, and is believed what it says of its users.
    Full,
    /// Anybody who has seen the page.
    Public,
}

/// What a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Send,
    Verify,
    Read,
}

/// What a decision must know of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyState {
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

impl ApiKey {
    pub fn generate(kind: KeyKind, random: &Random) -> Self {
        let digits = random_base62(random, RANDOM_DIGITS);
        let checksum = checksum(&digits);
        Self(Zeroizing::new(format!(
            "{}{digits}{checksum}",
            kind.prefix()
        )))
    }

    /// Reads a key that somebody sent. `None`: it was never one of ours.
    pub fn parse(text: &str) -> Option<(KeyKind, Self)> {
        let mut kinds = [KeyKind::Secret, KeyKind::Publishable].into_iter();
        let (kind, rest) =
            kinds.find_map(|kind| Some((kind, text.strip_prefix(kind.prefix())?)))?;
        let shape_fits = rest.len() == RANDOM_DIGITS + CHECKSUM_DIGITS
            && rest.bytes().all(|b| b.is_ascii_alphanumeric());
        let (digits, given) = shape_fits.then(|| rest.split_at(RANDOM_DIGITS))?;
        (checksum(digits) == given).then(|| (kind, Self(Zeroizing::new(text.to_owned()))))
    }

    /// What the database keeps. 131 random bits need no salt and no slow hash.
    pub fn hash(&self) -> [u8; 32] {
        sha256(self.0.as_bytes())
    }

    /// The part that stays readable, to list and to revoke the key by.
    pub fn name(&self) -> &str {
        &self.0[..KeyKind::PREFIX_LENGTH + NAME_DIGITS]
    }

    /// The whole key: for the one time it is shown.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl KeyState {
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

impl KeyKind {
    const PREFIX_LENGTH: usize = 6;

    const fn prefix(self) -> &'static str {
        match self {
            Self::Secret => "cs_sk_",
            Self::Publishable => "cs_pk_",
        }
    }

    pub const fn trust(self) -> Trust {
        match self {
            Self::Secret => Trust::Full,
            Self::Publishable => Trust::Public,
        }
    }

    /// What a key of this kind may ever be used for.
    pub const fn scopes(self) -> &'static [Scope] {
        match self {
            Self::Secret => &[Scope::Send, Scope::Verify, Scope::Read],
            Self::Publishable => &[Scope::Send, Scope::Verify],
        }
    }
}

fn checksum(digits: &str) -> String {
    base62(
        u64::from(crc32fast::hash(digits.as_bytes())),
        CHECKSUM_DIGITS,
    )
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(hidden)")
    }
}

words!(KeyKind { Secret => "secret", Publishable => "publishable" });
words!(Scope { Send => "send", Verify => "verify", Read => "read" });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_being_written_and_read() {
        for (kind, prefix) in [
            (KeyKind::Secret, "cs_sk_"),
            (KeyKind::Publishable, "cs_pk_"),
        ] {
            let key = ApiKey::generate(kind, &Random::seeded(1));
            let (read_kind, read) = ApiKey::parse(key.expose()).unwrap();
            assert_eq!((read_kind, read.hash()), (kind, key.hash()));
            assert_eq!(key.expose().len(), 34);
            assert!(key.expose().starts_with(prefix));
            assert!(key.expose().starts_with(key.name()) && key.name().len() == 14);
        }
    }

    #[test]
    fn a_mistyped_key_is_noticed_without_asking_the_database() {
        let key = ApiKey::generate(KeyKind::Secret, &Random::seeded(1));
        for position in 6..key.expose().len() {
            let mut typed = key.expose().as_bytes().to_vec();
            typed[position] = if typed[position] == b'x' { b'y' } else { b'x' };
            assert!(ApiKey::parse(std::str::from_utf8(&typed).unwrap()).is_none());
        }
        assert!(ApiKey::parse("cs_sk_é").is_none());
        assert!(ApiKey::parse("").is_none());
    }

    #[test]
    fn a_key_cannot_be_printed() {
        let key = ApiKey::generate(KeyKind::Secret, &Random::seeded(1));
        assert_eq!(format!("{key:?}"), "ApiKey(hidden)");
    }

    #[test]
    fn a_key_is_valid_until_it_expires_or_is_revoked() {
        let now = Timestamp::from_millis(1_000);
        let open = KeyState {
            expires_at: None,
            revoked_at: None,
        };
        assert!(open.is_valid(now));
        assert!(
            !KeyState {
                expires_at: Some(now),
                ..open
            }
            .is_valid(now)
        );
        assert!(
            !KeyState {
                revoked_at: Some(now),
                ..open
            }
            .is_valid(now)
        );
    }
}
