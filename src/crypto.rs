//! The key ring: every key is derived from a root key by HKDF-SHA-256 (RFC 5869), and lives outside the database.
//!
//! The newest root key writes; older ones still read, so that keys can be rotated while codes are in flight.

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, RandomizedNonceKey},
    digest, hkdf, hmac,
};
use thiserror::Error;
use zeroize::{Zeroize as _, Zeroizing};

/// Bytes of a root key.
pub const ROOT_KEY_LENGTH: usize = 32;

/// Rows of each tenant that checks write where nothing is counted.
const DECOYS: u8 = 64;

/// Parts of a keyed hash that are put together before.
const TOGETHER: usize = 192;

/// A root key of the configuration. It cannot be printed.
#[derive(Clone)]
pub struct RootKey {
    pub id: String,
    pub secret: Zeroizing<[u8; ROOT_KEY_LENGTH]>,
}

/// All keys in use, newest first. Cheap to clone; cannot be printed.
#[derive(Clone)]
pub struct KeyRing(Arc<Vec<KeySet>>);

/// What one root key gives. Every key serves one use only.
struct KeySet {
    id: String,
    code: hmac::Key,
    number: hmac::Key,
    limit: hmac::Key,
    callback: hmac::Key,
    idempotency: hmac::Key,
    seal: RandomizedNonceKey,
}

/// One value computed under every key of the ring: `newest` is written, all are looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnderEveryKey<T> {
    pub newest: T,
    pub older: Vec<T>,
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum CryptoError {
    #[error("no root key is named `{0}`; put it back behind the newest in keys.root")]
    UnknownKey(String),
    #[error("a sealed value does not open: it was altered, or belongs to another row")]
    DoesNotOpen,
}

impl KeyRing {
    /// A ring of `roots`, newest first.
    ///
    /// # Panics
    /// Without a root key: the configuration refuses that before.
    pub fn new(roots: &[RootKey]) -> Self {
        assert!(!roots.is_empty(), "the configuration requires a root key");
        Self(Arc::new(roots.iter().map(KeySet::derive).collect()))
    }

    /// The name of the key that writes.
    pub fn newest(&self) -> &str {
        &self.0[0].id
    }

    /// Id and fingerprint of every key: the fingerprint tells two keys apart, and nothing of either.
    pub fn fingerprints(&self) -> impl Iterator<Item = (&str, [u8; 32])> {
        self.0
            .iter()
            .map(|set| (set.id.as_str(), tag(&set.code, &[b"fingerprint/v1"])))
    }

    /// Whether there are older keys than the one that writes.
    pub fn is_rotating(&self) -> bool {
        1 < self.ids().count()
    }

    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|set| set.id.as_str())
    }

    /// Keyed hash of a code. Each part is prefixed by its length, so that no two lists of parts run together.
    pub fn hash_code(&self, key_id: &str, parts: &[&[u8]]) -> Result<[u8; 32], CryptoError> {
        Ok(tag(&self.set(key_id)?.code, parts))
    }

    /// Blind index of a number within one tenant.
    pub fn number_index(&self, tenant: &str, e164: &str) -> UnderEveryKey<[u8; 32]> {
        self.under_every_key(|set| tag(&set.number, &[tenant.as_bytes(), e164.as_bytes()]))
    }

    /// Index and name of rows that stand for no number and no limit: one of 64 for each tenant, picked by `seed`. What
    /// they are made of has a part more than any number, so they are nobody's.
    pub fn decoys(&self, tenant: &str, seed: &[u8]) -> ([u8; 32], [u8; 16]) {
        let newest = &self.0[0];
        let slot = tag(&newest.number, &[b"slot", tenant.as_bytes(), seed])[0] % DECOYS;
        let parts: [&[u8]; 3] = [b"decoy", tenant.as_bytes(), &[slot]];
        let mut counter = [0; 16];
        counter.copy_from_slice(&tag(&newest.limit, &parts)[..16]);
        (tag(&newest.number, &parts), counter)
    }

    /// Name of a limit's counter.
    pub fn limit_id(&self, parts: &[&[u8]]) -> UnderEveryKey<[u8; 16]> {
        self.under_every_key(|set| limit_id(set, parts))
    }

    /// The same, for a counter that is used together with others of `place`: all of them begin alike, so that they stand on
    /// one page of the database. What differs, 96 bits, is still too long to meet by chance.
    pub fn limit_id_at(
        &self,
        place: &UnderEveryKey<[u8; 16]>,
        parts: &[&[u8]],
    ) -> UnderEveryKey<[u8; 16]> {
        let mut ids = self.limit_id(parts);
        let all = std::iter::once(&mut ids.newest).chain(&mut ids.older);
        for (id, place) in all.zip(place.all()) {
            id[..4].copy_from_slice(&place[..4]);
        }
        ids
    }

    /// What proves that an address to call back was made here.
    pub fn callback_tag(&self, parts: &[&[u8]]) -> UnderEveryKey<[u8; 32]> {
        self.under_every_key(|set| tag(&set.callback, parts))
    }

    /// What a send is found by that may be repeated, or recognised by: the first part says which.
    pub fn idempotency_tag(&self, parts: &[&[u8]]) -> UnderEveryKey<[u8; 32]> {
        self.under_every_key(|set| tag(&set.idempotency, parts))
    }

    /// Seals `secret` for the row named by `row` (AES-256-GCM, random nonce) under the newest key.
    pub fn seal(&self, row: &[u8], secret: &[u8]) -> Vec<u8> {
        let mut sealed = secret.to_vec();
        let nonce = self.0[0]
            .seal
            .seal_in_place_append_tag(Aad::from(row), &mut sealed)
            .expect("sealing fails only for secrets of many gigabytes");
        let mut out = nonce.as_ref().to_vec();
        out.append(&mut sealed);
        out
    }

    /// Opens what [`KeyRing::seal`] sealed for the same row.
    pub fn open(
        &self,
        key_id: &str,
        row: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let (nonce, ciphertext) = sealed
            .split_first_chunk::<12>()
            .ok_or(CryptoError::DoesNotOpen)?;
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let length = self
            .set(key_id)?
            .seal
            .open_in_place(nonce.into(), Aad::from(row), &mut buffer)
            .map_err(|_| CryptoError::DoesNotOpen)?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }

    fn set(&self, key_id: &str) -> Result<&KeySet, CryptoError> {
        self.0
            .iter()
            .find(|set| set.id == key_id)
            .ok_or_else(|| CryptoError::UnknownKey(key_id.to_owned()))
    }

    fn under_every_key<T>(&self, value: impl Fn(&KeySet) -> T) -> UnderEveryKey<T> {
        let mut values = self.0.iter().map(value);
        let newest = values.next().expect("a ring holds at least one key");
        UnderEveryKey {
            newest,
            older: values.collect(),
        }
    }
}

impl KeySet {
    fn derive(root: &RootKey) -> Self {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, b"countersign").extract(root.secret.as_ref());
        let mac = |info: &str| hmac::Key::new(hmac::HMAC_SHA256, expand(&prk, info).as_ref());
        Self {
            id: root.id.clone(),
            code: mac("code/v1"),
            number: mac("number-index/v1"),
            limit: mac("limit/v1"),
            callback: mac("callback/v1"),
            idempotency: mac("idempotency/v1"),
            seal: RandomizedNonceKey::new(&AES_256_GCM, expand(&prk, "seal/v1").as_ref())
                .expect("32 bytes are a key of AES-256-GCM"),
        }
    }
}

impl<T> UnderEveryKey<T> {
    pub fn all(&self) -> impl Iterator<Item = &T> {
        std::iter::once(&self.newest).chain(&self.older)
    }
}

/// SHA-256: for values that carry 128 random bits or more by themselves, such as API keys.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, data).as_ref());
    out
}

/// Comparison whose time does not depend on where the two differ.
pub fn equal_in_constant_time(left: &[u8], right: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(left, right).is_ok()
}

fn expand(prk: &hkdf::Prk, info: &str) -> Zeroizing<[u8; 32]> {
    let mut out = Zeroizing::new([0; 32]);
    prk.expand(&[info.as_bytes()], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(out.as_mut()))
        .expect("32 bytes are within what HKDF-SHA-256 gives");
    out
}

fn limit_id(set: &KeySet, parts: &[&[u8]]) -> [u8; 16] {
    let mut id = [0; 16];
    id.copy_from_slice(&tag(&set.limit, parts)[..16]);
    id
}

/// Each part stands behind its length. Short ones, as nearly all are, are put together first: to hand over a part costs
/// about as much as to hash it.
fn tag(key: &hmac::Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut together = [0; TOGETHER];
    let Some(length) = join(parts, &mut together) else {
        together.zeroize();
        return tag_in_pieces(key, parts);
    };
    let together = &mut together[..length];
    let tag = fixed(&hmac::sign(key, together));
    together.zeroize();
    tag
}

fn tag_in_pieces(key: &hmac::Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(&length_of(part));
        context.update(part);
    }
    fixed(&context.sign())
}

fn fixed(tag: &hmac::Tag) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(tag.as_ref());
    out
}

/// How much of `to` it takes to hold `parts`; `None`: more than there is.
fn join(parts: &[&[u8]], to: &mut [u8]) -> Option<usize> {
    let mut end = 0;
    for part in parts {
        for piece in [&length_of(part)[..], part] {
            to.get_mut(end..end + piece.len())?.copy_from_slice(piece);
            end += piece.len();
        }
    }
    Some(end)
}

fn length_of(part: &[u8]) -> [u8; 8] {
    let length = u64::try_from(part.len()).expect("a length fits 64 bits");
    length.to_be_bytes()
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootKey({})", self.id)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

#[cfg(test)]
mod tests;
