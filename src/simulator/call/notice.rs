//! Telling a client how its call goes on.

use reqwest::Client;

use super::{super::errand::Fault, Call, user_part};
use crate::{
    domain::clock::Timestamp,
    simulator::{errand::Errand, json::instant},
};

/// The four states that are told, each once, whatever the client asked to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Initiated,
    Ringing,
    Answered,
    /// Over, however it ended; with the seconds that it is said to have lasted.
    Completed(u64),
}

impl Progress {
    const fn name(self) -> &'static str {
        match self {
            Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::Answered => "answered",
            Self::Completed(_) => "completed",
        }
    }

    /// Fixed for each state: a gap shows that one was skipped.
    const fn number(self) -> u8 {
        match self {
            Self::Initiated => 0,
            Self::Ringing => 1,
            Self::Answered => 2,
            Self::Completed(_) => 3,
        }
    }
}

/// A status callback, fixed at the moment of the change it tells of.
pub(super) struct Notice {
    sid: String,
    errand: Errand,
}

impl Notice {
    /// Nothing where the client asked for no callback.
    pub(super) fn about(
        call: &Call,
        progress: Progress,
        account: &str,
        at: Timestamp,
    ) -> Option<Self> {
        let address = call.callback.clone()?;
        let time = instant(at)
            .strftime("%a, %d %b %Y %H:%M:%S UTC")
            .to_string();
        let (from, to) = (user_part(&call.from), user_part(&call.to));
        let mut parameters = vec![
            ("InstanceId", Some(call.instance().to_owned())),
            ("AccountSid", Some(account.to_owned())),
            ("CallSid", Some(call.sid.clone())),
            ("From", Some(from.to_owned())),
            ("To", Some(to.to_owned())),
            ("Direction", Some("outbound-api".to_owned())),
            ("CallerName", Some(from.to_owned())),
            // It has no value, and Restcomm writes no sign of equality then.
            ("ForwardedFrom", None),
            ("CallStatus", Some(progress.name().to_owned())),
        ];
        if let Progress::Completed(seconds) = progress {
            parameters.push(("CallDuration", Some(seconds.to_string())));
        }
        parameters.extend([
            ("Timestamp", Some(time)),
            ("CallbackSource", Some("call-progress-events".to_owned())),
            ("SequenceNumber", Some(progress.number().to_string())),
        ]);
        let parameters = parameters
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        Some(Self {
            sid: call.sid.clone(),
            errand: Errand {
                address,
                parameters: parameters.collect(),
            },
        })
    }

    /// Failures are logged and nothing more. The address stays out of the log: it may hold a secret.
    pub(super) async fn send(self, http: &Client) {
        match self.errand.run(http).await {
            Ok(_) => {}
            Err(Fault::NotAbsolute) => {
                tracing::warn!(call.sid = %self.sid, "simulator.callback_not_absolute");
            }
            Err(error) => {
                tracing::warn!(call.sid = %self.sid, %error, "simulator.callback_failed");
            }
        }
    }
}
