//! The form in which a policy lies in the database: JSON, with durations and rates as in a file.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::values;
use crate::domain::{
    limits::Rate,
    policy::{CodePolicy, Countries, Policy, Resend, TenantLimits},
};

/// A stored policy that this version cannot read, because it is damaged or of a newer one.
#[derive(Debug, thiserror::Error)]
#[error("the stored policy cannot be read: {0}")]
pub struct UnreadablePolicy(#[from] serde_json::Error);

/// A new member needs a default, so that the policies of older versions can still be read. An
/// unknown one is an error: to ignore it could be to ignore a limit.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    display_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sender: Option<String>,
    accounts: Vec<String>,
    /// `["*"]`: anywhere.
    countries: Vec<String>,
    code: StoredCode,
    resend: StoredResend,
    cool_down: Spelled<Duration>,
    limits: StoredLimits,
    retention: Spelled<Duration>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredCode {
    length: u8,
    ttl: Spelled<Duration>,
    attempts: u8,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredResend {
    New,
    Same,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the names of the keys in a file")]
struct StoredLimits {
    per_number: Vec<Spelled<Rate>>,
    per_key: Vec<Spelled<Rate>>,
    per_tenant: Vec<Spelled<Rate>>,
}

/// A value written as in a file: `5m`, `3/10m`.
struct Spelled<T>(T);

/// The policy as text for the database.
pub fn policy_to_json(policy: &Policy) -> String {
    let rates = |rates: &[Rate]| rates.iter().copied().map(Spelled).collect();
    let stored = Stored {
        display_name: policy.display_name.clone(),
        sender: policy.sender.clone(),
        accounts: policy.accounts.clone(),
        countries: match &policy.countries {
            Countries::Anywhere => vec!["*".to_owned()],
            Countries::Only(list) => list.clone(),
        },
        code: StoredCode {
            length: policy.code.length,
            ttl: Spelled(policy.code.ttl),
            attempts: policy.code.attempts,
        },
        resend: match policy.resend {
            Resend::New => StoredResend::New,
            Resend::Same => StoredResend::Same,
        },
        cool_down: Spelled(policy.cool_down),
        limits: StoredLimits {
            per_number: rates(&policy.limits.per_number),
            per_key: rates(&policy.limits.per_key),
            per_tenant: rates(&policy.limits.per_tenant),
        },
        retention: Spelled(policy.retention),
    };
    serde_json::to_string(&stored).expect("texts and numbers always make JSON")
}

/// The policy that [`policy_to_json`] wrote.
pub fn policy_from_json(json: &str) -> Result<Policy, UnreadablePolicy> {
    let stored: Stored = serde_json::from_str(json)?;
    let rates = |rates: Vec<Spelled<Rate>>| rates.into_iter().map(|rate| rate.0).collect();
    Ok(Policy {
        display_name: stored.display_name,
        sender: stored.sender,
        accounts: stored.accounts,
        countries: if stored.countries == ["*"] {
            Countries::Anywhere
        } else {
            Countries::Only(stored.countries)
        },
        code: CodePolicy {
            length: stored.code.length,
            ttl: stored.code.ttl.0,
            attempts: stored.code.attempts,
        },
        resend: match stored.resend {
            StoredResend::New => Resend::New,
            StoredResend::Same => Resend::Same,
        },
        cool_down: stored.cool_down.0,
        limits: TenantLimits {
            per_number: rates(stored.limits.per_number),
            per_key: rates(stored.limits.per_key),
            per_tenant: rates(stored.limits.per_tenant),
        },
        retention: stored.retention.0,
    })
}

impl Serialize for Spelled<Duration> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&values::spell(self.0))
    }
}

impl<'de> Deserialize<'de> for Spelled<Duration> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let duration = values::duration(&text);
        duration
            .map(Self)
            .ok_or_else(|| D::Error::custom("a duration does not parse"))
    }
}

impl Serialize for Spelled<Rate> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let window = values::spell(self.0.window);
        serializer.serialize_str(&format!("{}/{window}", self.0.count))
    }
}

impl<'de> Deserialize<'de> for Spelled<Rate> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        values::rate(&text).map(Self).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tenant::default_policy;

    #[test]
    fn a_policy_survives_the_database() {
        let mut policy = default_policy("Acme Bank");
        assert_eq!(policy_from_json(&policy_to_json(&policy)).unwrap(), policy);
        policy.sender = Some("AcmeBank".to_owned());
        policy.accounts = vec!["main".to_owned()];
        policy.countries = Countries::Anywhere;
        policy.code = CodePolicy {
            length: 8,
            ttl: Duration::from_millis(10_500),
            attempts: 3,
        };
        policy.resend = Resend::Same;
        policy.cool_down = Duration::ZERO;
        policy.limits = TenantLimits::default();
        assert_eq!(policy_from_json(&policy_to_json(&policy)).unwrap(), policy);
    }

    #[test]
    fn the_stored_form_is_readable_and_stable() {
        let mut policy = default_policy("Acme Bank");
        policy.countries = Countries::Only(vec!["PT".to_owned()]);
        insta::assert_snapshot!(policy_to_json(&policy), @r#"{"display_name":"Acme Bank","accounts":[],"countries":["PT"],"code":{"length":6,"ttl":"5m","attempts":5},"resend":"new","cool_down":"30s","limits":{"per_number":["3/10m","5/1h","10/24h"],"per_key":[],"per_tenant":[]},"retention":"24h"}"#);
    }

    #[test]
    fn a_member_of_a_newer_version_is_an_error_and_not_ignored() {
        let json = policy_to_json(&default_policy("Acme Bank"));
        let newer = json.replacen('{', r#"{"challenge":"altcha","#, 1);
        let error = policy_from_json(&newer).unwrap_err().to_string();
        assert!(error.contains("challenge"), "{error}");
    }

    #[test]
    fn a_damaged_policy_is_an_error() {
        let json = policy_to_json(&default_policy("Acme Bank"));
        assert!(policy_from_json("").is_err());
        assert!(policy_from_json(&json.replace("5m", "soon")).is_err());
        assert!(policy_from_json(&json.replace("3/10m", "0/10m")).is_err());
    }
}
