use super::*;

fn root(id: &str, byte: u8) -> RootKey {
    RootKey {
        id: id.to_owned(),
        secret: Zeroizing::new([byte; ROOT_KEY_LENGTH]),
    }
}

#[test]
fn a_rotated_ring_still_opens_and_recognises_what_the_old_key_wrote() {
    let old = KeyRing::new(&[root("k1", 1)]);
    let both = KeyRing::new(&[root("k2", 2), root("k1", 1)]);
    let sealed = old.seal(b"row", b"secret");
    assert_eq!(
        both.open("k1", b"row", &sealed).unwrap().as_slice(),
        b"secret"
    );
    assert_eq!(both.hash_code("k1", &[b"1"]), old.hash_code("k1", &[b"1"]));
    assert_eq!(
        both.number_index("t", "+1").older,
        vec![old.number_index("t", "+1").newest]
    );
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for byte in bytes {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

#[test]
fn names_that_are_kept_in_the_database_never_change() {
    // Another version beside this one, or after it, must find what was counted.
    let ring = KeyRing::new(&[root("k1", 1)]);
    let place = ring.limit_id(&[b"neighbours", b"+35191234"]);
    let id = ring.limit_id_at(&place, &[b"number", b"acme", b"+351912345678"]);
    assert_eq!(hex(&id.newest), "bf6e9af533c3704a9eb8ca32382861b5");
    assert_eq!(id.newest[..4], place.newest[..4]);
    let index = ring.number_index("acme", "+351912345678");
    assert_eq!(
        hex(&index.newest),
        "2a4a9934706df2bf3e1e67db988c885d4bb2dc5549e3d4efb6a352367650e009"
    );
}

#[test]
fn a_sealed_value_opens_only_for_its_own_row_and_unaltered() {
    let ring = KeyRing::new(&[root("k1", 1)]);
    let mut sealed = ring.seal(b"row", b"secret");
    assert_eq!(
        ring.open("k1", b"other", &sealed),
        Err(CryptoError::DoesNotOpen)
    );
    sealed[13] ^= 1;
    assert_eq!(
        ring.open("k1", b"row", &sealed),
        Err(CryptoError::DoesNotOpen)
    );
    assert_eq!(
        ring.open("k1", b"row", b"short"),
        Err(CryptoError::DoesNotOpen)
    );
    assert_eq!(
        ring.open("k9", b"row", b"x").unwrap_err(),
        CryptoError::DoesNotOpen
    );
}

#[test]
fn parts_that_would_run_together_hash_differently() {
    let ring = KeyRing::new(&[root("k1", 1)]);
    assert_ne!(
        ring.hash_code("k1", &[b"1", b"23"]),
        ring.hash_code("k1", &[b"12", b"3"])
    );
}

#[test]
fn parts_are_hashed_alike_whether_or_not_they_are_put_together() {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &[1; 32]);
    for length in 0..2 * TOGETHER {
        let long = vec![b'1'; length];
        let parts = [&b"number"[..], b"", &long];
        assert_eq!(tag(&key, &parts), tag_in_pieces(&key, &parts), "{length}");
    }
}

#[test]
fn the_same_number_looks_different_in_two_tenants() {
    let ring = KeyRing::new(&[root("k1", 1)]);
    let number = "+351912345678";
    assert_ne!(
        ring.number_index("a", number),
        ring.number_index("b", number)
    );
}

#[test]
fn keys_cannot_be_printed() {
    let key = root("k1", 0xAB);
    let printed = format!("{key:?} {:?}", KeyRing::new(std::slice::from_ref(&key)));
    assert_eq!(printed, r#"RootKey(k1) ["k1"]"#);
}
