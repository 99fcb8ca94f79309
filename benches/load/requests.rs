//! The requests of a round, written before it begins.

use std::cell::Cell;

use crate::{client::Answer, numbers::Known};

/// Requests in one piece of memory, handed out in order.
#[derive(Default)]
pub(crate) struct Requests {
    bytes: Vec<u8>,
    /// Where each ends, and what is expected of it.
    ends: Vec<(usize, Expected)>,
    next: Cell<usize>,
    /// Whether they begin anew when the last one was handed out.
    again: bool,
}

/// The right answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    pub(crate) status: u16,
    /// The stable name of a refusal.
    pub(crate) code: Option<&'static str>,
    /// Whether it names a verification that has just begun.
    pub(crate) begins: bool,
}

/// The next request.
pub(crate) struct Next<'a> {
    pub(crate) place: usize,
    pub(crate) request: &'a [u8],
    pub(crate) expected: Expected,
}

/// A body in JSON, to be sent to a path.
struct Post<'a> {
    path: &'a str,
    body: String,
    /// Further lines of the head.
    head: &'a str,
}

impl Requests {
    /// Sends to each of `numbers`.
    pub(crate) fn sends(numbers: &[u64], key: &str) -> Self {
        Self::of(numbers.iter().map(|number| (send(*number), CREATED)), key)
    }

    /// Sends to a limit, which does not care who was sent to before: again and again.
    pub(crate) fn sends_again(numbers: &[u64], key: &str) -> Self {
        Self {
            again: true,
            ..Self::sends(numbers, key)
        }
    }

    /// Sends that do not wait for their hand-off.
    pub(crate) fn sends_asynchronously(numbers: &[u64], key: &str) -> Self {
        let sends = numbers.iter().map(|number| {
            let head = "Prefer: respond-async\r\n";
            (
                Post {
                    head,
                    ..send(*number)
                },
                ACCEPTED,
            )
        });
        Self::of(sends, key)
    }

    /// Checks, with the right codes.
    pub(crate) fn checks(known: &[Known], key: &str) -> Self {
        Self::of(known.iter().map(|known| (check(known, 0), OK)), key)
    }

    /// Checks with wrong codes, four of each verification, so that none is its last.
    pub(crate) fn wrong_checks(known: &[Known], key: &str) -> Self {
        let guesses = (1..=4).flat_map(|off| known.iter().map(move |known| check(known, off)));
        Self::of(guesses.map(|guess| (guess, WRONG)), key)
    }

    /// In turn a send and a check with the right code.
    pub(crate) fn mixed(numbers: &[u64], known: &[Known], key: &str) -> Self {
        let pairs = numbers.iter().zip(known);
        let both =
            pairs.flat_map(|(number, known)| [(send(*number), CREATED), (check(known, 0), OK)]);
        Self::of(both, key)
    }

    /// Questions how verifications stand, again and again.
    pub(crate) fn questions(known: &[Known], key: &str) -> Self {
        let mut requests = Self {
            again: true,
            ..Self::default()
        };
        for Known { id, .. } in known {
            let head = format!(
                "GET /otp/{id} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n\r\n"
            );
            requests.push(&head, OK);
        }
        requests
    }

    fn of<'a>(posts: impl Iterator<Item = (Post<'a>, Expected)>, key: &str) -> Self {
        let mut requests = Self::default();
        for (Post { path, body, head }, expected) in posts {
            let length = body.len();
            let request = format!(
                "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n{head}\
                 Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
            );
            requests.push(&request, expected);
        }
        requests
    }

    fn push(&mut self, request: &str, expected: Expected) {
        self.bytes.extend_from_slice(request.as_bytes());
        self.ends.push((self.bytes.len(), expected));
    }

    /// How many were handed out, where none is twice.
    pub(crate) fn handed_out(&self) -> usize {
        self.next.get()
    }

    pub(crate) fn next(&self) -> Option<Next<'_>> {
        let mut place = self.next.get();
        if self.again && place == self.ends.len() {
            place = 0;
        }
        let (end, expected) = *self.ends.get(place)?;
        self.next.set(place + 1);
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before].0);
        Some(Next {
            place,
            request: &self.bytes[start..end],
            expected,
        })
    }
}

const CREATED: Expected = Expected {
    status: 201,
    code: None,
    begins: true,
};
const ACCEPTED: Expected = Expected {
    status: 202,
    ..CREATED
};
const OK: Expected = Expected {
    status: 200,
    code: None,
    begins: false,
};
const WRONG: Expected = Expected {
    status: 422,
    code: Some("wrong_code"),
    begins: false,
};

fn send(number: u64) -> Post<'static> {
    Post {
        path: "/otp/send",
        body: format!(r#"{{"to":"+{number}","channel":"sms","purpose":"login"}}"#),
        head: "",
    }
}

/// With the right code, or with one that is `off` by so much.
fn check(known: &Known, off: u32) -> Post<'static> {
    let (id, code) = (&known.id, (known.code + off) % 1_000_000);
    Post {
        path: "/otp/verify",
        body: format!(r#"{{"id":"{id}","code":"{code:06}"}}"#),
        head: "",
    }
}

impl Expected {
    pub(crate) fn fits(self, answer: &Answer) -> bool {
        answer.status == self.status && (self.code.is_none() || self.code == code(answer.body))
    }

    /// What stands in a wrong answer; those of the service hold neither codes nor whole numbers.
    pub(crate) fn fault(self, answer: &Answer) -> String {
        let code = code(answer.body).unwrap_or_default();
        format!("{} {code} in place of {}", answer.status, self.status)
    }
}

/// The stable name of a refusal.
fn code(body: &[u8]) -> Option<&str> {
    let (_, code) = std::str::from_utf8(body).ok()?.split_once(r#""code":""#)?;
    code.split('"').next()
}
