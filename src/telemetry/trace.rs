//! `traceparent`, by which a caller says which trace a request is part of (W3C Trace Context).

use std::ops::Deref;

/// The trace that a request is part of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    trace: [u8; 16],
    /// The caller's own step in it.
    span: Option<[u8; 8]>,
}

impl TraceParent {
    /// A trace that begins here.
    pub fn beginning(trace: [u8; 16]) -> Self {
        Self { trace, span: None }
    }

    /// Reads the header. What does not follow the recommendation to the letter is none.
    pub fn parse(header: &str) -> Option<Self> {
        let (version, rest) = header.split_once('-')?;
        let (trace, rest) = rest.split_once('-')?;
        let (span, rest) = rest.split_once('-')?;
        let (flags, more) = match rest.split_once('-') {
            Some((flags, more)) => (flags, Some(more)),
            None => (rest, None),
        };
        let [version] = hex::<1>(version)?;
        hex::<1>(flags)?;
        // 255 is forbidden; this version ends here, and what a later one appends is not for us.
        if version == 0xff || (version == 0 && more.is_some()) {
            return None;
        }
        let (trace, span) = (hex::<16>(trace)?, hex::<8>(span)?);
        (trace != [0; 16] && span != [0; 8]).then_some(Self {
            trace,
            span: Some(span),
        })
    }

    pub fn trace_id(&self) -> Hex<32> {
        Hex::of(&self.trace)
    }

    /// The caller's own step, where a caller told of one.
    pub fn span_id(&self) -> Option<Hex<16>> {
        self.span.as_ref().map(|span| Hex::of(span))
    }
}

/// Bytes in lower-case hexadecimal digits.
#[derive(Clone, Copy)]
pub struct Hex<const DIGITS: usize>([u8; DIGITS]);

impl<const DIGITS: usize> Hex<DIGITS> {
    /// Of half as many `bytes` as there are digits.
    pub(super) fn of(bytes: &[u8]) -> Self {
        const VALUES: &[u8; 16] = b"0123456789abcdef";
        debug_assert_eq!(2 * bytes.len(), DIGITS);
        let mut digits = [b'0'; DIGITS];
        for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
            *pair = [byte >> 4, byte & 15].map(|value| VALUES[usize::from(value)]);
        }
        Self(digits)
    }
}

impl<const DIGITS: usize> Deref for Hex<DIGITS> {
    type Target = str;

    fn deref(&self) -> &str {
        std::str::from_utf8(&self.0).expect("digits are ASCII")
    }
}

/// Exactly `N` bytes in lower-case hexadecimal digits.
fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !odd.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    fn read(header: &str) -> Option<(String, String)> {
        let parent = TraceParent::parse(header)?;
        Some((
            parent.trace_id().to_string(),
            parent.span_id().unwrap().to_string(),
        ))
    }

    #[test]
    fn a_valid_header_names_its_trace_and_the_step_of_the_caller() {
        let expected = Some((TRACE.to_owned(), SPAN.to_owned()));
        for header in [
            format!("00-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-00"),
            format!("00-{TRACE}-{SPAN}-ff"),
            format!("01-{TRACE}-{SPAN}-01"),
            format!("cc-{TRACE}-{SPAN}-01-what-comes-later"),
            format!("fe-{TRACE}-{SPAN}-01-"),
        ] {
            assert_eq!(read(&header), expected, "{header}");
        }
    }

    #[test]
    fn whatever_else_is_there_is_no_header() {
        for header in [
            String::new(),
            "-".to_owned(),
            "---".to_owned(),
            TRACE.to_owned(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}-0g"),
            format!("00-{TRACE}-{SPAN}-01-"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("01-{TRACE}-{SPAN}-01.more"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("0-{TRACE}-{SPAN}-01"),
            format!("0x-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{}-01", SPAN.to_uppercase()),
            format!("00-{}-{SPAN}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{}-{SPAN}-01", &TRACE[1..]),
            format!("00-{TRACE}0-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}0-01"),
            format!(" 00-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-01 "),
            format!("00_{TRACE}_{SPAN}_01"),
            format!("00-é{}-{SPAN}-01", &TRACE[2..]),
        ] {
            assert_eq!(read(&header), None, "{header}");
        }
    }
}
