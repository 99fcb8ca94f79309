//! Faults are collected, not thrown: the operator mends all of them in one go.

use std::{cell::RefCell, collections::BTreeMap, fmt};

/// One fault: the full path of the key, what is wrong and how to mend it. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(String);

/// Every fault found in one reading of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

/// What the settings came from, and the faults found in them so far.
#[derive(Default)]
pub(super) struct Sink {
    found: RefCell<Vec<Fault>>,
    /// Key path to the variable that set it, to name the place where a fault is mended.
    variables: BTreeMap<String, String>,
}

impl Faults {
    pub(super) fn one(text: impl Into<String>) -> Self {
        Self(vec![Fault(text.into())])
    }

    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }
}

impl Sink {
    /// Remembers that `path` was set by `variable`.
    pub(super) fn set_by(&mut self, path: String, variable: &str) -> Option<String> {
        self.variables.insert(path, variable.to_owned())
    }

    /// Reports a fault of the key at `path`; `complaint` goes on from "`path` …".
    pub(super) fn at(&self, path: &str, complaint: impl fmt::Display) {
        // A variable sets all tables of a list at once.
        let list = path.split_once(".#").map_or(path, |(list, _)| list);
        let origin = self.variables.get(path).or(self.variables.get(list));
        let origin = origin.map_or_else(String::new, |name| format!(" (set by `{name}`)"));
        self.plain(format!("`{path}` {complaint}{origin}"));
    }

    pub(super) fn plain(&self, text: impl Into<String>) {
        self.found.borrow_mut().push(Fault(text.into()));
    }

    /// The value, if nothing was wrong. A value is only absent where a fault was reported.
    pub(super) fn conclude<T>(self, value: Option<T>) -> Result<T, Faults> {
        let found = self.found.into_inner();
        if found.is_empty() {
            Ok(value.expect("a value that cannot be read is reported as a fault"))
        } else {
            Err(Faults(found))
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0.len() == 1 { "" } else { "s" };
        write!(f, "{} fault{plural} in the configuration:", self.0.len())?;
        for (index, fault) in self.0.iter().enumerate() {
            write!(f, "\n  {}. {fault}", index + 1)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
