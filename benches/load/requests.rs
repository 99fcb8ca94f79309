//! The requests of a round, written before it begins.

use std::{cell::Cell, collections::HashMap};

use countersign::domain::phone::PhoneNumber;

/// Requests in one piece of memory, handed out in order.
pub(crate) struct Requests {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    next: Cell<usize>,
    /// Whether they begin anew when the last one was handed out.
    again: bool,
}

/// Numbers that the service takes, each once.
#[derive(Default)]
pub(crate) struct Numbers {
    next: u64,
    /// Drawn, and not sent to.
    unused: Vec<u64>,
}

/// A verification to be checked.
pub(crate) struct Pending {
    pub(crate) number: u64,
    pub(crate) id: String,
}

impl Requests {
    fn new(again: bool) -> Self {
        Self {
            bytes: Vec::new(),
            ends: Vec::new(),
            next: Cell::new(0),
            again,
        }
    }

    /// Sends to each of `numbers`; with `again`, for a server that does not care who was sent to before.
    pub(crate) fn sends(numbers: &[u64], key: &str, again: bool) -> Self {
        let mut requests = Self::new(again);
        for number in numbers {
            let body = format!(r#"{{"to":"+{number}","channel":"sms","purpose":"login"}}"#);
            requests.push("/otp/send", key, &body);
        }
        requests
    }

    /// Checks, with the right codes.
    pub(crate) fn checks(pending: &[Pending], codes: &HashMap<u64, &str>, key: &str) -> Self {
        let mut requests = Self::new(false);
        for Pending { number, id } in pending {
            if let Some(code) = codes.get(number) {
                let body = format!(r#"{{"id":"{id}","code":"{code}"}}"#);
                requests.push("/otp/verify", key, &body);
            }
        }
        requests
    }

    fn push(&mut self, path: &str, key: &str, body: &str) {
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        self.bytes.extend_from_slice(request.as_bytes());
        self.ends.push(self.bytes.len());
    }

    /// How many were handed out, where none is twice.
    pub(crate) fn handed_out(&self) -> usize {
        self.next.get()
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The next one, and which it is.
    pub(crate) fn next(&self) -> Option<(usize, &[u8])> {
        let mut at = self.next.get();
        if self.again && at == self.ends.len() {
            at = 0;
        }
        let end = *self.ends.get(at)?;
        self.next.set(at + 1);
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some((at, &self.bytes[start..end]))
    }
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
