use super::*;

#[test]
fn the_off_values_are_accepted() {
    let lines = "challenge = \"off\"\nguard = { mode = \"off\" }\ndaily_budget = \"\"";
    assert!(load(&with_tenant(lines), &NOTHING).is_ok());
    assert!(load(&with("[[restcomm]]", "dialect = \"restcomm\""), &NOTHING).is_ok());
}

#[test]
fn a_capability_that_is_not_built_is_refused() {
    let cases = [
        (
            r#"challenge = "altcha""#,
            "challenge",
            r#""altcha""#,
            r#" or set "off""#,
        ),
        (
            r#"guard = { mode = "observe" }"#,
            "guard.mode",
            r#""observe""#,
            r#" or set "off""#,
        ),
        (
            r#"daily_budget = "10.00""#,
            "daily_budget",
            r#""10.00""#,
            r#" or set """#,
        ),
    ];
    for (line, key, value, mend) in cases {
        let found = faults(&with_tenant(line), &NOTHING);
        let expected = format!(
            "`tenants.acme.{key}` = {value} is not available in this version; remove it{mend}"
        );
        assert_eq!(found, [expected]);
    }
    assert_eq!(
        fault_with("[[restcomm]]", "dialect = \"twilio\""),
        "`restcomm.main.dialect` = \"twilio\" is not available in this version; remove it or set \"restcomm\""
    );
}

#[test]
fn a_webhook_is_refused_and_not_repeated() {
    let line = "webhook = { url = \"https://acme.example\", secret = \"5f0c1e7a\" }";
    let found = faults(&with_tenant(line), &NOTHING);
    assert_eq!(
        found,
        ["`tenants.acme.webhook` is not available in this version; remove it"]
    );
}

#[test]
fn a_value_no_version_knows_is_not_promised() {
    let cases = [
        (
            "challenge = \"captcha\"",
            "`tenants.acme.challenge` = \"captcha\" is not a known value",
        ),
        (
            "guard = { mode = \"on\" }",
            "`tenants.acme.guard.mode` = \"on\" is not a known value",
        ),
    ];
    for (line, begin) in cases {
        let found = faults(&with_tenant(line), &NOTHING);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(begin), "{found:?}");
    }
}

#[test]
fn what_is_exempt_is_checked_and_accepted() {
    let proof = "proof = { mode = \"off\", phone_number = true }";
    assert!(load(&with_tenant(proof), &NOTHING).is_ok());
    let found = faults(&with_tenant("proof = { mode = \"maybe\" }"), &NOTHING);
    assert_eq!(
        found,
        ["`tenants.acme.proof.mode` is \"maybe\"; set \"on\" or \"off\""]
    );
}

#[test]
fn a_variable_is_held_to_the_same_rule() {
    let variables = [("COUNTERSIGN__TENANTS__ACME__CHALLENGE", "altcha")];
    let found = faults(&with_tenant(""), &variables);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].ends_with("(set by `COUNTERSIGN__TENANTS__ACME__CHALLENGE`)"),
        "{found:?}"
    );
}
