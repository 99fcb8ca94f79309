//! How many commands share a transaction, as the service's own metrics tell it.

use std::{
    net::SocketAddr,
    ops::{Add, Sub},
};

use crate::client::Connection;

const COMMANDS: &str = "countersign_journal_batch_commands_sum ";
const TRANSACTIONS: &str = "countersign_journal_batch_commands_count ";

/// Since the start of the process.
#[derive(Clone, Copy)]
pub(crate) struct Batches {
    commands: f64,
    transactions: f64,
}

impl Batches {
    /// Of all replicas together, by their operators' listeners.
    pub(crate) async fn of_all(admins: &[SocketAddr]) -> Option<Self> {
        let mut sum: Option<Self> = None;
        for admin in admins {
            let one = Self::so_far(*admin).await?;
            sum = Some(sum.map_or(one, |sum| sum + one));
        }
        sum
    }

    async fn so_far(admin: SocketAddr) -> Option<Self> {
        let mut connection = Connection::open(admin).await.ok()?;
        let request = b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
        let answer = connection.exchange(request).await.ok()?;
        let text = std::str::from_utf8(answer.body).ok()?;
        let value = |name| {
            let mut lines = text.lines();
            lines.find_map(|line| line.strip_prefix(name))?.parse().ok()
        };
        Some(Self {
            commands: value(COMMANDS)?,
            transactions: value(TRANSACTIONS)?,
        })
    }

    /// Commands in a transaction; `None` where there was no transaction.
    pub(crate) fn mean(self) -> Option<f64> {
        (0.0 < self.transactions).then(|| self.commands / self.transactions)
    }

    pub(crate) fn transactions(self) -> f64 {
        self.transactions
    }
}

impl Add for Batches {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            commands: self.commands + other.commands,
            transactions: self.transactions + other.transactions,
        }
    }
}

impl Sub for Batches {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            commands: self.commands - before.commands,
            transactions: self.transactions - before.transactions,
        }
    }
}
