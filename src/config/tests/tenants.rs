use super::*;
use crate::domain::policy::Countries;

fn tenant(line: &str) -> Tenant {
    load(&with_tenant(line), &NOTHING)
        .unwrap()
        .tenants
        .remove(0)
}

fn fault_of(line: &str) -> String {
    let found = faults(&with_tenant(line), &NOTHING);
    assert_eq!(found.len(), 1, "{line}: {found:?}");
    found.into_iter().next().unwrap()
}

#[test]
fn a_code_has_6_to_10_digits_lives_10_s_to_10_min_and_allows_1_to_5_attempts() {
    for code in [
        "length = 6",
        "length = 10",
        "ttl = \"10s\"",
        "ttl = \"10m\"",
        "attempts = 1",
        "attempts = 5",
    ] {
        tenant(&format!("code = {{ {code} }}"));
    }
    let cases = [
        ("length = 5", "length` must be 6 to 10, not 5"),
        ("length = 11", "length` must be 6 to 10, not 11"),
        ("ttl = \"9s\"", "ttl` must be 10s to 10m, not \"9s\""),
        ("ttl = \"11m\"", "ttl` must be 10s to 10m, not \"11m\""),
        ("attempts = 0", "attempts` must be 1 to 5, not 0"),
        ("attempts = 6", "attempts` must be 1 to 5, not 6"),
    ];
    for (code, part) in cases {
        let fault = fault_of(&format!("code = {{ {code} }}"));
        assert!(
            fault.starts_with(&format!("`tenants.acme.code.{part}")),
            "{fault}"
        );
    }
}

#[test]
fn a_duration_is_a_whole_number_and_a_unit() {
    for (text, seconds) in [
        ("90s", 90),
        ("5m", 300),
        ("24h", 86_400),
        ("7d", 604_800),
        ("60000ms", 60),
    ] {
        let policy = tenant(&format!("retention = \"{text}\"")).policy;
        assert_eq!(policy.retention, Duration::from_secs(seconds));
    }
    for text in [
        "",
        "5",
        "m",
        "1.5h",
        "-5m",
        "+5m",
        "5 m",
        "5M",
        "5w",
        "1h30m",
        "99999999999999999999d",
        "18446744073709551615d",
    ] {
        let fault = fault_of(&format!("retention = \"{text}\""));
        assert!(fault.contains("which is not a duration"), "{fault}");
    }
    for text in ["59s", "401d"] {
        let fault = fault_of(&format!("retention = \"{text}\""));
        assert!(fault.contains("must be 1m to 400d"), "{fault}");
    }
}

#[test]
fn a_rate_is_a_count_and_a_window() {
    let policy = tenant("limits = { per_key = [\"1/1s\", \"1000/31d\"], per_number = [] }").policy;
    let window = Duration::from_hours(24 * 31);
    let rates = [
        Rate {
            count: 1,
            window: Duration::from_secs(1),
        },
        Rate {
            count: 1000,
            window,
        },
    ];
    assert_eq!(policy.limits.per_key, rates);
    assert!(policy.limits.per_number.is_empty());
    for text in [
        "",
        "3",
        "3/",
        "/10m",
        "0/10m",
        "-1/10m",
        "+3/10m",
        "3/10",
        "3 / 10m",
        "3/10m/1",
        "4294967296/1m",
    ] {
        let fault = fault_of(&format!("limits = {{ per_tenant = [\"{text}\"] }}"));
        assert!(fault.contains("which is not a rate"), "{fault}");
    }
    for text in ["3/999ms", "3/0s", "3/32d"] {
        let fault = fault_of(&format!("limits = {{ per_tenant = [\"{text}\"] }}"));
        assert!(fault.contains("whose window is not 1s to 31d"), "{fault}");
    }
    assert!(fault_with("[limits]", "per_number = [\"often\"]").starts_with("`limits.per_number`"));
}

#[test]
fn countries_are_codes_or_anywhere() {
    let countries = |line| tenant(line).policy.countries;
    assert_eq!(countries("countries = [\"*\"]"), Countries::Anywhere);
    let two = Countries::Only(vec!["PT".to_owned(), "BR".to_owned()]);
    assert_eq!(countries("countries = [\"PT\", \"BR\"]"), two);
    for code in ["pt", "PRT", "P", "", "XX", "ZZ", "001", "P1"] {
        let fault = fault_of(&format!("countries = [\"{code}\"]"));
        assert!(fault.contains("which is not a country"), "{code}: {fault}");
    }
    assert!(fault_of("countries = [\"PT\", \"*\"]").contains("or only \"*\" for anywhere"));
}

#[test]
fn a_display_name_is_short_and_printable() {
    for name in ["A", "Acme Bank", "Caixa Económica", &"x".repeat(40)] {
        assert_eq!(
            tenant(&format!("display_name = \"{name}\""))
                .policy
                .display_name,
            name
        );
    }
    for name in [
        "",
        " ",
        " Acme",
        "Acme\\nBank",
        "Acme\\u202eknaB",
        &"x".repeat(41),
    ] {
        let fault = fault_of(&format!("display_name = \"{name}\""));
        assert!(
            fault.starts_with("`tenants.acme.display_name` is not a display name"),
            "{fault}"
        );
    }
}

#[test]
fn a_sender_of_a_tenant_is_a_name_or_a_number() {
    for sender in ["AcmeBank", "+351912345678", "4ever"] {
        assert_eq!(
            tenant(&format!("sender = \"{sender}\""))
                .policy
                .sender
                .unwrap(),
            sender
        );
    }
    for sender in ["", "12345", "ElevenPlusOne", "Acme-Bank"] {
        let fault = fault_of(&format!("sender = \"{sender}\""));
        assert!(fault.contains("which is not a sender"), "{fault}");
    }
}

#[test]
fn a_resend_is_new_or_the_same() {
    assert_eq!(
        fault_of("resend = \"old\""),
        "`tenants.acme.resend` is \"old\"; set \"new\" or \"same\""
    );
    tenant("resend = \"same\"");
}

#[test]
fn a_tenant_has_a_name_that_fits_everywhere() {
    for name in ["a", "acme-bank_2", &"a".repeat(32)] {
        let toml = format!("{LEAST}[tenants.{name}]\ndisplay_name = \"Acme\"");
        assert_eq!(load(&toml, &NOTHING).unwrap().tenants[0].name, name);
    }
    for name in [
        "Acme",
        "1acme",
        "_acme",
        "\"acme bank\"",
        "\"\"",
        &"a".repeat(33),
    ] {
        let toml = format!("{LEAST}[tenants.{name}]\ndisplay_name = \"Acme\"");
        let found = faults(&toml, &NOTHING);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].contains("is not a name; write 1 to 32 lower-case letters"),
            "{found:?}"
        );
    }
}

#[test]
fn a_tenant_uses_accounts_that_exist() {
    assert_eq!(tenant("accounts = [\"main\"]").policy.accounts, ["main"]);
    assert_eq!(
        fault_of("accounts = [\"mian\"]"),
        "`tenants.acme.accounts` holds \"mian\", which is not the name of a [[restcomm]] table; use one of: `main`"
    );
    assert!(fault_of("accounts = [\"main\", \"main\"]").contains("holds \"main\" twice"));
}

#[test]
fn a_file_of_tenants_holds_only_tenants() {
    let toml = "[tenants.acme]\ndisplay_name = \"Acme\"\naccounts = [\"any\"]\n[tenants.beta]\ndisplay_name = \"Beta\"";
    let tenants = tenants_from_file(file(toml).path()).unwrap();
    let names: Vec<&str> = tenants.iter().map(|tenant| tenant.name.as_str()).collect();
    assert_eq!(names, ["acme", "beta"]);
    assert!(tenants_from_text("").unwrap().is_empty());

    let toml = format!("{toml}\nchallenge = \"altcha\"\n[server]\nbind = \"127.0.0.1:1\"");
    let found = faults_of(tenants_from_text(&toml));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with("unknown key `server`; did you mean `tenants"),
        "{found:?}"
    );
    assert!(
        found[1].contains("`tenants.beta.challenge` = "),
        "{found:?}"
    );
    assert!(
        faults_of(tenants_from_text("tenants ="))[0].starts_with("the text is not TOML, line 1")
    );
}
