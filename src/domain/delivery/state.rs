//! The words in which a delivery is told: its channel, how far it came, and why no further.

use crate::domain::words::words;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    Sms,
    /// A call that speaks the code.
    Voice,
    /// A call whose number is the code: it rings, and is not to be answered.
    Flashcall,
}

/// The channels that a verification was sent over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Channels(u8);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryStatus {
    Queued,
    /// Restcomm has it. A call is told as `queued` until it rings.
    Sent,
    Delivered,
    Undelivered,
    Failed,
    // Of calls only.
    Ringing,
    Answered,
    Unanswered,
    Busy,
}

/// Why a delivery failed, or did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryReason {
    /// Restcomm refused this message for good.
    Refused,
    /// No account took it in time.
    NotDeliverable,
    /// An account may have it, and could not be asked.
    Unconfirmed,
    /// A resend took its place before it was handed off.
    Superseded,
    /// The verification ended before it was handed off.
    VerificationEnded,
    // What Restcomm reports of messages that it took, by its error numbers 30001 to 30010.
    QueueOverflow,
    AccountSuspended,
    HandsetUnreachable,
    MessageBlocked,
    HandsetUnknown,
    LandlineOrUnreachableCarrier,
    CarrierViolation,
    /// 30008, and whatever is none of these.
    UnknownError,
    MissingSegment,
    PriceTooHigh,
}

/// Why there is a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    Send,
    Resend,
    /// The tenant's plan: the delivery before it was not confirmed in time, or failed.
    Fallback,
}

/// Where a delivery stands between us and Restcomm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nobody has it: it may be handed off.
    Waiting,
    /// A process is handing it off. When its lease lapses, nobody knows what it did.
    Claimed,
    /// An account may have it: it must be asked before anything else is done.
    Unknown,
    /// Nothing is left to do.
    Done,
}

impl Channel {
    pub const fn is_call(self) -> bool {
        match self {
            Self::Sms => false,
            Self::Voice | Self::Flashcall => true,
        }
    }
}

impl Channels {
    pub const fn only(channel: Channel) -> Self {
        Self(Self::bit(channel))
    }

    #[must_use]
    pub const fn with(self, channel: Channel) -> Self {
        Self(self.0 | Self::bit(channel))
    }

    pub const fn has(self, channel: Channel) -> bool {
        self.0 & Self::bit(channel) != 0
    }

    /// As a row keeps it.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// What [`Channels::bits`] gave.
    pub const fn of_bits(bits: u8) -> Self {
        Self(bits)
    }

    const fn bit(channel: Channel) -> u8 {
        match channel {
            Channel::Sms => 1,
            Channel::Voice => 2,
            Channel::Flashcall => 4,
        }
    }
}

words!(Channel { Sms => "sms", Voice => "voice", Flashcall => "flashcall" });
words!(Cause { Send => "send", Resend => "resend", Fallback => "fallback" });
words!(Stage { Waiting => "waiting", Claimed => "claimed", Unknown => "unknown", Done => "done" });
words!(DeliveryStatus {
    Queued => "queued",
    Sent => "sent",
    Delivered => "delivered",
    Undelivered => "undelivered",
    Failed => "failed",
    Ringing => "ringing",
    Answered => "answered",
    Unanswered => "unanswered",
    Busy => "busy",
});
words!(DeliveryReason {
    Refused => "refused",
    NotDeliverable => "not_deliverable",
    Unconfirmed => "unconfirmed",
    Superseded => "superseded",
    VerificationEnded => "verification_ended",
    QueueOverflow => "queue_overflow",
    AccountSuspended => "account_suspended",
    HandsetUnreachable => "handset_unreachable",
    MessageBlocked => "message_blocked",
    HandsetUnknown => "handset_unknown",
    LandlineOrUnreachableCarrier => "landline_or_unreachable_carrier",
    CarrierViolation => "carrier_violation",
    UnknownError => "unknown_error",
    MissingSegment => "missing_segment",
    PriceTooHigh => "price_too_high",
});
