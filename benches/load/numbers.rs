//! Whom is sent to, and what came of it.

use std::collections::HashMap;

use countersign::domain::phone::PhoneNumber;

/// Numbers that the service takes, each once.
#[derive(Default)]
pub(crate) struct Numbers {
    next: u64,
    /// Drawn, and not sent to.
    unused: Vec<u64>,
}

/// A verification that has begun.
pub(crate) struct Begun {
    pub(crate) number: u64,
    pub(crate) id: String,
}

/// A verification whose code is known.
pub(crate) struct Known {
    pub(crate) id: String,
    pub(crate) code: u32,
}

impl Numbers {
    /// How many blocks of 10,000 Indian numbers there are to draw from.
    const BLOCKS: u64 = 400_000;

    /// The next `count`. Each is of another block than those around it, so that no limit on ranges is reached.
    pub(crate) fn take(&mut self, count: usize) -> Vec<u64> {
        let mut taken = std::mem::take(&mut self.unused);
        while taken.len() < count {
            let block = 600_000 + self.next * 7_919 % Self::BLOCKS;
            let inside = (block * 31 + self.next / Self::BLOCKS) % 10_000;
            self.next += 1;
            let number = 910_000_000_000 + block * 10_000 + inside;
            if PhoneNumber::parse(&format!("+{number}")).is_ok() {
                taken.push(number);
            }
        }
        self.unused = taken.split_off(count);
        taken
    }

    /// Takes back what was not used, to be taken again before any other.
    pub(crate) fn put_back(&mut self, mut numbers: Vec<u64>) {
        numbers.append(&mut self.unused);
        self.unused = numbers;
    }
}

impl Begun {
    /// With its code, if Restcomm saw one for its number.
    pub(crate) fn with_code(self, codes: &HashMap<u64, u32>) -> Option<Known> {
        let code = *codes.get(&self.number)?;
        Some(Known { id: self.id, code })
    }
}
