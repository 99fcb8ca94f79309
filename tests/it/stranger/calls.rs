//! A call, as the platform keeps and shows it.

use countersign::domain::clock::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    form::{Pairs, value},
    platform::Platform,
    wire::Response,
};

#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) sid: String,
    pub(super) account_sid: String,
    pub(super) created_at: Timestamp,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) from: String,
    pub(super) to: String,
    /// As it is kept: capitals for some, and small letters for others.
    pub(super) status: &'static str,
    pub(super) duration: Option<u64>,
    pub(super) rang: Option<u64>,
    pub(super) answered: bool,
    pub(super) url: String,
    pub(super) method: String,
    pub(super) callback: Option<String>,
    pub(super) callback_method: String,
    /// In seconds.
    pub(super) timeout: u64,
    /// What was said in it, with the language that it was said in.
    pub(super) spoken: Vec<(String, String)>,
    /// How often its document was fetched.
    pub(super) fetched: usize,
}

impl Call {
    /// Reads a form; a refusal as the platform words it.
    pub(super) fn place(pairs: &Pairs, account: &str, now: Timestamp) -> Result<Self, Response> {
        let bad = |text: String| Response::of(400, "application/json", &text);
        let needed = |name: &str| {
            let found = value(pairs, name).map(|text| text.trim().to_owned());
            found.ok_or_else(|| bad(format!("{name} can not be null.")))
        };
        let (from, to, url) = (needed("From")?, needed("To")?, needed("Url")?);
        let timeout = value(pairs, "Timeout").unwrap_or("60");
        let Ok(timeout) = timeout.parse() else {
            let broken = "<html><h1>HTTP Status 500</h1></html>";
            return Err(Response::of(500, "text/html", broken));
        };
        let method = |name: &str| value(pairs, name).unwrap_or("POST").to_owned();
        Ok(Self {
            sid: format!(
                "ID{:032x}-CA{:032x}",
                rand::random::<u128>(),
                rand::random::<u128>()
            ),
            account_sid: account.to_owned(),
            created_at: now,
            ended_at: None,
            from,
            to,
            status: "QUEUED",
            duration: None,
            rang: None,
            answered: false,
            url,
            method: method("Method"),
            callback: value(pairs, "StatusCallback").map(|text| text.trim().to_owned()),
            callback_method: method("StatusCallbackMethod"),
            timeout,
            spoken: Vec::new(),
            fetched: 0,
        })
    }

    /// The name of the machine that has the call.
    pub(super) fn instance(&self) -> &str {
        self.sid.split('-').next().unwrap_or_default()
    }

    /// What has no value is left out.
    pub(super) fn json(&self, platform: &Platform) -> Value {
        let mut members = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                members.insert(name.to_owned(), value);
            }
        };
        let place = format!(
            "/2012-04-24/Accounts/{}/Calls/{}",
            self.account_sid, self.sid
        );
        put("sid", Some(json!(self.sid)));
        put("InstanceId", Some(json!(self.instance())));
        put("date_created", Some(json!(platform.date(self.created_at))));
        put("date_updated", Some(json!(platform.date(self.created_at))));
        put("account_sid", Some(json!(self.account_sid)));
        put("to", Some(json!(self.to)));
        put("from", Some(json!(self.from)));
        put("status", Some(json!(self.status)));
        put("start_time", Some(json!(platform.iso(self.created_at))));
        put("end_time", self.ended_at.map(|at| json!(platform.iso(at))));
        put("duration", self.duration.map(|seconds| json!(seconds)));
        put("price_unit", Some(json!("USD")));
        put("direction", Some(json!("outbound-api")));
        put("answered_by", self.answered.then(|| json!(self.to)));
        put("api_version", Some(json!("2012-04-24")));
        put("caller_name", Some(json!(self.from)));
        put("uri", Some(json!(format!("{place}.json"))));
        put("ring_duration", self.rang.map(|seconds| json!(seconds)));
        put(
            "subresource_uris",
            Some(json!({
                "notifications": format!("{place}/Notifications.json"),
                "recordings": format!("{place}/Recordings.json"),
            })),
        );
        Value::Object(members)
    }

    /// What is told of it, in exactly this order; `ForwardedFrom` has no value, and no `=`.
    pub(super) fn parameters(&self, step: &str, number: usize, platform: &Platform) -> Pairs {
        let pair = |name: &str, value: &str| (name.to_owned(), Some(value.to_owned()));
        let mut pairs = vec![
            pair("InstanceId", self.instance()),
            pair("AccountSid", &self.account_sid),
            pair("CallSid", &self.sid),
            pair("From", &self.from),
            pair("To", &self.to),
            pair("Direction", "outbound-api"),
            pair("CallerName", &self.from),
            ("ForwardedFrom".to_owned(), None),
            pair("CallStatus", step),
        ];
        if step == "completed" {
            let seconds = self.duration.unwrap_or_default().to_string();
            pairs.push(pair("CallDuration", &seconds));
        }
        pairs.extend([
            pair("Timestamp", &platform.stamp(self.created_at)),
            pair("CallbackSource", "call-progress-events"),
            pair("SequenceNumber", &number.to_string()),
        ]);
        pairs
    }

    /// What is told when its document is fetched.
    pub(super) fn request(&self, platform: &Platform) -> Pairs {
        let pair = |name: &str, value: &str| (name.to_owned(), Some(value.to_owned()));
        vec![
            pair("CallSid", &self.sid),
            pair("InstanceId", self.instance()),
            pair("AccountSid", &self.account_sid),
            pair("From", &self.from),
            pair("To", &self.to),
            pair("CallStatus", "in-progress"),
            pair("ApiVersion", "2012-04-24"),
            pair("Direction", "outbound-api"),
            pair("CallerName", "null"),
            pair("ForwardedFrom", "null"),
            pair("CallTimestamp", &platform.iso(self.created_at)),
        ]
    }
}
