use super::*;

#[test]
fn an_unknown_key_names_the_nearest_known_one() {
    let cases = [
        ("[server]", "bnid = \"\"", "server.bnid", "server.bind"),
        (
            "[[restcomm]]",
            "auth_tokn = \"\"",
            "restcomm.main.auth_tokn",
            "restcomm.main.auth_token",
        ),
        (
            "[keys]",
            "root_fiel = \"\"",
            "keys.root_fiel",
            "keys.root_file",
        ),
        ("[sever]", "bind = \"\"", "sever", "server"),
        ("", "bind = \"\"", "bind", "server.bind"),
        (
            "[limits]",
            "per_ip = []",
            "limits.per_ip",
            "tenants.NAME.limits.per_ip",
        ),
        ("[database]", "path = \"\"", "database.path", "database.url"),
    ];
    for (table, line, key, nearest) in cases {
        let expected = format!("unknown key `{key}`; did you mean `{nearest}`?");
        assert_eq!(fault_with(table, line), expected);
    }
}

#[test]
fn an_unknown_key_of_a_tenant_is_found_at_any_depth() {
    let cases = [
        ("dispaly_name = \"\"", "dispaly_name", "display_name"),
        ("code = { lenght = 6 }", "code.lenght", "code.length"),
        ("lenght = 6", "lenght", "code.length"),
        (
            "limits = { per_nubmer = [] }",
            "limits.per_nubmer",
            "limits.per_number",
        ),
        ("cool_down = \"5s\"", "cool_down", ""),
    ];
    for (line, key, nearest) in cases {
        let found = faults(&with_tenant(line), &NOTHING);
        let expected =
            format!("unknown key `tenants.acme.{key}`; did you mean `tenants.acme.{nearest}");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(&expected), "{found:?}");
    }
}

#[test]
fn a_sender_stands_under_a_country_or_the_default() {
    for key in ["us", "USA", "Default"] {
        let fault = fault_with(
            "[[restcomm]]",
            &format!("sms_from = {{ {key} = \"OTPApp\" }}"),
        );
        assert!(
            fault.starts_with(&format!("unknown key `restcomm.main.sms_from.{key}`; ")),
            "{fault}"
        );
    }
    let fault = fault_with("[[restcomm]]", "sms_from = { XX = \"OTPApp\" }");
    assert!(
        fault.starts_with("`restcomm.main.sms_from.XX` holds \"XX\", which is not a country"),
        "{fault}"
    );
}

#[test]
fn a_value_of_the_wrong_type_is_a_fault() {
    let cases = [
        (
            "[server]",
            "bind = 8080",
            "`server.bind` must be text, not a whole number",
        ),
        (
            "[server]",
            "trusted_proxies = \"10.0.0.0/8\"",
            "`server.trusted_proxies` must be a list of texts, not text",
        ),
        (
            "[limits]",
            "per_number = [5]",
            "`limits.per_number` must hold only texts",
        ),
        (
            "[[restcomm]]",
            "max_per_second = \"9\"",
            "`restcomm.main.max_per_second` must be a whole number, not text",
        ),
        (
            "[[restcomm]]",
            "sms_from = 12345",
            "`restcomm.main.sms_from` must be text or a table, not a whole number",
        ),
        (
            "",
            "tenants = []",
            "`tenants` must be tables by name, not a list",
        ),
        (
            "",
            "server = 1.5",
            "`server` must be a table, not a decimal number",
        ),
    ];
    for (table, line, begin) in cases {
        let fault = fault_with(table, line);
        assert!(fault.starts_with(begin), "{fault}");
        assert!(fault.contains("; write "), "{fault}");
    }
    let cases = [
        (
            "code = \"6\"",
            "`tenants.acme.code` must be a table, not text",
        ),
        (
            "code = { length = \"6\" }",
            "`tenants.acme.code.length` must be a whole number, not text",
        ),
        (
            "fallback = \"voice\"",
            "`tenants.acme.fallback` must be a list of tables, not text",
        ),
        (
            "proof = { phone_number = \"yes\" }",
            "`tenants.acme.proof.phone_number` must be `true` or `false`, not text",
        ),
    ];
    for (line, begin) in cases {
        let found = faults(&with_tenant(line), &NOTHING);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with(begin), "{found:?}");
    }
}

#[test]
fn a_secret_of_the_wrong_type_is_not_repeated() {
    let fault = fault_with("[[restcomm]]", "auth_token = 12345678");
    assert_eq!(
        fault,
        "`restcomm.main.auth_token` must be text, not a whole number; write it in quotes"
    );
}
