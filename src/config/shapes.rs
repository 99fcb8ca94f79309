//! Finds unknown keys and wrong types, in all of the table, before any value is looked at.

use toml::{Table, Value};

use super::{
    faults::Sink,
    schema::{self, Key, Shape},
    values,
};

pub(super) fn check(table: &Table, keys: &'static [Key], sink: &Sink) {
    Walk { schema: keys, sink }.table(table, keys, &mut Vec::new());
}

struct Walk<'a> {
    schema: &'static [Key],
    sink: &'a Sink,
}

impl Walk<'_> {
    fn table(&self, table: &Table, keys: &[Key], path: &mut Vec<String>) {
        for (name, value) in table {
            path.push(name.clone());
            match schema::find(keys, name) {
                Some(shape) => self.value(value, shape, path),
                None => self.unknown(path),
            }
            path.pop();
        }
    }

    fn value(&self, value: &Value, shape: Shape, path: &mut Vec<String>) {
        match (shape, value) {
            (Shape::Text | Shape::Secret | Shape::Senders, Value::String(_))
            | (Shape::Number, Value::Integer(_))
            | (Shape::Switch, Value::Boolean(_)) => {}
            (Shape::List | Shape::Secrets, Value::Array(items))
                if items.iter().all(Value::is_str) => {}
            (Shape::Table(keys), Value::Table(inner)) => self.table(inner, keys, path),
            (Shape::ByName(keys), Value::Table(inner)) => {
                for (name, value) in inner {
                    path.push(name.clone());
                    self.value(value, Shape::Table(keys), path);
                    path.pop();
                }
            }
            (Shape::Accounts(keys), Value::Array(accounts)) => {
                for (index, value) in accounts.iter().enumerate() {
                    path.push(label(value, index));
                    self.value(value, Shape::Table(keys), path);
                    path.pop();
                }
            }
            (Shape::Tables(keys), Value::Array(tables)) => {
                for (index, value) in tables.iter().enumerate() {
                    path.push(place(index));
                    self.value(value, Shape::Table(keys), path);
                    path.pop();
                }
            }
            (Shape::Senders, Value::Table(senders)) => {
                for (destination, sender) in senders {
                    path.push(destination.clone());
                    self.sender(destination, sender, path);
                    path.pop();
                }
            }
            (Shape::Texts, Value::Table(texts)) => {
                for (language, text) in texts {
                    path.push(language.clone());
                    self.value(text, Shape::Text, path);
                    path.pop();
                }
            }
            (shape, value) => self.wrong_type(shape, value, path),
        }
    }

    fn sender(&self, destination: &str, sender: &Value, path: &mut Vec<String>) {
        if destination == "default" || values::has_country_shape(destination) {
            self.value(sender, Shape::Text, path);
        } else {
            let key = path.join(".");
            self.sink.plain(format!(
                "unknown key `{key}`; senders stand under `default` or a country in two capital letters, such as `US`; did you mean `{}`?",
                schema::nearest(self.schema, path, false)
            ));
        }
    }

    fn unknown(&self, path: &[String]) {
        let key = path.join(".");
        let nearest = schema::nearest(self.schema, path, true);
        self.sink
            .plain(format!("unknown key `{key}`; did you mean `{nearest}`?"));
    }

    fn wrong_type(&self, shape: Shape, value: &Value, path: &[String]) {
        let wanted = match shape {
            Shape::Text | Shape::Secret => "text; write it in quotes",
            Shape::Number => "a whole number; write it without quotes",
            Shape::Switch => "`true` or `false`; write it without quotes",
            Shape::List | Shape::Secrets => "a list of texts; write it as `[\"…\", \"…\"]`",
            Shape::Tables(_) => "a list of tables; write it as `[]` or `[{ … }]`",
            Shape::Senders => "text or a table; write `\"…\"` or `{ default = \"…\" }`",
            Shape::Texts => "a table of texts; write `{ pt = \"…\" }`",
            Shape::Table(_) => "a table; write its keys below it",
            Shape::ByName(_) => "tables by name; write `[tenants.NAME]`",
            Shape::Accounts(_) => "a list of tables; write `[[restcomm]]`, one for each account",
        };
        let found = match value {
            Value::String(_) => "text",
            Value::Integer(_) => "a whole number",
            Value::Float(_) => "a decimal number",
            Value::Boolean(_) => "`true` or `false`",
            Value::Datetime(_) => "a date",
            Value::Array(_) => "a list",
            Value::Table(_) => "a table",
        };
        let (wanted, mend) = wanted
            .split_once("; ")
            .expect("each text above has two parts");
        let complaint = format!("must be {wanted}, not {found}; {mend}");
        let complaint = complaint.replace(
            "must be a list of texts, not a list",
            "must hold only texts",
        );
        self.sink.at(&path.join("."), complaint);
    }
}

/// How a fault calls an account: by its name, or by its place while it has none.
pub(super) fn label(account: &Value, index: usize) -> String {
    let name = account.get("name").and_then(Value::as_str);
    name.map_or_else(|| place(index), str::to_owned)
}

/// How a fault calls a table of a list.
pub(super) fn place(index: usize) -> String {
    format!("#{}", index + 1)
}
