//! SQLite is written to in place, which takes its thread while it lasts: so the journal has one of its own.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{
    StoreError,
    journal::{Shared, write},
};

/// Starts the thread. It ends with the journal, and at the latest with the runtime from which it was started: whoever
/// would ask it then is gone.
pub(super) fn start(shared: Arc<Shared>) -> Result<(), StoreError> {
    let failed = |error: std::io::Error| StoreError::Unavailable(error.to_string());
    let own = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(failed)?;
    let (life, end_of_runtime) = oneshot::channel::<()>();
    let (journal, end_of_journal) = oneshot::channel::<()>();
    tokio::spawn(async move {
        let _life = life;
        let _ = end_of_journal.await;
    });
    let work = move || {
        let _journal = journal;
        own.block_on(async {
            tokio::select! {
                biased;
                _ = end_of_runtime => {}
                () = write(shared) => {}
            }
        });
    };
    let thread = std::thread::Builder::new().name("journal".to_owned());
    thread.spawn(work).map_err(failed)?;
    Ok(())
}
