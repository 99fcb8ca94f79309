//! Logs, on standard error. Nothing secret can reach them: the types that hold codes, numbers, keys and tokens do not
//! print, and what libraries would tell in detail (headers, bodies, statements) is cut off here.

use std::io::{IsTerminal as _, stderr};

use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter,
    filter::filter_fn,
    fmt,
    layer::{Layer, SubscriberExt as _},
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

/// Levels as `RUST_LOG` gives them; `info` when absent.
pub fn start(levels: Option<&str>) {
    let stderr_layer = fmt::layer()
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal());
    // A second start, as in tests, keeps the first.
    let _ = tracing_subscriber::registry()
        .with(layer(stderr_layer, levels))
        .try_init();
}

/// `inner`, behind the two filters that decide what is told.
pub fn layer<S>(inner: impl Layer<S> + Send + Sync, levels: Option<&str>) -> impl Layer<S>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    let chosen = EnvFilter::builder()
        .parse_lossy(levels.unwrap_or("info,actix_server=warn,sqlx::postgres::notice=warn"));
    inner
        .with_filter(chosen)
        .with_filter(filter_fn(is_ours_or_coarse))
}

fn is_ours_or_coarse(event: &Metadata<'_>) -> bool {
    event.target().starts_with("countersign") || *event.level() <= Level::INFO
}
