//! What arrives on the phone: the language, the encoding, and the line by which it fills the code in.

use std::{collections::BTreeMap, time::Duration};

use countersign::{
    domain::{
        delivery::{LEASE, Stage},
        language::Language,
        policy::{Policy, Resend},
    },
    simulator::Answer as Planned,
};
use serde_json::{Value, json};

use crate::{
    app::{Answer, NUMBER, TestApp, on_both},
    database::Database,
    members::assert_faults,
    outbox::{Outbox, post_without_waiting},
    page::{ORIGIN_OF_ACME, Page, with_origin},
};

/// A send to [`NUMBER`] that says more.
async fn send(app: &TestApp, more: Value) -> Answer {
    app.post("/otp/send", with_number(more)).await
}

fn with_number(mut body: Value) -> Value {
    body["to"] = json!(NUMBER);
    body
}

async fn with_policy(database: Database, change: impl FnOnce(&mut Policy)) -> TestApp {
    TestApp::with(database, |config| change(&mut config.tenants[0].policy)).await
}

/// Text and encoding of the last message that Restcomm was given.
fn last(app: &TestApp) -> (String, Option<String>) {
    let message = app.simulator.messages().pop().unwrap();
    (message.body, message.encoding)
}

const UCS2: Option<&str> = Some("UCS-2");

on_both! {
    async fn a_message_is_in_the_language_asked_for_and_says_so_when_it_needs_ucs_2(database) {
        let app = TestApp::spawn(database).await;
        for (locale, text, encoding) in [
            ("pt-BR", " é o seu PIN Acme Bank para entrar. Expira em 5 minutos. Nunca o diga a ninguém.", None),
            ("DE", " ist Ihr Code von Acme Bank zum Anmelden. Er gilt noch 5 Minuten. Geben Sie ihn an niemanden weiter.", None),
            ("ar-EG", " رمز \u{2068}Acme Bank\u{2069} لتسجيل الدخول. صالح 5 دقائق. لا تشاركه.", UCS2),
            ("zh-Hant-TW", " 是您的Acme Bank验证码，用于登录。有效期5分钟。请勿告诉任何人。", UCS2),
        ] {
            let answer = send(&app, json!({ "locale": locale })).await;
            assert_eq!(answer.status, 201, "{}", answer.text);
            let code = app.code();
            let wanted = (format!("{code}{text}"), encoding.map(str::to_owned));
            assert_eq!(last(&app), wanted, "{locale}");
            let id = answer.json()["id"].as_str().unwrap().to_owned();
            assert_eq!(app.verify(&id, &code).await.status, 200);
        }
    }

    async fn a_language_without_texts_falls_back_to_the_tenants_and_a_malformed_tag_is_a_fault(database) {
        let app = with_policy(database, |policy| policy.locale = Language::French).await;
        for (number, more) in [
            ("+351912345670", json!({})),
            ("+351912345671", json!({ "locale": "nl-BE" })),
            ("+351912345672", json!({ "locale": "x-klingon" })),
        ] {
            let mut body = more.clone();
            body["to"] = json!(number);
            let answer = app.post("/otp/send", body).await;
            assert_eq!(answer.status, 201, "{}", answer.text);
            assert!(last(&app).0.contains(" est votre code Acme Bank pour vous connecter."), "{more}");
        }
        for locale in ["", "pt_BR", "english!", "*", "en-", "português"] {
            assert_faults(&send(&app, json!({ "locale": locale })).await, &[("#/locale", "invalid")]);
        }
        let long = format!("en-x-{}", "abcdefgh-".repeat(8));
        assert_faults(&send(&app, json!({ "locale": long })).await, &[("#/locale", "too_long")]);
        assert_faults(&send(&app, json!({ "locale": ["en"] })).await, &[("#/locale", "wrong_type")]);
        assert_eq!(app.simulator.requests().posts, 3);
    }

    async fn a_page_gets_the_line_that_binds_the_code_to_its_host(database) {
        let app = with_origin(database).await;
        let page = Page::open(&app).await;
        let sent = page.post("/otp/send", with_number(json!({ "autofill": { "origin": "app.acme.example" }, "purpose": "payment" }))).await;
        assert_eq!(sent.status, 201, "{}", sent.text);
        let code = app.code();
        let expected = format!(
            "{code} is your Acme Bank code to confirm a payment. It is valid for 5 minutes. Do not share it with anyone.\n@app.acme.example #{code}"
        );
        assert_eq!(last(&app), (expected, None));
        // The origin does as well, and a resend says for itself what it wants.
        app.advance(30);
        let again = send(&app, json!({ "autofill": { "origin": ORIGIN_OF_ACME }, "purpose": "payment", "locale": "ja" })).await;
        assert_eq!(again.status, 200, "{}", again.text);
        let code = app.code();
        let (text, encoding) = last(&app);
        assert!(text.starts_with(&format!("{code} はAcme Bankの認証コード")), "{text}");
        assert!(text.ends_with(&format!("\n@app.acme.example #{code}")), "{text}");
        assert_eq!(encoding.as_deref(), UCS2);
        app.advance(60);
        assert_eq!(send(&app, json!({ "purpose": "payment" })).await.status, 200);
        let (text, _) = last(&app);
        assert!(!text.contains('@') && text.contains(" is your Acme Bank code "), "{text}");
    }

    async fn an_app_gets_its_hash_in_the_last_line_of_140_bytes(database) {
        let app = TestApp::spawn(database).await;
        for (locale, purpose) in Language::WORDS.iter().zip(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"]) {
            let more = json!({ "autofill": { "app_hash": "FA+9qCX9VSu" }, "locale": locale, "purpose": purpose });
            let answer = send(&app, more).await;
            assert_eq!(answer.status, 201, "{}", answer.text);
            let (text, _) = last(&app);
            assert!(text.len() <= 140, "{text}");
            assert_eq!(text.lines().last(), Some("FA+9qCX9VSu"));
        }
    }

    async fn what_is_not_to_be_filled_in_so_is_refused(database) {
        let app = with_policy(database, |policy| {
            policy.origins = vec![ORIGIN_OF_ACME.to_owned(), "http://localhost:5173".to_owned()];
        }).await;
        for (autofill, fault) in [
            (json!({ "origin": "evil.example" }), ("#/autofill/origin", "not_allowed")),
            (json!({ "origin": "acme.example" }), ("#/autofill/origin", "not_allowed")),
            (json!({ "origin": "sub.app.acme.example" }), ("#/autofill/origin", "not_allowed")),
            (json!({ "origin": "localhost" }), ("#/autofill/origin", "not_allowed")),
            (json!({ "origin": "http://app.acme.example" }), ("#/autofill/origin", "invalid")),
            (json!({ "origin": "app.acme.example #1" }), ("#/autofill/origin", "invalid")),
            (json!({ "origin": "app.acme.example\n@evil.example" }), ("#/autofill/origin", "invalid")),
            (json!({ "origin": "" }), ("#/autofill/origin", "invalid")),
            (json!({ "origin": 1 }), ("#/autofill/origin", "wrong_type")),
            (json!({ "app_hash": "short" }), ("#/autofill/app_hash", "invalid")),
            (json!({ "app_hash": "FA+9qCX9VS=" }), ("#/autofill/app_hash", "invalid")),
            (json!({ "app_hash": "FA+9qCX9VSux" }), ("#/autofill/app_hash", "invalid")),
            (json!({ "origin": "app.acme.example", "app_hash": "FA+9qCX9VSu" }), ("#/autofill/app_hash", "not_allowed")),
            (json!({ "app_hash": "FA+9qCX9VSu", "x": "" }), ("#/autofill/x", "unknown_member")),
            (json!({}), ("#/autofill", "required")),
            (json!("app.acme.example"), ("#/autofill", "wrong_type")),
        ] {
            let answer = send(&app, json!({ "autofill": autofill })).await;
            assert_eq!(answer.status, 422, "{autofill}");
            assert_faults(&answer, &[fault]);
        }
        assert_eq!(app.simulator.requests().posts, 0);
    }

    async fn language_and_autofill_survive_a_crash_and_a_retry(database) {
        let mut app = TestApp::mortal(database, |config| {
            config.tenants[0].policy.origins = vec![ORIGIN_OF_ACME.to_owned()];
        }).await;
        app.simulator.answer_sends(Planned::Hang, Some(1));
        let more = json!({ "locale": "es-MX", "purpose": "signup", "autofill": { "origin": "app.acme.example" } });
        let id = post_without_waiting(&app, with_number(more)).await;
        app.eventually("it is being handed off", async |app| app.simulator.requests().posts == 1).await;
        app.crash().await;
        app.start_again().await;
        let outbox = Outbox::of(&app).await;
        app.clock.advance(LEASE);
        outbox.wait_for(&id, "Restcomm denies it", |row| row.stage == Stage::Waiting).await;
        outbox.run_out(&app, &id).await;
        let code = app.code();
        let (text, encoding) = last(&app);
        assert!(text.starts_with(&format!("{code} es su clave de Acme Bank para crear su cuenta. Caduca en ")), "{text}");
        assert!(text.ends_with(&format!("\n@app.acme.example #{code}")), "{text}");
        assert_eq!((encoding, app.simulator.messages().len()), (None, 1));
        assert_eq!(app.verify(&id, &code).await.status, 200);
    }

    async fn a_message_in_another_script_is_found_again_by_its_code(database) {
        let mut app = TestApp::mortal(database, |config| config.tenants[0].policy.resend = Resend::Same).await;
        app.simulator.answer_sends(Planned::Slow(Duration::from_hours(1)), Some(1));
        let id = post_without_waiting(&app, with_number(json!({ "locale": "hi" }))).await;
        app.eventually("Restcomm has it", async |app| app.simulator.requests().stored == 1).await;
        app.crash().await;
        app.start_again().await;
        app.clock.advance(LEASE);
        let outbox = Outbox::of(&app).await;
        outbox.wait_for(&id, "it is found", |row| row.stage == Stage::Done).await;
        assert_eq!(app.simulator.requests().posts, 1);
        // The resend repeats the code, in the language that it names itself.
        app.advance(30);
        let code = app.code();
        assert_eq!(send(&app, json!({ "locale": "it" })).await.status, 200);
        assert!(last(&app).0.starts_with(&format!("{code} è il suo codice Acme Bank per accedere.")));
    }

    async fn a_tenants_own_text_is_sent_in_its_language(database) {
        let app = with_policy(database, |policy| {
            let own = "{name} diz: {code} {purpose}, {minutes}.".to_owned();
            policy.messages = BTreeMap::from([(Language::Portuguese, own)]);
        }).await;
        assert_eq!(send(&app, json!({ "locale": "pt-PT" })).await.status, 201);
        let (text, encoding) = last(&app);
        let code = text.strip_prefix("Acme Bank diz: ").unwrap()[..6].to_owned();
        assert_eq!(text, format!("Acme Bank diz: {code} para entrar, 5 minutos."));
        assert_eq!(encoding, None);
        assert_eq!(app.post("/otp/verify", json!({ "to": NUMBER, "code": code })).await.status, 200);
    }
}
