//! A way past the service, straight to its database: to fill it, and to look at what is there.

use std::path::Path;

use sqlx::{
    AssertSqlSafe, Connection as _, PgConnection, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use crate::Outcome;

pub(crate) enum Direct {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

macro_rules! either {
    ($direct:expr, $connection:ident => $query:expr) => {
        match $direct {
            Self::Sqlite($connection) => $query,
            Self::Postgres($connection) => $query,
        }
    };
}

impl Direct {
    /// Beside a running service.
    pub(crate) async fn beside(url: &str) -> Outcome<Self> {
        Ok(match url.strip_prefix("sqlite://") {
            Some(file) => {
                let options = SqliteConnectOptions::new().filename(file);
                Self::Sqlite(SqliteConnection::connect_with(&options).await?)
            }
            None => Self::Postgres(PgConnection::connect(url).await?),
        })
    }

    /// While no service runs: as fast as can be, and not durable.
    pub(crate) async fn alone(url: &str) -> Outcome<Self> {
        let Some(file) = url.strip_prefix("sqlite://") else {
            let mut direct = Self::beside(url).await?;
            direct.run("set synchronous_commit = off").await?;
            direct.run("set maintenance_work_mem = '256MB'").await?;
            return Ok(direct);
        };
        let options = SqliteConnectOptions::new()
            .filename(Path::new(file))
            .journal_mode(SqliteJournalMode::Off)
            .synchronous(SqliteSynchronous::Off)
            .pragma("locking_mode", "exclusive")
            .pragma("cache_size", "-262144");
        Ok(Self::Sqlite(
            SqliteConnection::connect_with(&options).await?,
        ))
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// Runs a statement whose text the bench made.
    pub(crate) async fn run(&mut self, sql: &str) -> Outcome {
        let sql = AssertSqlSafe(sql.to_owned());
        either!(self, connection => {
            sqlx::query(sql).execute(connection).await?;
        });
        Ok(())
    }

    pub(crate) async fn pairs(&mut self, sql: &'static str) -> Outcome<Vec<(String, String)>> {
        Ok(either!(self, connection => sqlx::query_as(sql).fetch_all(connection).await?))
    }

    pub(crate) async fn number(&mut self, sql: &'static str) -> Outcome<i64> {
        Ok(either!(self, connection => sqlx::query_scalar(sql).fetch_one(connection).await?))
    }

    pub(crate) async fn text(&mut self, sql: &'static str) -> Outcome<String> {
        Ok(either!(self, connection => sqlx::query_scalar(sql).fetch_one(connection).await?))
    }

    pub(crate) async fn close(self) -> Outcome {
        match self {
            Self::Sqlite(connection) => connection.close().await?,
            Self::Postgres(connection) => connection.close().await?,
        }
        Ok(())
    }
}
