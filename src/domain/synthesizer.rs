//! What reads texts aloud on the calls of an account.

use super::words::words;

/// The engine that a Restcomm was set up with. It cannot be asked for it, and the engines do not speak alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synthesizer {
    /// It is not known which: only what all of them speak is spoken.
    #[default]
    Any,
    VoiceRss,
    AwsPolly,
    Acapela,
}

words!(Synthesizer {
    Any => "any",
    VoiceRss => "voicerss",
    AwsPolly => "awspolly",
    Acapela => "acapela",
});

impl Synthesizer {
    pub const ALL: [Self; 4] = [Self::Any, Self::VoiceRss, Self::AwsPolly, Self::Acapela];
}
