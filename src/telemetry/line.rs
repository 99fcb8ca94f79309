//! One event, one line: text for people, or a flat JSON object for machines.

use std::fmt::{self, Write};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span,
};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::Writer,
        time::{FormatTime as _, time},
    },
    registry::LookupSpan,
};

use super::Context;

/// What the events of libraries are called; what they say is their `message`.
const LIBRARY: &str = "library.said";

/// How a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `2026-01-31T12:00:00.123456Z  INFO request.done http.status=201`
    Text,
    /// `{"timestamp":"…","level":"INFO","target":"…","event":"request.done","http.status":201}`
    Json,
}

/// The writer of a shape. Each is a type of its own, so that the fields of a span are kept once for each.
#[derive(Clone, Copy)]
pub(super) struct Line<const JSON: bool>;

impl<const JSON: bool> Line<JSON> {
    const SHAPE: Shape = if JSON { Shape::Json } else { Shape::Text };
}

impl<const JSON: bool, S, N> FormatEvent<S, N> for Line<JSON>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut to: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let (level, target) = (*event.metadata().level(), event.metadata().target());
        let mut said = Message(String::new());
        event.record(&mut said);
        let name = if target.starts_with("countersign") {
            said.0.as_str()
        } else {
            LIBRARY
        };
        match Self::SHAPE {
            Shape::Text => {
                time().format_time(&mut to)?;
                write_level(&mut to, level)?;
                // An event is called as nothing else is; a name that is none is quoted as any value.
                write_text(&mut to, name)?;
            }
            Shape::Json => {
                to.write_str("{\"timestamp\":\"")?;
                time().format_time(&mut to)?;
                to.write_str("\",\"level\":\"")?;
                to.write_str(level.as_str())?;
                to.write_str("\",\"target\":")?;
                write_json(&mut to, target)?;
                to.write_str(",\"event\":")?;
                write_json(&mut to, name)?;
            }
        }
        let mut fields = Fields::new(Self::SHAPE, &mut to);
        if name == LIBRARY {
            fields.value("message", &Value::Words(&said.0));
        }
        event.record(&mut fields);
        fields.outcome?;
        for span in context.event_scope().into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
                to.write_str(fields)?;
            }
        }
        let mut request = Fields::new(Self::SHAPE, &mut to);
        Context::current().tell(|name, value| request.write(name, &Value::Words(value)))?;
        to.write_str(if JSON { "}\n" } else { "\n" })
    }
}

/// Fields are kept as they will stand in a line: each with what separates it from the one before.
impl<'w, const JSON: bool> FormatFields<'w> for Line<JSON> {
    fn format_fields<R: RecordFields>(&self, mut to: Writer<'w>, fields: R) -> fmt::Result {
        let mut writer = Fields::new(Self::SHAPE, &mut to);
        fields.record(&mut writer);
        writer.outcome
    }

    fn add_fields(
        &self,
        current: &'w mut FormattedFields<Self>,
        fields: &span::Record<'_>,
    ) -> fmt::Result {
        self.format_fields(current.as_writer(), fields)
    }
}

/// Takes what an event says out of its fields.
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // Into a string nothing fails.
            let _ = write!(self.0, "{value:?}");
        }
    }
}

enum Value<'a> {
    /// A number or a truth value, the same in both shapes.
    Plain(&'a dyn fmt::Display),
    Words(&'a str),
}

/// Writes all fields but the message.
struct Fields<'a, 'w> {
    shape: Shape,
    to: &'a mut Writer<'w>,
    outcome: fmt::Result,
}

impl<'a, 'w> Fields<'a, 'w> {
    fn new(shape: Shape, to: &'a mut Writer<'w>) -> Self {
        Self {
            shape,
            to,
            outcome: Ok(()),
        }
    }

    fn value(&mut self, name: &str, value: &Value<'_>) {
        if self.outcome.is_ok() {
            self.outcome = self.write(name, value);
        }
    }

    fn write(&mut self, name: &str, value: &Value<'_>) -> fmt::Result {
        match self.shape {
            Shape::Text => write!(self.to, " {name}=")?,
            Shape::Json => {
                self.to.write_char(',')?;
                write_json(self.to, name)?;
                self.to.write_char(':')?;
            }
        }
        match (value, self.shape) {
            (Value::Plain(value), _) => write!(self.to, "{value}"),
            (Value::Words(text), Shape::Text) => write_text(self.to, text),
            (Value::Words(text), Shape::Json) => write_json(self.to, text),
        }
    }
}

impl Visit for Fields<'_, '_> {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.value(field.name(), &Value::Plain(&value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.value(field.name(), &Value::Plain(&value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.value(field.name(), &Value::Plain(&value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no word for what is no number.
        if value.is_finite() {
            self.value(field.name(), &Value::Plain(&value));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() != "message" {
            self.value(field.name(), &Value::Words(value));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() != "message" {
            self.value(field.name(), &Value::Words(&format!("{value:?}")));
        }
    }
}

fn write_level(to: &mut Writer<'_>, level: Level) -> fmt::Result {
    if !to.has_ansi_escapes() {
        return write!(to, " {level:>5} ");
    }
    let colour = match level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        Level::DEBUG => 34,
        Level::TRACE => 35,
    };
    write!(to, " \u{1b}[{colour}m{level:>5}\u{1b}[0m ")
}

/// Words that could be taken for something else stand in quotes, and nothing can begin a line of its own.
fn write_text(to: &mut Writer<'_>, text: &str) -> fmt::Result {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '=' | '\\');
    if !text.is_empty() && text.chars().all(plain) {
        to.write_str(text)
    } else {
        write!(to, "{text:?}")
    }
}

/// A string of JSON (RFC 8259, section 7).
fn write_json(to: &mut Writer<'_>, text: &str) -> fmt::Result {
    to.write_char('"')?;
    // Nearly everything is plain, and is written at once.
    let plain = |byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    if text.bytes().all(plain) {
        to.write_str(text)?;
        return to.write_char('"');
    }
    for c in text.chars() {
        match c {
            '"' => to.write_str("\\\"")?,
            '\\' => to.write_str("\\\\")?,
            // Control characters, and what some readers take for the end of a line.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                write!(to, "\\u{:04x}", u32::from(c))?;
            }
            c => to.write_char(c)?,
        }
    }
    to.write_char('"')
}

#[cfg(test)]
mod tests;
