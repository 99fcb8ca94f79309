//! The main job: send a code, check it.

mod autofill;
mod cancel;
mod examples;
mod repeat;
mod send;
mod status;
mod verify;
mod view;
mod words;

pub(super) use cancel::{__path_cancel, cancel};
pub(super) use send::{__path_send, SendBody, send};
pub(super) use status::{__path_status, status};
pub(super) use verify::{__path_verify, VerifyBody, verify};
pub(super) use view::{ApprovedView, StatusView, VerificationView};
pub(super) use words::VerificationReason;

use crate::domain::{id::Id, phone::PhoneNumber};

use super::codes::ProblemCode;
use super::problem::{FieldCode, Problem};

const DEFAULT_PURPOSE: &str = "login";
const LONGEST_PURPOSE: usize = 32;

type FieldResult<T> = Result<T, (FieldCode, String)>;

fn number(text: &str) -> FieldResult<PhoneNumber> {
    use crate::domain::phone::InvalidNumber;
    PhoneNumber::parse(text).map_err(|fault| {
        let code = if fault == InvalidNumber::TooLong {
            FieldCode::TooLong
        } else {
            FieldCode::Invalid
        };
        (code, fault.to_string())
    })
}

fn purpose(text: &str) -> FieldResult<String> {
    if LONGEST_PURPOSE < text.len() {
        return Err((
            FieldCode::TooLong,
            format!("must have at most {LONGEST_PURPOSE} characters"),
        ));
    }
    let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
    let goes_on = text
        .chars()
        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'));
    if begins && goes_on {
        Ok(text.to_owned())
    } else {
        Err((
            FieldCode::Invalid,
            "must begin with a-z and go on with a-z, 0-9, _ or -".to_owned(),
        ))
    }
}

/// The verification named in the path. What is no id names none.
fn named(path: &str) -> Result<Id, Problem> {
    Id::parse(path).ok_or_else(|| Problem::new(ProblemCode::NoSuchVerification))
}
