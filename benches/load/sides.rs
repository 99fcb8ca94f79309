//! What takes part in a round, by name.

use serde::Serialize;

/// A server under load: one of the two limits, or the service doing one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Side {
    Echo,
    Relay,
    Send,
    RespondAsync,
    Check,
    Wrong,
    Status,
    Mixed,
}

impl Side {
    /// What the service does, in the order in which a round goes through it.
    pub(crate) const SCENARIOS: [Self; 6] = [
        Self::Send,
        Self::RespondAsync,
        Self::Check,
        Self::Wrong,
        Self::Status,
        Self::Mixed,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Relay => "relay",
            Self::Send => "send",
            Self::RespondAsync => "respond-async",
            Self::Check => "check",
            Self::Wrong => "wrong",
            Self::Status => "status",
            Self::Mixed => "mixed",
        }
    }

    /// What it is compared with: a send must reach Restcomm, and so the relay is its limit. `Mixed` does in turn what
    /// two sides do, so it has both.
    pub(crate) const fn limits(self) -> &'static [Self] {
        match self {
            Self::Echo | Self::Relay => &[],
            Self::Send | Self::RespondAsync => &[Self::Relay],
            Self::Check | Self::Wrong | Self::Status => &[Self::Echo],
            Self::Mixed => &[Self::Relay, Self::Echo],
        }
    }

    /// How many windows of sends it takes to prepare what one window of it uses up.
    pub(crate) const fn appetite(self) -> f64 {
        match self {
            Self::Check => 1.5,
            Self::Mixed => 0.75,
            Self::Wrong => 0.5,
            Self::Status => 0.1,
            Self::Echo | Self::Relay | Self::Send | Self::RespondAsync => 0.0,
        }
    }
}
