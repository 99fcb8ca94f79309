use secrecy::ExposeSecret as _;

use super::*;
use crate::domain::{
    policy::{CodePolicy, Countries, Policy, Resend},
    synthesizer::Synthesizer,
};

/// The listing of the documentation, with real secrets and without what is not built yet.
const FULL: &str = r#"
public_url = "https://otp.example.com"
[server]
bind = "127.0.0.1:8080"
admin_bind = "127.0.0.1:9090"
trusted_proxies = []
[database]
url = "sqlite:///var/lib/countersign/data.db"
[keys]
root = ["k1:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="]
signing = ["s1:IB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgE="]
[delivery]
wait = "2500ms"
callback_url = "https://otp.example.com"
[[restcomm]]
name = "main"
base_url = "https://cloud.restcomm.com/restcomm/2012-04-24"
dialect = "restcomm"
account_sid = "AC0a1b2c3d4e5f60718293a4b5c6d7e8f9"
auth_token = "5f0c1e7ab93d4826"
sms_from = { default = "OTPApp", US = "+13055550100" }
voice_from = "+13055550100"
flashcall_from = []
synthesizer = "any"
timeout = "8s"
max_per_second = 100
[limits]
per_number = ["5/10m", "20/24h"]
[tenants.acme]
display_name = "Acme Bank"
sender = "AcmeBank"
accounts = []
channels = ["sms"]
countries = []
origins = []
locale = "en"
code = { length = 6, ttl = "5m", attempts = 5 }
resend = "new"
fallback = []
limits = { per_number = ["3/10m", "5/1h", "10/24h"], per_ip = ["10/1h"], per_prefix = ["20/1h"], per_country = [], per_key = [], per_tenant = [] }
challenge = "off"
guard = { mode = "off" }
daily_budget = ""
proof = { mode = "on", phone_number = false }
retention = "24h"
"#;

fn hours(hours: u64) -> Duration {
    Duration::from_hours(hours)
}

fn minutes(minutes: u64) -> Duration {
    Duration::from_mins(minutes)
}

#[test]
fn the_listing_of_the_documentation_loads() {
    let config = load(FULL, &NOTHING).unwrap();
    assert_eq!(config.keys.signing[0].id, "s1");
    assert_eq!(
        config.accounts[0].sms_from.towards("US"),
        Some("+13055550100")
    );
    assert_eq!(config.accounts[0].sms_from.towards("PT"), Some("OTPApp"));
    assert_eq!(
        config.accounts[0].voice_from.as_deref(),
        Some("+13055550100")
    );
    let expected = Policy {
        sender: Some("AcmeBank".to_owned()),
        ..default_policy("Acme Bank")
    };
    assert_eq!(
        config.tenants,
        [Tenant {
            name: "acme".to_owned(),
            policy: expected
        }]
    );
}

#[test]
fn absent_keys_have_their_defaults() {
    let toml = format!("{LEAST}[tenants.acme]\ndisplay_name = \"Acme Bank\"");
    let config = load(&toml, &NOTHING).unwrap();
    assert_eq!(config.server.bind.to_string(), "127.0.0.1:8080");
    assert_eq!(config.server.admin_bind.to_string(), "127.0.0.1:9090");
    assert_eq!(config.delivery.wait, Duration::from_millis(2500));
    assert_eq!(config.delivery.callback_url, config.public_url);
    let overall = [
        Rate {
            count: 5,
            window: minutes(10),
        },
        Rate {
            count: 20,
            window: hours(24),
        },
    ];
    assert_eq!(config.limits.per_number, overall);
    let account = &config.accounts[0];
    assert_eq!(
        (account.timeout, account.max_per_second),
        (Duration::from_secs(8), 100)
    );
    assert_eq!(account.voice_from, None);
    assert!(account.flashcall_from.is_empty());
    assert_eq!(account.synthesizer, Synthesizer::Any);
    assert_eq!(account.auth_token.expose_secret(), TOKEN);

    let policy = &config.tenants[0].policy;
    assert_eq!(policy.countries, Countries::Only(Vec::new()));
    assert_eq!(
        policy.code,
        CodePolicy {
            length: 6,
            ttl: minutes(5),
            attempts: 5
        }
    );
    assert_eq!(policy.resend, Resend::New);
    assert_eq!(policy.cool_down, Policy::COOL_DOWN);
    assert_eq!(policy.retention, hours(24));
    let per_number = [
        Rate {
            count: 3,
            window: minutes(10),
        },
        Rate {
            count: 5,
            window: minutes(60),
        },
        Rate {
            count: 10,
            window: hours(24),
        },
    ];
    assert_eq!(policy.limits.per_number, per_number);
    assert!(policy.limits.per_key.is_empty() && policy.limits.per_tenant.is_empty());
}

#[test]
fn a_configuration_without_tenants_is_complete() {
    assert!(load(LEAST, &NOTHING).unwrap().tenants.is_empty());
}

#[test]
fn everything_that_is_missing_is_named_at_once() {
    let found = faults_of(Config::load(None, &Environment::default()));
    let begins = [
        "`public_url`",
        "`database.url`",
        "`keys.root`",
        "`restcomm`",
    ];
    assert_eq!(found.len(), begins.len(), "{found:?}");
    for (fault, begin) in found.iter().zip(begins) {
        assert!(
            fault.starts_with(&format!("{begin} is missing; ")),
            "{fault}"
        );
    }
    assert!(found[1].ends_with("set it in the file or as `COUNTERSIGN__DATABASE__URL`"));
}

#[test]
fn an_account_must_be_complete() {
    let start = LEAST.find("base_url").unwrap();
    let found = faults(&LEAST[..start], &NOTHING);
    let keys = ["base_url", "account_sid", "auth_token", "sms_from"];
    assert_eq!(found.len(), keys.len(), "{found:?}");
    for (fault, key) in found.iter().zip(keys) {
        assert!(
            fault.starts_with(&format!("`restcomm.main.{key}` is missing")),
            "{fault}"
        );
    }
}

#[test]
fn many_faults_are_reported_together_and_read_as_a_list() {
    let toml = with("[server]", "bnid = \"127.0.0.1:1\"\nadmin_bind = 9090")
        .replace("https://otp", "http://otp")
        .replace(TOKEN, "short");
    let text = load(&toml, &NOTHING).unwrap_err().to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "4 faults in the configuration:");
    assert_eq!(
        &lines[1..],
        [
            "  1. `server.admin_bind` must be text, not a whole number; write it in quotes",
            "  2. unknown key `server.bnid`; did you mean `server.bind`?",
            "  3. `public_url` is \"http://otp.example.com\", and `http` is only for loopback; write `https`",
            "  4. `restcomm.main.auth_token` is shorter than 8 characters; copy the account's token from Restcomm",
        ]
    );
}

#[test]
fn all_faults_of_a_list_and_of_all_tenants_are_reported() {
    let toml = format!(
        "{LEAST}[tenants.a]\ndisplay_name = \"A\"\ncountries = [\"pt\", \"XX\"]\n[tenants.b]\nretention = \"1s\"\n"
    );
    let found = faults(&toml, &NOTHING);
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(found[0].starts_with("`tenants.a.countries` holds \"pt\""));
    assert!(found[1].starts_with("`tenants.a.countries` holds \"XX\""));
    assert!(found[2].starts_with("`tenants.b.display_name` is missing"));
    assert!(found[3].starts_with("`tenants.b.retention` must be 1m to 400d"));
}

#[test]
fn one_fault_is_called_one() {
    let text = load(&with("[delivery]", "wait = \"1m\""), &NOTHING)
        .unwrap_err()
        .to_string();
    let expected = "1 fault in the configuration:\n  1. `delivery.wait` must be 100ms to 10s, not \"1m\"; set a duration in that range";
    assert_eq!(text, expected);
}

#[test]
fn accounts_have_names_of_their_own() {
    let second = LEAST[LEAST.find("[[restcomm]]").unwrap()..].to_owned();
    let found = faults(&format!("{LEAST}{second}"), &NOTHING);
    assert_eq!(
        found,
        ["`restcomm.main.name` is the name of two accounts; give every account its own"]
    );
    let config = load(
        &format!("{LEAST}{}", second.replace("main", "spare")),
        &NOTHING,
    )
    .unwrap();
    let names: Vec<&str> = config
        .accounts
        .iter()
        .map(|account| account.name.as_str())
        .collect();
    assert_eq!(names, ["main", "spare"]);
    let found = faults(&LEAST.replace("name = \"main\"", ""), &NOTHING);
    assert!(
        found[0].starts_with("`restcomm.#1.name` is missing; set it in the file"),
        "{found:?}"
    );
}
