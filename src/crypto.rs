//! The key ring: every key is derived from a root key by HKDF-SHA-256 (RFC 5869), and lives outside the database.
//!
//! The newest root key writes; older ones still read, so that keys can be rotated while codes are in flight.

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, RandomizedNonceKey},
    digest, hkdf, hmac,
};
use thiserror::Error;
use zeroize::Zeroizing;

/// Bytes of a root key.
pub const ROOT_KEY_LENGTH: usize = 32;

/// Rows of each tenant that checks write where nothing is counted.
const DECOYS: u8 = 64;

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

fn tag(key: &hmac::Key, parts: &[&[u8]]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        let length = u64::try_from(part.len()).expect("a length fits 64 bits");
        context.update(&length.to_be_bytes());
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.sign().as_ref());
    out
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
mod tests {
    use super::*;

    fn root(id: &str, byte: u8) -> RootKey {
        RootKey {
            id: id.to_owned(),
            secret: Zeroizing::new([byte; ROOT_KEY_LENGTH]),
        }
    }

    #[test]
    fn a_rotated_ring_still_opens_and_recognises_what_the_old_key_wrote() {
        let old = KeyRing::new(&[root("k1", 1)]);
        let both = KeyRing::new(&[root("k2", 2), root("k1", 1)]);
        let sealed = old.seal(b"row", b"secret");
        assert_eq!(
            both.open("k1", b"row", &sealed).unwrap().as_slice(),
            b"secret"
        );
        assert_eq!(both.hash_code("k1", &[b"1"]), old.hash_code("k1", &[b"1"]));
        assert_eq!(
            both.number_index("t", "+1").older,
            vec![old.number_index("t", "+1").newest]
        );
    }

    fn hex(bytes: &[u8]) -> String {
        use std::fmt::Write as _;
        let mut text = String::new();
        for byte in bytes {
            write!(text, "{byte:02x}").unwrap();
        }
        text
    }

    #[test]
    fn names_that_are_kept_in_the_database_never_change() {
        // Another version beside this one, or after it, must find what was counted.
        let ring = KeyRing::new(&[root("k1", 1)]);
        let place = ring.limit_id(&[b"neighbours", b"+35191234"]);
        let id = ring.limit_id_at(&place, &[b"number", b"acme", b"+351912345678"]);
        assert_eq!(hex(&id.newest), "bf6e9af533c3704a9eb8ca32382861b5");
        assert_eq!(id.newest[..4], place.newest[..4]);
        let index = ring.number_index("acme", "+351912345678");
        assert_eq!(
            hex(&index.newest),
            "2a4a9934706df2bf3e1e67db988c885d4bb2dc5549e3d4efb6a352367650e009"
        );
    }

    #[test]
    fn a_sealed_value_opens_only_for_its_own_row_and_unaltered() {
        let ring = KeyRing::new(&[root("k1", 1)]);
        let mut sealed = ring.seal(b"row", b"secret");
        assert_eq!(
            ring.open("k1", b"other", &sealed),
            Err(CryptoError::DoesNotOpen)
        );
        sealed[13] ^= 1;
        assert_eq!(
            ring.open("k1", b"row", &sealed),
            Err(CryptoError::DoesNotOpen)
        );
        assert_eq!(
            ring.open("k1", b"row", b"short"),
            Err(CryptoError::DoesNotOpen)
        );
        assert_eq!(
            ring.open("k9", b"row", b"x").unwrap_err(),
            CryptoError::DoesNotOpen
        );
    }

    #[test]
    fn parts_that_would_run_together_hash_differently() {
        let ring = KeyRing::new(&[root("k1", 1)]);
        assert_ne!(
            ring.hash_code("k1", &[b"1", b"23"]),
            ring.hash_code("k1", &[b"12", b"3"])
        );
    }

    #[test]
    fn the_same_number_looks_different_in_two_tenants() {
        let ring = KeyRing::new(&[root("k1", 1)]);
        let number = "+351912345678";
        assert_ne!(
            ring.number_index("a", number),
            ring.number_index("b", number)
        );
    }

    #[test]
    fn keys_cannot_be_printed() {
        let key = root("k1", 0xAB);
        let printed = format!("{key:?} {:?}", KeyRing::new(std::slice::from_ref(&key)));
        assert_eq!(printed, r#"RootKey(k1) ["k1"]"#);
    }
}
