//! A tenant's own text, checked before it is used.

use super::{
    filling::{Filling, HOLES, fill, next_hole},
    isolation::isolated,
    purpose::Purpose,
    segments, texts,
};
use crate::domain::language::Language;

/// Segments that a tenant's own text may take.
const MOST_SEGMENTS: usize = 2;
/// The highest number of minutes that a code can live.
const MOST_MINUTES: u64 = 10;
/// So many digits together could be taken for the code.
const LIKE_A_CODE: usize = 4;

/// Checks a tenant's own text in `language`, with the name and the length of codes that it will be used with. A complaint
/// is the end of a sentence that begins with the name of the setting.
pub fn check(
    template: &str,
    language: Language,
    display_name: &str,
    code_length: u8,
) -> Result<(), String> {
    if template.trim().is_empty() {
        return Err("is empty; write a text with {code} in it, or remove it".to_owned());
    }
    if template.trim() != template {
        return Err("begins or ends with a space; remove it".to_owned());
    }
    if template.contains(is_invisible) {
        return Err("holds a character that cannot be seen, such as a line break; write one line of plain text".to_owned());
    }
    let code = "0".repeat(code_length.into());
    check_holes(template)?;
    check_surroundings(template)?;
    let texts = texts::of(language);
    let name = isolated(display_name, texts.right_to_left);
    let minutes = texts.minutes(language, MOST_MINUTES);
    let purposes = Purpose::ALL.map(|purpose| texts.purposes.of(purpose));
    let longest = purposes.map(|purpose| {
        let filling = Filling {
            code: &code,
            name: &name,
            minutes: &minutes,
            purpose,
        };
        segments::count(&fill(&[template], &filling))
    });
    let longest = longest.into_iter().max().unwrap_or_default();
    if MOST_SEGMENTS < longest {
        return Err(format!(
            "takes up to {longest} segments; write a text that takes at most {MOST_SEGMENTS}, which is 306 characters of the GSM alphabet or 134 of others"
        ));
    }
    Ok(())
}

fn check_holes(template: &str) -> Result<(), String> {
    let all = "{code}, {name}, {minutes} or {purpose}";
    let (mut rest, mut codes) = (template, 0);
    while let Some((before, hole, after)) = next_hole(rest) {
        if before.contains('}') || hole.contains('{') {
            break;
        }
        if !HOLES.contains(&hole) {
            return Err(format!("holds {{{hole}}}, which is unknown; write {all}"));
        }
        codes += usize::from(hole == "code");
        rest = after;
    }
    if rest.contains(['{', '}']) {
        return Err(format!(
            "holds a brace that stands alone; remove it, or write {all}"
        ));
    }
    match codes {
        1 => Ok(()),
        0 => Err("lacks the code; write {code} where it belongs".to_owned()),
        _ => Err("holds {code} more than once; write it once".to_owned()),
    }
}

/// What phones, and people who were told not to, could take for something else.
fn check_surroundings(template: &str) -> Result<(), String> {
    let (before, after) = template.split_once("{code}").unwrap_or_default();
    let sticks = |c: char| c.is_ascii_alphanumeric() || matches!(c, '{' | '}');
    if before.ends_with(sticks) || after.starts_with(sticks) {
        return Err(
            "has a letter or a digit right beside {code}; write a space there, so that phones find the code"
                .to_owned(),
        );
    }
    let mut digits = template.split(|c: char| !c.is_ascii_digit());
    if let Some(run) = digits.find(|run| LIKE_A_CODE <= run.len()) {
        return Err(format!(
            "holds {run}, which could be taken for the code; write no number of {LIKE_A_CODE} digits or more"
        ));
    }
    // A hole is as good as a word: what is filled in may make a link of what stands around it.
    let words = template.replace(['{', '}'], "");
    let mut words = words.split(|c: char| c.is_whitespace());
    if let Some(word) = words.find(|word| is_like_a_link(word)) {
        return Err(format!(
            "holds {word:?}, which looks like a link or an address; leave it out, or write a space after the full stop"
        ));
    }
    Ok(())
}

/// What phones make a link of: a scheme, a host, an address, or the line that binds a code to a page.
fn is_like_a_link(word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.');
    let mut runs = word.split(|c| !is_part(c));
    word.contains("://")
        || word.contains('@')
        || word.to_lowercase().starts_with("www.")
        || runs.any(is_like_a_host)
}

/// A name with a dot and two letters after it, or four numbers joined by dots.
fn is_like_a_host(run: &str) -> bool {
    let labels: Vec<&str> = run.split('.').collect();
    let letters = |label: &str| label.chars().filter(|c| c.is_alphabetic()).count();
    let mut pairs = labels.windows(2);
    let named = pairs.any(|pair| !pair[0].is_empty() && 2 <= letters(pair[1]));
    let numbered = 4 <= labels.len() && labels.iter().all(|label| !label.is_empty());
    named || numbered
}

fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(template: &str) -> Result<(), String> {
        check(template, Language::English, "Acme Bank", 6)
    }

    #[test]
    fn a_text_with_the_code_once_is_taken() {
        for template in [
            "{code}",
            "Your code: {code}",
            "Acme: {code} is your code {purpose}, for {minutes}. Thank you, {name}!",
            "Pay 10.50 EUR at the till, or 3.5: {code}.",
            "24/7 at your side ({code})",
            "e.g. {code}",
            "O código é {code}. Até já...",
        ] {
            assert_eq!(checked(template), Ok(()), "{template}");
        }
        assert_eq!(
            check("【{name}】验证码 {code}。", Language::Chinese, "银行", 6),
            Ok(())
        );
    }

    #[test]
    fn every_fault_says_what_to_write() {
        let long = format!("{{code}} {}", "long ".repeat(62));
        for (template, complaint) in [
            ("", "is empty; write"),
            ("   ", "is empty; write"),
            (" {code}", "begins or ends with a space"),
            ("{code}\nbye", "cannot be seen"),
            ("{code} \u{202e}x", "cannot be seen"),
            ("hello", "lacks the code; write {code}"),
            ("{code} or {code}", "holds {code} more than once"),
            (
                "{code} {pin}",
                "holds {pin}, which is unknown; write {code}, {name}",
            ),
            ("{code} {}", "holds {}, which is unknown"),
            ("{code} {name", "a brace that stands alone"),
            ("{code} }", "a brace that stands alone"),
            ("{{code}}", "a brace that stands alone"),
            ("code{code}", "right beside {code}"),
            ("{code}1", "right beside {code}"),
            ("{name}{code}", "right beside {code}"),
            (
                "{code} since 1999",
                "holds 1999, which could be taken for the code",
            ),
            (long.trim_end(), "takes up to 3 segments; write"),
        ] {
            let found = checked(template).expect_err(template);
            assert!(found.contains(complaint), "{template}: {found}");
        }
    }

    #[test]
    fn what_looks_like_a_link_is_refused() {
        for template in [
            "{code} https://acme.example",
            "{code} http://x",
            "{code} at acme.example",
            "{code} at (Acme.Example/login)",
            "{code} www.acme",
            "{code} help@acme",
            "@acme #{code}",
            "{code} {name}.com",
            "{code} bücher.example",
            "{code} 10.0.0.1",
            "{code} intent://x",
            "The code is {code}.Do not share it.",
        ] {
            let found = checked(template).expect_err(template);
            assert!(found.contains("looks like a link"), "{template}: {found}");
        }
    }

    #[test]
    fn the_longest_that_can_be_filled_in_counts() {
        let template = format!("{{code}} {{name}} {}", "a".repeat(280));
        let fits = |name: &str| check(&template, Language::English, name, 6);
        assert_eq!(fits("Acme"), Ok(()));
        assert!(fits(&"N".repeat(40)).is_err());
        // A name outside the GSM alphabet makes all of it UCS-2.
        assert!(fits("Ação").is_err());
    }
}
