//! What the service tells of itself: logs on standard error, metrics, and the traces that requests are part of.
//!
//! Nothing secret can reach the log: the types that hold codes, numbers, keys and tokens do not print, and what
//! libraries would tell in detail (headers, bodies, statements) is cut off here.

mod context;
mod families;
pub mod labels;
mod line;
mod lines;
mod metrics;
mod process;
mod trace;

use std::io::{IsTerminal as _, stderr};

use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter,
    filter::{FilterExt as _, filter_fn},
    fmt::{self, MakeWriter},
    layer::{Layer, SubscriberExt as _},
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

pub use context::{Context, RequestId};
use line::Line;
pub use line::Shape;
pub use lines::LastLines;
use lines::Lines;
pub use metrics::{HandingOff, InFlight, Metrics};
pub use trace::TraceParent;

/// Levels as `RUST_LOG` gives them, `info` when absent. Lines are made for people where standard error is a terminal,
/// for machines where it is not, unless `shape` says otherwise. The last lines are written when what is given back is
/// dropped.
pub fn start(levels: Option<&str>, shape: Option<Shape>) -> std::io::Result<LastLines> {
    let terminal = stderr().is_terminal();
    let shape = shape.unwrap_or(if terminal { Shape::Text } else { Shape::Json });
    let (lines, last) = Lines::start(stderr())?;
    // A second start, as in tests, keeps the first.
    let _ = tracing_subscriber::registry()
        .with(layer(shape, levels, terminal, lines))
        .try_init();
    Ok(last)
}

/// Writes lines, behind the two filters that decide what is told.
pub fn layer<S, W>(
    shape: Shape,
    levels: Option<&str>,
    colours: bool,
    writer: W,
) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let chosen = EnvFilter::builder().parse_lossy(
        levels.unwrap_or("info,actix_http=off,actix_server=warn,sqlx::postgres::notice=warn"),
    );
    let lines = fmt::layer().with_writer(writer);
    let lines = match shape {
        Shape::Text => lines
            .with_ansi(colours)
            .event_format(Line::<false>)
            .fmt_fields(Line::<false>)
            .boxed(),
        Shape::Json => lines
            .with_ansi(false)
            .event_format(Line::<true>)
            .fmt_fields(Line::<true>)
            .boxed(),
    };
    lines
        .with_filter(chosen.and(filter_fn(is_ours_or_coarse)))
        .boxed()
}

fn is_ours_or_coarse(event: &Metadata<'_>) -> bool {
    event.target().starts_with("countersign") || *event.level() <= Level::INFO
}
