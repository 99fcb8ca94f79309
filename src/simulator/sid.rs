//! The names that Restcomm gives to what it makes.

use rand::TryRng as _;

/// The prefix and 32 random hexadecimal digits.
pub(super) fn new_sid(prefix: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut random = [0; 16];
    rand::rngs::SysRng
        .try_fill_bytes(&mut random)
        .expect("the operating system always has randomness");
    let nibbles = random.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let digits = nibbles.map(|nibble| char::from(DIGITS[usize::from(nibble)]));
    prefix.chars().chain(digits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sid_has_the_shape_that_clients_match() {
        let sid = new_sid("SM");
        assert_eq!(sid.len(), 34);
        assert!(sid.starts_with("SM"));
        assert!(sid.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(sid, new_sid("SM"));
    }
}
