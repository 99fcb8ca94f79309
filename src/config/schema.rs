//! Every key there is, and the type it wants. A new setting starts with a line here.

use Shape::{
    Accounts, ByName, List, Number, Secret, Secrets, Senders, Switch, Table, Tables, Text, Texts,
};

/// A key and what may stand behind it.
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
}

#[derive(Clone, Copy)]
pub(super) enum Shape {
    Text,
    Number,
    Switch,
    /// A list of texts.
    List,
    /// A list of tables, each told apart by its place.
    Tables(&'static [Key]),
    /// A text that is never shown; `NAME_file` names a file that holds it.
    Secret,
    /// A list of them; the file holds one a line.
    Secrets,
    /// A text, or a table of texts by `default` and country.
    Senders,
    /// A table of texts by language.
    Texts,
    Table(&'static [Key]),
    /// Tables under names that the operator chooses.
    ByName(&'static [Key]),
    /// A list of tables, each told apart by its `name`.
    Accounts(&'static [Key]),
}

const fn key(name: &'static str, shape: Shape) -> Key {
    Key { name, shape }
}

/// The keys of the main file, in the order of the documentation.
pub(super) const MAIN: &[Key] = &[
    key("public_url", Text),
    key("server", Table(SERVER)),
    key("database", Table(&[key("url", Secret)])),
    key(
        "keys",
        Table(&[key("root", Secrets), key("signing", Secrets)]),
    ),
    key(
        "delivery",
        Table(&[key("wait", Text), key("callback_url", Text)]),
    ),
    key("restcomm", Accounts(ACCOUNT)),
    key("limits", Table(&[key("per_number", List)])),
    key("tenants", ByName(TENANT)),
];

/// The keys of a file of `tenant apply`.
pub(super) const TENANTS_ONLY: &[Key] = &[key("tenants", ByName(TENANT))];

const SERVER: &[Key] = &[
    key("bind", Text),
    key("admin_bind", Text),
    key("trusted_proxies", List),
];

const ACCOUNT: &[Key] = &[
    key("name", Text),
    key("base_url", Text),
    key("dialect", Text),
    key("account_sid", Text),
    key("auth_token", Secret),
    key("sms_from", Senders),
    key("voice_from", Text),
    key("flashcall_from", List),
    key("synthesizer", Text),
    key("timeout", Text),
    key("max_per_second", Number),
];

const TENANT: &[Key] = &[
    key("display_name", Text),
    key("sender", Text),
    key("accounts", List),
    key("channels", List),
    key("countries", List),
    key("origins", List),
    key("locale", Text),
    key("messages", Texts),
    key("code", Table(CODE)),
    key("resend", Text),
    key("fallback", Tables(FALLBACK_STEP)),
    key("limits", Table(TENANT_LIMITS)),
    key("challenge", Text),
    key("guard", Table(&[key("mode", Text)])),
    key("daily_budget", Text),
    key(
        "proof",
        Table(&[key("mode", Text), key("phone_number", Switch)]),
    ),
    key("webhook", Table(&[key("url", Text), key("secret", Secret)])),
    key("retention", Text),
];

const CODE: &[Key] = &[
    key("length", Number),
    key("ttl", Text),
    key("attempts", Number),
];

const FALLBACK_STEP: &[Key] = &[key("after", Text), key("channel", Text)];

const TENANT_LIMITS: &[Key] = &[
    key("per_number", List),
    key("per_ip", List),
    key("per_prefix", List),
    key("per_country", List),
    key("per_key", List),
    key("per_tenant", List),
];

/// The shape behind `name`, counting the `_file` form of a secret.
pub(super) fn find(keys: &[Key], name: &str) -> Option<Shape> {
    if let Some(key) = keys.iter().find(|key| key.name == name) {
        return Some(key.shape);
    }
    let secret = find(keys, name.strip_suffix("_file")?)?;
    matches!(secret, Secret | Secrets).then_some(Text)
}

/// The known key path nearest to `path`, tables included where `tables` says so. Names that
/// the operator chose are taken over from `path`.
pub(super) fn nearest(keys: &[Key], path: &[String], tables: bool) -> String {
    let mut known = Vec::new();
    collect(keys, path, &mut Vec::new(), tables, &mut known);
    let wanted = path.join(".");
    let last = path.last().map_or("", String::as_str);
    let below = |whole: &str, table: &str| {
        let rest = whole.strip_prefix(table);
        rest.is_some_and(|rest| rest.starts_with('.'))
    };
    let score = |candidate: &str| {
        let end = candidate.rsplit('.').next().unwrap_or(candidate);
        let related = below(candidate, &wanted) || below(&wanted, candidate);
        let inside = if related { 1.0 } else { 0.0 };
        strsim::normalized_damerau_levenshtein(candidate, &wanted)
            + strsim::normalized_damerau_levenshtein(end, last)
            + inside
    };
    // The table that the unknown key stands in is right already.
    let holds = |table: &str| below(&wanted, table) && known.iter().any(|key| below(key, table));
    let others = known.iter().filter(|candidate| !holds(candidate));
    let nearest = others.max_by(|a, b| score(a).total_cmp(&score(b)));
    nearest.expect("every table holds a key").clone()
}

fn collect(
    keys: &[Key],
    path: &[String],
    prefix: &mut Vec<String>,
    tables: bool,
    known: &mut Vec<String>,
) {
    for key in keys {
        prefix.push(key.name.to_owned());
        let here = prefix.join(".");
        match key.shape {
            Table(inner) => {
                known.extend(tables.then_some(here));
                collect(inner, path, prefix, tables, known);
            }
            ByName(inner) | Accounts(inner) => {
                known.extend(tables.then_some(here));
                let same = path.first().is_some_and(|first| first == key.name);
                let chosen = path.get(prefix.len()).filter(|_| same);
                let chosen = chosen.map_or("NAME", String::as_str);
                prefix.push(chosen.to_owned());
                collect(inner, path, prefix, tables, known);
                prefix.pop();
            }
            Secret | Secrets => known.extend([format!("{here}_file"), here]),
            Senders => known.extend([format!("{here}.default"), here]),
            Texts => known.extend([format!("{here}.en"), here]),
            Tables(inner) => {
                known.push(here);
                let within = path.starts_with(prefix);
                let place = path.get(prefix.len()).filter(|_| within && tables);
                if let Some(place) = place {
                    prefix.push(place.clone());
                    collect(inner, path, prefix, tables, known);
                    prefix.pop();
                }
            }
            Text | Number | Switch | List => known.push(here),
        }
        prefix.pop();
    }
}
