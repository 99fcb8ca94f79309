//! Tables, for a terminal or in Markdown.

use crate::summary::{BlockSummary, Ratio, Spread};

pub(crate) const HEAD: [&str; 10] = [
    "database",
    "connections",
    "side",
    "requests/s",
    "min..max",
    "p50 ms",
    "p99 ms",
    "CPU us",
    "busy",
    "batch",
];
pub(crate) const RATIO_HEAD: [&str; 8] = [
    "database",
    "connections",
    "send/relay",
    "same in CPU",
    "send/echo",
    "same in CPU",
    "check/echo",
    "same in CPU",
];

/// A line for each side.
pub(crate) fn rows(block: &BlockSummary) -> Vec<[String; 10]> {
    let sides = block.sides().into_iter();
    let rows = sides.map(|(name, side)| {
        let rate = side.requests_per_second;
        let database = side
            .database_cpu_us
            .map(|cpu| format!(" + {:.1}", cpu.median));
        [
            block.database.to_owned(),
            block.connections.to_string(),
            name.to_owned(),
            thousands(rate.median),
            format!("{}..{}", thousands(rate.min), thousands(rate.max)),
            milliseconds(side.p50_us),
            milliseconds(side.p99_us),
            format!("{:.1}{}", side.cpu_us.median, database.unwrap_or_default()),
            format!("{:.0} %", side.busy.median * 100.0),
            side.batch
                .map_or("-".to_owned(), |batch| format!("{:.0}", batch.median)),
        ]
    });
    rows.collect()
}

/// How near the service comes to its limits.
pub(crate) fn ratios(block: &BlockSummary) -> [String; 8] {
    let [of_relay, of_echo, check] = [
        &block.send_to_relay,
        &block.send_to_echo,
        &block.check_to_echo,
    ]
    .map(both);
    [
        block.database.to_owned(),
        block.connections.to_string(),
        of_relay.0,
        of_relay.1,
        of_echo.0,
        of_echo.1,
        check.0,
        check.1,
    ]
}

fn both(ratio: &Ratio) -> (String, String) {
    let text = |Spread { median, min, max }| format!("{median:.2} ({min:.2}..{max:.2})");
    (text(ratio.rate), text(ratio.cpu))
}

/// Columns side by side. Numbers stand to the right.
pub(crate) fn layout<const N: usize>(
    head: &[&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
    markdown: bool,
) -> String {
    let head = head.map(str::to_owned);
    let rows: Vec<[String; N]> = rows.into_iter().collect();
    let is_number = |column: usize| {
        let first = rows.first().and_then(|row| row[column].chars().next());
        first.is_some_and(|first| first.is_ascii_digit())
    };
    let mut text = String::new();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].len());
        cells.chain([head[column].len()]).max().unwrap_or(0)
    };
    let mut write = |row: &[String; N]| {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let width = if markdown { 0 } else { width(column) };
            if is_number(column) {
                format!("{cell:>width$}")
            } else {
                format!("{cell:<width$}")
            }
        });
        let cells: Vec<String> = cells.collect();
        let line = if markdown {
            format!("| {} |", cells.join(" | "))
        } else {
            cells.join("  ")
        };
        text.push_str(line.trim_end());
        text.push('\n');
    };
    write(&head);
    if markdown {
        write(&std::array::from_fn(|column| {
            if is_number(column) { "--:" } else { "---" }.to_owned()
        }));
    }
    rows.iter().for_each(write);
    text
}

/// Such as `12,345`.
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if 0 < place && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn milliseconds(time: Spread) -> String {
    format!("{:.2}", time.median / 1000.0)
}
