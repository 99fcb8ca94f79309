//! The environment as plain data, so that tests never touch that of the process.

use std::{collections::BTreeMap, ffi::OsString, fmt};

/// What every variable that holds a setting begins with.
pub(super) const PREFIX: &str = "COUNTERSIGN__";

/// The variables that hold settings; all others are dropped. Values are never printed: some are secrets.
#[derive(Clone, Default)]
pub struct Environment {
    settings: BTreeMap<String, OsString>,
    /// `RUST_LOG`.
    log_levels: Option<String>,
}

impl Environment {
    /// The environment of this process.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that may ask the process"
    )]
    pub fn of_process() -> Self {
        // `vars` would panic on a variable that is not UTF-8, even on one that is not ours.
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .collect()
    }

    /// Which log levels are wanted, as `RUST_LOG` says.
    pub fn log_levels(&self) -> Option<&str> {
        self.log_levels.as_deref()
    }

    /// Variables with the prefix, in the order of their names.
    pub(super) fn settings(&self) -> impl Iterator<Item = (&str, &OsString)> {
        self.settings
            .iter()
            .map(|(name, value)| (name.as_str(), value))
    }
}

impl<N: Into<String>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let mut environment = Self::default();
        for (name, value) in variables {
            let (name, value) = (name.into(), value.into());
            if name == "RUST_LOG" {
                environment.log_levels = value.into_string().ok();
            } else if is_setting(&name) {
                environment.settings.insert(name, value);
            }
        }
        environment
    }
}

/// The key path is case-insensitive, and the prefix with it.
fn is_setting(name: &str) -> bool {
    name.get(..PREFIX.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.settings.keys()).finish()
    }
}
