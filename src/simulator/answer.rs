//! Platform-wide faults: what is answered in place of the truth, and for how long.

use std::time::Duration;

use actix_web::{HttpResponse, http::StatusCode};

use super::{
    reply::{self, Format},
    script::Answer,
};
use crate::domain::clock::Clock;

/// No client waits this long, and the memory of those who have left must be given back.
const HANG: Duration = Duration::from_mins(2);

/// An answer, and how often it is still to be given; without a count, always.
#[derive(Clone, Copy, Default)]
pub(super) struct Plan {
    pub(super) answer: Answer,
    pub(super) times: Option<u32>,
}

impl Plan {
    pub(super) fn new(answer: Answer, times: Option<u32>) -> Self {
        if times == Some(0) {
            return Self::default();
        }
        Self { answer, times }
    }

    pub(super) fn next(&mut self) -> Answer {
        let answer = self.answer;
        if let Some(times) = self.times {
            *self = Self::new(answer, Some(times - 1));
        }
        answer
    }
}

/// Which part of the platform is asked: how it words its refusals depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Sms,
    Calls,
}

impl Service {
    const fn out_of_order(self) -> &'static str {
        match self {
            Self::Sms => "The SMS service did not answer in time",
            Self::Calls => "Futures timed out after [10 seconds]",
        }
    }

    /// What an extension answers that limits sending: for a call, a 500 with a line of text.
    fn limit_exceeded(self, format: Format) -> HttpResponse {
        match self {
            Self::Sms => reply::limit_exceeded(format),
            Self::Calls => {
                let text = "Not Allowed to make this outbound call";
                reply::text(StatusCode::INTERNAL_SERVER_ERROR, format, text)
            }
        }
    }
}

/// Gives the scripted answer. `proceed` does what was asked and tells the true one.
pub(super) async fn give(
    service: Service,
    answer: Answer,
    clock: &Clock,
    format: Format,
    proceed: impl FnOnce() -> HttpResponse,
) -> HttpResponse {
    match answer {
        Answer::Ok => proceed(),
        Answer::ServerError => {
            let text = service.out_of_order();
            reply::text(StatusCode::INTERNAL_SERVER_ERROR, format, text)
        }
        Answer::Unauthorized => reply::unauthorized(),
        Answer::Forbidden => reply::empty(StatusCode::FORBIDDEN),
        Answer::LimitExceeded => service.limit_exceeded(format),
        Answer::Garbage => {
            let truth = proceed();
            if truth.status().is_success() {
                reply::cut_short(format)
            } else {
                truth
            }
        }
        Answer::Slow(delay) => {
            let truth = proceed();
            clock.sleep(delay).await;
            truth
        }
        Answer::Hang => {
            clock.sleep(HANG).await;
            reply::none()
        }
        Answer::Close => reply::none(),
        Answer::CloseAfterAccept => {
            proceed();
            reply::none()
        }
        Answer::Html => reply::web_page(StatusCode::OK, "Down for maintenance"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counted_answer_wears_off_and_an_uncounted_one_does_not() {
        let mut plan = Plan::new(Answer::Close, Some(2));
        let answers = [plan.next(), plan.next(), plan.next()];
        assert_eq!(answers, [Answer::Close, Answer::Close, Answer::Ok]);

        let mut plan = Plan::new(Answer::Html, None);
        assert_eq!([plan.next(), plan.next()], [Answer::Html, Answer::Html]);
        assert_eq!(Plan::new(Answer::Html, Some(0)).next(), Answer::Ok);
    }
}
