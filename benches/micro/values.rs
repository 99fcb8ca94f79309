//! What is drawn, hashed, sealed and read for each request.

use std::hint::black_box;

use countersign::{
    crypto::{KeyRing, ROOT_KEY_LENGTH, RootKey, sha256},
    domain::{clock::Timestamp, code::Code, id::Id, phone::PhoneNumber, random::Random},
};

use crate::stopwatch::Stopwatch;

pub(crate) const NUMBER: &str = "+4915123456789";

pub(crate) fn ring() -> KeyRing {
    KeyRing::new(&[RootKey {
        id: "k1".to_owned(),
        secret: [7; ROOT_KEY_LENGTH].into(),
    }])
}

pub(crate) fn measure(stopwatch: &Stopwatch) {
    PhoneNumber::warm_up();
    stopwatch.time("phone: read", || {
        PhoneNumber::parse(black_box(NUMBER)).is_ok()
    });
    let number = PhoneNumber::parse(NUMBER).unwrap();
    stopwatch.time("phone: mask", || number.masked());

    let random = Random::system();
    stopwatch.time("random: 16 bytes", || random.bytes::<16>());
    stopwatch.time("code: draw", || Code::generate(6, &random));
    let id = Id::new(Timestamp::from_millis(1_800_000_000_000), random.bytes());
    let text = id.to_string();
    stopwatch.time("id: write", || black_box(id).to_string());
    stopwatch.time("id: read", || Id::parse(black_box(&text)));

    let ring = ring();
    let tenant = "acme";
    stopwatch.time("key: hash", || sha256(black_box(&[b'x'; 34])));
    stopwatch.time("code: hash", || {
        let parts: [&[u8]; 6] = [b"code/v1", b"acme", id.as_bytes(), &[0; 32], b"login", b""];
        ring.hash_code("k1", &parts).is_ok()
    });
    stopwatch.time("number: blind index", || ring.number_index(tenant, NUMBER));
    stopwatch.time("limit: name of a counter", || {
        ring.limit_id(&[b"number", tenant.as_bytes(), NUMBER.as_bytes()])
    });
    let secret = b"123456 +4915123456789";
    stopwatch.time("seal", || ring.seal(id.as_bytes(), black_box(secret)));
    let sealed = ring.seal(id.as_bytes(), secret);
    stopwatch.time("open", || {
        ring.open("k1", id.as_bytes(), black_box(&sealed)).is_ok()
    });
}
