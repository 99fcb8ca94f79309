//! Reads the keys of one table. Every method reports what it cannot read and goes on.

use std::{
    fs::File,
    io::{self, Read as _},
    ops::RangeInclusive,
};

use toml::{Table, Value};

use super::{environment::PREFIX, faults::Sink, shapes};

/// A parsed value, or the end of a sentence that begins with the key: "must be …; …".
pub(super) type Parsed<T> = Result<T, String>;

/// No secret is anywhere near this long.
const FILE_LIMIT: u64 = 64 << 10;

/// One table of the settings. Its types were checked before: what has the wrong one reads as absent.
#[derive(Clone)]
pub(super) struct Fields<'a> {
    pub(super) path: String,
    /// `None`: as if it were empty.
    table: Option<&'a Table>,
    sink: &'a Sink,
}

/// A secret and the key it came from, which is the one to mend.
pub(super) struct Found<T> {
    key: String,
    value: T,
}

impl<'a> Fields<'a> {
    pub(super) fn new(table: &'a Table, sink: &'a Sink) -> Self {
        Self {
            path: String::new(),
            table: Some(table),
            sink,
        }
    }

    pub(super) fn below(&self, name: &str, value: &'a Value) -> Self {
        Self {
            path: self.path_of(name),
            table: value.as_table(),
            sink: self.sink,
        }
    }

    /// The table at `key`, empty if there is none.
    pub(super) fn table(&self, key: &str) -> Self {
        let table = self.value(key).and_then(Value::as_table);
        Self {
            path: self.path_of(key),
            table,
            sink: self.sink,
        }
    }

    /// The tables below `key`, by name.
    pub(super) fn tables(&self, key: &str) -> Vec<(&'a str, Self)> {
        let here = self.table(key);
        let tables = here.table.into_iter().flatten();
        tables
            .map(|(name, value)| (name.as_str(), here.below(name, value)))
            .collect()
    }

    /// The tables of the list at `key`.
    pub(super) fn items(&self, key: &str) -> Vec<Self> {
        let here = self.table(key);
        let items = self.value(key).and_then(Value::as_array);
        let items = items.into_iter().flatten().enumerate();
        items
            .map(|(index, item)| here.below(&shapes::place(index), item))
            .collect()
    }

    /// The texts of this table, by their keys.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let keys = self.table.into_iter().flatten();
        keys.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
    }

    pub(super) fn value(&self, key: &str) -> Option<&'a Value> {
        self.table?.get(key)
    }

    fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    pub(super) fn complain(&self, key: &str, complaint: &str) {
        self.sink.at(&self.path_of(key), complaint);
    }

    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        self.value(key)?.as_str()
    }

    pub(super) fn list(&self, key: &str) -> Option<Vec<&'a str>> {
        self.value(key)?
            .as_array()?
            .iter()
            .map(Value::as_str)
            .collect()
    }

    /// The value of `key` through `parse`. `None`: absent, or a fault was reported.
    pub(super) fn parse<T>(&self, key: &str, parse: impl FnOnce(&str) -> Parsed<T>) -> Option<T> {
        self.report(key, parse(self.text(key)?))
    }

    pub(super) fn required<T>(
        &self,
        key: &str,
        parse: impl FnOnce(&str) -> Parsed<T>,
    ) -> Option<T> {
        self.demand(key);
        self.parse(key, parse)
    }

    /// Every item of a list through `parse`.
    pub(super) fn each<T>(&self, key: &str, parse: impl Fn(&str) -> Parsed<T>) -> Option<Vec<T>> {
        let items = self.list(key)?.into_iter();
        all(items.map(|item| self.report(key, parse(item))))
    }

    pub(super) fn number<T: TryFrom<i64>>(
        &self,
        key: &str,
        range: RangeInclusive<i64>,
    ) -> Option<T> {
        let number = self.value(key)?.as_integer()?;
        let parsed = if range.contains(&number) {
            T::try_from(number).ok()
        } else {
            None
        };
        let (low, high) = (range.start(), range.end());
        let complaint = match *high {
            i64::MAX => format!("must be at least {low}, not {number}; set a larger number"),
            high => format!("must be {low} to {high}, not {number}; set a number in that range"),
        };
        self.report(key, parsed.ok_or(complaint))
    }

    /// One of a few words, each with its meaning.
    pub(super) fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        self.parse(key, |word| {
            let chosen = choices.iter().find(|(name, _)| *name == word);
            let names: Vec<String> = choices.iter().map(|(n, _)| format!("\"{n}\"")).collect();
            let complaint = || format!("is {word:?}; set {}", names.join(" or "));
            chosen.map(|(_, meaning)| *meaning).ok_or_else(complaint)
        })
    }

    /// A secret given in place or, by `KEY_file`, in a file.
    pub(super) fn secret(&self, key: &str) -> Option<Found<String>> {
        self.here_or_in_file(key, self.text(key).map(str::to_owned), |text| text)
    }

    /// A list of secrets; the file holds one a line.
    pub(super) fn secrets(&self, key: &str) -> Option<Found<Vec<String>>> {
        let here = self.list(key);
        let here = here.map(|list| list.into_iter().map(str::to_owned).collect());
        self.here_or_in_file(key, here, |text| {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            lines.map(str::to_owned).collect()
        })
    }

    fn here_or_in_file<T>(
        &self,
        key: &str,
        here: Option<T>,
        split: impl FnOnce(String) -> T,
    ) -> Option<Found<T>> {
        let file_key = format!("{key}_file");
        if self.has(key) && self.has(&file_key) {
            let path = self.path_of(&file_key);
            self.complain(
                key,
                &format!("is given twice, also as `{path}`; remove one of them"),
            );
            return None;
        }
        if let Some(value) = here {
            return Some(Found {
                key: key.to_owned(),
                value,
            });
        }
        let file = self.text(&file_key)?;
        let content = read_secret(file).map_err(|error| {
            format!(
                "names `{file}`, which cannot be read: {error}; check the path and who may read it"
            )
        });
        let value = split(self.report(&file_key, content)?);
        Some(Found {
            key: file_key,
            value,
        })
    }

    /// A secret's content through `parse`, which must not repeat it in its complaint.
    pub(super) fn parse_found<T, U>(
        &self,
        found: Found<T>,
        parse: impl FnOnce(T) -> Parsed<U>,
    ) -> Option<U> {
        self.report(&found.key, parse(found.value))
    }

    /// Reports `key` if neither it nor, for a secret, its `_file` form is there.
    pub(super) fn demand(&self, key: &str) {
        if self.has(key) || self.has(&format!("{key}_file")) {
            return;
        }
        let path = self.path_of(key);
        let name = path.replace('.', "__").replace('-', "_");
        // No variable addresses an account without a name.
        let variable = if path.contains('#') {
            String::new()
        } else {
            format!(" or as `{PREFIX}{}`", name.to_ascii_uppercase())
        };
        self.complain(key, &format!("is missing; set it in the file{variable}"));
    }

    /// The value, or a fault at `key`.
    pub(super) fn report<T>(&self, key: &str, parsed: Parsed<T>) -> Option<T> {
        parsed
            .map_err(|complaint| self.complain(key, &complaint))
            .ok()
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }
}

/// All values, or none. Unlike `collect` it reads on after the first that is missing, so that
/// every fault is reported.
pub(super) fn all<T>(values: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    values.collect::<Vec<_>>().into_iter().collect()
}

/// The content of a secret's file, without the line end that editors add.
fn read_secret(path: &str) -> io::Result<String> {
    let mut content = String::new();
    File::open(path)?
        .take(FILE_LIMIT)
        .read_to_string(&mut content)?;
    let end = content.trim_end_matches(['\r', '\n']).len();
    content.truncate(end);
    Ok(content)
}
