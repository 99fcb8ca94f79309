//! A database of its own for every test.

use countersign::store::Store;
use sqlx::{
    Connection as _, Executor as _, PgConnection, SqliteConnection, sqlite::SqliteConnectOptions,
};
use tempfile::TempDir;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
}

/// Where the database of a test is. Dropped, it takes the database with it.
pub(crate) struct Place {
    pub(crate) url: String,
    kind: Kind,
}

enum Kind {
    Sqlite(TempDir),
    Postgres { server: String, name: String },
}

impl Database {
    pub(crate) async fn create(self) -> Place {
        match self {
            Self::Sqlite => {
                let directory = tempfile::tempdir().unwrap();
                let url = format!("sqlite://{}", directory.path().join("data.db").display());
                Place {
                    url,
                    kind: Kind::Sqlite(directory),
                }
            }
            Self::Postgres => {
                let server = server();
                let name = format!("it_{:016x}", rand::random::<u64>());
                run(&server, &format!("create database {name}")).await;
                let url = format!(
                    "{}/{name}",
                    server.rsplit_once('/').expect("a URL with a database").0
                );
                Place {
                    url,
                    kind: Kind::Postgres { server, name },
                }
            }
        }
    }
}

impl Place {
    pub(crate) async fn open(&self) -> Store {
        match &self.kind {
            Kind::Sqlite(directory) => Store::open_sqlite(&directory.path().join("data.db"))
                .await
                .unwrap(),
            Kind::Postgres { .. } => Store::open_postgres(&self.url).await.unwrap(),
        }
    }

    /// Ends all connections, as the death of the process at their other end does.
    pub(crate) async fn forget_the_dead(&self) {
        if let Kind::Postgres { .. } = self.kind {
            let sql = "select pg_terminate_backend(pid) from pg_stat_activity \
                       where datname = current_database() and pid <> pg_backend_pid()";
            run(&self.url, sql).await;
        }
    }

    /// Changes rows behind the service's back.
    pub(crate) async fn change(&self, sql: &str) {
        match &self.kind {
            Kind::Sqlite(_) => {
                let mut connection = SqliteConnection::connect(&self.url).await.unwrap();
                let sql = sqlx::AssertSqlSafe(sql.to_owned());
                sqlx::query(sql).execute(&mut connection).await.unwrap();
            }
            Kind::Postgres { .. } => run(&self.url, sql).await,
        }
    }

    /// Runs a script of several statements in an empty SQLite file.
    pub(crate) async fn run(&self, script: &str) {
        let options = self.url.parse::<SqliteConnectOptions>().unwrap();
        let mut connection = SqliteConnection::connect_with(&options.create_if_missing(true))
            .await
            .unwrap();
        let script = sqlx::AssertSqlSafe(script.to_owned());
        connection.execute(script).await.unwrap();
    }

    /// What a query that counts gives.
    pub(crate) async fn count(&self, sql: &str) -> i64 {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        match &self.kind {
            Kind::Sqlite(_) => {
                let mut connection = SqliteConnection::connect(&self.url).await.unwrap();
                sqlx::query_scalar(sql)
                    .fetch_one(&mut connection)
                    .await
                    .unwrap()
            }
            Kind::Postgres { .. } => {
                let mut connection = PgConnection::connect(&self.url).await.unwrap();
                sqlx::query_scalar(sql)
                    .fetch_one(&mut connection)
                    .await
                    .unwrap()
            }
        }
    }

    /// Everything the database keeps on disk, as bytes. PostgreSQL: a dump of every row of every table.
    pub(crate) async fn dump(&self) -> Vec<u8> {
        match &self.kind {
            Kind::Sqlite(directory) => {
                let files = std::fs::read_dir(directory.path()).unwrap();
                files
                    .flat_map(|file| std::fs::read(file.unwrap().path()).unwrap())
                    .collect()
            }
            Kind::Postgres { .. } => {
                let mut connection = PgConnection::connect(&self.url).await.unwrap();
                let mut dump = Vec::new();
                for table in [
                    "tenants",
                    "api_keys",
                    "verifications",
                    "deliveries",
                    "budgets",
                    "counters",
                    "idempotency",
                ] {
                    let sql = sqlx::AssertSqlSafe(format!("select t::text from {table} t"));
                    let rows: Vec<String> = sqlx::query_scalar(sql)
                        .fetch_all(&mut connection)
                        .await
                        .unwrap();
                    dump.extend(rows.concat().into_bytes());
                }
                dump
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Kind::Postgres { server, name } = &self.kind {
            let (server, sql) = (
                server.clone(),
                format!("drop database if exists {name} with (force)"),
            );
            // Dropping cannot wait, and the runtime may be ending: a thread with its own can.
            let thread = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(run(&server, &sql));
            });
            let _ = thread.join();
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "where the tests' PostgreSQL is comes from outside"
)]
pub(crate) fn server() -> String {
    std::env::var("TEST_DATABASE_URL")
        .expect("TEST_DATABASE_URL names a PostgreSQL; scripts/test starts one")
}

async fn run(server: &str, sql: &str) {
    let mut connection = PgConnection::connect(server).await.unwrap();
    connection
        .execute(sqlx::AssertSqlSafe(sql.to_owned()))
        .await
        .unwrap();
}
