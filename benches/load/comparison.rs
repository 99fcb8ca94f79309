//! One database beside another, which took turns with it.

use serde::Serialize;

use crate::{options::Database, sides::Side, summary::BlockSummary};

/// The rate of a side on one database as a share of that on another.
#[derive(Serialize)]
pub(crate) struct Comparison {
    pub(crate) of: &'static str,
    pub(crate) to: &'static str,
    pub(crate) connections: usize,
    pub(crate) side: Side,
    pub(crate) rate: f64,
    /// The processor time of the other as a share of its own, PostgreSQL's included.
    pub(crate) cpu: f64,
}

impl Comparison {
    /// PostgreSQL beside SQLite, and two replicas beside one, as far as they were measured.
    pub(crate) fn all(blocks: &[BlockSummary]) -> Vec<Self> {
        let pairs = [
            (Database::Postgres, Database::Sqlite),
            (Database::TwoReplicas, Database::Postgres),
        ];
        let mut all = Vec::new();
        for block in blocks {
            for (of, to) in pairs {
                let other = blocks.iter().find(|other| {
                    other.database == to.name()
                        && other.connections == block.connections
                        && other.rows == block.rows
                });
                if let Some(other) = other.filter(|_| block.database == of.name()) {
                    all.extend(Self::of(block, other));
                }
            }
        }
        all
    }

    fn of(block: &BlockSummary, other: &BlockSummary) -> impl Iterator<Item = Self> {
        Side::SCENARIOS.into_iter().filter_map(|side| {
            let (one, other_side) = (block.get(side)?, other.get(side)?);
            let cpu = |side: &crate::summary::SideSummary| {
                side.cpu_us.median + side.database_cpu_us.map_or(0.0, |cpu| cpu.median)
            };
            Some(Self {
                of: block.database,
                to: other.database,
                connections: block.connections,
                side,
                rate: one.requests_per_second.median / other_side.requests_per_second.median,
                cpu: cpu(other_side) / cpu(one),
            })
        })
    }
}
