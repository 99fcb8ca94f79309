//! How a tenant's policy is kept: as JSON, in shapes of its own, so that the domain stays free of it.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::domain::{
    delivery::Channel,
    language::Language,
    limits::Rate,
    policy::{CodePolicy, Countries, FallbackStep, Policy, Resend, TenantLimits},
};

#[derive(Serialize, Deserialize)]
struct Stored {
    display_name: String,
    sender: Option<String>,
    accounts: Vec<String>,
    /// `["*"]`: anywhere.
    countries: Vec<String>,
    /// What came later is absent where an earlier version applied the tenant.
    #[serde(default = "only_sms")]
    channels: Vec<String>,
    #[serde(default)]
    fallback: Vec<StoredStep>,
    #[serde(default)]
    origins: Vec<String>,
    #[serde(default)]
    locale: String,
    #[serde(default)]
    messages: BTreeMap<String, String>,
    code_length: u8,
    code_ttl_ms: u64,
    code_attempts: u8,
    resend_same: bool,
    cool_down_ms: u64,
    per_number: Vec<StoredRate>,
    #[serde(default)]
    per_ip: Vec<StoredRate>,
    #[serde(default)]
    per_prefix: Vec<StoredRate>,
    #[serde(default)]
    per_country: Vec<StoredRate>,
    per_key: Vec<StoredRate>,
    per_tenant: Vec<StoredRate>,
    retention_ms: u64,
}

#[derive(Serialize, Deserialize)]
struct StoredStep {
    after_ms: u64,
    channel: String,
}

#[derive(Serialize, Deserialize)]
struct StoredRate {
    count: u32,
    window_ms: u64,
}

pub(super) fn write(policy: &Policy) -> String {
    let stored = Stored {
        display_name: policy.display_name.clone(),
        sender: policy.sender.clone(),
        accounts: policy.accounts.clone(),
        countries: match &policy.countries {
            Countries::Anywhere => vec!["*".to_owned()],
            Countries::Only(list) => list.clone(),
        },
        channels: policy
            .channels
            .iter()
            .map(|channel| channel.as_str().to_owned())
            .collect(),
        fallback: policy
            .fallback
            .iter()
            .map(|step| StoredStep {
                after_ms: millis(step.after),
                channel: step.channel.as_str().to_owned(),
            })
            .collect(),
        origins: policy.origins.clone(),
        locale: policy.locale.as_str().to_owned(),
        messages: policy
            .messages
            .iter()
            .map(|(language, text)| (language.as_str().to_owned(), text.clone()))
            .collect(),
        code_length: policy.code.length,
        code_ttl_ms: millis(policy.code.ttl),
        code_attempts: policy.code.attempts,
        resend_same: policy.resend == Resend::Same,
        cool_down_ms: millis(policy.cool_down),
        per_number: rates(&policy.limits.per_number),
        per_ip: rates(&policy.limits.per_ip),
        per_prefix: rates(&policy.limits.per_prefix),
        per_country: rates(&policy.limits.per_country),
        per_key: rates(&policy.limits.per_key),
        per_tenant: rates(&policy.limits.per_tenant),
        retention_ms: millis(policy.retention),
    };
    serde_json::to_string(&stored).expect("plain values always serialise")
}

pub(super) fn read(text: &str) -> Result<Policy, StoreError> {
    let stored: Stored = serde_json::from_str(text).map_err(|_| StoreError::Damaged {
        table: "tenants",
        what: "policy",
    })?;
    Ok(Policy {
        display_name: stored.display_name,
        sender: stored.sender,
        accounts: stored.accounts,
        countries: if stored.countries == ["*"] {
            Countries::Anywhere
        } else {
            Countries::Only(stored.countries)
        },
        // What a newer version applied for a channel or a language that this one does not know is left out.
        channels: stored
            .channels
            .iter()
            .filter_map(|word| Channel::parse(word))
            .collect(),
        fallback: stored
            .fallback
            .iter()
            .filter_map(|step| {
                Some(FallbackStep {
                    after: Duration::from_millis(step.after_ms),
                    channel: Channel::parse(&step.channel)?,
                })
            })
            .collect(),
        origins: stored.origins,
        locale: Language::parse(&stored.locale).unwrap_or_default(),
        messages: stored
            .messages
            .into_iter()
            .filter_map(|(language, text)| Some((Language::parse(&language)?, text)))
            .collect(),
        code: CodePolicy {
            length: stored.code_length,
            ttl: Duration::from_millis(stored.code_ttl_ms),
            attempts: stored.code_attempts,
        },
        resend: if stored.resend_same {
            Resend::Same
        } else {
            Resend::New
        },
        cool_down: Duration::from_millis(stored.cool_down_ms),
        limits: TenantLimits {
            per_number: read_rates(stored.per_number),
            per_ip: read_rates(stored.per_ip),
            per_prefix: read_rates(stored.per_prefix),
            per_country: read_rates(stored.per_country),
            per_key: read_rates(stored.per_key),
            per_tenant: read_rates(stored.per_tenant),
        },
        retention: Duration::from_millis(stored.retention_ms),
    })
}

/// What every tenant had before channels could be set.
fn only_sms() -> Vec<String> {
    vec![Channel::Sms.as_str().to_owned()]
}

fn rates(rates: &[Rate]) -> Vec<StoredRate> {
    rates
        .iter()
        .map(|rate| StoredRate {
            count: rate.count,
            window_ms: millis(rate.window),
        })
        .collect()
}

fn read_rates(rates: Vec<StoredRate>) -> Vec<Rate> {
    rates
        .into_iter()
        .map(|rate| Rate {
            count: rate.count,
            window: Duration::from_millis(rate.window_ms),
        })
        .collect()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(after: Duration, channel: Channel) -> FallbackStep {
        FallbackStep { after, channel }
    }

    #[test]
    fn a_policy_survives_being_kept() {
        let rate = Rate {
            count: 3,
            window: Duration::from_mins(10),
        };
        let policy = Policy {
            display_name: "Acme \"Bank\"".to_owned(),
            sender: Some("AcmeBank".to_owned()),
            accounts: vec!["main".to_owned()],
            channels: vec![Channel::Flashcall, Channel::Sms, Channel::Voice],
            countries: Countries::Only(vec!["PT".to_owned()]),
            origins: vec!["https://app.acme.example".to_owned()],
            locale: Language::Portuguese,
            messages: BTreeMap::from([(Language::French, "Code : {code}".to_owned())]),
            code: CodePolicy {
                length: 8,
                ttl: Duration::from_millis(12_345),
                attempts: 3,
            },
            resend: Resend::Same,
            fallback: vec![
                step(Duration::from_secs(20), Channel::Sms),
                step(Duration::from_millis(5001), Channel::Voice),
            ],
            cool_down: Duration::from_secs(5),
            limits: TenantLimits {
                per_number: vec![rate],
                per_ip: vec![rate, rate, rate],
                per_prefix: vec![rate],
                per_country: vec![rate, rate],
                per_key: vec![],
                per_tenant: vec![rate, rate],
            },
            retention: Duration::from_mins(1),
        };
        assert_eq!(read(&write(&policy)).unwrap(), policy);
        let anywhere = Policy {
            countries: Countries::Anywhere,
            ..policy
        };
        assert_eq!(read(&write(&anywhere)).unwrap(), anywhere);
        assert!(read("{}").is_err());
    }

    #[test]
    fn a_policy_that_an_earlier_version_kept_reads_without_what_came_later() {
        let kept = r#"{"display_name":"Acme","sender":null,"accounts":[],"countries":["PT"],"code_length":6,
            "code_ttl_ms":300000,"code_attempts":5,"resend_same":false,"cool_down_ms":30000,
            "per_number":[{"count":3,"window_ms":600000}],"per_key":[],"per_tenant":[],"retention_ms":86400000}"#;
        let policy = read(kept).unwrap();
        assert!(policy.origins.is_empty() && policy.messages.is_empty());
        assert_eq!(policy.locale, Language::English);
        assert_eq!(policy.channels, [Channel::Sms]);
        assert!(policy.fallback.is_empty());
        let limits = &policy.limits;
        assert_eq!(limits.per_number.len(), 1);
        assert!(
            limits.per_ip.is_empty()
                && limits.per_prefix.is_empty()
                && limits.per_country.is_empty()
        );
    }

    #[test]
    fn what_a_newer_version_kept_for_a_channel_of_its_own_is_left_out() {
        let kept = |channels: &str| {
            format!(
                r#"{{"display_name":"Acme","accounts":[],"countries":["PT"],"channels":{channels},
            "fallback":[{{"after_ms":9000,"channel":"pigeon"}},{{"after_ms":20000,"channel":"voice"}}],
            "code_length":6,"code_ttl_ms":300000,"code_attempts":5,"resend_same":false,"cool_down_ms":30000,
            "per_number":[],"per_key":[],"per_tenant":[],"retention_ms":86400000}}"#
            )
        };
        let policy = read(&kept(r#"["pigeon","voice","sms"]"#)).unwrap();
        assert_eq!(policy.channels, [Channel::Voice, Channel::Sms]);
        assert_eq!(
            policy.fallback,
            [step(Duration::from_secs(20), Channel::Voice)]
        );
        // A tenant that never allowed a text message is not sent one.
        assert!(read(&kept(r#"["pigeon"]"#)).unwrap().channels.is_empty());
    }
}
