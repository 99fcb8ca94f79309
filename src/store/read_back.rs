//! Tests of what is known after a commit whose answer was lost: on SQLite, where rows are marked as PostgreSQL marks them.

use std::{sync::Arc, time::Duration};

use zeroize::Zeroizing;

use super::{
    Store, batch,
    fate::Traces,
    journal::{Command, Entry},
    on,
    patience::Patience,
};
use crate::{
    crypto::{KeyRing, ROOT_KEY_LENGTH, RootKey},
    domain::{
        clock::Timestamp,
        code::Code,
        delivery::Channel,
        id::Id,
        language::Language,
        ledger::Op,
        limits::{LimitName, Rate},
        phone::PhoneNumber,
        policy::{Tenant, tests::policy},
        send::{LimitUse, Send},
    },
};

const NOW: Timestamp = Timestamp::from_millis(1_769_860_800_000);

struct World {
    store: Store,
    ring: KeyRing,
    _directory: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open_sqlite(&directory.path().join("data.db"))
            .await
            .unwrap();
        store.migrate().await.unwrap();
        let secret = Zeroizing::new([1; ROOT_KEY_LENGTH]);
        let ring = KeyRing::new(&[RootKey {
            id: "k1".to_owned(),
            secret,
        }]);
        Self {
            store,
            ring,
            _directory: directory,
        }
    }

    fn send(&self, purpose: &str) -> Command {
        let number = PhoneNumber::parse("+351912345678").unwrap();
        let limit = LimitUse {
            name: LimitName::PerNumber,
            counter: self.ring.limit_id(&[b"number"]),
            rates: vec![Rate {
                count: 60,
                window: Duration::from_mins(10),
            }],
        };
        Command::Send(Arc::new(Send {
            tenant: Arc::new(Tenant {
                name: "acme".to_owned(),
                policy: policy(),
            }),
            key: None,
            index: self.ring.number_index("acme", number.expose()),
            number,
            channel: Channel::Sms,
            purpose: purpose.to_owned(),
            metadata: std::collections::BTreeMap::new(),
            language: Language::English,
            autofill: None,
            code: Code::parse_guess("123456").unwrap(),
            verification_seed: [2; 16],
            delivery_seed: [3; 16],
            limits: vec![limit],
            account: "main".to_owned(),
            once: None,
        }))
    }

    async fn commit(&self, purpose: &str, op: Op) {
        let entries = [Entry::unattended(self.send(purpose), op)];
        let committed = batch::run(&self.store, &self.ring, &entries, NOW, Patience::begins())
            .await
            .unwrap();
        assert!(matches!(committed, batch::Committed::Yes(_)));
        self.mark(op).await;
    }

    /// Whatever was just written bears the mark of its command.
    async fn mark(&self, op: Op) {
        let mut tx = self.store.begin().await.unwrap();
        for table in ["verifications", "counters"] {
            let sql = sqlx::AssertSqlSafe(format!("update {table} set op = $1 where op = x''"));
            on!(&mut tx, connection => {
                sqlx::query(sql).bind(&op[..]).execute(connection).await.unwrap();
            });
        }
        tx.commit().await.unwrap();
    }

    fn counter(&self) -> [u8; 16] {
        self.ring.limit_id(&[b"number"]).newest
    }
}

#[tokio::test]
async fn a_commit_is_recognised_by_any_row_that_bears_its_mark() {
    let world = World::new().await;
    world.commit("first", [1; 16]).await;
    let traces = Traces {
        verifications: vec![(Id::new(NOW, [2; 16]), 0, [1; 16])],
        counters: vec![(world.counter(), 0, [1; 16])],
        ..Traces::default()
    };
    assert_eq!(traces.look(&world.store).await.unwrap(), Some(true));
    // The counter is written over by the next send; the verification still tells.
    let hour_later = Send {
        verification_seed: [4; 16],
        delivery_seed: [5; 16],
        ..send_of(world.send("second"))
    };
    let entries = [Entry::unattended(
        Command::Send(Arc::new(hour_later)),
        [9; 16],
    )];
    batch::run(&world.store, &world.ring, &entries, NOW, Patience::begins())
        .await
        .unwrap();
    let mut tx = world.store.begin().await.unwrap();
    on!(&mut tx, connection => {
        sqlx::query("update counters set op = $1").bind(&[9_u8; 16][..]).execute(connection).await.unwrap();
    });
    tx.commit().await.unwrap();
    assert_eq!(traces.look(&world.store).await.unwrap(), Some(true));
}

#[tokio::test]
async fn what_was_not_committed_is_seen_by_rows_that_are_missing_or_as_they_were() {
    let world = World::new().await;
    let missing = Traces {
        verifications: vec![(Id::new(NOW, [2; 16]), 0, [1; 16])],
        ..Traces::default()
    };
    assert_eq!(missing.look(&world.store).await.unwrap(), Some(false));
    world.commit("first", [1; 16]).await;
    let unchanged = Traces {
        counters: vec![(world.counter(), 1, [7; 16])],
        ..Traces::default()
    };
    assert_eq!(unchanged.look(&world.store).await.unwrap(), Some(false));
}

#[tokio::test]
async fn a_row_that_others_wrote_since_tells_nothing() {
    let world = World::new().await;
    world.commit("first", [1; 16]).await;
    let overwritten = Traces {
        counters: vec![(world.counter(), 0, [7; 16])],
        ..Traces::default()
    };
    assert_eq!(overwritten.look(&world.store).await.unwrap(), None);
}

fn send_of(command: Command) -> Send {
    let Command::Send(send) = command else {
        unreachable!("a send was made")
    };
    Arc::unwrap_or_clone(send)
}
