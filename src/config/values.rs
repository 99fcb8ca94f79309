//! Durations, rates and the other small values that settings are made of.

use std::{
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    time::Duration,
};

use ipnet::IpNet;
use rlibphonenumber::{PHONE_NUMBER_UTIL, Region};

use super::fields::Parsed;
use crate::domain::limits::Rate;

const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MINUTE: Duration = Duration::from_mins(1);
pub(super) const DAY: Duration = Duration::from_hours(24);

/// A whole number and a unit: `250ms`, `30s`, `5m`, `24h`, `7d`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let millis = number.parse::<u64>().ok()?.checked_mul(*millis)?;
    Some(Duration::from_millis(millis))
}

/// A spelling that [`duration`] reads back, in the largest unit that is exact; a day is `24h`.
pub(super) fn spell(duration: Duration) -> String {
    let millis = duration.as_millis();
    let exact = |(name, size): &&(&str, u64)| {
        millis.is_multiple_of(u128::from(*size)) && (*name != "d" || duration > DAY)
    };
    let unit = UNITS.iter().rev().find(exact).filter(|_| millis > 0);
    let (name, size) = unit.unwrap_or(&("s", 1000));
    format!("{}{name}", millis / u128::from(*size))
}

/// A duration within `range`.
pub(super) fn duration_in(text: &str, range: RangeInclusive<Duration>) -> Parsed<Duration> {
    let (low, high) = (spell(*range.start()), spell(*range.end()));
    match duration(text) {
        Some(duration) if range.contains(&duration) => Ok(duration),
        Some(_) => Err(format!(
            "must be {low} to {high}, not {text:?}; set a duration in that range"
        )),
        None => Err(format!(
            "is {text:?}, which is not a duration; write a whole number and ms, s, m, h or d, such as \"{low}\""
        )),
    }
}

/// Sends per window: `3/10m`.
pub(super) fn rate(text: &str) -> Parsed<Rate> {
    let parsed = text.split_once('/').and_then(|(count, window)| {
        let digits = count.bytes().all(|b| b.is_ascii_digit());
        let count = count.parse().ok().filter(|count| digits && *count >= 1)?;
        Some(Rate {
            count,
            window: duration(window)?,
        })
    });
    match parsed {
        Some(rate) if (SECOND..=DAY * 31).contains(&rate.window) => Ok(rate),
        Some(_) => Err(format!(
            "holds {text:?}, whose window is not 1s to 31d; set a window in that range"
        )),
        None => Err(format!(
            "holds {text:?}, which is not a rate; write a count of at least 1 and a window, such as \"3/10m\""
        )),
    }
}

pub(super) fn address(text: &str) -> Parsed<SocketAddr> {
    text.parse().map_err(|_| {
        format!("is {text:?}, which is not an IP address and a port; write it as \"127.0.0.1:8080\" or \"[::1]:8080\"")
    })
}

/// A range of addresses, or a single one, as `10.0.0.0/8` or `192.0.2.1`. IPv4 written as IPv6 is IPv4.
pub(super) fn network(text: &str) -> Parsed<IpNet> {
    let single = || text.parse::<IpAddr>().ok().map(IpNet::from);
    let Some(net) = text.parse::<IpNet>().ok().or_else(single) else {
        return Err(format!(
            "holds {text:?}, which is not a range of addresses; write it as \"10.0.0.0/8\", or one address as \"192.0.2.1\""
        ));
    };
    let net = match net {
        IpNet::V6(v6) => match (v6.addr().to_ipv4_mapped(), v6.prefix_len().checked_sub(96)) {
            (Some(v4), Some(length)) => IpNet::new(v4.into(), length).unwrap_or(net),
            _ => net,
        },
        IpNet::V4(_) => net,
    };
    if net.prefix_len() == 0 {
        return Err(format!(
            "holds {text:?}, which trusts everybody; write the addresses of your proxies"
        ));
    }
    if net.trunc() != net {
        return Err(format!(
            "holds {text:?}, which names one address within a range; write \"{}\", or \"{}\"",
            net.trunc(),
            net.addr()
        ));
    }
    Ok(net)
}

/// The name of a tenant or an account: `^[a-z][a-z0-9_-]{0,31}$`.
pub(super) fn name(text: &str) -> Parsed<String> {
    let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    let fits = text.len() <= 32
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(letters);
    if fits {
        return Ok(text.to_owned());
    }
    Err(
        "is not a name; write 1 to 32 lower-case letters, digits, `_` or `-`, a letter first"
            .to_owned(),
    )
}

/// A country that has telephone numbers, ISO 3166 alpha-2.
pub(super) fn country(text: &str) -> Parsed<String> {
    let shaped = has_country_shape(text);
    let region = Region::from_code(text).ok().filter(|_| shaped);
    let exists = |region: &Region| {
        PHONE_NUMBER_UTIL
            .get_country_code_for_region(*region)
            .is_some()
    };
    if region.as_ref().is_some_and(exists) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "holds {text:?}, which is not a country; write ISO 3166 codes in capitals, such as \"PT\", or only \"*\" for anywhere"
    ))
}

pub(super) fn has_country_shape(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())
}

/// A number in E.164: `+13055550100`.
pub(super) fn e164(text: &str) -> Parsed<String> {
    let digits = text.strip_prefix('+').unwrap_or_default();
    let fits = (7..=15).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && !digits.starts_with('0');
    if fits {
        return Ok(text.to_owned());
    }
    Err(format!(
        "holds {text:?}, which is not a number in E.164; write it as \"+13055550100\""
    ))
}

/// A sender that a tenant may show: a name, or a number in E.164.
pub(super) fn sender(text: &str) -> Parsed<String> {
    if is_sender_name(text) || e164(text).is_ok() {
        return Ok(text.to_owned());
    }
    Err(format!(
        "is {text:?}, which is not a sender; write 1 to 11 letters, digits or spaces with at least one letter, or a number such as \"+13055550100\""
    ))
}

/// A sender that an account owns: also a short code of 3 to 8 digits.
pub(super) fn account_sender(text: &str) -> Parsed<String> {
    let short_code = (3..=8).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if short_code {
        return Ok(text.to_owned());
    }
    sender(text).map_err(|complaint| format!("{complaint}, or a short code of 3 to 8 digits"))
}

fn is_sender_name(text: &str) -> bool {
    (1..=11).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' ')
        && text.bytes().any(|b| b.is_ascii_alphabetic())
        && text.trim() == text
}

/// A name that people read in a message.
pub(super) fn display_name(text: &str) -> Parsed<String> {
    let invisible = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let length = text.chars().count();
    if (1..=40).contains(&length) && text.trim() == text && !text.contains(invisible) {
        return Ok(text.to_owned());
    }
    Err(
        "is not a display name; write 1 to 40 printable characters, no space at either end"
            .to_owned(),
    )
}
