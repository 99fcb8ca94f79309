//! Limits on neighbouring numbers, and on whole countries.

use std::time::Duration;

use countersign::{
    domain::{key::Scope, limits::Rate, policy::TenantLimits},
    simulator::{Script, SmsFate},
};
use serde_json::json;

use crate::{
    app::{Answer, TestApp, on_both, tenant},
    database::Database,
};

fn rate(count: u32) -> Vec<Rate> {
    let window = Duration::from_hours(1);
    vec![Rate { count, window }]
}

async fn with_limits(database: Database, limits: TenantLimits) -> TestApp {
    TestApp::with(database, |config| {
        config.tenants[0].policy.limits = limits;
        config.tenants.push(tenant("other"));
    })
    .await
}

async fn send(app: &TestApp, number: &str) -> Answer {
    app.post("/otp/send", json!({ "to": number })).await
}

#[track_caller]
fn held(answer: &Answer, limit: &str) {
    assert_eq!(answer.problem(429, "rate_limited")["limit"], limit);
    assert_eq!(answer.retry_after(), 3600);
}

on_both! {
    async fn numbers_that_differ_in_their_last_four_digits_share_a_limit(database) {
        let per_prefix = rate(3);
        let app = with_limits(database, TenantLimits { per_prefix, ..TenantLimits::default() }).await;
        for number in ["+351912340000", "+351912345678", "+351912349999"] {
            assert_eq!(send(&app, number).await.status, 201, "{number}");
        }
        held(&send(&app, "+351912341234").await, "per_prefix");
        for number in ["+351912350000", "+351912330000", "+351962340000"] {
            assert_eq!(send(&app, number).await.status, 201, "{number}");
        }
        let other = app.key_of("other", &[Scope::Send]).await;
        let answer = app.post_as(&other, "/otp/send", json!({ "to": "+351912341234" })).await;
        assert_eq!(answer.status, 201);
        app.advance(3600);
        assert_eq!(send(&app, "+351912341234").await.status, 201);
    }

    async fn numbers_of_a_country_share_a_limit_even_where_the_calling_code_is_shared(database) {
        let per_country = rate(2);
        let app = with_limits(database, TenantLimits { per_country, ..TenantLimits::default() }).await;
        for number in ["+12015550123", "+14155552671"] {
            assert_eq!(send(&app, number).await.status, 201, "{number}");
        }
        held(&send(&app, "+13055550100").await, "per_country");
        assert_eq!(send(&app, "+15062345678").await.status, 201, "Canada");
        assert_eq!(send(&app, "+351912345678").await.status, 201, "Portugal");
        let other = app.key_of("other", &[Scope::Send]).await;
        let answer = app.post_as(&other, "/otp/send", json!({ "to": "+13055550100" })).await;
        assert_eq!(answer.status, 201);
    }

    async fn what_was_not_sent_is_given_back_to_all_of_them(database) {
        let limits = TenantLimits {
            per_ip: rate(1),
            per_prefix: rate(1),
            per_country: rate(1),
            ..TenantLimits::default()
        };
        let app = with_limits(database, limits).await;
        let send = async |number: &str| {
            app.post("/otp/send", json!({ "to": number, "client_ip": "203.0.113.7" })).await
        };
        let refuse = Script { sms: SmsFate::Refuse, ..Script::default() };
        app.simulator.script("+351912345678", refuse);
        send("+351912345678").await.problem(422, "delivery_refused");
        app.advance(1);
        assert_eq!(send("+351912345679").await.status, 201);
        send("+351912345670").await.problem(429, "rate_limited");
    }
}
