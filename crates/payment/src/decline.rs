//! Why a bank refused: one code per meaning, and its ISO 8583 DE 39 value.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What the payer can do about a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Try again with the same card.
    Retry,
    /// Use another card.
    OtherCard,
    /// Call the bank.
    CallBank,
    /// Ask the merchant for a new request.
    NewRequest,
}

macro_rules! decline_codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $response:literal, $advice:ident;)*) => {
        /// A bank's refusal. No money moved.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum DeclineCode {
            $($(#[$doc])* $variant,)*
        }

        impl DeclineCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable name, such as `declined_wrong_pin`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            /// The response code of ISO 8583 DE 39.
            pub const fn response_code(self) -> &'static str {
                match self { $(Self::$variant => $response),* }
            }

            /// What the payer can do.
            pub const fn advice(self) -> Advice {
                match self { $(Self::$variant => Advice::$advice),* }
            }
        }
    };
}

decline_codes! {
    /// The merchant is not one that this bank settles with.
    InvalidMerchant = "declined_invalid_merchant", "03", NewRequest;
    /// The bank refuses without a reason it shares.
    DoNotHonour = "declined_do_not_honour", "05", CallBank;
    /// An amount of nothing, or one that no account could hold.
    InvalidAmount = "declined_invalid_amount", "13", NewRequest;
    /// The card is not known to this bank.
    UnknownCard = "declined_unknown_card", "14", OtherCard;
    /// The payment that was named, to be completed or given back, is not known to this bank.
    OriginalNotFound = "declined_original_not_found", "25", NewRequest;
    /// The bank could not read the message.
    Format = "declined_format", "30", NewRequest;
    /// The card was reported lost.
    CardLost = "declined_card_lost", "41", CallBank;
    /// The card was reported stolen.
    CardStolen = "declined_card_stolen", "43", CallBank;
    /// The account does not hold enough.
    InsufficientFunds = "declined_insufficient_funds", "51", OtherCard;
    /// The card has expired.
    CardExpired = "declined_card_expired", "54", OtherCard;
    /// Another card with the same number is in use: this one was replaced.
    CardReplaced = "declined_card_replaced", "56", OtherCard;
    /// The PIN is wrong; the outcome says how many tries are left.
    WrongPin = "declined_wrong_pin", "55", Retry;
    /// The card may not be used in this way at all.
    NotPermitted = "declined_not_permitted", "57", OtherCard;
    /// The card has a chip, which must be used instead of its stripe.
    ChipRequired = "declined_use_chip", "58", Retry;
    /// A limit of the card would be exceeded.
    Limit = "declined_limit", "61", OtherCard;
    /// The card is blocked.
    CardBlocked = "declined_card_blocked", "62", CallBank;
    /// The order, its signature or a seal does not match: something was changed on the way.
    OrderMismatch = "declined_order_mismatch", "63", NewRequest;
    /// More would be taken, or given back, than the original payment allows.
    AboveOriginal = "declined_above_original", "64", NewRequest;
    /// The card was used too often in a short time.
    TooManyPayments = "declined_too_many_payments", "65", OtherCard;
    /// The bank wants the PIN: none came, and that the device verified its owner is not enough.
    PinRequired = "declined_pin_required", "70", Retry;
    /// Too many wrong PINs: the card is locked at the bank.
    PinTriesExceeded = "declined_pin_tries_exceeded", "75", CallBank;
    /// The capsule was sealed to a bank key that is no longer in use; sealing again helps.
    RetiredKey = "bank_key_retired", "76", Retry;
    /// The message was reversed before it arrived.
    AlreadyReversed = "declined_already_reversed", "77", Retry;
    /// The money was held, and its time was over before it was taken.
    HoldExpired = "declined_hold_expired", "78", NewRequest;
    /// The money that was held is taken already.
    AlreadyCompleted = "declined_already_completed", "79", NewRequest;
    /// The card's cryptogram does not verify.
    Cryptogram = "declined_cryptogram", "82", OtherCard;
    /// Identity code and payment password are not those of a payer who may pay by code.
    WrongIdentity = "declined_wrong_identity", "83", Retry;
    /// The code is not the one that was sent; the outcome says how many tries are left.
    WrongCode = "declined_wrong_code", "84", Retry;
    /// The code was used, guessed at too often, replaced by another, or its time is over.
    CodeOver = "declined_code_over", "85", Retry;
    /// The card came from a vault that the bank has not admitted, or the vault's word is not about this payment.
    VaultUnknown = "declined_vault_unknown", "86", OtherCard;
    /// The card was released too long ago.
    ReleaseOver = "declined_release_over", "87", Retry;
    /// The card's answer was used before.
    Replay = "declined_replay", "94", Retry;
    /// The voucher's number or code is wrong; three wrong codes lock it.
    WrongVoucherCode = "declined_wrong_voucher_code", "V1", Retry;
    /// The voucher is locked after wrong codes: its backup code, or the bank's counter, opens it.
    VoucherLocked = "declined_voucher_locked", "V2", CallBank;
    /// The voucher was used up or ended.
    VoucherEnded = "declined_voucher_ended", "V3", OtherCard;
    /// So much is paid by a voucher only together with a card of the account it was bought from.
    VoucherCardRequired = "declined_voucher_card_required", "V4", OtherCard;
    /// The card beside the voucher is none of the account that the voucher was bought from.
    VoucherWrongCard = "declined_voucher_wrong_card", "V5", OtherCard;
    /// A large payment by voucher that is not signed for this attempt, or by another device than the one that signs for the
    /// card.
    VoucherSignature = "declined_voucher_signature", "V6", CallBank;
    /// Name, number and PIN are not those of a subscriber who may pay by phone bill.
    WrongSubscriber = "declined_wrong_subscriber", "P1", Retry;
    /// The operator does not know the key that signed for this subscriber, or does not accept it any more.
    SubscriberKey = "declined_subscriber_key", "P2", Retry;
    /// The phone bill would be above the subscriber's credit limit.
    CreditLimit = "declined_credit_limit", "P3", OtherCard;
    /// The operator puts nothing on this subscriber's bill.
    SubscriberBarred = "declined_subscriber_barred", "P4", CallBank;
}

impl DeclineCode {
    /// The code for a DE 39 value; anything unlisted is [`DeclineCode::DoNotHonour`].
    pub fn from_response_code(response: &str) -> Self {
        let known = Self::ALL.iter().copied().find(|code| code.response_code() == response);
        known.unwrap_or(Self::DoNotHonour)
    }

    /// Whether the request stays open for another try.
    pub const fn leaves_request_open(self) -> bool {
        !matches!(self.advice(), Advice::NewRequest)
    }
}

impl fmt::Display for DeclineCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no decline code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown decline code")]
pub struct UnknownDeclineCode;

impl FromStr for DeclineCode {
    type Err = UnknownDeclineCode;

    fn from_str(name: &str) -> Result<Self, UnknownDeclineCode> {
        Self::ALL.iter().copied().find(|code| code.as_str() == name).ok_or(UnknownDeclineCode)
    }
}

impl Serialize for DeclineCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for DeclineCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_response_codes_are_unique() {
        for (index, code) in DeclineCode::ALL.iter().enumerate() {
            assert_eq!(code.as_str().parse(), Ok(*code));
            assert_eq!(DeclineCode::from_response_code(code.response_code()), *code);
            let later = &DeclineCode::ALL[index + 1..];
            assert!(later.iter().all(|other| other.response_code() != code.response_code()));
        }
        assert_eq!(DeclineCode::from_response_code("??"), DeclineCode::DoNotHonour);
    }
}
