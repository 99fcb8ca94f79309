//! Tables, for a terminal or in Markdown.

use crate::{
    comparison::Comparison,
    sides::Side,
    statistics::Spread,
    summary::{BlockSummary, Ratio, SlowestCheck},
};

pub(crate) const HEAD: [&str; 11] = [
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
    "commits",
];
pub(crate) const RATIO_HEAD: [&str; 6] = [
    "database",
    "connections",
    "side",
    "limit",
    "rate",
    "same in CPU",
];
pub(crate) const SLOWEST_HEAD: [&str; 5] = [
    "database",
    "connections",
    "check p99 ms",
    "2 x echo's + 2 fsyncs",
    "within",
];
pub(crate) const COMPARISON_HEAD: [&str; 6] = [
    "database",
    "beside",
    "connections",
    "side",
    "rate",
    "same in CPU",
];

/// A line for each side.
pub(crate) fn rows(block: &BlockSummary) -> Vec<[String; 11]> {
    let rows = block.sides.iter().map(|side| {
        let rate = side.requests_per_second;
        let database = side
            .database_cpu_us
            .map(|cpu| format!(" + {:.1}", cpu.median));
        let optional =
            |spread: Option<Spread>, digits| or_dash(spread.map(|spread| spread.median), digits);
        [
            name(block),
            block.connections.to_string(),
            side.side.name().to_owned(),
            thousands(rate.median),
            format!("{}..{}", thousands(rate.min), thousands(rate.max)),
            milliseconds(side.p50_us.median),
            milliseconds(side.p99_us.median),
            format!("{:.1}{}", side.cpu_us.median, database.unwrap_or_default()),
            format!("{:.0} %", side.busy.median * 100.0),
            optional(side.batch, 0),
            optional(side.commits, 3),
        ]
    });
    rows.collect()
}

/// How near the service comes to its limits.
pub(crate) fn ratios(block: &BlockSummary) -> Vec<[String; 6]> {
    let all = block.sides.iter().flat_map(|side| {
        let both = [&side.ratio, &side.ratio_to_echo];
        both.into_iter().flatten().map(|ratio| (side.side, ratio))
    });
    let rows = all.map(|(side, ratio): (Side, &Ratio)| {
        let limits: Vec<&str> = ratio.limits.iter().map(|limit| limit.name()).collect();
        [
            name(block),
            block.connections.to_string(),
            side.name().to_owned(),
            limits.join(" and "),
            with_range(ratio.rate),
            with_range(ratio.cpu),
        ]
    });
    rows.collect()
}

pub(crate) fn slowest(block: &BlockSummary) -> Option<[String; 5]> {
    let SlowestCheck { p99_us, allowed_us } = block.slowest_check.as_ref()?;
    Some([
        name(block),
        block.connections.to_string(),
        milliseconds(*p99_us),
        milliseconds(*allowed_us),
        if p99_us <= allowed_us { "yes" } else { "no" }.to_owned(),
    ])
}

pub(crate) fn comparison(it: &Comparison) -> [String; 6] {
    [
        it.of.to_owned(),
        it.to.to_owned(),
        it.connections.to_string(),
        it.side.name().to_owned(),
        format!("{:.2}", it.rate),
        format!("{:.2}", it.cpu),
    ]
}

fn with_range(Spread { median, min, max }: Spread) -> String {
    format!("{median:.2} ({min:.2}..{max:.2})")
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
pub(crate) fn thousands(number: f64) -> String {
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

/// Microseconds, in milliseconds.
pub(crate) fn milliseconds(microseconds: f64) -> String {
    format!("{:.2}", microseconds / 1000.0)
}

/// A number, if it is known.
pub(crate) fn or_dash(number: Option<f64>, digits: usize) -> String {
    number.map_or("-".to_owned(), |number| format!("{number:.digits$}"))
}

/// Its database, and what was filled in.
pub(crate) fn name(block: &BlockSummary) -> String {
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^53")]
    let rows = block.rows.map(|rows| thousands(rows as f64));
    rows.map_or(block.database.to_owned(), |rows| {
        format!("{}, {rows} rows", block.database)
    })
}
