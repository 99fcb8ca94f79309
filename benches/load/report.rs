//! The results: as a file for programs, and for people.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Serialize;

use crate::{
    Outcome, comparison::Comparison, cost, cost::Cost, growth, growth::Growth, latency,
    latency::Latency, machine::Machine, notes, picture, purge, purge::Purge, summary::BlockSummary,
    table,
};

#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    /// Whether each process was kept on one processor. Servers have a worker for each processor they may use.
    pub(crate) pinned: bool,
    pub(crate) seconds: f64,
    pub(crate) blocks: Vec<BlockSummary>,
    pub(crate) comparisons: Vec<Comparison>,
    pub(crate) costs: Vec<Cost>,
    pub(crate) latencies: Vec<Latency>,
    pub(crate) growths: Vec<Growth>,
    pub(crate) purges: Vec<Purge>,
}

impl Report {
    pub(crate) fn new(machine: Machine, pinned: bool) -> Self {
        Self {
            machine,
            pinned,
            seconds: 0.0,
            blocks: Vec::new(),
            comparisons: Vec::new(),
            costs: Vec::new(),
            latencies: Vec::new(),
            growths: Vec::new(),
            purges: Vec::new(),
        }
    }

    /// Without an answer that was not the right one.
    pub(crate) fn is_clean(&self) -> bool {
        let late = self.latencies.iter();
        !self.blocks.iter().any(BlockSummary::has_errors)
            && late.map(|it| &it.errors).all(BTreeMap::is_empty)
            && self.purges.iter().all(|it| it.faults().is_empty())
    }

    pub(crate) fn write(&self, path: &Path) -> Outcome {
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory)?;
        }
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()).into())
    }

    /// A picture of the latencies.
    pub(crate) fn draw(&self, path: &Path) -> Outcome {
        if self.latencies.is_empty() {
            return Err("there is nothing to draw: ask for latency".into());
        }
        let Machine {
            processors,
            model,
            filesystem,
            version,
            ..
        } = &self.machine;
        let below = format!(
            "Countersign {version}; {processors} processors, {model}, {filesystem}; every answer is durable."
        );
        let svg = picture::draw(&self.latencies, &below);
        fs::write(path, svg).map_err(|error| format!("{}: {error}", path.display()).into())
    }

    pub(crate) fn print(&self, markdown: bool) {
        let blocks = || self.blocks.iter();
        print(&table::HEAD, blocks().flat_map(table::rows), markdown);
        print(
            &table::RATIO_HEAD,
            blocks().flat_map(table::ratios),
            markdown,
        );
        print(
            &table::SLOWEST_HEAD,
            blocks().filter_map(table::slowest),
            markdown,
        );
        let comparisons = self.comparisons.iter().map(table::comparison);
        print(&table::COMPARISON_HEAD, comparisons, markdown);
        print(&cost::HEAD, self.costs.iter().map(Cost::row), markdown);
        print(
            &latency::HEAD,
            self.latencies.iter().map(Latency::row),
            markdown,
        );
        print(
            &growth::HEAD,
            self.growths.iter().map(Growth::row),
            markdown,
        );
        print(&purge::HEAD, self.purges.iter().map(Purge::row), markdown);
        println!();
        for line in notes::of(self) {
            println!("{line}");
        }
    }
}

/// A table, unless it is empty.
fn print<const N: usize>(
    head: &[&str; N],
    rows: impl Iterator<Item = [String; N]>,
    markdown: bool,
) {
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        print!("\n{}", table::layout(head, rows, markdown));
    }
}
