//! Bringing the schema up to date, while other replicas work with it.

use std::time::Duration;

use sqlx::{
    ConnectOptions as _, Connection as _, PgPool, SqlSafeStr as _, SqlitePool,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

use super::{
    Pool, Store, StoreError,
    open::{POSTGRES, SQLITE},
    read,
};

/// How often a step is tried again that others were in the way of. With the 3 s that a lock is waited for, this is more than
/// two minutes: another replica may be at a long step. Then whoever supervises this one may decide.
const TRIES: u32 = 40;
/// Between two tries, so that whoever queued behind the step goes first.
const PAUSE: Duration = Duration::from_millis(500);

impl Store {
    /// Creates or upgrades the schema. Running it twice changes nothing, and a schema that a newer version made stays as
    /// it is.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let mut tries = 0;
        loop {
            // Where nothing is to be done, the steps are only compared, and nobody is waited for.
            let current = self.is_current().await.unwrap_or(false);
            let ran = match &*self.0 {
                Pool::Sqlite { writers, .. } => on_sqlite(writers, current).await,
                Pool::Postgres { writers, .. } => on_postgres(writers.pool(), current).await,
            };
            let Err(error) = ran else { return Ok(()) };
            tries += 1;
            if !is_in_the_way(&error) || tries == TRIES {
                return Err(StoreError::Migration(error.to_string()));
            }
            tracing::warn!(%error, tries, "schema.waits");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Whether the schema is one that this program can use: its own, or that of a newer version beside it.
    pub async fn is_current(&self) -> Result<bool, StoreError> {
        let steps: i64 = read!(self, pool => {
            sqlx::query_scalar("select count(*) from _sqlx_migrations where success").fetch_one(pool).await?
        });
        let own = i64::try_from(SQLITE.len()).expect("there are few migrations");
        Ok(own <= steps)
    }
}

/// All steps or none, under the write lock: sqlx locks nothing there. (`run_direct`, since `run` with a connection makes a
/// future that no task can be spawned of.)
async fn on_sqlite(writers: &SqlitePool, current: bool) -> Result<(), MigrateError> {
    let migrator = migrator(SQLITE);
    if current {
        let mut connection = writers.acquire().await?;
        return migrator.run_direct(None, &mut *connection, false).await;
    }
    let mut tx = writers.begin_with("BEGIN IMMEDIATE").await?;
    migrator.run_direct(None, &mut *tx, false).await?;
    Ok(tx.commit().await?)
}

/// One replica at a time, by sqlx's advisory lock. A step that waits for a table holds up everybody who comes after it,
/// so it waits no longer than others do (`lock_timeout`) and comes again; once it has what it needs, it may take its time.
/// The connection is its own, since the lock stays with it where a step fails.
async fn on_postgres(writers: &PgPool, current: bool) -> Result<(), MigrateError> {
    let mut migrator = migrator(POSTGRES);
    migrator.set_locking(!current);
    let options = (*writers.connect_options()).clone();
    let unhurried = options.options([("statement_timeout", "0")]);
    let mut connection = unhurried.connect().await?;
    let ran = migrator.run_direct(None, &mut connection, false).await;
    let closed = connection.close().await;
    ran?;
    Ok(closed?)
}

/// Whether others had locked what a step needs: then nothing of the step was done, and it can be run again.
fn is_in_the_way(error: &MigrateError) -> bool {
    let (MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) = error else {
        return false;
    };
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    // PostgreSQL: a lock that was not had in time, a deadlock. SQLite: busy.
    code.is_some_and(|code| ["55P03", "40P01", "5", "261", "517"].contains(&&*code))
}

fn migrator(steps: &'static [&'static str]) -> Migrator {
    let migrations = steps.iter().zip(1..).map(|(sql, number)| {
        Migration::new(
            number,
            "step".into(),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    // Steps that only a newer version knows are no concern of ours: they only add.
    migrator.set_ignore_missing(true);
    migrator
}
