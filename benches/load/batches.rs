//! How many commands share a transaction, as the service's own metrics tell it.

use std::{net::SocketAddr, ops::Sub};

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
    /// Asks the operator's listener.
    pub(crate) async fn so_far(admin: SocketAddr) -> Option<Self> {
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

    pub(crate) fn mean(self) -> f64 {
        self.commands / self.transactions
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
