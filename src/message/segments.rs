//! How many parts a text is sent in (3GPP TS 23.038 and 23.040).

/// One character each.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
                     ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Two each: an escape comes before them.
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// How many places a character takes in the GSM 7-bit alphabet; `None`: it is not there.
fn width(c: char) -> Option<usize> {
    // What most texts are made of stands where ASCII has it.
    if c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | ',' | ':') || BASIC.contains(c) {
        Some(1)
    } else if EXTENSION.contains(c) {
        Some(2)
    } else {
        None
    }
}

/// Whether every character of `text` is in the GSM 7-bit alphabet or its extension; what is not needs UCS-2.
pub fn is_gsm7(text: &str) -> bool {
    text.chars().all(|c| width(c).is_some())
}

/// The segments of `text`: one holds 160 characters of the GSM alphabet or 70 units of UTF-16. Each of several holds 153
/// or 67, since a header tells how they belong together; what takes two places is not torn apart.
pub fn count(text: &str) -> usize {
    let in_gsm7: Option<usize> = text.chars().map(width).sum();
    let gsm7 = in_gsm7.is_some();
    let (alone, among_others) = if gsm7 { (160, 153) } else { (70, 67) };
    let widths = || {
        text.chars().map(move |c| match width(c) {
            Some(width) if gsm7 => width,
            _ => c.len_utf16(),
        })
    };
    if in_gsm7.unwrap_or_else(|| widths().sum()) <= alone {
        return 1;
    }
    let (mut segments, mut filled) = (1, 0);
    for width in widths() {
        if among_others < filled + width {
            segments += 1;
            filled = 0;
        }
        filled += width;
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_outside_the_gsm_alphabet_is_noticed() {
        assert!(is_gsm7("Café £5 [x] €\n@host #1"));
        for text in ["Ελλάς", "Ação", "ç", "ó", "`", "日本", "’", "\u{a0}", "\t"] {
            assert!(!is_gsm7(text), "{text}");
        }
    }

    #[test]
    fn a_segment_of_the_gsm_alphabet_holds_160_or_153_characters() {
        for (length, segments) in [
            (0, 1),
            (1, 1),
            (160, 1),
            (161, 2),
            (306, 2),
            (307, 3),
            (459, 3),
        ] {
            assert_eq!(count(&"a".repeat(length)), segments, "{length}");
        }
    }

    #[test]
    fn what_is_in_the_extension_takes_two_places_that_stay_together() {
        assert_eq!(count(&"€".repeat(80)), 1);
        assert_eq!(count(&format!("{}a", "€".repeat(80))), 2);
        // 153 is odd: the last place of a full segment stays empty, so that 76 fit in each.
        assert_eq!(count(&"€".repeat(152)), 2);
        assert_eq!(count(&"€".repeat(153)), 3);
        assert_eq!(count(&format!("{}{}", "a".repeat(159), "^")), 2);
    }

    #[test]
    fn a_segment_of_ucs_2_holds_70_or_67_units_and_pairs_stay_together() {
        for (length, segments) in [(70, 1), (71, 2), (134, 2), (135, 3)] {
            assert_eq!(count(&"字".repeat(length)), segments, "{length}");
        }
        assert_eq!(count(&"😀".repeat(35)), 1);
        // 67 is odd: 33 pairs fit in each of several.
        assert_eq!(count(&"😀".repeat(66)), 2);
        assert_eq!(count(&"😀".repeat(67)), 3);
        // One character outside the GSM alphabet makes all of the text UCS-2.
        assert_eq!(count(&format!("{}ç", "a".repeat(69))), 1);
        assert_eq!(count(&format!("{}ç", "a".repeat(70))), 2);
    }
}
