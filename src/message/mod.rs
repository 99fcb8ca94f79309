//! What the person reads.

use std::time::Duration;

use zeroize::Zeroizing;

use crate::domain::code::Code;

/// The text message for a code that is valid for `validity` more. One code, no link, one GSM-7 segment for any display
/// name of up to 40 characters of that alphabet. The digits stand together, so that phones can offer to fill them in.
pub fn sms(display_name: &str, code: &Code, validity: Duration) -> Zeroizing<String> {
    let code = code.expose();
    // A hand-off takes a moment: what is a few seconds short of a whole minute counts as one.
    let span = match validity.as_secs() + 5 {
        ..60 => format!("{} seconds", validity.as_secs()),
        60..120 => "1 minute".to_owned(),
        seconds => format!("{} minutes", seconds / 60),
    };
    Zeroizing::new(format!(
        "{code} is your {display_name} code. It is valid for {span}. Do not share it with anyone."
    ))
}

/// Whether every character of `text` is in the GSM 7-bit alphabet or its extension (3GPP TS 23.038); what is not needs
/// UCS-2.
pub fn is_gsm7(text: &str) -> bool {
    const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?\
                         ¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
    const EXTENSION: &str = "\u{c}^{}\\[~]|€";
    text.chars()
        .all(|c| BASIC.contains(c) || EXTENSION.contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::Random;

    #[test]
    fn a_message_names_the_sender_the_code_and_its_validity() {
        let code = Code::parse_guess("012345").unwrap();
        assert_eq!(
            sms("Acme Bank", &code, Duration::from_secs(299)).as_str(),
            "012345 is your Acme Bank code. It is valid for 5 minutes. Do not share it with anyone."
        );
        // Hardly more than is true.
        assert!(sms("Acme Bank", &code, Duration::from_secs(290)).contains("valid for 4 minutes."));
        assert!(sms("Acme Bank", &code, Duration::from_secs(10)).contains("valid for 10 seconds."));
    }

    #[test]
    fn the_longest_message_fits_one_segment() {
        let code = Code::generate(10, &Random::seeded(1));
        assert!(sms(&"N".repeat(40), &code, Duration::from_mins(10)).len() <= 160);
    }

    #[test]
    fn a_text_outside_the_gsm_alphabet_is_noticed() {
        assert!(is_gsm7("Café £5 [x] €"));
        assert!(!is_gsm7("Ελλάς") && !is_gsm7("Ação") && !is_gsm7("`") && !is_gsm7("日本"));
    }
}
