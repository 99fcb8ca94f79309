use super::*;
use crate::domain::{language::Language, policy::Policy};

fn policy(lines: &str) -> Policy {
    let config = load(&with_tenant(lines), &NOTHING);
    config.unwrap().tenants.remove(0).policy
}

#[test]
fn a_locale_is_a_tag_that_leads_to_a_language_with_texts() {
    assert_eq!(policy("").locale, Language::English);
    for (tag, language) in [
        ("pt", Language::Portuguese),
        ("ZH-hant-tw", Language::Chinese),
    ] {
        assert_eq!(policy(&format!("locale = \"{tag}\"")).locale, language);
    }
    let known = "set one of: `en`, `pt`, `es`, `fr`, `de`, `it`, `ar`, `hi`, `ja`, `zh`";
    assert_eq!(
        faults(&with_tenant("locale = \"nl\""), &NOTHING),
        [format!(
            "`tenants.acme.locale` is \"nl\", a language without texts; {known}"
        )]
    );
    assert_eq!(
        faults(&with_tenant("locale = \"pt_PT\""), &NOTHING),
        [format!(
            "`tenants.acme.locale` is \"pt_PT\", which is not a language tag; {known}"
        )]
    );
}

#[test]
fn own_texts_stand_under_their_language() {
    let policy = policy("messages = { pt = \"{code} {purpose}\", ja = \"{name}: {code}\" }");
    let texts = policy
        .messages
        .iter()
        .map(|(language, text)| (*language, text.as_str()));
    assert_eq!(
        texts.collect::<Vec<_>>(),
        [
            (Language::Portuguese, "{code} {purpose}"),
            (Language::Japanese, "{name}: {code}")
        ]
    );
}

#[test]
fn every_fault_of_own_texts_is_named_at_once() {
    let lines = "messages = { pt = \"sem\", nl = \"{code}\", fr = \"{code} acme.example\" }";
    let found = faults(&with_tenant(lines), &NOTHING);
    assert_eq!(
        found,
        [
            "`tenants.acme.messages.fr` holds \"acme.example\", which looks like a link or an address; leave it out, or write a space after the full stop",
            "`tenants.acme.messages.nl` is not a language that there are texts in; write the text under one of: `en`, `pt`, `es`, `fr`, `de`, `it`, `ar`, `hi`, `ja`, `zh`",
            "`tenants.acme.messages.pt` lacks the code; write {code} where it belongs",
        ]
    );
    let found = faults(&with_tenant("messages = \"{code}\""), &NOTHING);
    assert_eq!(
        found,
        ["`tenants.acme.messages` must be a table of texts, not text; write `{ pt = \"…\" }`"]
    );
    let found = faults(&with_tenant("messages = { pt = 1 }"), &NOTHING);
    assert_eq!(
        found,
        ["`tenants.acme.messages.pt` must be text, not a whole number; write it in quotes"]
    );
}

#[test]
fn an_own_text_can_come_from_a_variable() {
    let variables = [(
        "COUNTERSIGN__TENANTS__ACME__MESSAGES__PT",
        "{code} por {minutes}",
    )];
    let config = load(&with_tenant(""), &variables).unwrap();
    let policy = &config.tenants[0].policy;
    assert_eq!(
        policy.messages[&Language::Portuguese],
        "{code} por {minutes}"
    );
    let variables = [("COUNTERSIGN__TENANTS__ACME__MESSAGES__PT", "sem")];
    let found = faults(&with_tenant(""), &variables);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].ends_with("(set by `COUNTERSIGN__TENANTS__ACME__MESSAGES__PT`)"),
        "{found:?}"
    );
}
