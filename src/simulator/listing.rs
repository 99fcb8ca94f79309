//! Lists of messages and of calls: filters, order and pages, with Restcomm's arithmetic.

use std::cmp::Ordering;

use actix_web::web::Query;
use jiff::{civil::Date, fmt::strtime::BrokenDownTime, tz::TimeZone};

use super::ledger::{Ledger, Record};
use crate::domain::clock::Timestamp;

const DAY_MILLIS: i64 = 86_400_000;

/// What a list can be filtered and ordered by.
pub(super) trait Row: Record + Clone {
    fn created(&self) -> Timestamp;
    fn from(&self) -> &str;
    fn to(&self) -> &str;
    fn status(&self) -> &str;

    /// Calls have none.
    fn body(&self) -> Option<&str> {
        None
    }

    /// In seconds; messages have none.
    fn duration(&self) -> Option<u64> {
        None
    }
}

/// What the parameters of a list mean depends on what is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Messages,
    Calls,
}

pub(super) struct Listing {
    page: usize,
    page_size: usize,
    /// SQL `LIKE` patterns.
    from: Option<String>,
    to: Option<String>,
    body: Option<String>,
    status: Option<String>,
    /// The parent or the conference of a call was asked for, and no call here has one.
    of_another: bool,
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
    /// A page behind the last.
    Beyond,
}

pub(super) struct Page<R> {
    pub(super) number: usize,
    pub(super) size: usize,
    /// How many rows there are in all, whatever their status.
    pub(super) total: usize,
    /// The number of the last page, which Restcomm calls the number of pages.
    pub(super) last: usize,
    pub(super) rows: Vec<R>,
}

impl<R> Page<R> {
    /// Restcomm takes the sid of a full page's last row without looking whether the page is full.
    pub(super) fn is_short(&self) -> bool {
        self.number < self.last && self.rows.len() < self.size
    }
}

impl Listing {
    fn parse(query: &str, table: Table) -> Result<Self, Fault> {
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
            body: match table {
                Table::Messages => first("Body").map(|value| format!("%{value}%")),
                Table::Calls => None,
            },
            status: first("Status").map(str::to_owned),
            not_before: midnight("StartTime")?,
            not_after: midnight("EndTime")?.map(|day| day + DAY_MILLIS),
            of_another: table == Table::Calls
                && (first("ParentCallSid").is_some() || first("ConferenceSid").is_some()),
            order: match (first("SortBy"), first("Reverse")) {
                (Some(order), _) => parse_order(order, table)?,
                // What an old console asks.
                (None, Some(reverse)) if table == Table::Calls => {
                    Some((Field::DateCreated, reverse.eq_ignore_ascii_case("true")))
                }
                (None, _) => None,
            },
        };
        // The upper bounds keep the arithmetic of a page inside its type.
        let sane = 1..=1_000_000_000;
        if sane.contains(&listing.page_size) && listing.page <= *sane.end() {
            Ok(listing)
        } else {
            Err(Fault::Number)
        }
    }

    /// What a list shows of a ledger.
    pub(super) fn page<R: Row>(
        query: &str,
        table: Table,
        ledger: &Ledger<R>,
    ) -> Result<Page<R>, Fault> {
        let page = Self::parse(query, table)?.select(ledger.oldest_first());
        if page.last < page.number {
            return Err(Fault::Beyond);
        }
        Ok(page)
    }

    fn select<'a, R: Row + 'a>(
        &self,
        oldest_first: impl DoubleEndedIterator<Item = &'a R>,
    ) -> Page<R> {
        let newest_first = oldest_first.rev().filter(|row| self.covers(*row));
        let mut rows: Vec<&R> = newest_first.collect();
        let total = rows.len();
        if let Some(status) = &self.status {
            rows.retain(|row| like(row.status(), status));
        }
        if let Some((field, descending)) = self.order {
            rows.sort_by(|left, right| {
                let order = field.compare(*left, *right);
                if descending { order.reverse() } else { order }
            });
        }
        let rows = rows.into_iter().skip(self.page * self.page_size);
        Page {
            number: self.page,
            size: self.page_size,
            total,
            last: total / self.page_size,
            rows: rows.take(self.page_size).cloned().collect(),
        }
    }

    fn covers(&self, row: &impl Row) -> bool {
        let matches = |text: &str, pattern: &Option<String>| {
            pattern.as_ref().is_none_or(|pattern| like(text, pattern))
        };
        let created = row.created().as_millis();
        matches(row.to(), &self.to)
            && matches(row.from(), &self.from)
            && matches(row.body().unwrap_or_default(), &self.body)
            && !self.of_another
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
    Duration,
    /// Direction and price, which are the same for all here.
    Constant,
}

impl Field {
    fn compare<R: Row>(self, left: &R, right: &R) -> Ordering {
        match self {
            Self::DateCreated => left.created().cmp(&right.created()),
            Self::From => left.from().cmp(right.from()),
            Self::To => left.to().cmp(right.to()),
            Self::Body => left.body().cmp(&right.body()),
            Self::Status => left.status().cmp(right.status()),
            Self::Duration => left.duration().cmp(&right.duration()),
            Self::Constant => Ordering::Equal,
        }
    }
}

/// `Field`, `Field:asc` or `Field:desc`; an unknown field leaves the default order.
fn parse_order(text: &str, table: Table) -> Result<Option<(Field, bool)>, Fault> {
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
        "Body" if table == Table::Messages => Field::Body,
        "Duration" if table == Table::Calls => Field::Duration,
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
        assert_eq!(
            parse_order("To:desc", Table::Messages),
            Ok(Some((Field::To, true)))
        );
        assert_eq!(
            parse_order("To", Table::Messages),
            Ok(Some((Field::To, false)))
        );
        assert_eq!(parse_order("Sid", Table::Messages), Ok(None));
        assert!(matches!(
            parse_order(":asc", Table::Messages),
            Err(Fault::Sort(_))
        ));
        assert!(matches!(
            parse_order("To:up", Table::Messages),
            Err(Fault::Sort(_))
        ));
    }

    #[test]
    fn what_a_list_is_ordered_by_depends_on_what_is_listed() {
        assert_eq!(parse_order("Duration", Table::Messages), Ok(None));
        assert_eq!(parse_order("Body", Table::Calls), Ok(None));
        let order = |query| Listing::parse(query, Table::Calls).map(|listing| listing.order);
        assert_eq!(
            order("SortBy=Duration:desc&Reverse=false"),
            Ok(Some((Field::Duration, true)))
        );
        assert_eq!(order("Reverse=true"), Ok(Some((Field::DateCreated, true))));
        assert_eq!(order("Reverse=no"), Ok(Some((Field::DateCreated, false))));
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
                matches!(Listing::parse(query, Table::Messages), Err(Fault::Number)),
                "{query}"
            );
        }
    }
}
