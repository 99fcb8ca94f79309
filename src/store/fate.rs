//! What became of a commit whose answer did not come.

use std::time::Duration;

use super::{
    Store, StoreError,
    batch::Traces,
    patience::{self, Patience},
};

/// Between two questions: a restarted PostgreSQL leaves a pool of dead connections behind, and may take a while to be back.
const ASK_AGAIN: Duration = Duration::from_millis(50);

impl Traces {
    /// Asks for as long as its callers may be kept waiting. `None`: others have written over every trace since.
    pub(super) async fn find_out(
        &self,
        store: &Store,
        patience: Patience,
    ) -> Result<Option<bool>, StoreError> {
        let verdict = async {
            loop {
                match patience::read(self.look(store)).await {
                    Err(StoreError::Lost(_) | StoreError::Unavailable(_) | StoreError::Again) => {
                        tokio::time::sleep(ASK_AGAIN).await;
                    }
                    verdict => return verdict,
                }
            }
        };
        patience.to_read_back(verdict).await
    }
}
