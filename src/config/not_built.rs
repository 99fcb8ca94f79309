//! Keys whose capability is not built yet: each may only hold the value that means "off", so that
//! nobody relies on a protection that is not there. A capability that arrives takes its line along.

use toml::{Table, Value};

use super::faults::Sink;

/// Key path, `*` for every name; and what may stand there.
const NOT_BUILT: &[(&str, Off)] = &[
    ("restcomm.*.dialect", Off::Word("restcomm", &["twilio"])),
    ("tenants.*.challenge", Off::Word("off", &["altcha"])),
    (
        "tenants.*.guard.mode",
        Off::Word("off", &["observe", "enforce"]),
    ),
    ("tenants.*.daily_budget", Off::Word("", &[])),
    ("tenants.*.webhook", Off::Absent),
];

enum Off {
    Absent,
    /// The only word, and those that a later version will know; none listed: any text.
    Word(&'static str, &'static [&'static str]),
}

/// Checks the keys below `sections`.
pub(super) fn check(table: &Table, sections: &[&str], sink: &Sink) {
    for (pattern, off) in NOT_BUILT {
        let pattern: Vec<&str> = pattern.split('.').collect();
        if let (true, Some(value)) = (sections.contains(&pattern[0]), table.get(pattern[0])) {
            visit(value, &pattern[1..], pattern[0], &mut |path, value| {
                if let Some(complaint) = complaint(value, off) {
                    sink.at(path, complaint);
                }
            });
        }
    }
}

fn visit(value: &Value, pattern: &[&str], path: &str, found: &mut impl FnMut(&str, &Value)) {
    match (pattern, value) {
        ([], value) => found(path, value),
        (["*", rest @ ..], Value::Table(tables)) => {
            for (name, value) in tables {
                visit(value, rest, &format!("{path}.{name}"), found);
            }
        }
        (["*", rest @ ..], Value::Array(accounts)) => {
            for (index, value) in accounts.iter().enumerate() {
                let label = super::shapes::label(value, index);
                visit(value, rest, &format!("{path}.{label}"), found);
            }
        }
        ([key, rest @ ..], value) => {
            if let Some(value) = value.get(key) {
                visit(value, rest, &format!("{path}.{key}"), found);
            }
        }
    }
}

/// What is wrong with the value; a value of the wrong type was reported before.
fn complaint(value: &Value, off: &Off) -> Option<String> {
    let later = |mend: &str| format!("= {value} is not available in this version; remove it{mend}");
    match (off, value) {
        // The table may hold a secret, so it is not repeated.
        (Off::Absent, _) => Some("is not available in this version; remove it".to_owned()),
        (Off::Word(off, known), Value::String(word)) if word != off => {
            if known.is_empty() || known.contains(&word.as_str()) {
                Some(later(&format!(" or set \"{off}\"")))
            } else {
                Some(format!(
                    "= {value} is not a known value; remove it or set \"{off}\""
                ))
            }
        }
        (Off::Word(..), _) => None,
    }
}
