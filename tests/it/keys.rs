//! API keys: who may call, and from when on not any more.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use countersign::{
    domain::{
        key::{ApiKey, KeyKind, KeyState, Scope},
        random::Random,
    },
    store::ApiKeyRecord,
};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::{
    app::{Answer, NUMBER, TENANT, TestApp, on_both, tenant},
    database::Database,
};

/// Asserts that whoever calls so is told to bring a key, whole body.
#[track_caller]
fn unauthenticated(answer: &Answer) {
    let body = answer.problem(401, "unauthenticated");
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    assert_eq!(
        body,
        json!({
            "type": "https://otp.acme.test/problems/unauthenticated",
            "title": "No valid API key",
            "status": 401,
            "detail": "Send `Authorization: Bearer KEY` with a key that has neither expired nor been revoked.",
            "instance": body["instance"],
            "code": "unauthenticated",
        })
    );
}

async fn refused_everywhere(app: &TestApp, key: &str, id: &str) {
    let check = json!({ "id": id, "code": "123456" });
    unauthenticated(&app.post_as(key, "/otp/send", json!({ "to": NUMBER })).await);
    unauthenticated(&app.post_as(key, "/otp/verify", check).await);
    unauthenticated(
        &app.post_as(key, &format!("/otp/{id}/cancel"), json!({}))
            .await,
    );
}

async fn revoke(app: &TestApp, key: &str) {
    let store = app.store().await;
    assert!(store.revoke_key(&key[..14], app.clock.now()).await.unwrap());
    store.close().await;
}

/// While many send and check with one key through both of `apps`, it is revoked: whatever begins later is refused.
async fn revocation_counts_at_once(apps: [Arc<TestApp>; 2]) {
    let key = apps[0].key_of(TENANT, &[Scope::Send, Scope::Verify]).await;
    let id = apps[0].send_to("+351912345601").await;
    let revoked = Arc::new(AtomicBool::new(false));
    let racers = (0..8).map(|n| {
        let (app, key, id, revoked) = (
            apps[n % 2].clone(),
            key.clone(),
            id.clone(),
            revoked.clone(),
        );
        tokio::spawn(async move {
            let mut served = 0;
            loop {
                let too_late = revoked.load(Ordering::SeqCst);
                let answer = if n < 4 {
                    let body =
                        json!({ "to": NUMBER, "purpose": format!("p{n}-{}", served % 100_000) });
                    app.post_as(&key, "/otp/send", body).await
                } else {
                    // Too long to be anybody's code, and free of charge once the guesses are spent.
                    app.post_as(
                        &key,
                        "/otp/verify",
                        json!({ "id": id, "code": "123456789" }),
                    )
                    .await
                };
                if answer.status == 401 {
                    unauthenticated(&answer);
                } else {
                    assert!(
                        !too_late,
                        "served after the revocation, as request {served}: {}",
                        answer.text
                    );
                    served += 1;
                }
                if too_late {
                    return served;
                }
            }
        })
    });
    let racers: Vec<_> = racers.collect();
    let app = &apps[0];
    app.eventually("sends are under way", async |app| {
        10 < app.simulator.texts(NUMBER).len()
    })
    .await;
    revoke(app, &key).await;
    revoked.store(true, Ordering::SeqCst);
    let served: Vec<_> = join_all(racers)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert!(10 < served.iter().sum::<usize>(), "{served:?}");
}

on_both! {
    async fn without_a_key_of_ours_nothing_is_done(database) {
        let app = TestApp::spawn(database).await;
        let id = app.send().await;
        let unknown = ApiKey::generate(KeyKind::Secret, &Random::system()).expose().to_owned();
        let mut mistyped = app.key.clone();
        let last = if mistyped.pop() == Some('x') { 'y' } else { 'x' };
        mistyped.push(last);
        for key in [unknown.as_str(), &mistyped, "cs_sk_", "secret", &app.key[..33], &app.key.to_lowercase()] {
            refused_everywhere(&app, key, &id).await;
            let status = app.http.get(format!("{}/otp/{id}", app.base)).bearer_auth(key);
            unauthenticated(&Answer::of(status).await);
        }
        for (path, method) in [("/otp/send", Method::POST), ("/otp/verify", Method::POST), ("/otp/x", Method::GET), ("/otp/x/cancel", Method::POST)] {
            unauthenticated(&Answer::of(app.http.request(method.clone(), format!("{}{path}", app.base))).await);
            let basic = app.http.request(method, format!("{}{path}", app.base)).basic_auth(&app.key, Some(""));
            unauthenticated(&Answer::of(basic).await);
        }
        assert_eq!(app.simulator.requests().posts, 1);
        assert_eq!(app.status(&id).await["attempts_left"], 5);
    }

    async fn a_key_ends_when_it_was_said_to(database) {
        let app = TestApp::spawn(database).await;
        let id = app.send_to("+351912345601").await;
        let key = ApiKey::generate(KeyKind::Secret, &Random::system());
        let end = app.clock.now().plus(std::time::Duration::from_mins(1));
        let record = ApiKeyRecord {
            name: key.name().to_owned(),
            tenant: TENANT.to_owned(),
            kind: KeyKind::Secret,
            scopes: vec![Scope::Send, Scope::Verify],
            created_at: app.clock.now(),
            state: KeyState { expires_at: Some(end), revoked_at: None },
        };
        let store = app.store().await;
        store.insert_key(&key, &record).await.unwrap();
        store.close().await;
        app.advance(59);
        assert_eq!(app.post_as(key.expose(), "/otp/send", json!({ "to": NUMBER })).await.status, 201);
        app.advance(1);
        refused_everywhere(&app, key.expose(), &id).await;
        assert_eq!(app.status(&id).await["status"], "pending");
    }

    async fn a_revoked_key_is_refused_at_once_although_it_was_just_used(database) {
        let app = TestApp::spawn(database).await;
        let replica = app.replica().await;
        let id = app.send_to("+351912345601").await;
        let key = app.key_of(TENANT, &[Scope::Send, Scope::Verify]).await;
        for (at, purpose) in [(&app, "a"), (&replica, "b")] {
            let send = json!({ "to": NUMBER, "purpose": purpose });
            assert_eq!(at.post_as(&key, "/otp/send", send).await.status, 201);
        }
        revoke(&app, &key).await;
        for at in [&replica, &app] {
            refused_everywhere(at, &key, &id).await;
        }
        assert_eq!(app.status(&id).await["attempts_left"], 5);
        assert_eq!(app.verify(&id, &app.code_at("+351912345601")).await.status, 200, "other keys go on");
    }

    async fn a_revocation_counts_also_in_the_middle_of_a_crowd(database) {
        let app = Arc::new(TestApp::spawn(database).await);
        revocation_counts_at_once([app.clone(), app]).await;
    }

    async fn a_key_does_only_what_it_was_made_for(database) {
        let app = TestApp::spawn(database).await;
        let id = app.send().await;
        let (send, verify, read) = ([Scope::Send], [Scope::Verify], [Scope::Read]);
        for scopes in [&send, &verify, &read] {
            let key = app.key_of(TENANT, scopes).await;
            let answers = [
                (Scope::Send, app.post_as(&key, "/otp/send", json!({ "to": "+351912345601", "purpose": format!("by{}", scopes[0].as_str()) })).await),
                (Scope::Verify, app.post_as(&key, "/otp/verify", json!({ "id": id, "code": app.wrong_code() })).await),
                (Scope::Read, Answer::of(app.http.get(format!("{}/otp/{id}", app.base)).bearer_auth(&key)).await),
            ];
            for (needed, answer) in answers {
                if needed == scopes[0] {
                    assert_ne!(answer.status, 403, "{}", answer.text);
                } else {
                    let body = answer.problem(403, "forbidden");
                    assert_eq!(body["detail"], format!("The API key lacks the scope `{}`.", needed.as_str()));
                }
            }
        }
        let status = app.status(&id).await;
        assert_eq!(status["attempts_left"], 4, "only one of the three could guess");
    }

    async fn a_key_in_the_url_is_refused_even_where_the_header_is_right(database) {
        let app = TestApp::spawn(database).await;
        let id = app.send().await;
        for path in [format!("/otp/send?key={}", app.key), format!("/otp/verify?{}", app.key), format!("/otp/{id}/cancel?k={}", app.key)] {
            let body = app.post(&path, json!({ "to": NUMBER })).await.problem(400, "malformed_request");
            assert_eq!(
                body["detail"],
                "An API key stands in the URL. Revoke it, and send the new one as `Authorization: Bearer KEY`."
            );
        }
        let answer = Answer::of(app.http.get(format!("{}/otp/{id}?api_key={}", app.base, app.key))).await;
        answer.problem(400, "malformed_request");
        assert_eq!(app.status(&id).await["status"], "pending");
    }

    async fn a_tenant_of_the_database_is_as_good_as_one_of_the_configuration(database) {
        let app = TestApp::spawn(database).await;
        let early = app.key_of("stored", &[Scope::Send]).await;
        unauthenticated(&app.post_as(&early, "/otp/send", json!({ "to": NUMBER })).await);
        let mut stored = tenant("stored");
        "Stored Ltd".clone_into(&mut stored.policy.display_name);
        stored.policy.code.length = 8;
        let store = app.store().await;
        store.apply_tenants(&[stored], &app.clock).await.unwrap();
        store.close().await;
        let key = app.key_of("stored", &[Scope::Send, Scope::Verify]).await;
        let sent = app.post_as(&key, "/otp/send", json!({ "to": NUMBER })).await;
        assert_eq!(sent.status, 201, "{}", sent.text);
        let text = app.simulator.texts(NUMBER).remove(0);
        assert!(text[8..].starts_with(" is your Stored Ltd code to log in."), "{text}");
        app.get(&format!("/otp/{}", sent.json()["id"].as_str().unwrap())).await.problem(404, "no_such_verification");
        let check = json!({ "id": sent.json()["id"], "code": &text[..8] });
        assert_eq!(app.post_as(&key, "/otp/verify", check).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_revocation_counts_also_in_the_middle_of_a_crowd_on_two_replicas() {
    let app = Arc::new(TestApp::spawn(Database::Postgres).await);
    let replica = Arc::new(app.replica().await);
    revocation_counts_at_once([app, replica]).await;
}
