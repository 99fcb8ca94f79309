use super::*;
use crate::domain::{
    delivery::Channel::{self, Flashcall, Sms, Voice},
    policy::{FallbackStep, Policy},
};

/// Keys of the account `main` that let it call.
const CALLS: &str = "voice_from = \"+13055550100\"\n";

/// A pool of numbers for flash calls.
fn pool() -> String {
    let numbers: Vec<_> = (100..200).map(|n| format!("\"+13055550{n}\"")).collect();
    format!("flashcall_from = [{}]\n", numbers.join(", "))
}

/// A configuration whose account can do everything.
fn able(lines: &str) -> String {
    with_tenant(lines).replacen("[tenants", &format!("{CALLS}{}[tenants", pool()), 1)
}

fn policy(lines: &str) -> Policy {
    load(&able(lines), &NOTHING)
        .unwrap()
        .tenants
        .remove(0)
        .policy
}

/// The faults, without the beginning of their key's path.
fn complaints(toml: &str) -> Vec<String> {
    let found = faults(toml, &NOTHING).into_iter();
    found
        .map(|fault| fault.replacen("`tenants.acme.", "`", 1))
        .collect()
}

fn complaint(lines: &str) -> String {
    let found = complaints(&able(lines));
    assert_eq!(found.len(), 1, "{lines}: {found:?}");
    found.into_iter().next().unwrap()
}

fn step(seconds: u64, channel: Channel) -> FallbackStep {
    FallbackStep {
        after: Duration::from_secs(seconds),
        channel,
    }
}

#[test]
fn channels_are_one_or_more_words_without_repetition() {
    assert_eq!(policy("").channels, [Sms]);
    assert_eq!(policy("channels = [\"voice\"]").channels, [Voice]);
    assert_eq!(
        policy("channels = [\"flashcall\", \"sms\", \"voice\"]").channels,
        [Flashcall, Sms, Voice]
    );
    let cases = [
        (
            "channels = []",
            "`channels` is empty; remove it, or hold at least one of: `sms`, `voice`, `flashcall`",
        ),
        (
            "channels = [\"sms\", \"pigeon\"]",
            "`channels` holds \"pigeon\", which is not a channel; use one of: `sms`, `voice`, `flashcall`",
        ),
        (
            "channels = [\"SMS\"]",
            "`channels` holds \"SMS\", which is not a channel; use one of: `sms`, `voice`, `flashcall`",
        ),
        (
            "channels = [\"sms\", \"voice\", \"sms\"]",
            "`channels` holds \"sms\" twice; remove one",
        ),
    ];
    for (line, expected) in cases {
        assert_eq!(complaint(line), expected);
    }
}

#[test]
fn a_channel_needs_an_account_that_can_use_it() {
    let lines = "channels = [\"sms\", \"voice\", \"flashcall\"]";
    let neither = [
        "`channels` holds \"voice\", and no account that the tenant may use has `voice_from`; set it in a [[restcomm]] table, or remove \"voice\"",
        "`channels` holds \"flashcall\", and no account that the tenant may use has `flashcall_from`; set it in a [[restcomm]] table, or remove \"flashcall\"",
    ];
    assert_eq!(complaints(&with_tenant(lines)), neither);
    let empty = with_tenant(lines).replacen("[tenants", "flashcall_from = []\n[tenants", 1);
    assert_eq!(complaints(&empty), neither);

    // The account that calls is not the first, and need not be the tenant's.
    let second = LEAST
        .split_once("[[restcomm]]")
        .unwrap()
        .1
        .replace("\"main\"", "\"calls\"");
    let second = format!("[[restcomm]]{second}{CALLS}[tenants");
    let two = with_tenant("channels = [\"voice\"]").replacen("[tenants", &second, 1);
    let other = load(&two, &NOTHING).unwrap().tenants.remove(0).policy;
    assert_eq!(other.channels, [Voice]);
    let first_only = "channels = [\"voice\"]\naccounts = [\"main\"]";
    let two = with_tenant(first_only).replacen("[tenants", &second, 1);
    assert_eq!(complaints(&two), neither[..1]);

    // So does a step of the plan, also to a channel that callers may not use.
    let plan = "fallback = [{ after = \"20s\", channel = \"voice\" }]";
    assert_eq!(
        complaints(&with_tenant(plan)),
        [neither[0].replacen("`channels`", "`fallback`", 1)]
    );
    let able = policy(plan);
    assert_eq!(
        (able.channels, able.fallback),
        (vec![Sms], vec![step(20, Voice)])
    );
}

#[test]
fn what_an_account_is_wrong_about_is_reported_once() {
    let without = with_tenant("channels = [\"voice\"]");
    let wrong = without.replacen("[tenants", "voice_from = \"\"\n[tenants", 1);
    let found = faults(&wrong, &NOTHING);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("`restcomm.main.voice_from`"),
        "{found:?}"
    );
    let found = complaints(&with_tenant(
        "channels = [\"voice\"]\naccounts = [\"mian\"]",
    ));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("`accounts` holds \"mian\""));
    let (head, account) = without.split_once("[[restcomm]]").unwrap();
    let tenants = account.split_once("[tenants").unwrap().1;
    let found = faults(&format!("{head}[tenants{tenants}"), &NOTHING);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("`restcomm` is missing"), "{found:?}");
}

#[test]
fn the_accounts_of_a_file_of_tenants_are_not_known() {
    let lines = "channels = [\"voice\"]\naccounts = [\"calls\"]";
    let toml = format!("[tenants.acme]\ndisplay_name = \"Acme\"\n{lines}");
    let tenants = tenants_from_text(&toml).unwrap();
    assert_eq!(tenants[0].policy.channels, [Voice]);
    assert_eq!(tenants[0].policy.accounts, ["calls"]);
}

#[test]
fn a_plan_has_up_to_three_steps() {
    assert!(policy("").fallback.is_empty());
    let both = "channels = [\"sms\", \"voice\"]\n";
    let plan = |steps: &str| policy(&format!("{both}fallback = [{steps}]")).fallback;
    assert!(plan("").is_empty());
    assert_eq!(
        plan("{ after = \"20s\", channel = \"voice\" }"),
        [step(20, Voice)]
    );
    assert_eq!(
        plan(
            "{ after = \"5s\", channel = \"voice\" }, { after = \"4m\", channel = \"sms\" }, { after = \"60s\", channel = \"voice\" }"
        ),
        [step(5, Voice), step(240, Sms), step(60, Voice)]
    );
    let tables = format!(
        "{both}[[tenants.acme.fallback]]\nafter = \"20s\"\nchannel = \"sms\"\n[[tenants.acme.fallback]]\nafter = \"30s\"\nchannel = \"voice\""
    );
    assert_eq!(policy(&tables).fallback, [step(20, Sms), step(30, Voice)]);
    // The whole life of a code is longer than any step.
    let longest = "code = { ttl = \"10m\" }\nfallback = [{ after = \"5m\", channel = \"voice\" }]";
    assert_eq!(
        policy(&format!("{both}{longest}")).fallback,
        [step(300, Voice)]
    );
    let four = ["voice", "sms", "voice", "sms"]
        .map(|channel| format!("{{ after = \"20s\", channel = \"{channel}\" }}"));
    assert_eq!(
        complaint(&format!("{both}fallback = [{}]", four.join(", "))),
        "`fallback` has 4 steps; keep at most 3"
    );
}

#[test]
fn every_fault_of_a_plan_is_reported_by_name() {
    let both = "channels = [\"flashcall\", \"sms\", \"voice\"]";
    let cases = [
        (
            both,
            "channel = \"voice\"",
            "`fallback.#1.after` is missing; set it in the file",
        ),
        (
            both,
            "after = \"20s\"",
            "`fallback.#1.channel` is missing; set it in the file",
        ),
        (
            both,
            "after = \"999ms\", channel = \"voice\"",
            "`fallback.#1.after` must be 1s to 5m, not \"999ms\"; set a duration in that range",
        ),
        (
            both,
            "after = \"301s\", channel = \"voice\"",
            "`fallback.#1.after` must be 1s to 5m, not \"301s\"; set a duration in that range",
        ),
        (
            both,
            "after = \"soon\", channel = \"voice\"",
            "`fallback.#1.after` is \"soon\", which is not a duration; write a whole number and ms, s, m, h or d, such as \"1s\"",
        ),
        (
            both,
            "after = \"5m\", channel = \"voice\"",
            "`fallback.#1.after` is \"5m\", when a code that lives for 5m is dead; set a shorter duration, or a longer `code.ttl`",
        ),
        (
            both,
            "after = \"20s\", channel = \"flashcall\"",
            "`fallback.#1.channel` is \"flashcall\", which cannot repeat a code; set `sms` or `voice`",
        ),
        (
            both,
            "after = \"20s\", channel = \"fax\"",
            "`fallback.#1.channel` is \"fax\", which is not a channel; use one of: `sms`, `voice`, `flashcall`",
        ),
        (
            both,
            "after = \"20s\", channel = \"sms\" }, { after = \"20s\", channel = \"sms\"",
            "`fallback.#2.channel` is \"sms\", which was tried just before; set another channel, or remove the step",
        ),
        (
            "channels = [\"voice\"]",
            "after = \"20s\", channel = \"voice\"",
            "`fallback.#1.channel` is \"voice\", which was tried just before; set another channel, or remove the step",
        ),
        (
            "channels = [\"sms\", \"pigeon\"]",
            "after = \"20s\", channel = \"voice\"",
            "`channels` holds \"pigeon\", which is not a channel; use one of: `sms`, `voice`, `flashcall`",
        ),
    ];
    for (channels, step, expected) in cases {
        let lines = format!("{channels}\nfallback = [{{ {step} }}]");
        assert_eq!(complaint(&lines), expected);
    }
    let all = "fallback = [{ after = \"0s\", channel = \"fax\" }, { after = \"6m\", channel = \"flashcall\" }]";
    assert_eq!(complaints(&able(&format!("{both}\n{all}"))).len(), 4);
}

#[test]
fn a_key_that_no_step_has_is_a_fault_that_names_the_nearest() {
    let both = "channels = [\"sms\", \"voice\"]\n";
    let line = format!(
        "{both}fallback = [{{ after = \"20s\", channel = \"voice\" }}, {{ after = \"20s\", channel = \"sms\", chanel = \"sms\" }}]"
    );
    assert_eq!(
        complaints(&able(&line)),
        [
            "unknown key `tenants.acme.fallback.#2.chanel`; did you mean `tenants.acme.fallback.#2.channel`?"
                .replacen("`tenants.acme.", "`", 1)
        ]
    );
    let cases = [
        (
            "fallback = [\"voice\"]",
            "`fallback.#1` must be a table, not text; write its keys below it",
        ),
        (
            "fallback = [{ after = 20, channel = \"voice\" }]",
            "`fallback.#1.after` must be text, not a whole number; write it in quotes",
        ),
    ];
    for (line, expected) in cases {
        let found = complaints(&able(&format!("{both}{line}")));
        assert!(found.contains(&expected.to_owned()), "{found:?}");
    }
}

#[test]
fn a_variable_holds_a_plan_as_the_file_would() {
    const CHANNELS: &str = "COUNTERSIGN__TENANTS__ACME__CHANNELS";
    const FALLBACK: &str = "COUNTERSIGN__TENANTS__ACME__FALLBACK";
    let plan = "[{ after = \"20s\", channel = \"voice\" }]";
    let file = able("");
    let config = load(&file, &[(CHANNELS, "sms, voice"), (FALLBACK, plan)]).unwrap();
    let policy = &config.tenants[0].policy;
    assert_eq!(policy.channels, [Sms, Voice]);
    assert_eq!(policy.fallback, [step(20, Voice)]);

    let file = able(&format!(
        "channels = [\"sms\", \"voice\"]\nfallback = {plan}"
    ));
    let config = load(&file, &[(FALLBACK, "")]).unwrap();
    assert!(config.tenants[0].policy.fallback.is_empty());
    for text in ["voice", "20s voice", "[]\nmore = 1", "[{ after = \"20s\""] {
        assert_eq!(
            faults(&file, &[(FALLBACK, text)]),
            [
                "`tenants.acme.fallback` must be a list of tables, not text; write it as `[]` or `[{ … }]` (set by `COUNTERSIGN__TENANTS__ACME__FALLBACK`)"
            ]
        );
    }
    let late = plan.replace("20s", "6m");
    assert_eq!(
        faults(&file, &[(FALLBACK, late.as_str())]),
        [
            "`tenants.acme.fallback.#1.after` must be 1s to 5m, not \"6m\"; set a duration in that range (set by `COUNTERSIGN__TENANTS__ACME__FALLBACK`)"
        ]
    );
    assert_eq!(
        faults(
            &file,
            &[("COUNTERSIGN__TENANTS__ACME__FALLBACK__1__AFTER", "9s")]
        ),
        [
            "unknown key: no setting is called `COUNTERSIGN__TENANTS__ACME__FALLBACK__1__AFTER`; did you mean `COUNTERSIGN__TENANTS__ACME__FALLBACK`?"
        ]
    );
}

#[test]
fn the_plan_of_the_documentation_loads() {
    let readme = include_str!("../../../README.md");
    let mut examples = readme.split("```toml\n").skip(1);
    let example = examples.find(|example| example.contains("\nfallback = [{"));
    let example = example.unwrap().split("```").next().unwrap();
    let policy = tenants_from_text(example).unwrap().remove(0).policy;
    assert_eq!(policy.channels, [Sms, Voice]);
    assert_eq!(policy.fallback, [step(20, Voice), step(40, Sms)]);
}
