//! Tenants and their policy.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    time::Duration,
};

use super::{
    accounts::Known,
    channels,
    fields::{Fields, Parsed, all},
    urls,
    values::{self, DAY, MINUTE},
};
use crate::{
    domain::{
        delivery::Channel,
        language::{Language, MalformedTag},
        limits::Rate,
        policy::{CodePolicy, Countries, Policy, Resend, Tenant, TenantLimits},
    },
    message::template,
};

const TTL: RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_mins(10);
const RETENTION: RangeInclusive<Duration> = MINUTE..=Duration::from_hours(24 * 400);

/// The policy of a tenant that sets nothing but its name: it can send nowhere.
pub fn default_policy(display_name: &str) -> Policy {
    let hour = MINUTE * 60;
    let per_number = [(3, MINUTE * 10), (5, hour), (10, DAY)];
    let hourly = |count| {
        vec![Rate {
            count,
            window: hour,
        }]
    };
    Policy {
        display_name: display_name.to_owned(),
        sender: None,
        accounts: Vec::new(),
        channels: vec![Channel::Sms],
        countries: Countries::Only(Vec::new()),
        origins: Vec::new(),
        locale: Language::default(),
        messages: BTreeMap::new(),
        code: CodePolicy::default(),
        resend: Resend::New,
        fallback: Vec::new(),
        cool_down: Policy::COOL_DOWN,
        limits: TenantLimits {
            per_number: per_number
                .map(|(count, window)| Rate { count, window })
                .to_vec(),
            per_ip: hourly(10),
            per_prefix: hourly(20),
            ..TenantLimits::default()
        },
        retention: DAY,
    }
}

/// All tenants. `accounts`: those they may use, where they are known.
pub(super) fn read_all(root: &Fields, accounts: Option<&[Known]>) -> Option<Vec<Tenant>> {
    let tenants = root.tables("tenants");
    all(tenants
        .into_iter()
        .map(|(name, fields)| read(name, root, &fields, accounts)))
}

fn read(name: &str, root: &Fields, fields: &Fields, accounts: Option<&[Known]>) -> Option<Tenant> {
    let name = root.table("tenants").report(name, values::name(name));
    let display_name = fields.required("display_name", values::display_name);
    let mut policy = default_policy("");
    policy.sender = fields.parse("sender", values::sender);
    policy.countries = countries(fields).unwrap_or(policy.countries);
    policy.origins = fields.each("origins", urls::origin).unwrap_or_default();
    policy.locale = fields.parse("locale", locale).unwrap_or_default();
    policy.code = code(&fields.table("code"));
    policy.limits = limits(&fields.table("limits"), policy.limits);
    let resend = fields.choice("resend", &[("new", Resend::New), ("same", Resend::Same)]);
    policy.resend = resend.unwrap_or(policy.resend);
    let retention = fields.parse("retention", |text| values::duration_in(text, RETENTION));
    policy.retention = retention.unwrap_or(policy.retention);
    policy.accounts = fields.each("accounts", values::name).unwrap_or_default();
    check_accounts(fields, &policy.accounts, accounts);
    policy.channels = channels::read(fields).unwrap_or(policy.channels);
    let fallback = channels::fallback(fields, &policy.channels, policy.code.ttl);
    policy.fallback = fallback.unwrap_or_default();
    channels::check_accounts(fields, &policy, accounts.unwrap_or_default());
    let known_name = display_name.as_deref().unwrap_or_default();
    policy.messages = messages(&fields.table("messages"), known_name, policy.code);
    // Known and checked, used by the proofs to come.
    fields
        .table("proof")
        .choice("mode", &[("on", ()), ("off", ())]);
    Some(Tenant {
        name: name?,
        policy: Policy {
            display_name: display_name?,
            ..policy
        },
    })
}

fn countries(fields: &Fields) -> Option<Countries> {
    if fields.list("countries")? == ["*"] {
        return Some(Countries::Anywhere);
    }
    fields
        .each("countries", values::country)
        .map(Countries::Only)
}

/// A language tag that leads to one of the languages there are.
fn locale(text: &str) -> Parsed<Language> {
    let known = || Language::WORDS.join("`, `");
    match Language::look_up(text) {
        Ok(Some(language)) => Ok(language),
        Ok(None) => Err(format!(
            "is {text:?}, a language without texts; set one of: `{}`",
            known()
        )),
        Err(MalformedTag) => Err(format!(
            "is {text:?}, which is not a language tag; set one of: `{}`",
            known()
        )),
    }
}

/// The tenant's own texts. Like every setting they are checked with the others they will be used with.
fn messages(fields: &Fields, display_name: &str, code: CodePolicy) -> BTreeMap<Language, String> {
    let mut messages = BTreeMap::new();
    for (name, text) in fields.texts() {
        let Some(language) = Language::parse(name) else {
            let known = Language::WORDS.join("`, `");
            fields.complain(
                name,
                &format!("is not a language that there are texts in; write the text under one of: `{known}`"),
            );
            continue;
        };
        let checked = template::check(text, language, display_name, code.length);
        if fields.report(name, checked).is_some() {
            messages.insert(language, text.to_owned());
        }
    }
    messages
}

fn code(fields: &Fields) -> CodePolicy {
    let default = CodePolicy::default();
    let ttl = fields.parse("ttl", |text| values::duration_in(text, TTL));
    CodePolicy {
        length: fields.number("length", 6..=10).unwrap_or(default.length),
        ttl: ttl.unwrap_or(default.ttl),
        attempts: fields.number("attempts", 1..=5).unwrap_or(default.attempts),
    }
}

fn limits(fields: &Fields, default: TenantLimits) -> TenantLimits {
    let rates = |key, default| fields.each(key, values::rate).unwrap_or(default);
    TenantLimits {
        per_number: rates("per_number", default.per_number),
        per_ip: rates("per_ip", default.per_ip),
        per_prefix: rates("per_prefix", default.per_prefix),
        per_country: rates("per_country", default.per_country),
        per_key: rates("per_key", default.per_key),
        per_tenant: rates("per_tenant", default.per_tenant),
    }
}

fn check_accounts(fields: &Fields, used: &[String], known: Option<&[Known]>) {
    let known: Option<Vec<&str>> =
        known.map(|known| known.iter().filter_map(|account| account.name).collect());
    let mut seen = BTreeSet::new();
    for name in used {
        if !seen.insert(name) {
            fields.complain("accounts", &format!("holds {name:?} twice; remove one"));
        } else if known
            .as_ref()
            .is_some_and(|known| !known.contains(&name.as_str()))
        {
            let known = known.as_deref().unwrap_or_default().join("`, `");
            let known = if known.is_empty() {
                "none".to_owned()
            } else {
                format!("`{known}`")
            };
            fields.complain(
                "accounts",
                &format!("holds {name:?}, which is not the name of a [[restcomm]] table; use one of: {known}"),
            );
        }
    }
}
