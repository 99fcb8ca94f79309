//! Kinds of lines, and which of them a code may be sent to.

use rlibphonenumber::PhoneNumberType;

/// What kind of line a number belongs to, by its numbering plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineType {
    Mobile,
    FixedLine,
    /// The plan does not tell the two apart, as in North America.
    FixedLineOrMobile,
    Voip,
    TollFree,
    PremiumRate,
    SharedCost,
    PersonalNumber,
    Pager,
    /// A company's number, routed to whoever answers.
    Uan,
    Voicemail,
    Satellite,
    Unknown,
}

impl LineType {
    /// Whether a person may be reached here at an ordinary price. Everything else costs extra,
    /// pays somebody for being called, or has nobody at the other end.
    pub const fn may_be_sent_to(self) -> bool {
        match self {
            Self::Mobile | Self::FixedLine | Self::FixedLineOrMobile | Self::Voip => true,
            Self::TollFree
            | Self::PremiumRate
            | Self::SharedCost
            | Self::PersonalNumber
            | Self::Pager
            | Self::Uan
            | Self::Voicemail
            | Self::Satellite
            | Self::Unknown => false,
        }
    }

    /// The ranges of the satellite operators, which libraries call mobile or personal.
    pub(super) fn of_range(self, number: &str) -> Self {
        if SATELLITE.iter().any(|range| number.starts_with(range)) {
            Self::Satellite
        } else {
            self
        }
    }
}

/// Whole calling codes, and what lies within the plan of a country.
const SATELLITE: [&str; 5] = [
    "+870",  // Inmarsat
    "+881",  // mobile systems
    "+6114", // Australia: satellite phones
    "+1600", // Canada: the far north, by satellite
    "+7954", // Russia: GlobalTel
];

impl From<PhoneNumberType> for LineType {
    fn from(library: PhoneNumberType) -> Self {
        match library {
            PhoneNumberType::Mobile => Self::Mobile,
            PhoneNumberType::FixedLine => Self::FixedLine,
            PhoneNumberType::FixedLineOrMobile => Self::FixedLineOrMobile,
            PhoneNumberType::VoIP => Self::Voip,
            PhoneNumberType::TollFree => Self::TollFree,
            PhoneNumberType::PremiumRate => Self::PremiumRate,
            PhoneNumberType::SharedCost => Self::SharedCost,
            PhoneNumberType::PersonalNumber => Self::PersonalNumber,
            PhoneNumberType::Pager => Self::Pager,
            PhoneNumberType::UAN => Self::Uan,
            PhoneNumberType::VoiceMail => Self::Voicemail,
            PhoneNumberType::Unknown => Self::Unknown,
        }
    }
}

/// Calling codes that belong to no country. No person's own phone is there, most cost many times an
/// ordinary message, and the line type in the metadata says little (+881, +882 and +883 have
/// "mobile" numbers).
pub(super) const fn is_refused_code(code: u16) -> bool {
    matches!(
        code,
        800 // international freephone
        | 808 // international shared cost
        | 870 // Inmarsat
        | 878 // universal personal telecommunications
        | 881 // satellite mobile systems
        | 882 | 883 // international networks
        | 888 // disaster relief
        | 979 // international premium rate
        | 991 // trials of international services; most plans do not have it at all
    )
}
