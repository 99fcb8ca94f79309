//! `countersign keygen`

use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{Outcome, print};
use crate::domain::random::Random;

pub(super) fn run() -> Outcome {
    let random = Random::system();
    print(&section(&random))
}

/// A `[keys]` section with one fresh key of each kind.
pub(super) fn section(random: &Random) -> Zeroizing<String> {
    let key = || Zeroizing::new(STANDARD.encode(Zeroizing::new(random.bytes::<32>()).as_slice()));
    Zeroizing::new(format!(
        "[keys]\nroot = [\"k1:{}\"]\nsigning = [\"s1:{}\"]\n",
        key().as_str(),
        key().as_str()
    ))
}
