//! Telling a client what became of its message, as Restcomm's SMPP route does.

use reqwest::Client;

use super::{
    errand::{Address, Errand, Fault, Method},
    message::Message,
};

/// A status callback, fixed at the moment of the change it tells of.
pub(super) struct Notice {
    sid: String,
    errand: Errand,
}

impl Notice {
    /// Nothing where the client asked for no callback.
    pub(super) fn about(message: &Message, account: &str) -> Option<Self> {
        let url = message.callback.clone()?;
        let mut form = vec![
            ("From", &*message.from),
            ("To", &message.to),
            ("Body", &message.body),
            ("AccountSid", account),
        ];
        if let Some(failure) = message.failure {
            form.push(("ErrorCode", failure.constant()));
        }
        form.extend([
            ("MessageSid", &*message.sid),
            ("MessageStatus", message.status.as_str()),
            // Restcomm really says it twice.
            ("Body", &message.body),
        ]);
        let owned = |(name, value): (&str, &str)| (name.to_owned(), Some(value.to_owned()));
        Some(Self {
            sid: message.sid.clone(),
            errand: Errand {
                address: Address {
                    url,
                    method: Method::Post,
                },
                parameters: form.into_iter().map(owned).collect(),
            },
        })
    }

    /// Failures are logged and nothing more. The address stays out of the log: it may hold a secret.
    pub(super) async fn post(self, http: &Client) {
        match self.errand.run(http).await {
            Ok(_) => {}
            Err(Fault::NotAbsolute) => {
                tracing::warn!(message.sid = %self.sid, "simulator.callback_not_absolute");
            }
            Err(error) => {
                tracing::warn!(message.sid = %self.sid, %error, "simulator.callback_failed");
            }
        }
    }
}
