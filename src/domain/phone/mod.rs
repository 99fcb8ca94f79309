//! Phone numbers, in one spelling only.
//!
//! Everything that counts, stores or sends goes by the E.164 form made here, so that no two
//! spellings of one number can have two sets of limits. A number is personal data: it prints
//! masked, and whoever needs the digits says so with [`PhoneNumber::expose`].

mod line_type;
mod plan;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    hash::{Hash, Hasher},
    str,
};

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, Region, RegionStr};
use zeroize::Zeroize;

pub use line_type::LineType;
use plan::Verdict;

/// Digits of an E.164 number, calling code included.
const MAX_DIGITS: usize = 15;
/// The shortest numbers in use, calling code included.
const MIN_DIGITS: usize = 7;
/// No spelling of a number needs more bytes.
const MAX_SPELLING: usize = 32;

/// The region of calling codes that belong to no country.
const NO_COUNTRY: &str = "001";

/// A valid number in E.164.
#[derive(Clone)]
pub struct PhoneNumber {
    digits: Digits,
    calling_code: u16,
    region: RegionStr,
    line_type: LineType,
}

/// Why a text is not a phone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNumber {
    #[error("the number is written with more than {MAX_SPELLING} characters")]
    TooLong,
    #[error("the number does not begin with + and a calling code")]
    NotInternational,
    #[error("the number has a character other than digits, a leading +, spaces, -, ., ( and )")]
    StrangeCharacter,
    #[error("an international number has {MIN_DIGITS} to {MAX_DIGITS} digits")]
    WrongLength,
    #[error("the number begins with a calling code that does not exist")]
    UnknownCallingCode,
    #[error("the numbering plan of its country has no such number")]
    NotInPlan,
}

impl PhoneNumber {
    /// Reads an international number; it never guesses a country.
    pub fn parse(text: &str) -> Result<Self, InvalidNumber> {
        let digits = Digits::read(text)?;
        let read = match plan::look_up(digits.without_plus()) {
            None => Err(InvalidNumber::UnknownCallingCode),
            Some((_, Verdict::Invalid)) => Err(InvalidNumber::NotInPlan),
            Some((code, Verdict::Valid(region, line))) => {
                return Ok(Self::new(digits, code, region, line));
            }
            Some((_, Verdict::AskLibrary)) => Self::ask_library(&digits),
        };
        read.or_else(|fault| Self::of_refused_code(digits).ok_or(fault))
    }

    /// A number behind a calling code that is never sent to. Plans know these ranges badly: what they do not have may
    /// ring all the same. So it is a number, if only one to refuse.
    fn of_refused_code(digits: Digits) -> Option<Self> {
        let code = str::from_utf8(digits.without_plus().get(..3)?).ok()?;
        let code = code
            .parse()
            .ok()
            .filter(|code| line_type::is_refused_code(*code))?;
        let region = Region::from_code(NO_COUNTRY).ok()?.as_region_str();
        Some(Self::new(digits, code, region, LineType::Unknown))
    }

    /// Lets the library decide, which also takes trunk and carrier prefixes out: `+44 (0)20…` is
    /// `+4420…`.
    fn ask_library(digits: &Digits) -> Result<Self, InvalidNumber> {
        let Ok(number) = PHONE_NUMBER_UTIL.parse(digits.as_str(), None) else {
            return Err(InvalidNumber::NotInPlan);
        };
        if number.extension.is_some() || !PHONE_NUMBER_UTIL.is_valid_number(&number) {
            return Err(InvalidNumber::NotInPlan);
        }
        let region = PHONE_NUMBER_UTIL
            .get_region_for_number(&number)
            .ok_or(InvalidNumber::NotInPlan)?;
        let code =
            u16::try_from(number.country_code).map_err(|_| InvalidNumber::UnknownCallingCode)?;
        let canonical = Digits::read(&PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164))?;
        let line_type = PHONE_NUMBER_UTIL.get_number_type(&number).into();
        Ok(Self::new(
            canonical,
            code,
            region.as_region_str(),
            line_type,
        ))
    }

    fn new(digits: Digits, calling_code: u16, region: RegionStr, line_type: LineType) -> Self {
        let line_type = line_type.of_range(digits.as_str());
        Self {
            digits,
            calling_code,
            region,
            line_type,
        }
    }

    /// The number in E.164, in full. Never for logs, answers or metrics.
    pub fn expose(&self) -> &str {
        self.digits.as_str()
    }

    /// `+`, calling code, a `*` for each hidden digit, the last two digits.
    pub fn masked(&self) -> String {
        let text = self.expose();
        let shown = 1 + self.calling_code.to_string().len();
        let hidden = text.len().saturating_sub(shown + 2);
        let (head, tail) = (&text[..shown], &text[shown + hidden..]);
        format!("{head}{:*<hidden$}{tail}", "")
    }

    /// ISO 3166 alpha-2, or `001` for the calling codes that belong to no country.
    pub fn region(&self) -> &str {
        self.region.as_str()
    }

    pub const fn calling_code(&self) -> u16 {
        self.calling_code
    }

    pub const fn line_type(&self) -> LineType {
        self.line_type
    }

    /// Whether the number is in a range that no code is ever sent to, whatever a tenant allows.
    pub const fn is_refused_range(&self) -> bool {
        line_type::is_refused_code(self.calling_code) || !self.line_type.may_be_sent_to()
    }

    /// Makes all that is made lazily, so that the first request is as fast as the others.
    pub fn warm_up() {
        plan::compile_all();
    }
}

impl PartialEq for PhoneNumber {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for PhoneNumber {}

impl Hash for PhoneNumber {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.expose().hash(state);
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PhoneNumber({self})")
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

/// `+` and digits, wiped when dropped.
#[derive(Clone)]
struct Digits {
    text: [u8; 1 + MAX_DIGITS],
    len: u8,
}

impl Digits {
    /// Drops ASCII spaces, `-`, `.`, `(` and `)`; what is left must be `^\+[1-9][0-9]{6,14}$`.
    fn read(text: &str) -> Result<Self, InvalidNumber> {
        if text.len() > MAX_SPELLING {
            return Err(InvalidNumber::TooLong);
        }
        let mut digits = Self {
            text: [0; 1 + MAX_DIGITS],
            len: 0,
        };
        for byte in text.bytes() {
            match (digits.len, byte) {
                (_, b' ' | b'-' | b'.' | b'(' | b')') => {}
                (0, b'+') | (1, b'1'..=b'9') | (2.., b'0'..=b'9') => digits.push(byte)?,
                (0 | 1, b'0'..=b'9') => return Err(InvalidNumber::NotInternational),
                _ => return Err(InvalidNumber::StrangeCharacter),
            }
        }
        match digits.len {
            0 => Err(InvalidNumber::NotInternational),
            len if usize::from(len) <= MIN_DIGITS => Err(InvalidNumber::WrongLength),
            _ => Ok(digits),
        }
    }

    fn push(&mut self, byte: u8) -> Result<(), InvalidNumber> {
        let free = self
            .text
            .get_mut(usize::from(self.len))
            .ok_or(InvalidNumber::WrongLength)?;
        *free = byte;
        self.len += 1;
        Ok(())
    }

    fn as_str(&self) -> &str {
        str::from_utf8(&self.text[..usize::from(self.len)]).expect("ASCII only")
    }

    /// Everything but the `+`.
    fn without_plus(&self) -> &[u8] {
        &self.text[1..usize::from(self.len)]
    }
}

impl Drop for Digits {
    fn drop(&mut self) {
        self.text.zeroize();
    }
}
