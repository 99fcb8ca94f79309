//! Numbering plans as automata: one step per digit, and the last state knows the answer.
//!
//! The library decides by trying up to a dozen regular expressions per region, which costs as much
//! as the rest of a request. The same metadata, compiled once per calling code, answers in the time
//! it takes to read the digits, and in little memory whatever numbers come. Where the library would
//! rewrite a number before judging it (trunk and carrier prefixes), the automaton does not
//! imitate it but says [`Verdict::AskLibrary`].

mod compiler;
mod pattern;

use std::sync::OnceLock;

use rlibphonenumber::{PHONE_NUMBER_UTIL, RegionStr};

use super::LineType;

/// What a plan says of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Verdict {
    Invalid,
    Valid(RegionStr, LineType),
    /// The number begins with what may be a trunk or carrier prefix.
    AskLibrary,
}

/// Splits digits without `+` into calling code and national part, and judges them.
/// `None`: there is no such calling code.
pub(super) fn look_up(digits: &[u8]) -> Option<(u16, Verdict)> {
    let mut code = 0;
    for (index, digit) in digits.iter().take(3).enumerate() {
        code = code * 10 + u16::from(digit - b'0');
        if let Some(plan) = plan(code) {
            return Some((code, plan.judge(&digits[index + 1..])));
        }
    }
    None
}

/// Compiles every plan, so that no request has to wait for one.
pub(super) fn compile_all() {
    for code in PHONE_NUMBER_UTIL.get_supported_calling_codes() {
        plan(u16::try_from(code).expect("a calling code has three digits"));
    }
}

fn plan(code: u16) -> Option<&'static Plan> {
    static PLANS: [OnceLock<Option<Plan>>; 1000] = [const { OnceLock::new() }; 1000];
    PLANS[usize::from(code)]
        .get_or_init(|| compiler::compile(code))
        .as_ref()
}

struct Plan {
    states: Vec<State>,
    start: u16,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct State {
    next: [u16; 10],
    verdict: Verdict,
}

/// Where no number can come from any more.
const DEAD: u16 = 0;
/// Where the library must be asked, whatever follows.
const ASK: u16 = 1;

impl Plan {
    fn judge(&self, national: &[u8]) -> Verdict {
        let step =
            |at: u16, digit: &u8| self.states[usize::from(at)].next[usize::from(digit - b'0')];
        let last = national.iter().fold(self.start, step);
        self.states[usize::from(last)].verdict
    }
}

#[cfg(test)]
mod tests;
