use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::*;

fn fault_of_root(entries: &str) -> String {
    fault_with("[keys]", &format!("root = {entries}"))
}

#[test]
fn a_placeholder_is_not_a_token() {
    let words = [
        "changeme",
        "change-me",
        "CHANGE_ME",
        "secret",
        "password",
        "example",
        "<token>",
        "aaaaaaaaaaaa",
        "0000000000",
    ];
    for word in words {
        let fault = fault_with("[[restcomm]]", &format!("auth_token = \"{word}\""));
        assert_eq!(
            fault,
            "`restcomm.main.auth_token` is a placeholder; copy the account's token from Restcomm"
        );
    }
}

#[test]
fn a_token_is_long_enough_and_printable() {
    for (token, part) in [
        ("", "shorter"),
        ("1234567", "shorter"),
        ("5f0c1e7a b93d", "a blank"),
    ] {
        let fault = fault_with("[[restcomm]]", &format!("auth_token = \"{token}\""));
        assert!(fault.contains(part), "{fault}");
        assert!(token.is_empty() || !fault.contains(token), "{fault}");
    }
}

#[test]
fn a_root_key_is_32_bytes_in_base64_with_an_id() {
    let short = BASE64_STANDARD.encode([1, 2, 3]);
    let cases = [
        ("[]".to_owned(), "holds no key"),
        (
            "[\"AQID\"]".to_owned(),
            "does not begin with an id and a colon",
        ),
        (
            "[\":AQID\"]".to_owned(),
            "does not begin with an id and a colon",
        ),
        ("[\"k1:!\"]".to_owned(), "is not base64 after the colon"),
        (format!("[\"k1:{short}\"]"), "holds 3 bytes in place of 32"),
    ];
    for (entries, part) in cases {
        let fault = fault_of_root(&entries);
        assert!(
            fault.starts_with("`keys.root` ") && fault.contains(part),
            "{fault}"
        );
        assert!(!fault.contains(&short), "{fault}");
    }
}

#[test]
fn an_example_or_a_repeated_byte_is_not_a_root_key() {
    let zeros = BASE64_STANDARD.encode([0; 32]);
    let sevens = BASE64_STANDARD.encode([7; 32]);
    let example = &EXAMPLE_ROOT_KEY[3..];
    for (encoded, part) in [
        (zeros.as_str(), "one byte repeated"),
        (&sevens, "one byte repeated"),
        (example, "the example of the documentation"),
        (
            example.trim_end_matches('='),
            "the example of the documentation",
        ),
        ("AAAA…", "the example of the documentation"),
        ("<base64 of 32 bytes>", "the example of the documentation"),
    ] {
        let fault = fault_of_root(&format!("[\"other:{encoded}\"]"));
        assert!(
            fault.contains(part) && fault.contains("countersign keygen"),
            "{fault}"
        );
    }
}

#[test]
fn root_keys_are_one_to_three_and_distinct() {
    let key = |id: &str, byte: u8| {
        let mut bytes = [byte; 32];
        bytes[0] = 0;
        format!("\"{id}:{}\"", BASE64_STANDARD.encode(bytes))
    };
    let three = format!("[{}, {}, {}]", key("a", 1), key("b", 2), key("c", 3));
    let config = load(&with("[keys]", &format!("root = {three}")), &NOTHING).unwrap();
    assert_eq!(config.keys.root.len(), 3);
    assert_eq!(config.keys.root[1].secret.expose()[..2], [0, 2]);

    let four = three.replace(']', &format!(", {}]", key("d", 4)));
    assert!(fault_of_root(&four).contains("holds 4 keys; keep the newest 3"));
    let same_id = format!("[{}, {}]", key("a", 1), key("a", 2));
    assert!(fault_of_root(&same_id).contains("holds the id `a` twice"));
    let same_bytes = format!("[{}, {}]", key("a", 1), key("b", 1));
    assert!(fault_of_root(&same_bytes).contains("holds the bytes of `b` twice"));
    let both = fault_of_root("[\"nocolon\", \"k2:!\"]");
    assert!(
        both.contains("an entry 1") && both.contains("an entry 2"),
        "{both}"
    );
}

#[test]
fn a_signing_seed_is_held_to_the_same_rules() {
    let fault = fault_with("[keys]", "signing = [\"s1:AQID\"]");
    assert!(
        fault.starts_with("`keys.signing` has an entry 1, which holds 3 bytes"),
        "{fault}"
    );
}

#[test]
fn a_placeholder_is_no_password_of_a_database_elsewhere() {
    for url in [
        "postgres://otp:changeme@db/otp",
        "postgres://otp@db/otp?password=secret",
    ] {
        let fault = fault_with("[database]", &format!("url = \"{url}\""));
        assert_eq!(
            fault,
            "`database.url` holds a placeholder as the password; set the real one"
        );
    }
    let here = with(
        "[database]",
        "url = \"postgres://otp:password@localhost/otp\"",
    );
    assert!(load(&here, &NOTHING).is_ok());
}

#[test]
fn no_secret_is_printed() {
    let toml = LEAST.replace(
        "sqlite:///var/lib/countersign/data.db",
        "postgres://otp:p4ssw0rd@db:5433/otp?password=qu3ry",
    );
    let config = load(&toml, &NOTHING).unwrap();
    let printed = format!("{config:?} {config:#?}");
    let root = ROOT_KEY.strip_prefix("k1:").unwrap();
    let bytes = "1, 2, 3, 4";
    for secret in [TOKEN, "p4ssw0rd", "qu3ry", root, bytes] {
        assert!(!printed.contains(secret), "{printed}");
    }
    assert_eq!(
        format!("{:?}", config.database),
        "postgres://otp@db:5433/otp"
    );
    assert!(config.database.expose().contains("p4ssw0rd"));
}
