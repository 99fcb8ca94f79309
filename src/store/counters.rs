//! The table of limit counters, by keyed name of the subject.

use std::{sync::LazyLock, time::Duration};

use super::{
    StoreError,
    columns::{Columns, Kind, Value},
    record::{Record, Statements},
    verifications::{pack, unpack},
};
use crate::domain::limits::{Counter, Rate};

impl Record for Counter {
    const TABLE: &'static str = "counters";
    const COLUMNS: &'static [(&'static str, Kind)] = &[
        ("id", Kind::Bytes),
        ("key_id", Kind::Text),
        ("state", Kind::Bytes),
        ("until", Kind::Int),
    ];
    // The id of the row was made with this root key, whichever is the newest by now.
    const LASTING: Option<&'static str> = Some("key_id");
    type Key = [u8; 16];

    fn statements() -> &'static Statements {
        static STATEMENTS: LazyLock<Statements> = LazyLock::new(Statements::of::<Counter>);
        &STATEMENTS
    }

    fn write<'a>(&'a self, id: &'a [u8; 16], key_id: &'a str) -> Vec<Value<'a>> {
        vec![
            Value::bytes(id),
            Value::text(key_id),
            Value::Bytes(encode(self).into()),
            Value::instant(self.until),
        ]
    }

    fn read(columns: &mut Columns<'_>) -> Result<([u8; 16], Self), StoreError> {
        let id = columns.fixed()?;
        columns.str()?;
        let state = columns.bytes()?;
        let mut counter = decode(&state).ok_or_else(|| columns.damaged("state of a counter"))?;
        counter.until = columns.instant()?;
        Ok((id, counter))
    }

    fn make_lockable() -> Option<&'static str> {
        Some(
            "insert into counters (id, key_id, state, until, version, op) \
             select id, '', '', 0, 0, '' from unnest($1::bytea[]) as k(id) \
             where (select c.id from counters c where c.id = k.id) is null on conflict (id) do nothing",
        )
    }
}

/// Two bytes that count the GCRA limits, 20 bytes for each of them, then the instants.
fn encode(counter: &Counter) -> Vec<u8> {
    let count = u16::try_from(counter.arrivals.len()).expect("a policy has few limits");
    let mut state = count.to_be_bytes().to_vec();
    for (rate, arrival) in &counter.arrivals {
        let window = u64::try_from(rate.window.as_millis()).unwrap_or(u64::MAX);
        state.extend(rate.count.to_be_bytes());
        state.extend(window.to_be_bytes());
        state.extend(arrival.to_be_bytes());
    }
    state.extend(pack(&counter.instants));
    state
}

fn decode(state: &[u8]) -> Option<Counter> {
    // The empty state is that of a row which was made only to be locked.
    let Some((count, mut rest)) = state.split_first_chunk::<2>() else {
        return state.is_empty().then(Counter::default);
    };
    let mut arrivals = Vec::new();
    for _ in 0..u16::from_be_bytes(*count) {
        let (limit, tail) = rest.split_first_chunk::<4>()?;
        let (window, tail) = tail.split_first_chunk::<8>()?;
        let (arrival, tail) = tail.split_first_chunk::<8>()?;
        let window = Duration::from_millis(u64::from_be_bytes(*window));
        arrivals.push((
            Rate {
                count: u32::from_be_bytes(*limit),
                window,
            },
            i64::from_be_bytes(*arrival),
        ));
        rest = tail;
    }
    Some(Counter {
        instants: unpack(rest),
        arrivals,
        ..Counter::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::Timestamp;

    #[test]
    fn a_counter_survives_being_written_and_read() {
        let rate = Rate {
            count: 100,
            window: Duration::from_mins(1),
        };
        let counter = Counter {
            instants: vec![Timestamp::from_millis(1), Timestamp::from_millis(-2)],
            arrivals: vec![(rate, 1_234_567)],
            until: Timestamp::default(),
        };
        assert_eq!(decode(&encode(&counter)), Some(counter));
        assert_eq!(decode(&[]), Some(Counter::default()));
        assert_eq!(decode(&[0, 1, 2]), None);
    }
}
