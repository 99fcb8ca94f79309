//! What the phones and the platform have been told to do, and how that is spelled.

use std::{fmt, time::Duration};

/// What becomes of the messages and calls to one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Script {
    pub sms: SmsFate,
    pub call: CallFate,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SmsFate {
    #[default]
    Deliver,
    /// Accepted and sent, then never heard of again.
    Lose,
    /// Accepted and sent, then reported as undeliverable.
    Undeliver,
    /// Not even accepted.
    Refuse,
    /// Accepted at once, on the phone only later.
    Delay(Duration),
}

impl SmsFate {
    pub(super) const ALLOWED: &str =
        "\"deliver\", \"lose\", \"undeliver\", \"refuse\" or a delay such as \"delay:8s\"";

    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "deliver" => Self::Deliver,
            "lose" => Self::Lose,
            "undeliver" => Self::Undeliver,
            "refuse" => Self::Refuse,
            _ => Self::Delay(parse_duration(text.strip_prefix("delay:")?)?),
        })
    }
}

impl fmt::Display for SmsFate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deliver => f.write_str("deliver"),
            Self::Lose => f.write_str("lose"),
            Self::Undeliver => f.write_str("undeliver"),
            Self::Refuse => f.write_str("refuse"),
            Self::Delay(delay) => write!(f, "delay:{}", spell(*delay)),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallFate {
    #[default]
    Answer,
    Ignore,
    Busy,
    Fail,
}

impl CallFate {
    pub(super) const ALLOWED: &str = "\"answer\", \"ignore\", \"busy\" or \"fail\"";

    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "answer" => Self::Answer,
            "ignore" => Self::Ignore,
            "busy" => Self::Busy,
            "fail" => Self::Fail,
            _ => return None,
        })
    }
}

impl fmt::Display for CallFate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Answer => "answer",
            Self::Ignore => "ignore",
            Self::Busy => "busy",
            Self::Fail => "fail",
        })
    }
}

/// How the platform treats well-formed, authenticated requests, whatever the number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answer {
    #[default]
    Ok,
    /// 500 with a line of text. Nothing is stored.
    ServerError,
    /// 401 although the credentials are right. Nothing is stored.
    Unauthorized,
    /// 403 with an empty body: the role lacks the permission. Nothing is stored.
    Forbidden,
    /// 403 with JSON (or XML): the platform's own limit. Nothing is stored.
    LimitExceeded,
    /// Does what was asked, but the body of the 200 cannot be read.
    Garbage,
    /// Does what was asked at once, and answers this much later.
    Slow(Duration),
    /// Neither does what was asked nor answers.
    Hang,
    /// Drops the connection without an answer. Nothing is stored.
    Close,
    /// Does what was asked, then drops the connection without an answer.
    CloseAfterAccept,
    /// 200 with a web page, from something that stands in front of Restcomm. Nothing is stored.
    Html,
}

impl Answer {
    pub(super) const ALLOWED: &str = "\"ok\", \"500\", \"401\", \"403\", \"403-json\", \"garbage\", \
        \"hang\", \"close\", \"close-after-accept\", \"html\" or a delay such as \"slow:5s\"";

    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "ok" => Self::Ok,
            "500" => Self::ServerError,
            "401" => Self::Unauthorized,
            "403" => Self::Forbidden,
            "403-json" => Self::LimitExceeded,
            "garbage" => Self::Garbage,
            "hang" => Self::Hang,
            "close" => Self::Close,
            "close-after-accept" => Self::CloseAfterAccept,
            "html" => Self::Html,
            _ => Self::Slow(parse_duration(text.strip_prefix("slow:")?)?),
        })
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::ServerError => "500",
            Self::Unauthorized => "401",
            Self::Forbidden => "403",
            Self::LimitExceeded => "403-json",
            Self::Garbage => "garbage",
            Self::Slow(delay) => return write!(f, "slow:{}", spell(*delay)),
            Self::Hang => "hang",
            Self::Close => "close",
            Self::CloseAfterAccept => "close-after-accept",
            Self::Html => "html",
        })
    }
}

/// `250ms`, `30s`, `5m` or `24h`; a day at most.
fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = text.split_at(digits);
    let millis: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    let span = Duration::from_millis(count.parse::<u64>().ok()?.checked_mul(millis)?);
    (span <= Duration::from_hours(24)).then_some(span)
}

fn spell(span: Duration) -> String {
    let millis = span.as_millis();
    if millis.is_multiple_of(1000) {
        format!("{}s", millis / 1000)
    } else {
        format!("{millis}ms")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_as_it_is_written() {
        for word in [
            "deliver",
            "lose",
            "undeliver",
            "refuse",
            "delay:8s",
            "delay:250ms",
        ] {
            assert_eq!(SmsFate::parse(word).unwrap().to_string(), word);
        }
        for word in ["answer", "ignore", "busy", "fail"] {
            assert_eq!(CallFate::parse(word).unwrap().to_string(), word);
        }
        let plain = [
            "ok", "500", "401", "403", "403-json", "garbage", "hang", "close",
        ];
        for word in plain
            .into_iter()
            .chain(["close-after-accept", "html", "slow:5s"])
        {
            assert_eq!(Answer::parse(word).unwrap().to_string(), word);
        }
    }

    #[test]
    fn other_words_are_not_read() {
        for word in [
            "",
            "Deliver",
            "delay",
            "delay:",
            "delay:8",
            "delay:s",
            "delay:-1s",
            "delay:25h",
        ] {
            assert_eq!(SmsFate::parse(word), None, "{word}");
        }
        assert_eq!(CallFate::parse("deliver"), None);
        assert_eq!(Answer::parse("200"), None);
    }
}
