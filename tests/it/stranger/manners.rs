//! How the platform behaves toward a request, where it does not behave well.

use std::{collections::VecDeque, time::Duration};

use super::wire::Response;

/// What is done with one request.
#[derive(Clone, Debug)]
pub(super) struct Manner {
    /// Whether what was asked is done all the same: a message is taken.
    pub(super) takes: bool,
    /// How long the answer lets wait.
    pub(super) after: Duration,
    pub(super) reply: Reply,
}

#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// What is usual.
    Usual,
    /// The usual body under another status.
    Status(u16),
    /// XML, whatever was asked for.
    Xml,
    /// JSON that says `null` where it usually leaves out.
    Nulls,
    /// Something else.
    Instead(Response),
    /// The head of the usual answer, then a reset.
    HeadOnly,
    Reset,
    /// Nothing, until the client hangs up.
    Silence,
}

/// The manners of one kind of request.
#[derive(Default)]
pub(super) struct Manners {
    next: VecDeque<Manner>,
    standing: Option<Manner>,
    /// Requests so far.
    pub(super) count: usize,
}

impl Manner {
    pub(super) fn well() -> Self {
        Self::taking(Reply::Usual)
    }

    pub(super) fn taking(reply: Reply) -> Self {
        Self {
            takes: true,
            after: Duration::ZERO,
            reply,
        }
    }

    pub(super) fn not_taking(reply: Reply) -> Self {
        Self {
            takes: false,
            ..Self::taking(reply)
        }
    }

    /// Answers without doing anything.
    pub(super) fn refusing(status: u16, kind: &str, body: &str) -> Self {
        Self::not_taking(Reply::Instead(Response::of(status, kind, body)))
    }

    pub(super) fn late(mut self, after: Duration) -> Self {
        self.after = after;
        self
    }
}

impl Manners {
    /// Each once, in this order.
    pub(super) fn then(&mut self, manners: impl IntoIterator<Item = Manner>) {
        self.next.extend(manners);
    }

    /// From now on.
    pub(super) fn always(&mut self, manner: Manner) {
        self.standing = Some(manner);
    }

    pub(super) fn take(&mut self) -> Manner {
        self.count += 1;
        let next = self.next.pop_front().or_else(|| self.standing.clone());
        next.unwrap_or_else(Manner::well)
    }
}
