//! What Restcomm says when it calls back, read as liberally as can be: nothing in it is signed, and nothing promised.

use crate::domain::delivery::{DeliveryReason, News};

/// Restcomm's names of things are shorter.
const LONGEST_SID: usize = 128;

/// What Restcomm tells of a message or a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Restcomm's name of it.
    pub sid: Option<String>,
    /// Restcomm's name of the account.
    pub account_sid: Option<String>,
    pub news: News,
}

/// A call that asks what to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallToSpeakOn {
    /// Restcomm's name of it.
    pub sid: Option<String>,
    /// Whether somebody has answered it.
    pub is_answered: bool,
    /// The keys that were pressed, if this asks because some were.
    pub keys: Option<String>,
}

impl Notice {
    /// Reads the state of a call as its resource tells it; Restcomm writes some in capitals, and some with `_`. `None` when
    /// it is none that a call can have.
    pub fn of_call(status: &str) -> Option<Self> {
        let news = match word(status).as_str() {
            "queued" | "initiated" => News::OnItsWay,
            "ringing" => News::Ringing,
            "in-progress" | "answered" => News::Answered,
            "completed" => News::Completed,
            "busy" => News::Busy,
            "no-answer" | "canceled" => News::Unanswered,
            "failed" | "not-found" => News::Failed(DeliveryReason::UnknownError),
            _ => return None,
        };
        Some(Self::bare(news))
    }

    /// Reads the parameters of a callback of a call. Restcomm reports `completed` of every call that is over, also of one
    /// that was busy, failed or just rang: only `answered` says that somebody did.
    pub fn of_call_form(texts: &[&[u8]]) -> Option<Self> {
        let form = Form(texts);
        let status = form.find(&["CallStatus"])?;
        let mut notice = match word(&status).as_str() {
            "completed" => Self::bare(News::Over),
            _ => Self::of_call(&status)?,
        };
        notice.sid = form.find(&["CallSid"]);
        notice.account_sid = form.find(&["AccountSid"]);
        notice.is_plausible().then_some(notice)
    }

    fn bare(news: News) -> Self {
        Self {
            sid: None,
            account_sid: None,
            news,
        }
    }

    fn is_plausible(&self) -> bool {
        self.sid.as_deref().is_none_or(is_name)
    }

    /// Reads a status and an error; `None` when the status is none that a message of ours can have.
    pub fn read(status: &str, error: Option<&str>) -> Option<Self> {
        let reason = || DeliveryReason::of_error(error.unwrap_or_default());
        let news = match word(status).as_str() {
            "queued" | "accepted" | "sending" | "sent" => News::OnItsWay,
            "delivered" | "read" => News::Delivered,
            "undelivered" => News::Undelivered(reason()),
            "failed" => News::Failed(reason()),
            _ => return None,
        };
        Some(Self::bare(news))
    }

    /// Reads the parameters of a callback of a message, from wherever they stand: a form as Restcomm posts it, or a query. Restcomm
    /// says `Body` twice, leaves out what it does not know, and other platforms name the same things otherwise; so the
    /// first of each name counts, and what is none of these is passed over.
    pub fn of_form(texts: &[&[u8]]) -> Option<Self> {
        let form = Form(texts);
        let status = form.find(&["MessageStatus", "SmsStatus"])?;
        let mut notice = Self::read(&status, form.find(&["ErrorCode"]).as_deref())?;
        notice.sid = form.find(&["MessageSid", "SmsSid"]);
        notice.account_sid = form.find(&["AccountSid"]);
        notice.is_plausible().then_some(notice)
    }
}

impl CallToSpeakOn {
    /// Reads the parameters of a request for RCML.
    pub fn of_form(texts: &[&[u8]]) -> Self {
        let form = Form(texts);
        let status = form.find(&["CallStatus"]).unwrap_or_default();
        Self {
            sid: form.find(&["CallSid"]).filter(|sid| is_name(sid)),
            is_answered: matches!(word(&status).as_str(), "in-progress" | "answered"),
            keys: form.find(&["Digits"]),
        }
    }
}

/// Parameters in several texts, each `name=value&…`.
struct Form<'a>(&'a [&'a [u8]]);

impl Form<'_> {
    /// The first value of these names that is not empty.
    fn find(&self, names: &[&str]) -> Option<String> {
        self.0.iter().find_map(|text| {
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
    }
}

/// A word as Restcomm writes it in one place or another: `NO_ANSWER` is `no-answer`.
fn word(text: &str) -> String {
    text.trim().to_ascii_lowercase().replace('_', "-")
}

/// Whether it can be Restcomm's name of something.
pub(super) fn is_name(text: &str) -> bool {
    (1..=LONGEST_SID).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
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
    fn a_call_that_asks_is_known_by_a_name_that_can_be_one() {
        let sid = |text: &str| CallToSpeakOn::of_form(&[text.as_bytes()]).sid;
        assert_eq!(sid("CallSid=CA1"), Some("CA1".to_owned()));
        let long = format!("CallSid={}", "C".repeat(LONGEST_SID + 1));
        for text in ["", "CallSid=", "CallSid=CA%00", "CallSid=CA+1", &long] {
            assert_eq!(sid(text), None, "{text:.20}");
        }
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
