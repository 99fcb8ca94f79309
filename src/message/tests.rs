//! What the texts say and how long they are: every language, every purpose, every kind of name.

use std::{collections::BTreeMap, fmt::Write as _};

use super::*;
use crate::domain::policy::tests::policy;

const FIVE: Duration = Duration::from_mins(5);
const TEN: Duration = Duration::from_mins(10);
const CODE: &str = "123456";
const LONGEST_CODE: &str = "1234567890";
const HASH: &str = "FA+9qCX9VSu";

pub fn default_policy(display_name: &str) -> Policy {
    Policy {
        display_name: display_name.to_owned(),
        ..policy()
    }
}

fn code(digits: &str) -> Code {
    Code::parse_guess(digits).unwrap()
}

fn wording(language: Language, purpose: &str) -> Wording {
    Wording {
        language,
        purpose: purpose.to_owned(),
        autofill: None,
    }
}

fn text(language: Language, purpose: &str, name: &str, validity: Duration) -> String {
    let wording = wording(language, purpose);
    let policy = default_policy(name);
    sms(&policy, &wording, &code(CODE), validity).to_string()
}

#[test]
fn a_message_says_the_code_whose_it_is_what_for_how_long_and_to_keep_it_secret() {
    for (language, expected) in [
        (
            Language::English,
            "123456 is your Acme code to log in. It is valid for 5 minutes. Do not share it with anyone.",
        ),
        (
            Language::Portuguese,
            "123456 é o seu PIN Acme para entrar. Expira em 5 minutos. Nunca o diga a ninguém.",
        ),
        (
            Language::Spanish,
            "123456 es su clave de Acme para entrar. Caduca en 5 minutos. No la comparta con nadie.",
        ),
        (
            Language::French,
            "123456 est votre code Acme pour vous connecter. Il expire dans 5 minutes. Ne le communiquez à personne.",
        ),
        (
            Language::German,
            "123456 ist Ihr Code von Acme zum Anmelden. Er gilt noch 5 Minuten. Geben Sie ihn an niemanden weiter.",
        ),
        (
            Language::Italian,
            "123456 è il suo codice Acme per accedere. Scade tra 5 minuti. Non lo comunichi a nessuno.",
        ),
        (
            Language::Arabic,
            "123456 رمز \u{2068}Acme\u{2069} لتسجيل الدخول. صالح 5 دقائق. لا تشاركه.",
        ),
        (
            Language::Hindi,
            "123456 लॉगिन के लिए Acme कोड है। वैधता: 5 मिनट। किसी को न बताएं।",
        ),
        (
            Language::Japanese,
            "123456 はAcmeの認証コード（ログイン用）です。有効期限は5分です。誰にも教えないでください。",
        ),
        (
            Language::Chinese,
            "123456 是您的Acme验证码，用于登录。有效期5分钟。请勿告诉任何人。",
        ),
    ] {
        assert_eq!(text(language, "login", "Acme", FIVE), expected);
    }
}

#[test]
fn a_purpose_without_words_is_left_out() {
    assert_eq!(
        text(Language::English, "x-files", "Acme Bank", FIVE),
        "123456 is your Acme Bank code. It is valid for 5 minutes. Do not share it with anyone."
    );
    for language in Language::ALL {
        let without = text(language, "unheard-of", "Acme", FIVE);
        let mut said: Vec<String> = ["login", "signup", "confirm", "payment", "password"]
            .map(|purpose| text(language, purpose, "Acme", FIVE))
            .into();
        said.push(without);
        let different: std::collections::BTreeSet<_> = said.iter().collect();
        assert_eq!(different.len(), said.len(), "{language:?}");
    }
    assert_eq!(
        text(Language::French, "password_reset", "Acme", FIVE),
        text(Language::French, "password", "Acme", FIVE)
    );
}

#[test]
fn minutes_are_whole_hardly_more_than_true_and_in_the_right_form() {
    let english = |seconds| text(Language::English, "-", "Acme", Duration::from_secs(seconds));
    for (seconds, words) in [
        (299, "for 5 minutes."),
        (290, "for 4 minutes."),
        (119, "for 2 minutes."),
        (60, "for 1 minute."),
        (55, "for 1 minute."),
        (54, "for less than a minute."),
        (10, "for less than a minute."),
    ] {
        assert!(english(seconds).contains(words), "{seconds}");
    }
    let said = |language, minutes| text(language, "-", "Acme", Duration::from_mins(minutes));
    for (minutes, words) in [
        (1, "صالح دقيقة واحدة."),
        (2, "صالح دقيقتين."),
        (3, "صالح 3 دقائق."),
        (10, "صالح 10 دقائق."),
    ] {
        assert!(said(Language::Arabic, minutes).contains(words), "{minutes}");
    }
    for (language, one, two) in [
        (Language::Portuguese, "em 1 minuto.", "em 2 minutos."),
        (Language::Spanish, "en 1 minuto.", "en 2 minutos."),
        (Language::French, "dans 1 minute.", "dans 2 minutes."),
        (Language::German, "noch 1 Minute.", "noch 2 Minuten."),
        (Language::Italian, "tra 1 minuto.", "tra 2 minuti."),
        (Language::Hindi, "1 मिनट।", "2 मिनट।"),
        (Language::Japanese, "は1分です", "は2分です"),
        (Language::Chinese, "有效期1分钟。", "有效期2分钟。"),
    ] {
        assert!(said(language, 1).contains(one), "{language:?}");
        assert!(said(language, 2).contains(two), "{language:?}");
    }
    let arabic = texts::of(Language::Arabic);
    assert_eq!(arabic.minutes(Language::Arabic, 11), "11 دقيقة");
    assert_eq!(arabic.minutes(Language::Arabic, 100), "100 دقيقة");
}

/// Kinds of names: of 20 and of 40 characters, in the GSM alphabet, outside it, and from right to left.
fn names() -> [(&'static str, String); 6] {
    [
        ("gsm 20", "N".repeat(20)),
        ("gsm 40", "N".repeat(40)),
        ("accents 20", "ç".repeat(20)),
        ("accents 40", "ç".repeat(40)),
        ("ideographs 20", "字".repeat(20)),
        ("arabic 20", "ب".repeat(20)),
    ]
}

/// How much of the text is said: `all`, without the `warning`, without the `purpose` too, or no more than the `name`.
fn said(language: Language, purpose: &str, text: &str) -> &'static str {
    let texts = texts::of(language);
    let purpose = texts.purposes.of(Purpose::named(purpose).unwrap());
    let has_validity =
        text.contains(&texts.minutes(language, 5)) || text.contains(&texts.minutes(language, 10));
    match (
        text.contains(texts.never_share),
        text.contains(purpose),
        has_validity,
    ) {
        (true, true, true) => "all",
        (true, false, true) => "no purpose",
        (false, true, true) => "no warning",
        (false, false, true) => "neither",
        _ => "less",
    }
}

/// For each language and kind of name: what is said for the purposes login, signup, confirm, payment and password.
fn table(digits: &str, validity: Duration, autofill: Option<&Autofill>) -> String {
    let mut table = String::new();
    for language in Language::ALL {
        for (kind, name) in names() {
            let mut row: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for purpose in ["login", "signup", "confirm", "payment", "password"] {
                let wording = Wording {
                    autofill: autofill.cloned(),
                    ..wording(language, purpose)
                };
                let text = sms(&default_policy(&name), &wording, &code(digits), validity);
                assert_eq!(segments::count(&text), 1, "{}", *text);
                assert!(text.starts_with(digits), "{}", *text);
                let limit = if autofill.is_some() { 140 } else { 160 };
                assert!(text.len() <= limit, "{}", *text);
                row.entry(said(language, purpose, &text))
                    .or_default()
                    .push(purpose);
            }
            let row = row
                .into_iter()
                .map(|(said, purposes)| match purposes.len() {
                    5 => said.to_owned(),
                    _ => format!("{said} ({})", purposes.join(", ")),
                });
            let row: Vec<String> = row.collect();
            let _ = writeln!(table, "{} {kind}: {}", language.as_str(), row.join("; "));
        }
    }
    table
}

#[test]
fn every_text_fits_one_segment_and_says_as_much_as_fits() {
    let usual = table(CODE, FIVE, None);
    assert_eq!(usual, include_str!("tests/usual.txt"), "\n{usual}");
    // The longest code and the longest time: still one segment.
    let longest = table(LONGEST_CODE, TEN, None);
    assert_eq!(longest, include_str!("tests/longest.txt"), "\n{longest}");
}

#[test]
fn what_an_app_reads_has_140_bytes_at_most_and_ends_with_its_hash() {
    let hash = HASH.to_owned();
    let app = Autofill::App { hash };
    let found = table(LONGEST_CODE, TEN, Some(&app));
    assert_eq!(found, include_str!("tests/for_apps.txt"), "\n{found}");
    let wording = Wording {
        autofill: Some(app),
        ..wording(Language::English, "login")
    };
    let text = sms(&default_policy("Acme Bank"), &wording, &code(CODE), FIVE);
    assert_eq!(
        text.as_str(),
        "123456 is your Acme Bank code to log in. It is valid for 5 minutes. Do not share it with anyone.\nFA+9qCX9VSu"
    );
    // A name that alone takes all of the room is left out.
    for language in Language::ALL {
        let wording = Wording {
            language,
            ..wording.clone()
        };
        let text = sms(
            &default_policy(&"字".repeat(40)),
            &wording,
            &code(LONGEST_CODE),
            TEN,
        );
        assert!(
            text.len() <= 140 && segments::count(&text) == 1,
            "{}",
            *text
        );
        assert_eq!(text.lines().last(), Some(HASH));
    }
}

/// The algorithm of WICG's "Origin-bound one-time codes": host and code of the last line.
fn parsed(message: &str) -> Option<(&str, &str)> {
    let last = message.split('\n').next_back()?;
    let (host, rest) = last.strip_prefix('@')?.split_once(' ')?;
    let code = rest.strip_prefix('#')?.split(' ').next()?;
    (!host.is_empty() && !code.is_empty()).then_some((host, code))
}

#[test]
fn what_a_page_fills_in_ends_with_the_line_that_browsers_read() {
    let host = "app.acme.example".to_owned();
    for language in Language::ALL {
        for (kind, name) in names() {
            let wording = Wording {
                autofill: Some(Autofill::Page { host: host.clone() }),
                ..wording(language, "payment")
            };
            let text = sms(&default_policy(&name), &wording, &code(CODE), FIVE);
            assert_eq!(parsed(&text), Some((&*host, CODE)), "{}", *text);
            assert_eq!(text.lines().count(), 2);
            assert_eq!(segments::count(&text), 1, "{language:?} {kind}: {}", *text);
        }
    }
    // A host longer than a segment is no reason to say nothing.
    let host = format!(
        "{}.example",
        "a".repeat(60)
            .repeat(3)
            .chars()
            .collect::<Vec<_>>()
            .chunks(60)
            .map(|c| c.iter().collect::<String>())
            .collect::<Vec<_>>()
            .join(".")
    );
    let wording = Wording {
        autofill: Some(Autofill::Page { host: host.clone() }),
        ..wording(Language::English, "login")
    };
    let text = sms(&default_policy("Acme"), &wording, &code(CODE), FIVE);
    assert_eq!(
        text.as_str(),
        format!("123456 is your code.\n@{host} #123456")
    );
}

#[test]
fn a_text_of_the_tenants_own_takes_the_place_of_the_built_in_one() {
    let mut policy = default_policy("Acme Bank");
    let own = "{name}: {code} {purpose}, {minutes}".to_owned();
    policy.messages = BTreeMap::from([(Language::Portuguese, own)]);
    let send = |language, purpose: &str, autofill| {
        let wording = Wording {
            autofill,
            ..wording(language, purpose)
        };
        sms(&policy, &wording, &code(CODE), Duration::from_mins(1)).to_string()
    };
    let own = send(Language::Portuguese, "payment", None);
    assert_eq!(
        own,
        "Acme Bank: 123456 para confirmar um pagamento, 1 minuto"
    );
    assert_eq!(
        send(Language::Portuguese, "other", None),
        "Acme Bank: 123456, 1 minuto"
    );
    assert!(send(Language::Spanish, "other", None).starts_with("123456 es su clave"));
    let page = Autofill::Page {
        host: "acme.example".to_owned(),
    };
    assert_eq!(
        send(Language::Portuguese, "other", Some(page)),
        "Acme Bank: 123456, 1 minuto\n@acme.example #123456"
    );
}

#[test]
fn an_own_text_too_long_for_an_app_gives_way_to_the_built_in_one() {
    let mut policy = default_policy("Acme Bank");
    let long = format!("{{code}}{}", " long".repeat(26));
    policy.messages = BTreeMap::from([(Language::English, long)]);
    let mut wording = wording(Language::English, "other");
    let said = |wording: &Wording| sms(&policy, wording, &code(CODE), FIVE).to_string();
    assert!(said(&wording).ends_with("long"));
    wording.autofill = Some(Autofill::App {
        hash: HASH.to_owned(),
    });
    assert_eq!(
        said(&wording),
        "123456 is your Acme Bank code. It is valid for 5 minutes. Do not share it with anyone.\nFA+9qCX9VSu"
    );
}

#[test]
fn texts_of_the_latin_languages_are_in_the_gsm_alphabet_and_the_others_are_not() {
    for language in Language::ALL {
        let latin = !matches!(
            language,
            Language::Arabic | Language::Hindi | Language::Japanese | Language::Chinese
        );
        for purpose in ["login", "signup", "confirm", "payment", "password", "-"] {
            for validity in [Duration::ZERO, FIVE] {
                let text = text(language, purpose, "Acme", validity);
                assert_eq!(segments::is_gsm7(&text), latin, "{text}");
            }
        }
    }
}
