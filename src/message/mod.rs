//! What the person reads.

use std::time::Duration;

use zeroize::Zeroizing;

use crate::domain::code::Code;

/// The text message for a code that is valid for `validity` more. One code, no link, one GSM-7 segment for any display
/// name of up to 40 characters of that alphabet. The digits stand together, so that phones can offer to fill them in.
pub fn sms(display_name: &str, code: &Code, validity: Duration) -> Zeroizing<String> {
    let code = code.expose();
    let span = match validity.as_secs() / 60 {
        0 | 1 => "1 minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    };
    Zeroizing::new(format!(
        "{code} is your {display_name} code. It is valid for {span}. Do not share it with anyone."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::Random;

    #[test]
    fn a_message_names_the_sender_the_code_and_its_validity() {
        let code = Code::parse_guess("012345").unwrap();
        assert_eq!(
            sms("Acme Bank", &code, Duration::from_mins(5)).as_str(),
            "012345 is your Acme Bank code. It is valid for 5 minutes. Do not share it with anyone."
        );
        // Never more than is true, but for the shortest codes.
        assert!(sms("Acme Bank", &code, Duration::from_secs(299)).contains("valid for 4 minutes."));
        assert!(sms("Acme Bank", &code, Duration::from_secs(10)).contains("valid for 1 minute."));
    }

    #[test]
    fn the_longest_message_fits_one_segment() {
        let code = Code::generate(10, &Random::seeded(1));
        assert!(sms(&"N".repeat(40), &code, Duration::from_mins(10)).len() <= 160);
    }
}
