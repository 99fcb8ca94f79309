//! A message, as the platform keeps and shows it.

use countersign::domain::clock::Timestamp;
use serde_json::{Map, Value, json};

use super::platform::Platform;

#[derive(Clone)]
pub(super) struct Sms {
    pub(super) sid: String,
    pub(super) account_sid: String,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    pub(super) sent_at: Option<Timestamp>,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) body: String,
    pub(super) encoding: String,
    pub(super) status: &'static str,
    pub(super) error: Option<Fault>,
    pub(super) callback: Option<String>,
}

/// What is wrong with a message: its number, its name in the program, and its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault(pub(super) u32, pub(super) &'static str, &'static str);

#[rustfmt::skip]
pub(super) const FAULTS: [Fault; 10] = [
    Fault(30001, "QUEUE_OVERFLOW", "Queue overflow"),
    Fault(30002, "ACCOUNT_SUSPENDED", "Account suspended"),
    Fault(30003, "UNREACHABLE_DESTINATION_HANDSET", "Unreachable destination handset"),
    Fault(30004, "MESSAGE_BLOCKED", "Message blocked"),
    Fault(30005, "UNKNOWN_DESTINATION_HANDSET", "Unknown destination handset"),
    Fault(30006, "LANDLINE_OR_UNREACHABLE_CARRIER", "Landline or unreachable carrier"),
    Fault(30007, "CARRIER_VIOLATION", "Carrier violation"),
    Fault(30008, "UNKNOWN_ERROR", "Unknown error"),
    Fault(30009, "MISSING_SEGMENT", "Missing segment"),
    Fault(30010, "MESSAGE_PRICE_EXCEEDS_MAX_PRICE", "Message price exceeds max price."),
];

impl Fault {
    pub(super) fn numbered(number: u32) -> Self {
        let mut faults = FAULTS.into_iter();
        faults.find(|fault| fault.0 == number).unwrap()
    }
}

impl Sms {
    /// What has no value is left out, unless `nulls`.
    pub(super) fn json(&self, platform: &Platform, nulls: bool) -> Value {
        let mut members = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if value.is_some() || nulls {
                members.insert(name.to_owned(), value.unwrap_or_default());
            }
        };
        let date = |at| Some(json!(platform.date(at)));
        put("sid", Some(json!(self.sid)));
        put("date_created", date(self.created_at));
        put("date_updated", date(self.updated_at));
        put("date_sent", self.sent_at.map(|at| json!(platform.iso(at))));
        put("account_sid", Some(json!(self.account_sid)));
        put("from", Some(json!(self.from)));
        put("to", Some(json!(self.to)));
        put("body", Some(json!(self.body)));
        put("status", Some(json!(self.status)));
        put("direction", Some(json!("outbound-api")));
        put("error_code", self.error.map(|fault| json!(fault.0)));
        put("error_message", self.error.map(|fault| json!(fault.2)));
        put("price", Some(json!("0")));
        put("price_unit", Some(json!("USD")));
        put("api_version", Some(json!("2012-04-24")));
        put("uri", Some(json!(format!("{}.json", self.uri()))));
        Value::Object(members)
    }

    pub(super) fn xml(&self, platform: &Platform) -> String {
        let text = |name: &str, text: &str| {
            let text = text.replace('&', "&amp;").replace('<', "&lt;");
            format!("<{name}>{text}</{name}>")
        };
        let error = self.error.map_or_else(String::new, |fault| {
            let code = text("ErrorCode", &fault.0.to_string());
            format!("<Error>{code}{}</Error>", text("ErrorMessage", fault.2))
        });
        let sent = self.sent_at.map_or("<DateSent/>".to_owned(), |at| {
            text("DateSent", &platform.iso(at))
        });
        let members = [
            text("Sid", &self.sid),
            text("DateCreated", &platform.date(self.created_at)),
            text("DateUpdated", &platform.date(self.updated_at)),
            sent,
            text("AccountSid", &self.account_sid),
            text("From", &self.from),
            text("To", &self.to),
            text("Body", &self.body),
            text("Status", self.status),
            text("Direction", "outbound-api"),
            error,
            text("Price", "0"),
            text("PriceUnit", "USD"),
            text("ApiVersion", "2012-04-24"),
            text("Uri", &self.uri()),
        ];
        format!("<SMSMessage>{}</SMSMessage>", members.concat())
    }

    /// Without the name of the web application.
    fn uri(&self) -> String {
        format!(
            "/2012-04-24/Accounts/{}/SMS/Messages/{}",
            self.account_sid, self.sid
        )
    }
}

/// As Gson writes: on many lines, and safe for HTML.
pub(super) fn gson(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap();
    let unsafe_signs = [
        ("&", "\\u0026"),
        ("=", "\\u003d"),
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("'", "\\u0027"),
    ];
    unsafe_signs
        .into_iter()
        .fold(text, |text, (sign, escaped)| text.replace(sign, escaped))
}
