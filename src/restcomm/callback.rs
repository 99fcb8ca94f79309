//! What Restcomm says when it calls back, read as liberally as can be: nothing in it is signed, and nothing promised.

use crate::domain::delivery::{DeliveryReason, News};

/// Restcomm's names of things are shorter.
const LONGEST_SID: usize = 128;

/// What Restcomm tells of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Restcomm's name of the message.
    pub sid: Option<String>,
    /// Restcomm's name of the account.
    pub account_sid: Option<String>,
    pub news: News,
}

impl Notice {
    /// Reads a status and an error; `None` when the status is none that a message of ours can have.
    pub fn read(status: &str, error: Option<&str>) -> Option<Self> {
        let reason = || DeliveryReason::of_error(error.unwrap_or_default());
        let news = match status.trim().to_ascii_lowercase().as_str() {
            "queued" | "accepted" | "sending" | "sent" => News::OnItsWay,
            "delivered" | "read" => News::Delivered,
            "undelivered" => News::Undelivered(reason()),
            "failed" => News::Failed(reason()),
            _ => return None,
        };
        Some(Self {
            sid: None,
            account_sid: None,
            news,
        })
    }

    /// Reads the parameters of a callback, from wherever they stand: a form as Restcomm posts it, or a query. Restcomm
    /// says `Body` twice, leaves out what it does not know, and other platforms name the same things otherwise; so the
    /// first of each name counts, and what is none of these is passed over.
    pub fn of_form(texts: &[&[u8]]) -> Option<Self> {
        let find = |names: &[&str]| {
            texts.iter().find_map(|text| {
                let pairs = text.split(|byte| *byte == b'&');
                pairs
                    .map(|pair| {
                        let mut halves = pair.splitn(2, |byte| *byte == b'=');
                        let name = decode(halves.next().unwrap_or_default());
                        (name, halves.next().unwrap_or_default())
                    })
                    .find(|(name, value)| names.contains(&name.as_str()) && !value.is_empty())
                    .map(|(_, value)| decode(value))
            })
        };
        let status = find(&["MessageStatus", "SmsStatus"])?;
        let mut notice = Self::read(&status, find(&["ErrorCode"]).as_deref())?;
        notice.sid = find(&["MessageSid", "SmsSid"]);
        notice.account_sid = find(&["AccountSid"]);
        let is_plausible = notice.sid.as_ref().is_none_or(|sid| {
            sid.len() <= LONGEST_SID && sid.bytes().all(|byte| byte.is_ascii_graphic())
        });
        is_plausible.then_some(notice)
    }
}

/// A part of a form, decoded. What is no valid UTF-8 or no valid escape is kept as well as it goes: it stands in a text
/// that is not read.
fn decode(text: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let escaped = after.get(..2).filter(|_| *first == b'%');
        let value = escaped.and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok()?;
            u8::from_str_radix(digits, 16).ok()
        });
        bytes.push(match (value, first) {
            (Some(value), _) => {
                rest = &after[2..];
                value
            }
            (None, b'+') => b' ',
            (None, other) => *other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> Option<Notice> {
        Notice::of_form(&[text.as_bytes()])
    }

    #[test]
    fn a_callback_is_read_as_restcomm_posts_it() {
        let text = "From=OTPApp&To=%2B351912345678&Body=MessageStatus%3Dsent&AccountSid=AC1\
                    &ErrorCode=LANDLINE_OR_UNREACHABLE_CARRIER&MessageSid=SM1\
                    &MessageStatus=undelivered&Body=x%26MessageStatus%3Ddelivered";
        let expected = Notice {
            sid: Some("SM1".to_owned()),
            account_sid: Some("AC1".to_owned()),
            news: News::Undelivered(DeliveryReason::LandlineOrUnreachableCarrier),
        };
        assert_eq!(of(text), Some(expected));
    }

    #[test]
    fn the_status_is_taken_from_wherever_it_stands() {
        for texts in [
            ["", "SmsStatus=delivered&SmsSid=SM1"],
            ["MessageStatus=&SmsStatus=DELIVERED&SmsSid=SM1", ""],
            ["%ff=%zz&%4dessageStatus=delivered", "MessageSid=SM1"],
            ["Body=\u{fffd}&&=&MessageStatus=delivered+", "SmsSid=%53M1"],
        ] {
            let notice = Notice::of_form(&texts.map(str::as_bytes)).unwrap();
            assert_eq!(
                (notice.news, notice.sid.as_deref()),
                (News::Delivered, Some("SM1"))
            );
        }
    }

    #[test]
    fn what_has_no_status_that_is_known_is_no_news() {
        for text in [
            "",
            "MessageSid=SM1",
            "MessageStatus=received",
            "messagestatus=delivered",
            "{\"MessageStatus\":\"delivered\"}",
            "MessageStatus=delivered&MessageSid=a%20b",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn an_error_is_known_by_its_number_and_by_its_name() {
        for (error, reason) in [
            (Some("30006"), DeliveryReason::LandlineOrUnreachableCarrier),
            (
                Some("LANDLINE_OR_UNREACHABLE_CARRIER"),
                DeliveryReason::LandlineOrUnreachableCarrier,
            ),
            (
                Some("UNREACHABLE_DESTINATION_HANDSET"),
                DeliveryReason::HandsetUnreachable,
            ),
            (Some("30008"), DeliveryReason::UnknownError),
            (Some("31337"), DeliveryReason::UnknownError),
            (None, DeliveryReason::UnknownError),
        ] {
            let notice = Notice::read("failed", error).unwrap();
            assert_eq!(notice.news, News::Failed(reason), "{error:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reader(bytes: Vec<u8>) {
            let _ = Notice::of_form(&[&bytes, b"MessageStatus=sent"]);
        }
    }
}
