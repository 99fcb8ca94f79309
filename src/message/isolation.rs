//! A name within a text that runs the other way.

use std::borrow::Cow;

/// FIRST STRONG ISOLATE and POP DIRECTIONAL ISOLATE.
const ISOLATE: (char, char) = ('\u{2068}', '\u{2069}');

/// The name, isolated where its direction may differ from that of the text around it: then signs at its ends, and numbers
/// beside it, stay where they belong. Isolates are UCS-2, and so is every text that needs them.
pub(super) fn isolated(name: &str, right_to_left: bool) -> Cow<'_, str> {
    let differs = if right_to_left {
        !name.chars().all(|c| is_right_to_left(c) || c == ' ')
    } else {
        name.chars().any(is_right_to_left)
    };
    if differs {
        let (open, close) = ISOLATE;
        Cow::Owned(format!("{open}{name}{close}"))
    } else {
        Cow::Borrowed(name)
    }
}

/// Hebrew, Arabic and the other scripts that run from right to left stand in these blocks of Unicode.
fn is_right_to_left(c: char) -> bool {
    matches!(c,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_that_may_run_the_other_way_is_isolated() {
        for name in ["Acme (PT)", "Café 24", "株式会社"] {
            assert_eq!(isolated(name, false), name);
            assert_eq!(isolated(name, true), format!("\u{2068}{name}\u{2069}"));
        }
        for name in ["بنك النور", "בנק"] {
            assert_eq!(isolated(name, true), name);
            assert_eq!(isolated(name, false), format!("\u{2068}{name}\u{2069}"));
        }
        assert_eq!(isolated("بنك 24", true), "\u{2068}بنك 24\u{2069}");
    }
}
