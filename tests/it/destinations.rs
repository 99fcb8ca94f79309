//! Where codes may go, by country and by kind of line, and under which sender they arrive.

use countersign::domain::policy::Countries;
use serde_json::json;

use crate::{
    app::{TestApp, on_both, tenant},
    database::Database,
};

/// Groups of countries that share a calling code, with a number of each.
const SHARED: [&[(&str, &str)]; 6] = [
    &[
        ("US", "+12015550123"),
        ("CA", "+15062345678"),
        ("BS", "+12423591234"),
        ("JM", "+18762101234"),
        ("PR", "+17872345678"),
        ("DO", "+18092345678"),
    ],
    &[("RU", "+79123456789"), ("KZ", "+77710009998")],
    &[
        ("GB", "+447400123456"),
        ("GG", "+447781123456"),
        ("JE", "+447797712345"),
        ("IM", "+447624123456"),
    ],
    &[("IT", "+393123456789"), ("VA", "+390669812345")],
    &[("NO", "+4740612345"), ("SJ", "+4779123456")],
    &[("PT", "+351912345678")],
];
const COUNTRY: &str = "The number's country is not among the tenant's countries.";
const KIND: &str = "Numbers of this kind are never sent to.";

fn everywhere() -> impl Iterator<Item = (&'static str, &'static str)> {
    SHARED.into_iter().flatten().copied()
}

fn only(countries: &[&str]) -> Countries {
    Countries::Only(
        countries
            .iter()
            .map(|country| (*country).to_owned())
            .collect(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn of_countries_that_share_a_calling_code_only_those_on_the_list_are_sent_to() {
    let app = TestApp::with(Database::Sqlite, |config| {
        for (country, _) in everywhere() {
            let mut tenant = tenant(&country.to_lowercase());
            tenant.policy.countries = only(&[country]);
            config.tenants.push(tenant);
        }
    })
    .await;
    let mut sent = 0;
    for (allowed, _) in everywhere() {
        let scopes = [countersign::domain::key::Scope::Send];
        let key = app.key_of(&allowed.to_lowercase(), &scopes).await;
        for (country, number) in everywhere() {
            let answer = app
                .post_as(&key, "/otp/send", json!({ "to": number }))
                .await;
            if country == allowed {
                assert_eq!(answer.status, 201, "{country}: {}", answer.text);
                sent += 1;
            } else {
                assert_eq!(answer.status, 403, "{country} for {allowed}");
                let body = answer.problem(403, "destination_not_allowed");
                assert_eq!(body["detail"], COUNTRY, "{country} for {allowed}");
            }
        }
    }
    assert_eq!(sent, 17);
    assert_eq!(app.simulator.requests().posts, sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_cost_extra_or_have_nobody_there_are_never_sent_to() {
    let app = TestApp::spawn(Database::Sqlite).await;
    for (what, number) in [
        ("premium rate", "+19002345678"),
        ("toll-free", "+18002345678"),
        ("premium rate", "+448712345678"),
        ("shared cost", "+39848123456"),
        ("personal number", "+447012345678"),
        ("pager", "+447640123456"),
        ("company-wide number", "+445512345678"),
        ("voicemail", "+41860123456789"),
        ("international freephone", "+80012345678"),
        ("international shared cost", "+80812345678"),
        ("satellite", "+870301234567"),
        ("universal personal number", "+878101234567890"),
        ("satellite", "+881612345678"),
        ("satellite, in Australia's plan", "+61147101234"),
        ("satellite, in Russia's plan", "+79541234567"),
        ("satellite, not in its plan", "+881512345678"),
        ("satellite, of any length", "+8819999999"),
        ("network", "+8823421234"),
        ("network, not in its plan", "+882999999999999"),
        ("network", "+883510012345"),
        ("network, not in its plan", "+8839999999"),
        ("disaster relief", "+8881234567"),
        ("premium rate", "+979123456789"),
        ("premium rate, not in its plan", "+97912345678901"),
        ("trials", "+9911234567"),
    ] {
        let answer = app.post("/otp/send", json!({ "to": number })).await;
        let body = answer.problem(403, "destination_not_allowed");
        assert_eq!(body["detail"], KIND, "{what} {number}");
    }
    // What is a slip of the pen stays one.
    for number in [
        "+881123",
        "+8811234567890123",
        "+999123456789",
        "+35191234567",
    ] {
        app.post("/otp/send", json!({ "to": number }))
            .await
            .problem(422, "invalid_request");
    }
    assert_eq!(app.simulator.requests().posts, 0);
}

on_both! {
    async fn a_code_arrives_from_the_sender_of_its_tenant_and_country(database) {
        let app = TestApp::with(database, |config| {
            let senders = &mut config.accounts[0].sms_from;
            senders.by_country.insert("US".to_owned(), "+13055550100".to_owned());
            senders.by_country.insert("FR".to_owned(), "+33700000001".to_owned());
            senders.by_country.insert("DE".to_owned(), "OTPDE".to_owned());
            config.tenants[0].policy.sender = Some("AcmeBank".to_owned());
            config.tenants.push(tenant("plain"));
            let mut numbered = tenant("numbered");
            numbered.policy.sender = Some("+351210000000".to_owned());
            config.tenants.push(numbered);
        })
        .await;
        for (name, senders) in [
            // A name where names pass: not where the account keeps a number, nor in North America.
            ("acme", ["AcmeBank", "+13055550100", "OTPApp", "+33700000001", "AcmeBank"]),
            ("plain", ["OTPApp", "+13055550100", "OTPApp", "+33700000001", "OTPDE"]),
            ("numbered", ["+351210000000", "+13055550100", "OTPApp", "+33700000001", "+351210000000"]),
        ] {
            let key = app.key_of(name, &[countersign::domain::key::Scope::Send]).await;
            let numbers = ["+351912345678", "+12015550123", "+15062345678", "+33612345678", "+4915123456789"];
            for (number, sender) in numbers.into_iter().zip(senders) {
                let answer = app.post_as(&key, "/otp/send", json!({ "to": number })).await;
                assert_eq!(answer.status, 201, "{name} {number}: {}", answer.text);
                let message = app.simulator.messages().pop().unwrap();
                assert_eq!((message.to.as_str(), message.from.as_str()), (number, sender), "{name}");
            }
        }
    }
}
