//! A send that may be repeated: under one `Idempotency-Key` a code is sent once, and every answer is the first one.
//!
//! What was begun under a key is a row, written in the transaction of the send. The answer follows in a second one, since
//! it depends on Restcomm; who writes it first decides it, on whichever replica. Nothing of this is kept in memory.

use std::time::Duration;

use super::{
    clock::Timestamp,
    dispatch::Dispatch,
    id::Id,
    ledger::{Ledger, Op},
    policy::Policy,
};
use crate::crypto::UnderEveryKey;

/// Characters of a key.
pub const LONGEST_KEY: usize = 255;
/// How long a send can be repeated, unless the tenant keeps nothing for so long.
const KEPT_FOR: Duration = Duration::from_hours(24);

/// The caller's name of one send. It does not print: callers may put anything into it.
pub struct IdempotencyKey(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFault {
    Malformed,
    TooLong,
}

/// What a send under a key brings along.
#[derive(Clone, Debug)]
pub struct Once {
    /// Names its row: keyed hash of whose key it is, and of the key.
    pub row: UnderEveryKey<[u8; 32]>,
    /// Keyed hash of what is asked for, under the same keys of the ring: another request is noticed by it.
    pub fingerprint: UnderEveryKey<[u8; 32]>,
    /// Until when the first answer is waited for.
    pub answer_by: Timestamp,
    /// The policy does not allow it any more: it is answered if it is a repeat, and begins nothing.
    pub only_repeats: bool,
}

/// What was begun under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    pub fingerprint: [u8; 32],
    pub verification: Id,
    pub delivery: Id,
    /// A pending verification was sent to again.
    pub resent: bool,
    pub answer_by: Timestamp,
    /// What was answered; `None`: it is not known yet.
    pub answer: Option<Answer>,
    /// From then on the key is as good as new. A row that was made only to be locked has never been anything else.
    pub expires_at: Timestamp,
}

/// The answer to a send, as its caller got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Given {
        status: u16,
        body: String,
    },
    /// Restcomm refused the message for good.
    Refused,
}

/// A send with this key was begun before.
#[derive(Clone, Debug)]
pub enum Known {
    /// It is waiting for Restcomm still, until then at most.
    InProgress {
        answered_by: Timestamp,
    },
    /// It was another request.
    Mismatch,
    Answered {
        verification: Id,
        answer: Answer,
    },
    /// Its answer is overdue: whoever should have given it is gone. Now it follows from the rows.
    Unanswered {
        verification: Id,
        resent: bool,
        place: Place,
    },
}

/// Where the answer to a send belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub row: [u8; 32],
    pub delivery: Id,
}

/// An answer is about to be given: it is noted first.
#[derive(Clone, Debug)]
pub struct Keep {
    pub place: Place,
    pub answer: Answer,
}

impl IdempotencyKey {
    /// Reads the header: a structured string (`"…"`, RFC 9651), or, since many send it so, the same without quotes.
    pub fn parse(field: &str) -> Result<Self, KeyFault> {
        let field = field.trim_matches(' ');
        let is_bare = |sign: u8| sign.is_ascii_graphic() && !b"\",".contains(&sign);
        let text = if field.starts_with('"') {
            unquoted(field).ok_or(KeyFault::Malformed)?
        } else if field.bytes().all(is_bare) {
            field.to_owned()
        } else {
            return Err(KeyFault::Malformed);
        };
        match text.len() {
            0 => Err(KeyFault::Malformed),
            1..=LONGEST_KEY => Ok(Self(text)),
            _ => Err(KeyFault::TooLong),
        }
    }

    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

fn unquoted(field: &str) -> Option<String> {
    let inside = field.strip_prefix('"')?.strip_suffix('"')?;
    let mut text = String::new();
    let mut signs = inside.chars();
    while let Some(sign) = signs.next() {
        text.push(match sign {
            '\\' => signs.next().filter(|sign| "\"\\".contains(*sign))?,
            ' '..='~' if sign != '"' => sign,
            _ => return None,
        });
    }
    Some(text)
}

impl Once {
    /// What is known of a send with this key at `now`; `None`: it is the first.
    pub fn recall(&self, ledger: &Ledger, now: Timestamp) -> Option<Known> {
        let mut places = self.row.all().zip(self.fingerprint.all());
        let (row, begun) = places.find_map(|(row, fingerprint)| {
            let begun = ledger.sends.get(row)?;
            (now < begun.expires_at).then_some((*row, (begun, fingerprint)))
        })?;
        let (begun, fingerprint) = begun;
        let verification = begun.verification;
        Some(match &begun.answer {
            _ if begun.fingerprint != *fingerprint => Known::Mismatch,
            Some(answer) => Known::Answered {
                verification,
                answer: answer.clone(),
            },
            None if now < begun.answer_by => Known::InProgress {
                // Nobody is told to wait longer than a send takes, also where a clock was set back meanwhile.
                answered_by: begun.answer_by.min(self.answer_by),
            },
            None => Known::Unanswered {
                verification,
                resent: begun.resent,
                place: Place {
                    row,
                    delivery: begun.delivery,
                },
            },
        })
    }

    /// Notes what was begun.
    pub fn remember(
        &self,
        dispatch: &Dispatch,
        resent: bool,
        policy: &Policy,
        ledger: &mut Ledger,
        op: Op,
        now: Timestamp,
    ) {
        let begun = Remembered {
            fingerprint: self.fingerprint.newest,
            verification: dispatch.verification.id,
            delivery: dispatch.delivery.id,
            resent,
            answer_by: self.answer_by,
            answer: None,
            expires_at: now.plus(KEPT_FOR.min(policy.retention)),
        };
        ledger.sends.put(self.row.newest, begun, op);
    }
}

impl Keep {
    /// The answer that counts: the one that was noted first.
    pub fn decide(&self, ledger: &mut Ledger, op: Op) -> Answer {
        let begun = ledger.sends.get(&self.place.row).cloned();
        match begun.filter(|begun| begun.delivery == self.place.delivery) {
            Some(Remembered {
                answer: Some(first),
                ..
            }) => first,
            Some(mut begun) => {
                begun.answer = Some(self.answer.clone());
                ledger.sends.put(self.place.row, begun, op);
                self.answer.clone()
            }
            // It took so long that the key is as good as new.
            None => self.answer.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
