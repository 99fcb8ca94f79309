//! What concerns pages in browsers: their origins, the proxies in front, and the limits that hold strangers.

use super::*;

fn origins(origin: &str) -> Result<Config, Faults> {
    load(&with_tenant(&format!("origins = [{origin:?}]")), &NOTHING)
}

#[test]
fn an_origin_is_written_as_browsers_send_it() {
    for origin in [
        "https://app.acme.example",
        "https://app.acme.example:8443",
        "https://xn--mnchen-3ya.example",
        "https://192.0.2.1",
        "https://[2001:db8::1]:444",
        "http://localhost",
        "http://localhost:5173",
        "http://127.0.0.1:5173",
        "http://127.1.2.3",
        "http://[::1]:3000",
    ] {
        let tenants = origins(origin).unwrap().tenants;
        assert_eq!(tenants[0].policy.origins, [origin]);
    }
}

#[test]
fn another_spelling_is_refused_and_the_right_one_named() {
    for (origin, right) in [
        ("https://app.acme.example/", "https://app.acme.example"),
        ("https://app.acme.example/login", "https://app.acme.example"),
        ("https://app.acme.example?x", "https://app.acme.example"),
        ("https://app.acme.example#x", "https://app.acme.example"),
        ("https://app.acme.example:443", "https://app.acme.example"),
        ("HTTPS://app.acme.example", "https://app.acme.example"),
        ("https://App.Acme.example", "https://app.acme.example"),
        ("https://münchen.example", "https://xn--mnchen-3ya.example"),
        ("https://0xc0000201", "https://192.0.2.1"),
        ("https://[2001:DB8:0::1]", "https://[2001:db8::1]"),
        ("http://localhost:80", "http://localhost"),
    ] {
        let found = faults_of(origins(origin));
        let expected = format!(
            "`tenants.acme.origins` holds {origin:?}, which no browser sends; write it as {right:?}"
        );
        assert_eq!(found, [expected]);
    }
}

#[test]
fn what_is_no_single_origin_is_refused() {
    for (origin, part) in [
        ("*", "a pattern would let strangers' pages in"),
        ("null", "a pattern would let strangers' pages in"),
        (
            "https://*.acme.example",
            "a pattern would let strangers' pages in",
        ),
        ("app.acme.example", "is not an origin; write it as"),
        ("", "is not an origin; write it as"),
        (" https://app.acme.example", "is not an origin; write it as"),
        (
            "https://app.acme.example\n",
            "is not an origin; write it as",
        ),
        (
            "http://app.acme.example",
            "`http` is only for loopback; write `https`",
        ),
        (
            "http://localhost.evil.example",
            "`http` is only for loopback; write `https`",
        ),
        ("ftp://app.acme.example", "write an origin with `https`"),
        (
            "chrome-extension://abcdefgh",
            "write an origin with `https`",
        ),
    ] {
        let found = faults_of(origins(origin));
        assert_eq!(found.len(), 1, "{origin}: {found:?}");
        assert!(found[0].contains(part), "{origin}: {found:?}");
    }
    let found = faults_of(origins("https://me:5f0c1e7a@app.acme.example"));
    assert_eq!(
        found,
        ["`tenants.acme.origins` holds a user or a password; remove what stands before the `@`"]
    );
}

#[test]
fn trusted_proxies_are_ranges_or_single_addresses() {
    let proxies = |list: &str| {
        load(
            &with("[server]", &format!("trusted_proxies = {list}")),
            &NOTHING,
        )
    };
    let read = proxies(
        r#"["10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "::1", "::ffff:172.16.0.0/108", "::ffff:192.0.2.7"]"#,
    );
    let read: Vec<_> = read
        .unwrap()
        .server
        .trusted_proxies
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        read,
        [
            "10.0.0.0/8",
            "192.0.2.1/32",
            "2001:db8::/32",
            "::1/128",
            "172.16.0.0/12",
            "192.0.2.7/32"
        ]
    );
    assert!(
        load(LEAST, &NOTHING)
            .unwrap()
            .server
            .trusted_proxies
            .is_empty()
    );
    for (net, part) in [
        ("10.0.0.0/33", "is not a range of addresses"),
        ("proxy.example", "is not a range of addresses"),
        ("10.0.0.1:80", "is not a range of addresses"),
        ("*", "is not a range of addresses"),
        ("0.0.0.0/0", "trusts everybody"),
        ("::/0", "trusts everybody"),
        ("::ffff:0.0.0.0/96", "trusts everybody"),
        ("10.0.0.1/8", "write \"10.0.0.0/8\", or \"10.0.0.1\""),
    ] {
        let found = faults_of(proxies(&format!("[{net:?}]")));
        assert_eq!(found.len(), 1, "{net}: {found:?}");
        assert!(
            found[0].starts_with("`server.trusted_proxies` holds") && found[0].contains(part),
            "{found:?}"
        );
    }
}

#[test]
fn addresses_and_prefixes_are_limited_unless_a_tenant_says_otherwise() {
    let rates = |line: &str| {
        let limits = load(&with_tenant(line), &NOTHING)
            .unwrap()
            .tenants
            .remove(0)
            .policy
            .limits;
        [limits.per_ip, limits.per_prefix, limits.per_country].map(|rates| {
            let rates: Vec<_> = rates.iter().map(ToString::to_string).collect();
            rates.join(" ")
        })
    };
    assert_eq!(rates(""), ["10/1h", "20/1h", ""]);
    assert_eq!(
        rates("limits = { per_ip = [], per_prefix = [] }"),
        ["", "", ""]
    );
    assert_eq!(
        rates(
            r#"limits = { per_ip = ["1/1m", "2/1h"], per_prefix = ["3/1h"], per_country = ["500/24h"] }"#
        ),
        ["1/1m 2/1h", "3/1h", "500/24h"]
    );
}
