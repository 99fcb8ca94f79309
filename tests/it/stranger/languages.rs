//! Texts in every language, through a platform that takes them as they are, and through one that does not.

use serde_json::json;

use super::{server::Stranger, setup::Setup};
use crate::database::Database;

/// A platform that normalizes numbers cuts or refuses texts of more than 160 bytes, and takes no sender but a number.
#[tokio::test(flavor = "multi_thread")]
async fn every_language_passes_a_platform_that_normalizes_numbers_and_arrives_whole() {
    let place = Database::Sqlite.create().await;
    let stranger = Stranger::start().await;
    let mut setup = Setup::new(&place.url, &[&stranger]);
    setup.sender = "+13055550100";
    setup.display_name = "Twenty Letters Bank.";
    let service = setup.serve().await;
    let languages = ["en", "pt", "es", "fr", "de", "it", "ar", "hi", "ja", "zh"];
    for normalizes in [false, true] {
        stranger.change(|platform| platform.normalizes = normalizes);
        for (turn, language) in languages.iter().enumerate() {
            let number = format!("+35191234{}{turn:03}", u8::from(normalizes));
            for purpose in ["login", "payment"] {
                let body = json!({ "to": number, "locale": language, "purpose": purpose });
                let answer = service.client.post("/otp/send", &body).await.unwrap();
                assert_eq!(answer.status, 201, "{language}: {}", answer.text);
                let sms = stranger.look(|platform| platform.messages.last().unwrap().clone());
                assert!(sms.body.len() <= 160, "{language}: {}", sms.body);
                let is_plain = countersign::message::segments::is_gsm7(&sms.body);
                assert_eq!(
                    sms.encoding,
                    if is_plain { "GSM" } else { "UCS-2" },
                    "{language}"
                );
                let digits = sms.body.split(|sign: char| !sign.is_ascii_digit());
                let code = digits.into_iter().find(|digits| digits.len() == 6).unwrap();
                let answer = service.client.verify(&answer.id(), code).await.unwrap();
                assert_eq!(answer.status, 200, "{language}: {}", sms.body);
            }
        }
    }
}
