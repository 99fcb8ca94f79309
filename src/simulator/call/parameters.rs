//! What Restcomm tells of a call when it asks for RCML.

use super::{Call, user_part};
use crate::simulator::{errand::Parameters, json::iso8601};

pub(super) fn rcml_parameters(call: &Call, account: &str, digits: Option<String>) -> Parameters {
    let from = user_part(&call.from);
    let caller = if from.is_empty() { "null" } else { from };
    let mut parameters: Vec<(&str, Option<String>)> = [
        ("CallSid", &*call.sid),
        ("InstanceId", call.instance()),
        ("AccountSid", account),
        ("From", from),
        ("To", user_part(&call.to)),
        ("CallStatus", "in-progress"),
        ("ApiVersion", &call.api_version),
        ("Direction", "outbound-api"),
        ("CallerName", caller),
        ("ForwardedFrom", "null"),
        ("CallTimestamp", &iso8601(call.created)),
    ]
    .map(|(name, value)| (name, Some(value.to_owned())))
    .into();
    if digits.is_some() {
        parameters.extend([("Digits", digits), ("SpeechResult", None)]);
    }
    let owned = parameters
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    owned.collect()
}
