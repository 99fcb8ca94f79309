//! The accounts at Restcomm.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use secrecy::SecretString;
use toml::{Table, Value};

use super::{
    callers,
    fields::{Fields, Parsed, all},
    placeholders, shapes,
    urls::BaseUrl,
    values,
};
use crate::domain::synthesizer::Synthesizer;

/// Restcomm itself gives up after 10 s; a later answer would be lost.
const TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(500)..=Duration::from_secs(9);

/// One `[[restcomm]]` table.
#[derive(Clone, Debug)]
pub struct AccountConfig {
    pub name: String,
    pub base_url: BaseUrl,
    pub account_sid: String,
    pub auth_token: SecretString,
    pub sms_from: SmsFrom,
    /// Who spoken calls come from; without it there are none.
    pub voice_from: Option<String>,
    /// Whom flash calls come from: none, or at least 50 numbers that differ in their last four digits.
    pub flashcall_from: Vec<String>,
    /// What reads aloud there; default: it is not known.
    pub synthesizer: Synthesizer,
    /// For one request; default 8 s.
    pub timeout: Duration,
    /// Requests; default 100.
    pub max_per_second: u32,
}

/// The senders of an account by destination country.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SmsFrom {
    pub default: Option<String>,
    /// ISO 3166 alpha-2, upper case.
    pub by_country: BTreeMap<String, String>,
}

impl SmsFrom {
    /// The sender towards `country`, if this account has one.
    pub fn towards(&self, country: &str) -> Option<&str> {
        let sender = self.by_country.get(country).or(self.default.as_ref());
        sender.map(String::as_str)
    }
}

/// All accounts, in the order they are tried.
pub(super) fn read_all(root: &Fields) -> Option<Vec<AccountConfig>> {
    let tables = root.value("restcomm").and_then(Value::as_array);
    let tables = tables.map(Vec::as_slice).unwrap_or_default();
    if tables.is_empty() && root.value("restcomm").is_none_or(Value::is_array) {
        root.complain(
            "restcomm",
            "is missing; add a [[restcomm]] table with `name`, `base_url`, `account_sid`, `auth_token` and `sms_from`",
        );
    }
    let here = root.table("restcomm");
    let accounts = tables.iter().enumerate().map(|(index, value)| {
        let fields = here.below(&shapes::label(value, index), value);
        let name = value.get("name").and_then(Value::as_str);
        let twice = tables[..index]
            .iter()
            .any(|t| t.get("name").and_then(Value::as_str) == name);
        if twice && name.is_some() {
            fields.complain(
                "name",
                "is the name of two accounts; give every account its own",
            );
        }
        read(&fields)
    });
    all(accounts)
}

/// What tenants have to know of an account.
pub(super) struct Known<'a> {
    /// `None`: one without a name, which was reported.
    pub(super) name: Option<&'a str>,
    /// The keys that it holds.
    table: Option<&'a Table>,
}

impl Known<'_> {
    /// Whether something stands behind `key`, right or wrong: what is wrong is a fault of its own.
    pub(super) fn has(&self, key: &str) -> bool {
        let value = self.table.and_then(|table| table.get(key));
        let nothing = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
        value.is_some_and(|value| !nothing(value))
    }
}

/// All accounts, broken ones too.
pub(super) fn known<'a>(root: &Fields<'a>) -> Vec<Known<'a>> {
    let accounts = root.value("restcomm").and_then(Value::as_array);
    let known = |account: &'a Value| Known {
        name: account.get("name").and_then(Value::as_str),
        table: account.as_table(),
    };
    accounts.into_iter().flatten().map(known).collect()
}

fn read(fields: &Fields) -> Option<AccountConfig> {
    let name = fields.required("name", values::name);
    let base_url = fields.required("base_url", BaseUrl::parse);
    let account_sid = fields.required("account_sid", account_sid);
    fields.demand("auth_token");
    let token = fields.secret("auth_token");
    let auth_token = token.and_then(|found| fields.parse_found(found, |text| auth_token(&text)));
    let sms_from = sms_from(fields);
    let timeout = fields.parse("timeout", |text| values::duration_in(text, TIMEOUT));
    let max_per_second = fields.number("max_per_second", 1..=i64::from(u32::MAX));
    let voice_from = fields.parse("voice_from", callers::voice_from);
    let flashcall_from = callers::flashcall_from(fields);
    let engines = Synthesizer::ALL.map(|engine| (engine.as_str(), engine));
    let synthesizer = fields.choice("synthesizer", &engines);
    Some(AccountConfig {
        name: name?,
        base_url: base_url?,
        account_sid: account_sid?,
        auth_token: auth_token?,
        sms_from: sms_from?,
        voice_from,
        flashcall_from: flashcall_from?,
        synthesizer: synthesizer.unwrap_or_default(),
        timeout: timeout.unwrap_or(Duration::from_secs(8)),
        max_per_second: max_per_second.unwrap_or(100),
    })
}

/// The identifier becomes a segment of a path.
fn account_sid(text: &str) -> Parsed<String> {
    let letter = |b: u8| b.is_ascii_graphic() && !b"/\\?#%".contains(&b);
    if placeholders::is_word(text) {
        return Err("is a placeholder; copy the account's SID from Restcomm".to_owned());
    }
    if (1..=64).contains(&text.len()) && text.bytes().all(letter) && !text.starts_with('.') {
        return Ok(text.to_owned());
    }
    Err("is not an account's SID; copy it from Restcomm, without blanks or slashes".to_owned())
}

/// No complaint repeats the token.
fn auth_token(text: &str) -> Parsed<SecretString> {
    const MEND: &str = "copy the account's token from Restcomm";
    if placeholders::is_word(text)
        || (!text.is_empty() && placeholders::is_one_byte(text.as_bytes()))
    {
        return Err(format!("is a placeholder; {MEND}"));
    }
    if text.len() < 8 {
        return Err(format!("is shorter than 8 characters; {MEND}"));
    }
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(format!("holds a blank or an unprintable character; {MEND}"));
    }
    Ok(text.into())
}

fn sms_from(fields: &Fields) -> Option<SmsFrom> {
    fields.demand("sms_from");
    match fields.value("sms_from")? {
        Value::String(_) => {
            let default = fields.parse("sms_from", values::account_sender)?;
            Some(SmsFrom {
                default: Some(default),
                by_country: BTreeMap::new(),
            })
        }
        Value::Table(senders) => {
            if senders.is_empty() {
                fields.complain("sms_from", "is empty; set `default` or a country");
            }
            let here = fields.table("sms_from");
            let countries = senders.keys().filter(|key| *key != "default");
            let by_country = all(countries.map(|country| {
                if values::has_country_shape(country) {
                    here.report(country, values::country(country));
                }
                Some((
                    country.clone(),
                    here.parse(country, values::account_sender)?,
                ))
            }));
            let default = here.parse("default", values::account_sender);
            Some(SmsFrom {
                default,
                by_country: by_country?.into_iter().collect(),
            })
        }
        Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_)
        | Value::Array(_) => None,
    }
}
