//! Texts with holes, and what goes into them.

use zeroize::Zeroizing;

pub(super) struct Filling<'a> {
    pub(super) code: &'a str,
    pub(super) name: &'a str,
    pub(super) minutes: &'a str,
    /// Empty: nothing can be said, and the space before its place goes with it.
    pub(super) purpose: &'a str,
}

/// The holes that a text may have.
pub(super) const HOLES: [&str; 4] = ["code", "name", "minutes", "purpose"];

impl Filling<'_> {
    fn of(&self, hole: &str) -> &str {
        match hole {
            "code" => self.code,
            "name" => self.name,
            "minutes" => self.minutes,
            "purpose" => self.purpose,
            _ => unreachable!("texts are checked before they are used"),
        }
    }
}

/// The parts one after another, their holes filled. What is filled in is not looked at again.
pub(super) fn fill(parts: &[&str], filling: &Filling) -> Zeroizing<String> {
    let longest: usize = HOLES.iter().map(|hole| filling.of(hole).len()).sum();
    let room = parts.iter().map(|part| part.len()).sum::<usize>() + longest;
    // All at once: a string that grows leaves the code behind in memory.
    let mut text = Zeroizing::new(String::with_capacity(room));
    for part in parts {
        let mut rest = *part;
        while let Some((before, hole, after)) = next_hole(rest) {
            text.push_str(before);
            let value = filling.of(hole);
            if value.is_empty() && text.ends_with(' ') {
                text.pop();
            }
            text.push_str(value);
            rest = after;
        }
        text.push_str(rest);
    }
    text
}

/// What stands before the next hole, its name, and what comes after it.
pub(super) fn next_hole(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (hole, after) = rest.split_once('}')?;
    Some((before, hole, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_filled_once_and_an_empty_purpose_takes_its_space_along() {
        let mut filling = Filling {
            code: "123456",
            name: "{code} Ltd",
            minutes: "5 minutes",
            purpose: "to log in",
        };
        let parts = ["{code} is for {name} {purpose}.", " Good for {minutes}."];
        assert_eq!(
            fill(&parts, &filling).as_str(),
            "123456 is for {code} Ltd to log in. Good for 5 minutes."
        );
        filling.purpose = "";
        assert_eq!(
            fill(&parts, &filling).as_str(),
            "123456 is for {code} Ltd. Good for 5 minutes."
        );
    }
}
