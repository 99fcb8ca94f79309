//! The two schemas are one: same tables, same columns, same types, same keys and indexes.

use std::collections::BTreeSet;

use sqlx::{Connection as _, PgConnection, SqliteConnection};

use crate::{
    app::{TestApp, on_both},
    database::Database,
};

/// `table.column type nullability`, and `table index (columns)`.
pub(crate) type Schema = BTreeSet<String>;

pub(crate) async fn of_sqlite(url: &str) -> Schema {
    let mut connection = SqliteConnection::connect(url).await.unwrap();
    let columns: Vec<String> = sqlx::query_scalar(
        "select m.name || '.' || c.name || ' ' || lower(c.type) || case when c.\"notnull\" or c.pk then ' not null' else '' end
           || case when c.pk then ' key' else '' end
         from sqlite_schema m join pragma_table_info(m.name) c
         where m.type = 'table' and m.name not like '\\_%' escape '\\' and m.name not like 'sqlite%'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let indexes: Vec<String> = sqlx::query_scalar(
        "select m.name || ' ' || i.name || ' ' ||
           (select group_concat(c.name, ',') from (select name from pragma_index_info(i.name) order by seqno) c)
           || case when i.partial then ' partial' else '' end
         from sqlite_schema m join pragma_index_list(m.name) i
         where m.type = 'table' and i.origin = 'c'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    columns.into_iter().chain(indexes).collect()
}

pub(crate) async fn of_postgres(url: &str) -> Schema {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let columns: Vec<String> = sqlx::query_scalar(
        "select c.table_name || '.' || c.column_name || ' '
           || case c.data_type when 'bytea' then 'blob' when 'bigint' then 'integer' else c.data_type end
           || case when c.is_nullable = 'NO' then ' not null' else '' end
           || case when exists (
                select from information_schema.table_constraints t
                join information_schema.key_column_usage k using (constraint_name, table_name)
                where t.constraint_type = 'PRIMARY KEY' and k.table_name = c.table_name and k.column_name = c.column_name
              ) then ' key' else '' end
         from information_schema.columns c where c.table_schema = 'public' and c.table_name not like '\\_%'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let indexes: Vec<String> = sqlx::query_scalar(
        "select t.relname || ' ' || i.relname || ' ' ||
           (select string_agg(a.attname, ',' order by k.position)
            from unnest(x.indkey) with ordinality as k(attribute, position)
            join pg_attribute a on a.attrelid = t.oid and a.attnum = k.attribute)
           || case when x.indpred is not null then ' partial' else '' end
         from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class t on t.oid = x.indrelid
         join pg_namespace n on n.oid = t.relnamespace
         where n.nspname = 'public' and not x.indisunique",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    columns.into_iter().chain(indexes).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_databases_have_the_same_schema() {
    let sqlite = TestApp::spawn(Database::Sqlite).await;
    let postgres = TestApp::spawn(Database::Postgres).await;
    let (sqlite, postgres) = (
        of_sqlite(&sqlite.place.url).await,
        of_postgres(&postgres.place.url).await,
    );
    assert!(
        sqlite.contains("verifications.id blob not null key"),
        "{sqlite:#?}"
    );
    assert!(
        sqlite.contains("deliveries deliveries_due due_at partial"),
        "{sqlite:#?}"
    );
    assert_eq!(sqlite, postgres);
}

on_both! {
    /// So a check changes nothing that an index holds, unless a fallback was to come: it writes one row, and PostgreSQL keeps
    /// that on its page.
    async fn no_index_of_verifications_names_what_a_check_changes(database) {
        let app = TestApp::spawn(database).await;
        let indexes = match database {
            Database::Sqlite => "select count(*) from sqlite_schema where type = 'index' and tbl_name = 'verifications' and sql like",
            Database::Postgres => "select count(*) from pg_indexes where tablename = 'verifications' and indexdef like",
        };
        let names = async |column: &str| app.place.count(&format!("{indexes} '%{column}%'")).await;
        assert_eq!(names("expires_at").await, 1);
        for column in ["status", "code_hash", "wrong_at", "approved_at", "ended_at", "sealed"] {
            assert_eq!(names(column).await, 0, "{column}");
        }
    }
}
