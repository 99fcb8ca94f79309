//! Whose address counts: what a request says of itself is believed from trusted proxies only. Limits by address show it.

use std::time::Duration;

use countersign::{
    domain::limits::Rate,
    simulator::{Script, SmsFate},
};
use reqwest::Method;
use serde_json::json;

use crate::{
    app::{Answer, TestApp, on_both},
    database::Database,
    page::{ORIGIN_OF_ACME, Page},
};

const ONE_IN_AN_HOUR: Rate = Rate {
    count: 1,
    window: Duration::from_hours(1),
};

/// A service that lets every address send once, behind proxies of these nets.
async fn behind(database: Database, proxies: &[&str]) -> TestApp {
    let proxies = proxies.iter().map(|net| net.parse().unwrap()).collect();
    TestApp::with(database, |config| {
        config.server.trusted_proxies = proxies;
        let policy = &mut config.tenants[0].policy;
        policy.origins = vec![ORIGIN_OF_ACME.to_owned()];
        policy.limits.per_ip = vec![ONE_IN_AN_HOUR];
    })
    .await
}

/// Sends to a number that nobody had before.
async fn send(page: &Page<'_>, n: u32, headers: &[(&str, &str)]) -> Answer {
    let mut request = page
        .request(Method::POST, "/otp/send")
        .header("Content-Type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(request.body(json!({ "to": number(n) }).to_string())).await
}

fn number(n: u32) -> String {
    format!("+3519123{n:05}")
}

on_both! {
    async fn what_a_stranger_says_of_its_address_changes_nothing(database) {
        let app = behind(database, &["10.0.0.0/8"]).await;
        let page = Page::open(&app).await;
        assert_eq!(send(&page, 0, &[]).await.status, 201);
        let mut n = 0;
        for name in ["X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP", "X-Client-IP"] {
            for value in ["203.0.113.1", "for=203.0.113.2", "10.0.0.1", "203.0.113.3, 10.0.0.1", "::1", ""] {
                n += 1;
                send(&page, n, &[(name, value)]).await.problem(429, "rate_limited");
            }
        }
        assert_eq!(app.simulator.requests().posts, 1);
    }

    async fn behind_a_trusted_proxy_the_right_most_untrusted_hop_counts(database) {
        let app = behind(database, &["127.0.0.1/32", "10.0.0.0/8"]).await;
        let page = Page::open(&app).await;
        let mut n = 0;
        let mut from = async |headers: &[(&str, &str)]| {
            n += 1;
            send(&page, n, headers).await.status
        };
        let forwarded = "X-Forwarded-For";
        assert_eq!(from(&[(forwarded, "203.0.113.1")]).await, 201);
        assert_eq!(from(&[(forwarded, "203.0.113.1")]).await, 429);
        assert_eq!(from(&[(forwarded, "203.0.113.2")]).await, 201);
        // What stands to the left of it was written by the client.
        for forged in ["198.51.100.1, 203.0.113.1", "198.51.100.2,203.0.113.1:4711", "x, 203.0.113.1, 10.1.2.3"] {
            assert_eq!(from(&[(forwarded, forged)]).await, 429, "{forged}");
        }
        assert_eq!(from(&[(forwarded, "198.51.100.3"), (forwarded, "203.0.113.1")]).await, 429);
        assert_eq!(from(&[(forwarded, "203.0.113.1"), (forwarded, "198.51.100.3")]).await, 201);
        // These are never read, and a proxy that does not know them lets them pass.
        for name in ["Forwarded", "X-Real-IP"] {
            assert_eq!(from(&[(forwarded, "203.0.113.1"), (name, "198.51.100.9")]).await, 429, "{name}");
            assert_eq!(from(&[(forwarded, "203.0.113.1"), (name, "for=198.51.100.9")]).await, 429, "{name}");
        }
        // Without the header, and with one that cannot be read, it is the proxy's own.
        assert_eq!(from(&[]).await, 201);
        assert_eq!(from(&[(forwarded, "unknown")]).await, 429);
        assert_eq!(from(&[(forwarded, "198.51.100.77, unknown")]).await, 429);
    }

    async fn an_address_of_ipv6_counts_by_its_64_and_one_of_ipv4_by_itself(database) {
        let app = behind(database, &[]).await;
        let mut n = 0;
        let mut from = async |address: &str| {
            n += 1;
            app.post("/otp/send", json!({ "to": number(n), "client_ip": address })).await
        };
        assert_eq!(from("2001:db8:1:2::1").await.status, 201);
        for address in ["2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:DB8:1:2::5"] {
            let answer = from(address).await;
            assert_eq!(answer.problem(429, "rate_limited")["limit"], "per_ip");
            assert_eq!(answer.retry_after(), 3600);
        }
        assert_eq!(from("2001:db8:1:3::1").await.status, 201);
        assert_eq!(from("203.0.113.1").await.status, 201);
        assert_eq!(from("203.0.113.2").await.status, 201);
        assert_eq!(from("::ffff:203.0.113.1").await.status, 429);
        assert_eq!(from("::ffff:203.0.113.3").await.status, 201);
    }

    async fn a_backend_that_names_no_address_is_not_counted_by_its_own(database) {
        let app = behind(database, &[]).await;
        for n in 0..5 {
            app.send_to(&number(n)).await;
        }
        // It does not share the counter of pages either.
        let page = Page::open(&app).await;
        assert_eq!(send(&page, 10, &[]).await.status, 201);
        assert_eq!(send(&page, 11, &[]).await.status, 429);
        // Where it names the same address, that is one user on two ways.
        let body = json!({ "to": number(12), "client_ip": "127.0.0.1" });
        app.post("/otp/send", body).await.problem(429, "rate_limited");
    }

    async fn an_address_gets_back_what_was_not_sent(database) {
        let app = behind(database, &[]).await;
        let page = Page::open(&app).await;
        let refuse = Script { sms: SmsFate::Refuse, ..Script::default() };
        app.simulator.script(&number(1), refuse);
        send(&page, 1, &[]).await.problem(422, "delivery_refused");
        assert_eq!(send(&page, 2, &[]).await.status, 201);
        send(&page, 3, &[]).await.problem(429, "rate_limited");
        app.advance(3600);
        assert_eq!(send(&page, 3, &[]).await.status, 201);
    }
}
