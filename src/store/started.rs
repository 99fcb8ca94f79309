//! What the courier is told once it is durable.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::journal::{Command, Outcome};
use crate::{
    domain::{
        delivery::Report,
        dispatch::Dispatch,
        fallback::{Due, FallBackOutcome},
        policy::Tenant,
        send::SendOutcome,
    },
    telemetry::Context,
};

/// A delivery that is durable now, and who waits for its hand-off.
pub struct Started {
    pub tenant: Arc<Tenant>,
    pub dispatch: Dispatch,
    pub tell: Option<oneshot::Sender<Report>>,
    /// The request that it is part of, in the log; a hand-off tells of it too.
    pub context: Context,
}

/// The delivery that a command has begun, if it has.
pub(super) fn started<'a>(
    command: &'a Command,
    outcome: &'a Outcome,
) -> Option<(&'a Arc<Tenant>, &'a Dispatch)> {
    match (command, outcome) {
        (
            Command::Send(send),
            Outcome::Send(SendOutcome::Created(dispatch) | SendOutcome::Resent(dispatch)),
        ) => Some((&send.tenant, dispatch)),
        (Command::FallBack(due), Outcome::FellBack(FallBackOutcome::Started(dispatch))) => {
            let Due::Step(step) = &due.step else {
                return None;
            };
            Some((&step.tenant, dispatch))
        }
        _ => None,
    }
}
