//! Rows go in and come out as they are, and only what changed is written.

use std::sync::Arc;

use tokio::sync::Mutex;

use super::*;
use crate::{
    domain::{failures::FailureBudget, limits::Counter},
    store::Store,
};

struct World {
    journal: Arc<Mutex<Direct>>,
    _directory: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data.db");
        let store = Store::open_sqlite(&path).await.unwrap();
        store.migrate().await.unwrap();
        let direct = Direct::open(&path, Duration::from_millis(100)).unwrap();
        Self {
            journal: Arc::new(Mutex::new(direct)),
            _directory: directory,
        }
    }

    async fn begin(&self) -> DirectTx {
        DirectTx::begin(self.journal.clone().lock_owned().await).unwrap()
    }
}

const KEY: [u8; 32] = [7; 32];

fn budget(failures: u32) -> FailureBudget {
    FailureBudget {
        failures,
        blocked_until: Timestamp::from_millis(5),
        last_failure: Timestamp::from_millis(6),
    }
}

fn change<'a>(
    value: &'a FailureBudget,
    before: Option<&'a FailureBudget>,
    version: i64,
) -> Change<'a, FailureBudget> {
    Change {
        key: KEY,
        value,
        before,
        version,
        op: [9; 16],
    }
}

#[tokio::test]
async fn a_row_comes_out_as_it_went_in_with_its_version() {
    let world = World::new().await;
    let tx = world.begin().await;
    tx.write(&[change(&budget(1), None, 0)], "k1").unwrap();
    tx.commit().unwrap();
    let tx = world.begin().await;
    tx.write(&[change(&budget(2), Some(&budget(1)), 1)], "k2")
        .unwrap();
    tx.commit().unwrap();

    let tx = world.begin().await;
    let loaded = tx.load::<FailureBudget>(&[KEY, [8; 32]]).unwrap();
    assert_eq!(loaded.len(), 1);
    assert_eq!((&loaded[0].value, loaded[0].version), (&budget(2), 2));
    // The key that the row was named with stays.
    let sql = "select key_id from budgets";
    let key_id: String = tx
        .connection()
        .query_row(sql, [], |row| row.get(0))
        .unwrap();
    assert_eq!(key_id, "k1");
}

#[tokio::test]
async fn of_a_row_that_was_there_only_what_changed_is_written() {
    let world = World::new().await;
    let tx = world.begin().await;
    tx.write(&[change(&budget(1), None, 0)], "k1").unwrap();
    // Somebody else's column, as it were: nothing says that it changed.
    tx.connection()
        .execute("update budgets set last_failure = 1000", [])
        .unwrap();
    tx.write(&[change(&budget(2), Some(&budget(1)), 1)], "k1")
        .unwrap();
    let loaded = tx.load::<FailureBudget>(&[KEY]).unwrap();
    assert_eq!(loaded[0].value.failures, 2);
    assert_eq!(loaded[0].value.last_failure, Timestamp::from_millis(1000));
}

#[tokio::test]
async fn a_row_that_is_not_as_it_was_loaded_is_not_written() {
    let world = World::new().await;
    let tx = world.begin().await;
    tx.write(&[change(&budget(1), None, 0)], "k1").unwrap();
    let overtaken = tx.write(&[change(&budget(3), None, 2)], "k1");
    assert!(matches!(overtaken, Err(StoreError::Again)));
    let already_there = tx.write(&[change(&budget(3), None, 0)], "k1");
    assert!(matches!(already_there, Err(StoreError::Again)));
}

#[tokio::test]
async fn what_is_not_committed_is_taken_back() {
    let world = World::new().await;
    let tx = world.begin().await;
    tx.write(&[change(&budget(1), None, 0)], "k1").unwrap();
    drop(tx);
    let tx = world.begin().await;
    assert!(tx.load::<FailureBudget>(&[KEY]).unwrap().is_empty());
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_named_by_its_table() {
    let world = World::new().await;
    let tx = world.begin().await;
    tx.connection()
        .execute(
            "insert into counters (id, key_id, state, until, version, op) values (?1, '', x'0001ff', 0, 1, x'')",
            [[3_u8; 16]],
        )
        .unwrap();
    let damaged = tx.load::<Counter>(&[[3; 16]]).err().unwrap();
    assert_eq!(
        damaged.to_string(),
        "a row of counters is damaged: state of a counter"
    );
}

#[tokio::test]
async fn whoever_cannot_have_the_lock_is_told_that_the_database_is_not_available() {
    let world = World::new().await;
    let held = world.begin().await;
    let path = held.0.path.clone();
    let another = Direct::open(&path, Duration::from_millis(1)).unwrap();
    let another = Arc::new(Mutex::new(another)).lock_owned().await;
    let refused = DirectTx::begin(another).err().unwrap();
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused}");
}

#[tokio::test]
async fn a_closed_connection_stays_closed_and_a_broken_one_is_made_again() {
    let world = World::new().await;
    world.journal.lock().await.connection = None;
    drop(world.begin().await);
    drop(world.journal.lock().await.close());
    let closed = DirectTx::begin(world.journal.clone().lock_owned().await);
    assert!(matches!(closed, Err(StoreError::Unavailable(_))));
}
