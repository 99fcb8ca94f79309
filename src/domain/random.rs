//! Where chance comes from. Injected everywhere, so that tests can hold it still.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rand::{
    Rng as _, RngExt as _, SeedableRng as _, TryRng as _,
    rngs::{StdRng, SysRng},
};

/// A random source. Keys, ids and tokens come straight from the system; codes from a `ChaCha`
/// generator that the system seeded (NIST SP 800-63B 3.2.12 asks for an approved generator).
#[derive(Clone)]
pub struct Random(Arc<Source>);

struct Source {
    generator: Mutex<StdRng>,
    /// Also keys and ids come from `generator`: only in tests.
    seeded: bool,
}

impl Random {
    pub fn system() -> Self {
        Self(Arc::new(Source {
            generator: Mutex::new(rand::make_rng()),
            seeded: false,
        }))
    }

    /// The same sequence in every run. Only for tests: everything it gives can be foretold.
    pub fn seeded(seed: u64) -> Self {
        Self(Arc::new(Source {
            generator: Mutex::new(StdRng::seed_from_u64(seed)),
            seeded: true,
        }))
    }

    /// Fills `bytes` for a key, an id or a token.
    ///
    /// # Panics
    /// When the system has no randomness to give: nothing safe can be done then.
    pub fn fill(&self, bytes: &mut [u8]) {
        if self.0.seeded {
            self.generator().fill_bytes(bytes);
        } else {
            SysRng
                .try_fill_bytes(bytes)
                .expect("the system gives randomness");
        }
    }

    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// Several at once: asking the system costs more than what it gives.
    pub fn several<const N: usize, const M: usize>(&self) -> [[u8; N]; M] {
        let mut bytes = [[0; N]; M];
        self.fill(bytes.as_flattened_mut());
        bytes
    }

    /// A name for a command, a request or a trace: no two are alike, and nothing is protected by not knowing one. Asking the
    /// system each time would cost more than what is named.
    pub fn name<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.generator().fill_bytes(&mut bytes);
        bytes
    }

    /// A uniform number below `bound`, by rejection: no value is likelier than another.
    pub fn below(&self, bound: usize) -> usize {
        self.generator().random_range(0..bound)
    }

    /// A uniform number below `bound`, by rejection.
    pub fn below_u64(&self, bound: u64) -> u64 {
        self.generator().random_range(0..bound)
    }

    fn generator(&self) -> MutexGuard<'_, StdRng> {
        self.0
            .generator
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}
