//! Steps of the schema only add: while it is upgraded, replicas of the version before work with it, whose statements
//! name neither its new tables nor its new columns.

use std::{collections::BTreeMap, fs, path::Path};

use crate::{app::TestApp, database::Database};

/// The last step of the time before this rule.
const BEFORE: &str = "0005_idempotency.sql";

/// What a step is taken to do beside the statement that is judged.
const STEP: &str = "create table new (alter table a add column c text";

/// The statements of a step, without comments, each in one line of small letters.
fn statements(sql: &str) -> Vec<String> {
    let lines = sql.lines().map(|line| line.split("--").next().unwrap());
    let text = lines.collect::<Vec<_>>().join(" ").to_lowercase();
    let words = |statement: &str| {
        let words: Vec<&str> = statement.split_whitespace().collect();
        words.join(" ")
    };
    let mut statements: Vec<String> = Vec::new();
    for part in text.split(';') {
        match statements.last_mut() {
            Some(open) if is_open(open) => {
                let part = words(part);
                *open = format!("{open}; {part}");
            }
            _ => statements.push(words(part)),
        }
    }
    statements.retain(|statement| !statement.is_empty());
    statements
}

/// Whether a statement has a body that is not at its end yet.
fn is_open(statement: &str) -> bool {
    let is_trigger = statement.starts_with("create trigger");
    let is_in_body = is_trigger && statement.contains(" begin ") && !statement.ends_with(" end");
    is_in_body || statement.matches("$$").count() % 2 == 1
}

/// The columns that the body of a trigger sets.
fn set_by(statement: &str) -> Vec<&str> {
    let of_new = statement.split("new.").skip(1);
    let of_new = of_new.filter_map(|rest| rest.split_once(" := ").map(|(name, _)| name));
    let list = statement.split_once(" set ").map(|(_, rest)| rest);
    let list = list.map(|rest| rest.split(" where ").next().unwrap());
    let of_list = list.into_iter().flat_map(|list| list.split(", "));
    let of_list = of_list.filter_map(|one| one.split_once(" = ").map(|(name, _)| name));
    of_new
        .chain(of_list)
        .filter(|name| !name.contains(' '))
        .collect()
}

/// Why the version before could not live with a statement of a step.
fn harm(statement: &str, step: &str) -> Option<&'static str> {
    let words: Vec<&str> = statement
        .split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_')
        .collect();
    let has = |phrase: &[&str]| words.windows(phrase.len()).any(|window| window == phrase);
    let begins = |phrase: &[&str]| words.starts_with(phrase);
    if begins(&["create", "table"]) || begins(&["create", "index"]) {
        return None;
    }
    // Without an index the version before finds the same, if slowly. A trigger was for the version before that one.
    let of_no_row = [["drop", "index"], ["drop", "trigger"], ["drop", "function"]];
    if of_no_row.iter().any(|phrase| begins(phrase)) {
        return None;
    }
    if begins(&["create", "trigger"]) || begins(&["create", "function"]) {
        let is_new = |name: &&str| step.contains(&format!("add column {name} "));
        return (!set_by(statement).iter().all(is_new)).then_some("it sets what is not its own");
    }
    if begins(&["insert", "into"]) {
        let made = format!("create table {} ", words[2]);
        return (!step.contains(&made)).then_some("it writes rows that are not its own");
    }
    if !begins(&["alter", "table"]) {
        return Some("it neither makes a table, a column or an index");
    }
    // Where on a page rows stand is nobody's concern.
    if words[3..].starts_with(&["set", "", "fillfactor"]) && !statement.contains(',') {
        return None;
    }
    if !has(&["add", "column"]) || has(&["drop"]) || has(&["rename"]) || has(&["alter", "column"]) {
        return Some("it does something to a table but adding a column");
    }
    if has(&["not", "null"]) && !has(&["default"]) {
        return Some("a row without the column cannot be written");
    }
    let forbids = ["unique", "check", "references", "constraint", "primary"];
    forbids
        .iter()
        .any(|word| has(&[word]))
        .then_some("a row may be refused that the version before writes")
}

/// The steps of one database, by name.
fn steps(database: &str) -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("migrations")
        .join(database);
    let files = fs::read_dir(folder).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    });
    files.collect()
}

#[test]
fn steps_of_the_schema_only_add_and_are_the_same_for_both_databases() {
    let (sqlite, postgres) = (steps("sqlite"), steps("postgres"));
    assert!(sqlite.contains_key(BEFORE));
    assert!(sqlite.keys().eq(postgres.keys()));
    let mut faults = Vec::new();
    for (database, steps) in [("sqlite", &sqlite), ("postgres", &postgres)] {
        for (name, sql) in steps.iter().filter(|(name, _)| BEFORE <= name.as_str()) {
            for statement in statements(sql) {
                let harm = harm(&statement, sql);
                faults.extend(harm.map(|why| format!("{database}/{name}: {why}: {statement}")));
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn what_the_version_before_cannot_live_with_is_noticed() {
    for fine in [
        "create table a (id bytea primary key, b bigint not null unique)",
        "create index a_b on a (b) where b is not null",
        "alter table a add column b text",
        "alter table a add column b bigint not null default 0",
        "drop index a_b",
        "drop trigger t on a",
        "drop function f()",
        "insert into new (id) values (1)",
        "alter table a set (fillfactor = 70)",
        "create trigger t after update of b on a begin update a set c = null where id = new.id; end",
        "create function f() returns trigger as $$ begin new.c := null; return new; end $$",
        "create trigger t before update of b on a execute function f()",
    ] {
        assert_eq!(harm(fine, STEP), None, "{fine}");
    }
    for bad in [
        "alter table a add column b bigint not null",
        "alter table a add column b bigint unique",
        "alter table a add column b bigint default 1 check (b > 0)",
        "alter table a drop column b",
        "alter table a set (fillfactor = 70), drop column b",
        "alter table a rename column b to c",
        "alter table a alter column b set not null",
        "alter table a add constraint b unique (c)",
        "create unique index a_b on a (b)",
        "drop table a",
        "insert into a (id) values (1)",
        "update a set b = 1",
        "delete from a",
        "create trigger t after update of b on a begin update a set c = null, b = 1 where id = new.id; end",
        "create function f() returns trigger as $$ begin new.c := null; new.b := 1; return new; end $$",
    ] {
        assert!(harm(bad, STEP).is_some(), "{bad}");
    }
    let commented = statements("-- drop all;\ncreate table a (\n  b text -- c\n);\n\nselect 1;\n");
    assert_eq!(commented, ["create table a ( b text )", "select 1"]);
    let bodies = "create trigger t begin a; b; end; select 1; create function f $$ begin a; end $$; select 2";
    let [trigger, one, function, two] = &statements(bodies)[..] else {
        panic!("{:?}", statements(bodies))
    };
    assert_eq!(trigger, "create trigger t begin a; b; end");
    assert_eq!(function, "create function f $$ begin a; end $$");
    assert_eq!((&**one, &**two), ("select 1", "select 2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_is_run() {
    let app = TestApp::spawn(Database::Sqlite).await;
    let ran = app
        .place
        .count("select max(version) from _sqlx_migrations")
        .await;
    assert_eq!(usize::try_from(ran), Ok(steps("sqlite").len()));
}
