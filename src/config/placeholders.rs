//! Values that stand for a secret and are none. A service that starts with one is open to anybody.

/// The root key that the documentation shows. It is refused, so that nobody runs with it.
pub const EXAMPLE_ROOT_KEY: &str = "k1:Y291bnRlcnNpZ24tZXhhbXBsZS1rZXktbm90LXNhZmU=";

/// Compared without case and punctuation.
const WORDS: [&str; 12] = [
    "changeme",
    "changeit",
    "secret",
    "mysecret",
    "password",
    "passwd",
    "example",
    "placeholder",
    "replaceme",
    "authtoken",
    "yourauthtoken",
    "todo",
];

/// Whether `text` is a word that documentation puts where a secret belongs.
pub(super) fn is_word(text: &str) -> bool {
    let letters = text.chars().filter(char::is_ascii_alphanumeric);
    let plain: String = letters.map(|c| c.to_ascii_lowercase()).collect();
    let bracketed = text.starts_with('<') && text.ends_with('>');
    WORDS.contains(&plain.as_str()) || bracketed || text.contains("...") || text.contains('…')
}

/// Whether all of `bytes` are the same.
pub(super) fn is_one_byte(bytes: &[u8]) -> bool {
    let mut pairs = bytes.windows(2);
    !bytes.is_empty() && pairs.all(|pair| pair[0] == pair[1])
}
