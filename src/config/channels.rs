//! A tenant's channels, and its plan for codes that do not seem to arrive.

use std::{ops::RangeInclusive, time::Duration};

use super::{
    accounts::Known,
    fields::{Fields, Parsed, all},
    values::{self, spell},
};
use crate::domain::{
    delivery::Channel,
    policy::{FallbackStep, Policy},
};

const MOST_STEPS: usize = 3;
const AFTER: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_mins(5);

/// The key of an account without which it cannot use a channel.
const fn needed_for(channel: Channel) -> Option<&'static str> {
    match channel {
        // Every account has `sms_from`.
        Channel::Sms => None,
        Channel::Voice => Some("voice_from"),
        Channel::Flashcall => Some("flashcall_from"),
    }
}

/// `None`: absent, or a fault was reported.
pub(super) fn read(fields: &Fields) -> Option<Vec<Channel>> {
    let words = fields.list("channels")?;
    if words.is_empty() {
        let known = Channel::WORDS.join("`, `");
        fields.complain(
            "channels",
            &format!("is empty; remove it, or hold at least one of: `{known}`"),
        );
        return None;
    }
    all(words.iter().enumerate().map(|(index, word)| {
        let parsed = if words[..index].contains(word) {
            Err(format!("holds {word:?} twice; remove one"))
        } else {
            channel(word).map_err(|fault| format!("holds {fault}"))
        };
        fields.report("channels", parsed)
    }))
}

/// The plan of a tenant whose callers may use `channels`, and whose codes live for `ttl`. A step may lead to a channel that
/// callers may not ask for: whether a call is worth its price is then for the plan alone to say.
pub(super) fn fallback(
    fields: &Fields,
    channels: &[Channel],
    ttl: Duration,
) -> Option<Vec<FallbackStep>> {
    let steps = fields.items("fallback");
    if steps.len() > MOST_STEPS {
        fields.complain(
            "fallback",
            &format!("has {} steps; keep at most {MOST_STEPS}", steps.len()),
        );
    }
    // A tenant with one channel sends everything by it, and so the first step follows on it, too.
    let mut before = match channels {
        [only] => Some(*only),
        _ => None,
    };
    all(steps.iter().map(|step| {
        let after = step.required("after", |text| after(text, ttl));
        let channel = step.required("channel", |word| other(word, before));
        before = step.text("channel").and_then(Channel::parse);
        Some(FallbackStep {
            after: after?,
            channel: channel?,
        })
    }))
}

fn after(text: &str, ttl: Duration) -> Parsed<Duration> {
    let after = values::duration_in(text, AFTER)?;
    if after < ttl {
        return Ok(after);
    }
    Err(format!(
        "is {text:?}, when a code that lives for {} is dead; set a shorter duration, or a longer `code.ttl`",
        spell(ttl)
    ))
}

/// A channel that another message can follow by.
fn other(word: &str, before: Option<Channel>) -> Parsed<Channel> {
    let channel = channel(word).map_err(|fault| format!("is {fault}"))?;
    if channel == Channel::Flashcall {
        return Err(format!(
            "is {word:?}, which cannot repeat a code; set `sms` or `voice`"
        ));
    }
    if before == Some(channel) {
        return Err(format!(
            "is {word:?}, which was tried just before; set another channel, or remove the step"
        ));
    }
    Ok(channel)
}

fn channel(word: &str) -> Parsed<Channel> {
    Channel::parse(word).ok_or_else(|| {
        let known = Channel::WORDS.join("`, `");
        format!("{word:?}, which is not a channel; use one of: `{known}`")
    })
}

/// Whether there is, for each channel, an account of `known` that `policy` may use for it.
pub(super) fn check_accounts(fields: &Fields, policy: &Policy, known: &[Known]) {
    let usable = |account: &&Known| {
        let named = |name| policy.accounts.iter().any(|used| used == name);
        policy.accounts.is_empty() || account.name.is_some_and(named)
    };
    let usable: Vec<&Known> = known.iter().filter(usable).collect();
    // That there is no account at all is a fault of its own.
    if usable.is_empty() {
        return;
    }
    let steps = policy.fallback.iter().map(|step| step.channel);
    let steps = steps.filter(|channel| !policy.channels.contains(channel));
    let channels = policy.channels.iter().map(|channel| (*channel, "channels"));
    for (channel, setting) in channels.chain(steps.map(|channel| (channel, "fallback"))) {
        let Some(key) = needed_for(channel) else {
            continue;
        };
        if !usable.iter().any(|account| account.has(key)) {
            let word = channel.as_str();
            fields.complain(
                setting,
                &format!(
                    "holds {word:?}, and no account that the tenant may use has `{key}`; set it in a [[restcomm]] table, or remove {word:?}"
                ),
            );
        }
    }
}
