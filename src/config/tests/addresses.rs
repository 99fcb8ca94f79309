use std::path::Path;

use super::*;

#[test]
fn http_is_only_for_loopback() {
    for url in [
        "http://localhost:8080",
        "http://127.0.0.1",
        "http://127.9.9.9/x",
        "http://[::1]:8080",
        "https://otp.example.com/base",
    ] {
        assert_eq!(BaseUrl::parse(url).unwrap().as_str(), url);
        assert!(
            load(
                &with("[[restcomm]]", &format!("base_url = \"{url}\"")),
                &NOTHING
            )
            .is_ok()
        );
    }
    for url in [
        "http://otp.example.com",
        "http://10.0.0.1",
        "http://localhost.example.com",
        "http://[::2]",
    ] {
        for (table, key) in [
            ("", "public_url"),
            ("[delivery]", "callback_url"),
            ("[[restcomm]]", "base_url"),
        ] {
            let fault = fault_with(table, &format!("{key} = \"{url}\""));
            assert!(
                fault.contains(&format!(
                    "{key}` is \"{url}\", and `http` is only for loopback"
                )),
                "{fault}"
            );
        }
    }
}

#[test]
fn a_base_address_loses_its_last_slash() {
    assert_eq!(
        BaseUrl::parse("https://otp.example.com/").unwrap().as_str(),
        "https://otp.example.com"
    );
    assert_eq!(
        BaseUrl::parse("https://a.example/b/").unwrap().to_string(),
        "https://a.example/b"
    );
}

#[test]
fn a_base_address_is_absolute_and_bare() {
    let cases = [
        ("otp.example.com", "is not an absolute address"),
        ("/otp", "is not an absolute address"),
        ("https://", "is not an absolute address"),
        ("https://a.example/ b", "is not an absolute address"),
        ("ftp://a.example", "write an address with `https`"),
        (
            "https://user:5f0c1e7a@a.example",
            "holds a user or a password",
        ),
        ("https://a.example?x=1", "holds a query or a fragment"),
        ("https://a.example#x", "holds a query or a fragment"),
    ];
    for (url, part) in cases {
        let fault = fault_with("", &format!("public_url = \"{url}\""));
        assert!(fault.contains(part), "{fault}");
        assert!(!fault.contains("5f0c1e7a"), "{fault}");
    }
}

#[test]
fn a_database_is_a_file_or_a_server() {
    let cases = [
        ("sqlite:///var/lib/data.db", "/var/lib/data.db"),
        ("sqlite://data/otp.db", "data/otp.db"),
        ("sqlite:otp.db", "otp.db"),
        ("sqlite:/otp.db", "/otp.db"),
    ];
    for (url, path) in cases {
        let url = DatabaseUrl::parse(url).unwrap();
        assert_eq!(url.sqlite_path(), Some(Path::new(path)));
        assert!(!url.is_postgres());
        assert_eq!(format!("{url:?}"), format!("sqlite://{path}"));
    }
    for text in [
        "postgres://otp@db/otp",
        "postgresql://db:5433/otp?sslmode=require",
        "postgres:///otp?host=/run/postgresql",
    ] {
        let url = DatabaseUrl::parse(text).unwrap();
        assert!(url.is_postgres() && url.sqlite_path().is_none());
        assert_eq!(url.expose(), text);
    }
}

#[test]
fn no_other_address_is_a_database() {
    let cases = [
        ("", "is not the address of a database"),
        ("data.db", "is not the address of a database"),
        (
            "mysql://u:5f0c1e7a@db/otp",
            "is not the address of a database",
        ),
        ("sqlite:", "names no file"),
        ("sqlite:///var/lib/", "names no file"),
        ("sqlite::memory:", "would forget everything"),
        ("sqlite:data.db?mode=ro", "holds more than the path"),
        ("postgres:otp", "is not an address"),
        ("postgres://otp:5f0c1e7a/b@db/otp", "is not an address"),
        ("postgres://otp:12/5f0c1e7a@db/otp", "is not an address"),
        ("postgres://otp:12#5f0c1e7a@db/otp", "is not an address"),
    ];
    for (url, part) in cases {
        let fault = fault_with("[database]", &format!("url = \"{url}\""));
        assert!(
            fault.starts_with("`database.url` ") && fault.contains(part),
            "{fault}"
        );
        assert!(!fault.contains("5f0c1e7a"), "{fault}");
    }
}

#[test]
fn a_listener_is_an_address_and_a_port() {
    for address in ["0.0.0.0:80", "[::]:8080", "10.0.0.7:1"] {
        assert!(
            load(
                &with("[server]", &format!("bind = \"{address}\"")),
                &NOTHING
            )
            .is_ok()
        );
    }
    for address in ["8080", "localhost:8080", "127.0.0.1", "::1:8080x"] {
        let fault = fault_with("[server]", &format!("bind = \"{address}\""));
        assert!(fault.contains("is not an IP address and a port"), "{fault}");
    }
    let fault = fault_with("[server]", "bind = \"127.0.0.1:9090\"");
    assert_eq!(
        fault,
        "`server.admin_bind` is the same as `server.bind`; set another port"
    );
}

#[test]
fn an_account_sid_fits_into_a_path() {
    for sid in ["AC", "AC0a1b2c3d4e5f60718293a4b5c6d7e8f9", "me@example.com"] {
        assert!(
            load(
                &with("[[restcomm]]", &format!("account_sid = \"{sid}\"")),
                &NOTHING
            )
            .is_ok()
        );
    }
    for sid in ["", "AC/1", "AC 1", "AC?1", "..", "AC...", "<sid>"] {
        let fault = fault_with("[[restcomm]]", &format!("account_sid = \"{sid}\""));
        assert!(fault.contains("copy "), "{fault}");
    }
}

#[test]
fn the_numbers_of_an_account_have_bounds() {
    for line in [
        "timeout = \"500ms\"",
        "timeout = \"9s\"",
        "max_per_second = 1",
        "max_per_second = 100000",
    ] {
        assert!(
            load(&with("[[restcomm]]", line), &NOTHING).is_ok(),
            "{line}"
        );
    }
    for line in [
        "timeout = \"499ms\"",
        "timeout = \"10s\"",
        "max_per_second = 0",
        "max_per_second = -1",
    ] {
        assert!(
            fault_with("[[restcomm]]", line).contains("must be "),
            "{line}"
        );
    }
    for line in ["wait = \"99ms\"", "wait = \"11s\""] {
        assert!(
            fault_with("[delivery]", line).contains("must be 100ms to 10s"),
            "{line}"
        );
    }
}

#[test]
fn a_sender_is_a_name_a_number_or_a_short_code() {
    for sender in ["OTPApp", "A", "My App 1", "+13055550100", "123", "12345678"] {
        let toml = with("[[restcomm]]", &format!("sms_from = \"{sender}\""));
        assert!(load(&toml, &NOTHING).is_ok(), "{sender}");
    }
    for sender in [
        "",
        "12",
        "123456789",
        "TwelveLetter",
        "Acme!",
        " Acme",
        "+0123456789",
        "+12",
        "Ação",
    ] {
        let fault = fault_with("[[restcomm]]", &format!("sms_from = \"{sender}\""));
        assert!(fault.contains("which is not a sender"), "{fault}");
    }
    let fault = fault_with("[[restcomm]]", "sms_from = {}");
    assert!(
        fault.contains("is empty; set `default` or a country"),
        "{fault}"
    );
    let toml = with("[[restcomm]]", "sms_from = { US = \"12345\" }");
    let config = load(&toml, &NOTHING).unwrap();
    assert_eq!(config.accounts[0].sms_from.towards("PT"), None);
}
