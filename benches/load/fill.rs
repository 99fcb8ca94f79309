//! Filling a database with what a day of traffic leaves behind: approved verifications, each with its delivery and with
//! the two counters of its number. Written by SQL alone, straight into the tables, while no service runs.
//!
//! What is found by a hash stands in trees that traffic leaves with room on their pages. Filled in order they would have none:
//! each of the first sends that come upon a page would have to split it. So one half is filled in in order, and the
//! other into it, again in order, which splits what has to be split, and takes no longer.

use std::{fs::File, ops::Range, time::Duration};

use countersign::domain::clock::{Clock, Timestamp};

use crate::{Outcome, direct::Direct};

const HOUR: Duration = Duration::from_hours(1);

/// When the verifications that are filled in began.
#[derive(Clone, Copy)]
pub(crate) enum Age {
    /// Within the last 20 hours: they are kept for a while.
    Kept,
    /// More than a day ago: they are to be deleted.
    Overdue,
}

/// Fills an empty database. `rows` are verifications; there are as many deliveries, and twice as many counters.
pub(crate) async fn fill(url: &str, rows: u64, age: Age) -> Outcome {
    let mut direct = Direct::alone(url).await?;
    let key = direct.text("select id from root_keys limit 1").await?;
    let filling = Filling {
        dialect: if direct.is_sqlite() {
            &SQLITE
        } else {
            &POSTGRES
        },
        rows,
        began: age.began(Clock::system().now()),
        key,
    };
    let indexes = direct.pairs(filling.dialect.indexes).await?;
    for (name, _) in &indexes {
        direct.run(&format!("drop index {name}")).await?;
    }
    let (by_number, others): (Vec<_>, Vec<_>) = indexes
        .iter()
        .map(|(_, definition)| definition)
        .partition(|definition| definition.contains("(number_index"));
    let [first, second] = filling.halves();
    direct.run(&filling.verifications(&first)).await?;
    direct.run(&filling.counters(&first)).await?;
    for definition in by_number {
        direct.run(definition).await?;
    }
    direct.run(&filling.verifications(&second)).await?;
    direct.run(&filling.counters(&second)).await?;
    direct.run(&filling.deliveries()).await?;
    direct.run(&filling.ended()).await?;
    for definition in others {
        direct.run(definition).await?;
    }
    // What lies in memory only would be written later, while something is measured.
    if let Some(file) = url.strip_prefix("sqlite://") {
        direct.close().await?;
        return Ok(File::open(file)?.sync_all()?);
    }
    direct.run("vacuum analyze").await?;
    direct.run("checkpoint").await?;
    direct.close().await
}

/// Some of the rows, by their numbers.
struct Half {
    rows: Range<u64>,
    /// Their hashes ascend, evenly over all there can be; else they are random.
    ascends: bool,
}

struct Filling {
    dialect: &'static Dialect,
    rows: u64,
    /// The first and the last, in milliseconds.
    began: (i64, i64),
    key: String,
}

/// How a database says it.
struct Dialect {
    /// Names and definitions of what makes filling slow.
    indexes: &'static str,
    /// Makes `n`, with the numbers `i` from `$first` to below `$end`.
    series: &'static str,
    random: fn(u8) -> String,
    /// Eight bytes of a number, then so many random ones.
    led_by: fn(&str, u8) -> String,
    /// An id that was born at an instant.
    id: fn(&str) -> String,
    /// What a counter keeps of one send at an instant.
    counted: &'static str,
    sid: &'static str,
    nothing: &'static str,
}

const SQLITE: Dialect = Dialect {
    indexes: "select name, sql from sqlite_master where type = 'index' and sql is not null \
              and tbl_name in ('verifications', 'deliveries', 'counters')",
    series: "with recursive n(i) as (select $first union all select i + 1 from n where i + 1 < $end) ",
    random: |bytes| format!("randomblob({bytes})"),
    led_by: |number, bytes| format!("unhex(printf('%016x', {number}) || hex(randomblob({bytes})))"),
    id: |at| format!("unhex(printf('%012x', {at}) || hex(randomblob(16)))"),
    counted: "unhex(printf('0000%016x', at))",
    sid: "'SM' || lower(hex(randomblob(16)))",
    nothing: "x''",
};

const POSTGRES: Dialect = Dialect {
    indexes: "select indexname, indexdef from pg_indexes where schemaname = current_schema() \
              and indexdef not like '%UNIQUE%' \
              and tablename in ('verifications', 'deliveries', 'counters')",
    series: "with n(i) as (select generate_series($first::bigint, $end - 1)) ",
    random: |bytes| format!("substring(sha512(random()::text::bytea) from 1 for {bytes})"),
    led_by: |number, bytes| {
        format!("int8send({number}) || substring(sha512(random()::text::bytea) from 1 for {bytes})")
    },
    id: |at| {
        format!(
            "substring(int8send({at}) from 3) || substring(sha256(random()::text::bytea) from 1 for 16)"
        )
    },
    counted: "'\\x0000'::bytea || int8send(at)",
    sid: "'SM' || md5(random()::text)",
    nothing: "''::bytea",
};

impl Age {
    fn began(self, now: Timestamp) -> (i64, i64) {
        let hours = |hours| now.minus(HOUR * hours).as_millis();
        match self {
            Self::Kept => (hours(21), hours(1)),
            Self::Overdue => (hours(30), hours(26)),
        }
    }
}

impl Filling {
    fn halves(&self) -> [Half; 2] {
        let middle = self.rows / 2;
        let half = |rows, ascends| Half { rows, ascends };
        [half(0..middle, false), half(middle..self.rows, true)]
    }

    /// When each began, evenly from the first to the last.
    fn beginnings(&self, half: &Half) -> String {
        let (first, last) = self.began;
        let (span, rows) = (last - first, self.rows);
        let series = self.dialect.series;
        let series = series.replace("$first", &half.rows.start.to_string());
        let series = series.replace("$end", &half.rows.end.to_string());
        format!("{series}, born(i, at) as (select i, {first} + i * {span} / {rows} from n) ")
    }

    /// What stands in place of a hash of so many bytes.
    fn hash(&self, half: &Half, bytes: u8) -> String {
        let Dialect { random, led_by, .. } = self.dialect;
        let rows = half.rows.end - half.rows.start;
        if half.ascends && 0 < rows {
            // Databases count with a sign: from the middle, it goes as far down as up.
            let step = (u64::MAX / rows).min(u64::MAX / 2);
            let middle = half.rows.start + rows / 2;
            let number = format!("(i - {middle}) * {step}");
            led_by(&number, bytes - 8)
        } else {
            random(bytes)
        }
    }

    fn verifications(&self, half: &Half) -> String {
        let Dialect {
            random,
            id,
            nothing,
            ..
        } = self.dialect;
        let (beginnings, id, key) = (self.beginnings(half), id("at"), &self.key);
        let (index, op) = (self.hash(half, 32), random(16));
        format!(
            "{beginnings} insert into verifications (id, tenant, number_index, to_masked, purpose, channel, metadata, \
             status, key_id, attempts, wrong_at, sends, resend_at, delivery, sent, created_at, expires_at, approved_at, \
             ended_at, version, op) \
             select {id}, 'acme', {index}, '+91********42', 'login', 'sms', '{{}}', 'approved', '{key}', 5, {nothing}, 1, \
             at + 30000, {id}, 1, at, at + 600000, at + 20000, at + 20000, 3, {op} from born"
        )
    }

    fn deliveries(&self) -> String {
        let Dialect { random, sid, .. } = self.dialect;
        let (charges, op, key) = (random(48), random(16), &self.key);
        let (first, last) = self.began;
        format!(
            "insert into deliveries (id, verification, tenant, channel, status, cause, stage, claim, tries, account, sid, \
             key_id, charges, give_up_at, created_at, handed_at, sent_at, delivered_at, version, op, purpose) \
             select delivery, id, 'acme', 'sms', 'delivered', 'send', 'done', 1, 1, 'main', {sid}, '{key}', {charges}, \
             expires_at - 30000, created_at, created_at + 5, created_at + 9, ended_at, 3, {op}, 'login' \
             from verifications where created_at between {first} and {last} order by id"
        )
    }

    /// The service notes that while it runs: at its start it looks for nothing that expired before.
    fn ended(&self) -> String {
        let (_, last) = self.began;
        format!("update ended set until = {last} + 600000")
    }

    /// Of each number one within its tenant and one over all, until a day after its send.
    fn counters(&self, half: &Half) -> String {
        let Dialect {
            random, counted, ..
        } = self.dialect;
        let (beginnings, key) = (self.beginnings(half), &self.key);
        let (name, op) = (self.hash(half, 16), random(16));
        format!(
            "{beginnings} insert into counters (id, key_id, state, until, version, op) \
             select id, '{key}', {counted}, at + 86400000, 1, {op} \
             from (select {name} as id, at from born union all select {name}, at from born) as named order by id"
        )
    }
}
