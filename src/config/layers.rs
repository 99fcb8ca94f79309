//! Lays the environment over the file: one table, as if the operator had written it by hand.

use std::{fs, path::Path};

use toml::{Table, Value};

use super::{
    environment::{Environment, PREFIX},
    faults::{Faults, Sink},
    schema::{self, Key, Shape},
};

/// The table in `file`, or an empty one. A broken file is the only fault reported for it:
/// what else is wrong can only be told once it parses.
pub(super) fn read_file(file: Option<&Path>) -> Result<Table, Faults> {
    let Some(file) = file else {
        return Ok(Table::new());
    };
    let text = fs::read_to_string(file).map_err(|error| {
        let file = file.display();
        Faults::one(format!(
            "cannot read the file `{file}`: {error}; check the path and who may read it"
        ))
    })?;
    parse(&text, &format!("the file `{}`", file.display()))
}

/// Parses TOML; `source` says in a fault where it came from.
pub(super) fn parse(text: &str, source: &str) -> Result<Table, Faults> {
    text.parse::<Table>().map_err(|error| {
        // The display of the error quotes the line, which may hold a secret; its message does not.
        let before = error.span().and_then(|span| text.get(..span.start));
        let place = before.map_or_else(String::new, |before| {
            let line = before.matches('\n').count() + 1;
            let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
            format!(", line {line}, column {column}")
        });
        Faults::one(format!(
            "{source} is not TOML{place}: {}; mend that line, then the keys are checked",
            error.message().replace('\n', ", ")
        ))
    })
}

/// Writes every variable into `table`, with the type its key wants.
pub(super) fn overlay(table: &mut Table, keys: &[Key], environment: &Environment, sink: &mut Sink) {
    for (variable, value) in environment.settings() {
        let path = variable[PREFIX.len()..].to_ascii_lowercase();
        let path: Vec<String> = path.split("__").map(str::to_owned).collect();
        let Some(value) = value.to_str() else {
            sink.plain(format!("`{variable}` is not UTF-8; write it as UTF-8 text"));
            continue;
        };
        let Some(key) = place(table, keys, &path, value) else {
            let nearest = schema::nearest(keys, &path, false).replace('.', "__");
            sink.plain(format!(
                "unknown key: no setting is called `{variable}`; did you mean `{PREFIX}{}`?",
                nearest.to_ascii_uppercase()
            ));
            continue;
        };
        if let Some(earlier) = sink.set_by(key.clone(), variable) {
            sink.plain(format!(
                "`{earlier}` and `{variable}` both set `{key}`; remove one of them"
            ));
        }
    }
}

/// Puts `raw` at `path` and says under which key it was put; `None`: there is no such key, and
/// nothing was changed.
fn place(table: &mut Table, keys: &[Key], path: &[String], raw: &str) -> Option<String> {
    let (first, rest) = path.split_first()?;
    if blocked(table, keys, path) {
        return Some(path.join("."));
    }
    let (below, value) = match (schema::find(keys, first)?, rest) {
        (Shape::Table(inner), [_, ..]) => {
            let mut below = table_at(table, first);
            (place(&mut below, inner, rest, raw)?, below.into())
        }
        (Shape::ByName(inner), [name, rest @ ..]) => {
            let mut tables = table_at(table, first);
            let name = spelling(&tables.keys().cloned().collect::<Vec<_>>(), name);
            let mut below = table_at(&tables, &name);
            let key = place(&mut below, inner, rest, raw)?;
            tables.insert(name.clone(), below.into());
            (format!("{name}.{key}"), tables.into())
        }
        (Shape::Accounts(inner), [name, rest @ ..]) => {
            let mut accounts = table.get(first).and_then(Value::as_array).cloned();
            let accounts = accounts.get_or_insert_default();
            let (name, account) = account(accounts, name);
            let key = place(account, inner, rest, raw)?;
            (format!("{name}.{key}"), std::mem::take(accounts).into())
        }
        (Shape::Senders, [destination]) => {
            let destination = match destination.as_str() {
                "default" => "default".to_owned(),
                country if country.len() == 2 => country.to_ascii_uppercase(),
                _ => return None,
            };
            let mut senders = table_at(table, first);
            if let Some(single @ Value::String(_)) = table.get(first) {
                senders.insert("default".to_owned(), single.clone());
            }
            senders.insert(destination.clone(), raw.into());
            (destination, senders.into())
        }
        (Shape::Texts, [language]) => {
            let mut texts = table_at(table, first);
            texts.insert(language.clone(), raw.into());
            (language.clone(), texts.into())
        }
        (Shape::Table(_) | Shape::ByName(_) | Shape::Accounts(_) | Shape::Texts, [])
        | (_, [_, ..]) => {
            return None;
        }
        (shape, []) => {
            table.insert(first.clone(), typed(shape, raw));
            return Some(first.clone());
        }
    };
    table.insert(first.clone(), value);
    Some(format!("{first}.{below}"))
}

/// Whether the file has something else where a table belongs. It stays, to be reported as such.
fn blocked(table: &Table, keys: &[Key], path: &[String]) -> bool {
    let Some(value) = table.get(&path[0]) else {
        return false;
    };
    match schema::find(keys, &path[0]) {
        Some(Shape::Table(_) | Shape::Texts) => !value.is_table(),
        Some(Shape::Accounts(_)) => !value.is_array(),
        Some(Shape::ByName(_)) => value.as_table().is_none_or(|tables| {
            let below = path.get(1).and_then(|name| tables.get(name));
            below.is_some_and(|below| !below.is_table())
        }),
        Some(_) | None => false,
    }
}

/// A variable has no type of its own. What does not fit stays a text and is a fault later.
fn typed(shape: Shape, raw: &str) -> Value {
    let text = || Value::String(raw.to_owned());
    match shape {
        Shape::Number => raw.trim().parse().map_or_else(|_| text(), Value::Integer),
        Shape::Switch => raw.trim().parse().map_or_else(|_| text(), Value::Boolean),
        Shape::Tables(_) => tables(raw).unwrap_or_else(text),
        Shape::List | Shape::Secrets => {
            let items = raw
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty());
            Value::Array(items.map(|item| Value::String(item.to_owned())).collect())
        }
        Shape::Text | Shape::Secret | Shape::Senders => text(),
        Shape::Table(_) | Shape::ByName(_) | Shape::Accounts(_) | Shape::Texts => {
            unreachable!("a table is not a leaf")
        }
    }
}

/// A list of tables, written as in the file. Nothing is the empty list, as with other lists.
fn tables(raw: &str) -> Option<Value> {
    if raw.trim().is_empty() {
        return Some(Value::Array(Vec::new()));
    }
    let mut table = format!("tables = {}", raw.trim()).parse::<Table>().ok()?;
    table.remove("tables").filter(|_| table.is_empty())
}

/// The table at `key`, or an empty one.
fn table_at(table: &Table, key: &str) -> Table {
    let below = table.get(key).and_then(Value::as_table);
    below.cloned().unwrap_or_default()
}

/// The account called `name`, made if need be.
fn account<'a>(accounts: &'a mut Vec<Value>, name: &str) -> (String, &'a mut Table) {
    let name_of = |account: &Value| account.get("name")?.as_str().map(str::to_owned);
    let names: Vec<String> = accounts.iter().filter_map(name_of).collect();
    let name = spelling(&names, name);
    let found = accounts
        .iter()
        .position(|a| name_of(a).as_ref() == Some(&name));
    let index = found.unwrap_or_else(|| {
        let made = [("name".to_owned(), Value::String(name.clone()))];
        accounts.push(Table::from_iter(made).into());
        accounts.len() - 1
    });
    let account = accounts[index].as_table_mut();
    (name, account.expect("only a table has a name"))
}

/// The existing name that a lower-case variable part means: a hyphen cannot stand in a variable.
fn spelling(names: &[String], part: &str) -> String {
    let alike = |name: &&String| name.to_ascii_lowercase().replace('-', "_") == part;
    let exact = names.iter().find(|name| *name == part);
    exact
        .or_else(|| names.iter().find(alike))
        .map_or_else(|| part.to_owned(), Clone::clone)
}
