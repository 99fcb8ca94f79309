//! The keys everything secret is derived from.

use std::fmt;

use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use zeroize::Zeroizing;

use super::{
    fields::{Fields, Parsed},
    placeholders::{self, EXAMPLE_ROOT_KEY},
};

/// The root keys that may be in use at once: two while one takes over, and one in reserve.
const ROOT_KEYS: usize = 3;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The keys of the service.
#[derive(Clone, Debug)]
pub struct KeysConfig {
    /// `keys.root`: newest first, 1 to 3, no two with the same id.
    pub root: Vec<RootKey>,
    /// `keys.signing`: newest first; kept for the proofs to come.
    pub signing: Vec<SigningSeed>,
}

/// A key from which every other is derived.
#[derive(Clone, Debug)]
pub struct RootKey {
    pub id: String,
    pub secret: Secret32,
}

/// The seed of an Ed25519 key.
#[derive(Clone, Debug)]
pub struct SigningSeed {
    pub id: String,
    pub seed: Secret32,
}

/// 32 secret bytes: cannot be printed, gone from memory when dropped.
#[derive(Clone)]
pub struct Secret32(Zeroizing<[u8; 32]>);

impl Secret32 {
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Secret32 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[32 secret bytes]")
    }
}

pub(super) fn read(fields: &Fields) -> Option<KeysConfig> {
    fields.demand("root");
    let root = fields.secrets("root");
    let root = root.and_then(|found| {
        fields.parse_found(found, |entries| match entries.len() {
            0 => Err("holds no key; run `countersign keygen` and copy what it prints".to_owned()),
            1..=ROOT_KEYS => parse_all(&entries),
            more => Err(format!("holds {more} keys; keep the newest {ROOT_KEYS}")),
        })
    });
    let signing = match fields.secrets("signing") {
        Some(found) => fields.parse_found(found, |entries| parse_all(&entries)),
        None => Some(Vec::new()),
    };
    let root = root?.into_iter().map(|(id, secret)| RootKey { id, secret });
    let signing = signing?
        .into_iter()
        .map(|(id, seed)| SigningSeed { id, seed });
    Some(KeysConfig {
        root: root.collect(),
        signing: signing.collect(),
    })
}

/// Every entry, or all that is wrong with them in one sentence.
fn parse_all(entries: &[String]) -> Parsed<Vec<(String, Secret32)>> {
    let mut keys: Vec<(String, Secret32)> = Vec::new();
    let mut complaints = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        match parse(entry) {
            Ok((id, _)) if keys.iter().any(|(known, _)| *known == id) => {
                complaints.push(format!("holds the id `{id}` twice; give every key its own"));
            }
            Ok((id, secret)) if keys.iter().any(|(_, k)| k.expose() == secret.expose()) => {
                complaints.push(format!(
                    "holds the bytes of `{id}` twice; remove one of the two"
                ));
            }
            Ok(key) => keys.push(key),
            Err(complaint) => {
                complaints.push(format!("has an entry {}, which {complaint}", index + 1));
            }
        }
    }
    if complaints.is_empty() {
        Ok(keys)
    } else {
        Err(complaints.join(", and "))
    }
}

/// One entry, `ID:BASE64`. No complaint repeats it.
fn parse(entry: &str) -> Parsed<(String, Secret32)> {
    const FRESH: &str = "run `countersign keygen` for a fresh one";
    let (id, encoded) = entry.split_once(':').unwrap_or_default();
    let letters = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if id.is_empty() || id.len() > 32 || !id.bytes().all(letters) {
        return Err("does not begin with an id and a colon; write it as `k1:BASE64`".to_owned());
    }
    if placeholders::is_word(encoded) || entry == EXAMPLE_ROOT_KEY {
        return Err(format!("is the example of the documentation; {FRESH}"));
    }
    let bytes = BASE64.decode(encoded).ok().map(Zeroizing::new);
    let bytes = bytes.ok_or_else(|| format!("is not base64 after the colon; {FRESH}"))?;
    let secret: [u8; 32] = bytes
        .as_slice()
        .try_into()
        .map_err(|_| format!("holds {} bytes in place of 32; {FRESH}", bytes.len()))?;
    if placeholders::is_one_byte(&secret) {
        return Err(format!("is one byte repeated, not a secret; {FRESH}"));
    }
    if BASE64
        .decode(&EXAMPLE_ROOT_KEY[3..])
        .is_ok_and(|example| example == secret)
    {
        return Err(format!("is the example of the documentation; {FRESH}"));
    }
    Ok((id.to_owned(), Secret32::new(secret)))
}
