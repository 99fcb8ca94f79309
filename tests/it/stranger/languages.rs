//! Texts in every language, through a platform that takes them as they are, and through one that does not.

use std::time::Duration;

use serde_json::json;

use super::{
    calling::SYNTHESIZERS,
    phoning::{call_to, callers, calling, spoken_code},
    server::Stranger,
    setup::Setup,
};
use crate::{
    database::Database,
    process::{PATIENCE, eventually},
};

const LANGUAGES: [&str; 10] = ["en", "pt", "es", "fr", "de", "it", "ar", "hi", "ja", "zh"];

/// A platform that normalizes numbers cuts or refuses texts of more than 160 bytes, and takes no sender but a number.
#[tokio::test(flavor = "multi_thread")]
async fn every_language_passes_a_platform_that_normalizes_numbers_and_arrives_whole() {
    let place = Database::Sqlite.create().await;
    let stranger = Stranger::start().await;
    let mut setup = Setup::new(&place.url, &[&stranger]);
    setup.sender = "+13055550100";
    setup.display_name = "Twenty Letters Bank.";
    setup.tenant = "origins = [\"https://app.acme.example\"]";
    let service = setup.serve().await;
    for normalizes in [false, true] {
        stranger.change(|platform| platform.normalizes = normalizes);
        for (turn, language) in LANGUAGES.into_iter().enumerate() {
            for (way, autofill) in [
                json!(null),
                json!({ "origin": "https://app.acme.example" }),
                json!({ "app_hash": "FA+9qCX9VSu" }),
            ]
            .into_iter()
            .enumerate()
            {
                let number = format!("+35191234{}{way}{turn:02}", u8::from(normalizes));
                let mut body = json!({ "to": number, "locale": language, "purpose": "payment" });
                if !autofill.is_null() {
                    body["autofill"] = autofill;
                }
                let answer = service.client.post("/otp/send", &body).await.unwrap();
                assert_eq!(answer.status, 201, "{language}: {}", answer.text);
                let sms = stranger.look(|platform| platform.messages.last().unwrap().clone());
                let text = &sms.body;
                let code: String = text.chars().take_while(char::is_ascii_digit).collect();
                let line = format!("\n@app.acme.example #{code}");
                let (longest, last) =
                    [(160, ""), (160, line.as_str()), (140, "\nFA+9qCX9VSu")][way];
                assert!(
                    text.ends_with(last) && text.len() <= longest,
                    "{language}: {text}"
                );
                let encoding = if is_gsm(text) { "GSM" } else { "UCS-2" };
                assert_eq!(sms.encoding, encoding, "{language}: {text}");
                let fits = is_gsm(text) || text.encode_utf16().count() <= 70;
                assert!(fits, "{language} takes two segments: {text}");
                let answer = service.client.verify(&answer.id(), &code).await.unwrap();
                assert_eq!(answer.status, 200, "{language}: {text}");
            }
        }
    }
}

/// Whether the GSM alphabet holds a text, in one place for each letter.
fn is_gsm(text: &str) -> bool {
    let beyond = "\n\u{a1}\u{a3}\u{a4}\u{a5}\u{a7}\u{bf}ÄÅÆÇÉÑÖØÜßàäåæèéìñòöøùü";
    text.chars().all(|sign| match sign {
        '`' | '^' | '{' | '}' | '\\' | '[' | '~' | ']' | '|' => false,
        ' '..='~' => true,
        other => beyond.contains(other),
    })
}

/// What is asked for in a language that the synthesizer does not know is said in English: then it must be English.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_heard_is_in_the_language_that_it_is_written_in() {
    for synthesizer in SYNTHESIZERS {
        let place = Database::Sqlite.create().await;
        let stranger = Stranger::start().await;
        stranger.change(|platform| {
            platform.synthesizer = synthesizer;
            platform.second = Duration::from_millis(1);
        });
        let mut setup = calling(&place.url, &stranger);
        for named in ["any", synthesizer.0] {
            setup.account = format!("{}\nsynthesizer = \"{named}\"", callers());
            let service = setup.serve().await;
            for (turn, language) in LANGUAGES.into_iter().enumerate() {
                let number = format!("+35191234{}{turn:03}", usize::from(named == "any"));
                let body = json!({ "to": number, "channel": "voice", "locale": language });
                let answer = service.client.post("/otp/send", &body).await.unwrap();
                assert_eq!(answer.status, 201, "{}", answer.text);
                let ended = async || call_to(&stranger, &number).ended_at.is_some();
                eventually("the call is over", PATIENCE, ended).await;
                let call = call_to(&stranger, &number);
                let spoken: Vec<&str> = call.spoken.iter().map(|(key, _)| key.as_str()).collect();
                let is_english = call.spoken.iter().any(|(_, text)| text == "Goodbye.");
                let all = |key: &str| spoken.iter().all(|spoken| spoken.starts_with(key));
                assert!(
                    if is_english { all("en") } else { all(language) },
                    "{synthesizer:?} {named} {language}: {:?}",
                    call.spoken
                );
                let answer = service
                    .client
                    .verify(&answer.id(), &spoken_code(&call))
                    .await;
                assert_eq!(answer.unwrap().status, 200, "{language}");
            }
        }
    }
}
