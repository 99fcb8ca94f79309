use secrecy::ExposeSecret as _;

use super::*;
use crate::domain::policy::Countries;

#[test]
fn a_variable_overrides_the_file() {
    let variables = [
        ("COUNTERSIGN__SERVER__BIND", "0.0.0.0:8443"),
        ("COUNTERSIGN__PUBLIC_URL", "https://id.example.com/"),
        ("PATH", "/bin"),
        ("COUNTERSIGN_CONFIG", "/etc/countersign.toml"),
    ];
    let config = load(&with("[server]", "bind = \"127.0.0.1:1\""), &variables).unwrap();
    assert_eq!(config.server.bind.to_string(), "0.0.0.0:8443");
    assert_eq!(config.public_url.as_str(), "https://id.example.com");
}

#[test]
fn the_environment_alone_is_enough() {
    let variables = [
        ("COUNTERSIGN__PUBLIC_URL", "http://localhost:8080"),
        ("COUNTERSIGN__DATABASE__URL", "postgres://otp@db/otp"),
        (
            "COUNTERSIGN__KEYS__ROOT",
            &format!("{ROOT_KEY}, {OLDER_KEY}"),
        ),
        (
            "COUNTERSIGN__RESTCOMM__MAIN__BASE_URL",
            "http://127.0.0.1:9/2012-04-24",
        ),
        ("COUNTERSIGN__RESTCOMM__MAIN__ACCOUNT_SID", "AC123"),
        ("COUNTERSIGN__RESTCOMM__MAIN__AUTH_TOKEN", "0012345678"),
        ("COUNTERSIGN__RESTCOMM__MAIN__SMS_FROM", "OTPApp"),
        ("COUNTERSIGN__RESTCOMM__MAIN__SMS_FROM__US", "12345"),
        ("COUNTERSIGN__RESTCOMM__MAIN__MAX_PER_SECOND", "7"),
        ("COUNTERSIGN__TENANTS__ACME__DISPLAY_NAME", "Acme, Bank"),
        ("COUNTERSIGN__TENANTS__ACME__COUNTRIES", "PT, US"),
        ("COUNTERSIGN__TENANTS__ACME__CODE__LENGTH", "8"),
        ("COUNTERSIGN__TENANTS__ACME__LIMITS__PER_NUMBER", ""),
        ("COUNTERSIGN__TENANTS__ACME__PROOF__PHONE_NUMBER", "true"),
        ("COUNTERSIGN__TENANTS__ACME__FALLBACK", ""),
    ];
    let config = Config::load(None, &environment(&variables)).unwrap();
    assert!(config.database.is_postgres());
    let ids: Vec<&str> = config.keys.root.iter().map(|key| key.id.as_str()).collect();
    assert_eq!(ids, ["k1", "k0"]);
    let account = &config.accounts[0];
    assert_eq!(account.name, "main");
    assert_eq!(account.auth_token.expose_secret(), "0012345678");
    assert_eq!(account.max_per_second, 7);
    assert_eq!(account.sms_from.towards("PT"), Some("OTPApp"));
    assert_eq!(account.sms_from.towards("US"), Some("12345"));
    let policy = &config.tenants[0].policy;
    assert_eq!(policy.display_name, "Acme, Bank");
    assert_eq!(
        policy.countries,
        Countries::Only(vec!["PT".to_owned(), "US".to_owned()])
    );
    assert_eq!(policy.code.length, 8);
    assert!(policy.limits.per_number.is_empty());
}

#[test]
fn an_account_is_addressed_by_its_name() {
    let toml = LEAST.replace("name = \"main\"", "name = \"eu-west\"");
    let variables = [(
        "COUNTERSIGN__RESTCOMM__EU_WEST__AUTH_TOKEN",
        "another-token",
    )];
    let config = load(&toml, &variables).unwrap();
    assert_eq!(config.accounts.len(), 1);
    assert_eq!(
        config.accounts[0].auth_token.expose_secret(),
        "another-token"
    );
}

#[test]
fn an_account_of_the_environment_comes_after_those_of_the_file() {
    let found = faults(
        LEAST,
        &[("COUNTERSIGN__RESTCOMM__BACKUP__AUTH_TOKEN", "another-token")],
    );
    let keys = ["base_url", "account_sid", "sms_from"];
    assert_eq!(found.len(), keys.len(), "{found:?}");
    for (fault, key) in found.iter().zip(keys) {
        assert!(
            fault.starts_with(&format!("`restcomm.backup.{key}` is missing")),
            "{fault}"
        );
    }
}

#[test]
fn the_key_path_is_case_insensitive_but_given_once() {
    let config = load(LEAST, &[("countersign__delivery__Wait", "1s")]).unwrap();
    assert_eq!(config.delivery.wait, Duration::from_secs(1));
    let variables = [
        ("COUNTERSIGN__DELIVERY__WAIT", "1s"),
        ("COUNTERSIGN__delivery__wait", "2s"),
    ];
    let found = faults(LEAST, &variables);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("both set `delivery.wait`"), "{found:?}");
}

#[test]
fn a_fault_of_a_variable_names_the_variable() {
    let variables = [
        ("COUNTERSIGN__RESTCOMM__MAIN__MAX_PER_SECOND", "many"),
        ("COUNTERSIGN__DELIVERY__WAIT", "0s"),
    ];
    let found = faults(LEAST, &variables);
    assert_eq!(
        found,
        [
            "`restcomm.main.max_per_second` must be a whole number, not text; write it without quotes (set by `COUNTERSIGN__RESTCOMM__MAIN__MAX_PER_SECOND`)",
            "`delivery.wait` must be 100ms to 10s, not \"0s\"; set a duration in that range (set by `COUNTERSIGN__DELIVERY__WAIT`)",
        ]
    );
}

#[test]
fn a_variable_for_no_key_is_a_fault_and_leaves_nothing_behind() {
    let cases = [
        ("COUNTERSIGN__SERVER__BNID", "COUNTERSIGN__SERVER__BIND"),
        ("COUNTERSIGN__SERVER", "COUNTERSIGN__SERVER__BIND"),
        ("COUNTERSIGN__PUBLICURL", "COUNTERSIGN__PUBLIC_URL"),
        (
            "COUNTERSIGN__RESTCOMM__SPARE__TOKEN",
            "COUNTERSIGN__RESTCOMM__SPARE__AUTH_TOKEN",
        ),
        (
            "COUNTERSIGN__TENANTS__NEW__CODE__LENGHT",
            "COUNTERSIGN__TENANTS__NEW__CODE__LENGTH",
        ),
        (
            "COUNTERSIGN__RESTCOMM__MAIN__SMS_FROM__USA",
            "COUNTERSIGN__RESTCOMM__MAIN__SMS_FROM__DEFAULT",
        ),
        ("COUNTERSIGN__PUBLIC_URL__", "COUNTERSIGN__PUBLIC_URL"),
    ];
    for (variable, nearest) in cases {
        let found = faults(LEAST, &[(variable, "5f0c1e7a")]);
        let expected =
            format!("unknown key: no setting is called `{variable}`; did you mean `{nearest}`?");
        assert_eq!(found, [expected]);
    }
}

#[test]
fn a_broken_table_of_the_file_is_reported_and_not_replaced() {
    let toml = LEAST.replace("[[restcomm]]", "[restcomm]");
    let found = faults(&toml, &[("COUNTERSIGN__RESTCOMM__MAIN__AUTH_TOKEN", TOKEN)]);
    assert_eq!(
        found,
        [
            "`restcomm` must be a list of tables, not a table; write `[[restcomm]]`, one for each account"
        ]
    );
}

#[test]
fn the_values_of_the_environment_are_not_printed() {
    let environment = environment(&[("COUNTERSIGN__RESTCOMM__MAIN__AUTH_TOKEN", TOKEN)]);
    assert_eq!(
        format!("{environment:?}"),
        r#"{"COUNTERSIGN__RESTCOMM__MAIN__AUTH_TOKEN"}"#
    );
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf_8_is_a_fault() {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};
    let value = OsString::from_vec(vec![0xff]);
    let environment = Environment::from_iter([("COUNTERSIGN__PUBLIC_URL", value)]);
    let found = faults_of(Config::load(Some(file(LEAST).path()), &environment));
    assert_eq!(
        found,
        ["`COUNTERSIGN__PUBLIC_URL` is not UTF-8; write it as UTF-8 text"]
    );
}
