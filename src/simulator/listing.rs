//! Lists of messages: filters, order and pages, with Restcomm's arithmetic.

use std::cmp::Ordering;

use actix_web::web::Query;
use jiff::{civil::Date, fmt::strtime::BrokenDownTime, tz::TimeZone};

use super::message::Message;

const DAY_MILLIS: i64 = 86_400_000;

pub(super) struct Listing {
    page: usize,
    page_size: usize,
    /// SQL `LIKE` patterns.
    from: Option<String>,
    to: Option<String>,
    body: Option<String>,
    status: Option<String>,
    /// Unix milliseconds, both inclusive.
    not_before: Option<i64>,
    not_after: Option<i64>,
    order: Option<(Field, bool)>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Sort(&'static str),
    Date,
    /// A page that is no number, or pages of no size.
    Number,
}

pub(super) struct Page {
    pub(super) number: usize,
    pub(super) size: usize,
    /// How many messages there are in all, whatever their status.
    pub(super) total: usize,
    /// The number of the last page, which Restcomm calls the number of pages.
    pub(super) last: usize,
    pub(super) messages: Vec<Message>,
}

impl Listing {
    pub(super) fn parse(query: &str) -> Result<Self, Fault> {
        let pairs = Query::<Vec<(String, String)>>::from_query(query).map_err(|_| Fault::Number)?;
        let first = |key: &str| {
            let found = pairs.iter().find(|(name, _)| name == key);
            found.map(|(_, value)| value.as_str())
        };
        let number = |key, default| match first(key) {
            Some(text) => text.parse().map_err(|_| Fault::Number),
            None => Ok(default),
        };
        let midnight = |key| first(key).map(midnight).transpose();
        let listing = Self {
            page: number("Page", 0)?,
            page_size: number("PageSize", 50)?,
            from: first("From").map(|value| format!("%{value}")),
            to: first("To").map(|value| format!("%{value}")),
            body: first("Body").map(|value| format!("%{value}%")),
            status: first("Status").map(str::to_owned),
            not_before: midnight("StartTime")?,
            not_after: midnight("EndTime")?.map(|day| day + DAY_MILLIS),
            order: first("SortBy").map_or(Ok(None), parse_order)?,
        };
        // The upper bounds keep the arithmetic of a page inside its type.
        let sane = 1..=1_000_000_000;
        if sane.contains(&listing.page_size) && listing.page <= *sane.end() {
            Ok(listing)
        } else {
            Err(Fault::Number)
        }
    }

    pub(super) fn select<'a>(
        &self,
        oldest_first: impl DoubleEndedIterator<Item = &'a Message>,
    ) -> Page {
        let newest_first = oldest_first.rev().filter(|message| self.covers(message));
        let mut rows: Vec<&Message> = newest_first.collect();
        let total = rows.len();
        if let Some(status) = &self.status {
            rows.retain(|message| like(message.status.as_str(), status));
        }
        if let Some((field, descending)) = self.order {
            rows.sort_by(|left, right| {
                let order = field.compare(left, right);
                if descending { order.reverse() } else { order }
            });
        }
        let rows = rows.into_iter().skip(self.page * self.page_size);
        Page {
            number: self.page,
            size: self.page_size,
            total,
            last: total / self.page_size,
            messages: rows.take(self.page_size).cloned().collect(),
        }
    }

    fn covers(&self, message: &Message) -> bool {
        let matches = |text: &str, pattern: &Option<String>| {
            pattern.as_ref().is_none_or(|pattern| like(text, pattern))
        };
        let created = message.created.as_millis();
        matches(&message.to, &self.to)
            && matches(&message.from, &self.from)
            && matches(&message.body, &self.body)
            && self.not_before.is_none_or(|start| start <= created)
            && self.not_after.is_none_or(|end| created <= end)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    DateCreated,
    From,
    To,
    Body,
    Status,
    /// Direction and price, which are the same for all messages here.
    Constant,
}

impl Field {
    fn compare(self, left: &Message, right: &Message) -> Ordering {
        match self {
            Self::DateCreated => left.created.cmp(&right.created),
            Self::From => left.from.cmp(&right.from),
            Self::To => left.to.cmp(&right.to),
            Self::Body => left.body.cmp(&right.body),
            Self::Status => left.status.as_str().cmp(right.status.as_str()),
            Self::Constant => Ordering::Equal,
        }
    }
}

/// `Field`, `Field:asc` or `Field:desc`; an unknown field leaves the default order.
fn parse_order(text: &str) -> Result<Option<(Field, bool)>, Fault> {
    let (field, direction) = text.split_once(':').unwrap_or((text, "asc"));
    if field.is_empty() {
        return Err(Fault::Sort("the field is missing"));
    }
    let descending = match direction {
        "asc" => false,
        "desc" => true,
        _ => return Err(Fault::Sort("the direction must be asc or desc")),
    };
    let field = match field {
        "DateCreated" => Field::DateCreated,
        "From" => Field::From,
        "To" => Field::To,
        "Body" => Field::Body,
        "Status" => Field::Status,
        "Direction" | "Price" => Field::Constant,
        _ => return Ok(None),
    };
    Ok(Some((field, descending)))
}

/// The first instant of the day that the text begins with.
fn midnight(text: &str) -> Result<i64, Fault> {
    let (parsed, _) = BrokenDownTime::parse_prefix("%Y-%m-%d", text).map_err(|_| Fault::Date)?;
    let day: Date = parsed.to_date().map_err(|_| Fault::Date)?;
    let start = day.to_zoned(TimeZone::UTC).map_err(|_| Fault::Date)?;
    Ok(start.timestamp().as_millisecond())
}

/// SQL's `LIKE`: `%` stands for any text, `_` for one character.
fn like(text: &str, pattern: &str) -> bool {
    let (text, pattern) = (text.as_bytes(), pattern.as_bytes());
    let (mut t, mut p) = (0, 0);
    // Where to go on when a guess about the latest `%` proves wrong.
    let mut retry = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'%') => {
                retry = Some((t, p));
                p += 1;
            }
            Some(byte) if *byte == b'_' || *byte == text[t] => {
                t += 1;
                p += 1;
            }
            _ => {
                let Some((start, percent)) = retry else {
                    return false;
                };
                retry = Some((start + 1, percent));
                t = start + 1;
                p = percent + 1;
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_matches_as_sql_does() {
        for (text, pattern) in [
            ("abc", "%c"),
            ("abc", "%"),
            ("", "%"),
            ("aXbXc", "%X_"),
            ("abab", "%ab"),
        ] {
            assert!(like(text, pattern), "{text} {pattern}");
        }
        for (text, pattern) in [("abc", "%b"), ("abc", ""), ("abc", "ab"), ("ab", "ab_")] {
            assert!(!like(text, pattern), "{text} {pattern}");
        }
    }

    #[test]
    fn a_day_is_read_from_the_beginning_of_a_longer_text() {
        assert_eq!(midnight("1970-01-02"), Ok(DAY_MILLIS));
        assert_eq!(midnight("1970-01-02 18:15:12.018"), Ok(DAY_MILLIS));
        assert_eq!(midnight("yesterday"), Err(Fault::Date));
    }

    #[test]
    fn only_a_broken_order_is_refused() {
        assert_eq!(parse_order("To:desc"), Ok(Some((Field::To, true))));
        assert_eq!(parse_order("To"), Ok(Some((Field::To, false))));
        assert_eq!(parse_order("Sid"), Ok(None));
        assert!(matches!(parse_order(":asc"), Err(Fault::Sort(_))));
        assert!(matches!(parse_order("To:up"), Err(Fault::Sort(_))));
    }

    #[test]
    fn a_page_needs_a_number_and_a_size() {
        for query in [
            "Page=x",
            "Page=-1",
            "PageSize=0",
            "PageSize=99999999999999999999",
        ] {
            assert!(
                matches!(Listing::parse(query), Err(Fault::Number)),
                "{query}"
            );
        }
    }
}
