//! One vocabulary of errors: a stable code, what a person is told, and whether money moved.

use std::fmt;
use std::str::FromStr;

use payment::DeclineCode;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Whether money moved when something went wrong. Every error a person sees says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum MoneyMoved {
    /// No money moved.
    No,
    /// The money moved.
    Yes,
    /// Not known yet; do not pay again.
    Unknown,
}

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:literal, $moved:ident, $retry:literal, $message:literal;)*) => {
        /// What went wrong, in words that never change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)*
            /// The bank declined; the decline has its own code.
            Declined(DeclineCode),
        }

        impl ErrorCode {
            /// Every code but the declines.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable name.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* Self::Declined(code) => code.as_str() }
            }

            /// The HTTP status it travels under (RFC 9110).
            pub const fn http_status(self) -> u16 {
                match self { $(Self::$variant => $status,)* Self::Declined(_) => 402 }
            }

            /// Whether money moved.
            pub const fn money_moved(self) -> MoneyMoved {
                match self { $(Self::$variant => MoneyMoved::$moved,)* Self::Declined(_) => MoneyMoved::No }
            }

            /// Whether the same call may succeed later without any change.
            pub const fn is_retryable(self) -> bool {
                match self { $(Self::$variant => $retry,)* Self::Declined(_) => false }
            }

            /// A sentence in plain English, safe to show; screens translate by code.
            pub const fn message(self) -> &'static str {
                match self {
                    $(Self::$variant => $message,)*
                    Self::Declined(_) => "The bank declined the payment. No money moved.",
                }
            }
        }
    };
}

error_codes! {
    // Any call to the payment server.
    /// The body, a header or a path is malformed.
    InvalidInput = "invalid_input", 400, No, false, "The message is malformed. No money moved.";
    /// As many things of a kind exist as may.
    LimitReached = "limit_reached", 409, No, false, "There are as many of these as there may be. No money moved.";
    /// The certificate is registered already.
    CertificateExists = "certificate_exists", 409, No, false, "This certificate is registered already. No money moved.";
    /// No valid credentials.
    Unauthorized = "unauthorized", 401, No, false, "The caller is not known. No money moved.";
    /// The caller is known, and may not do this.
    ScopeMissing = "scope_missing", 403, No, false, "The caller may not do this. No money moved.";
    /// The thing does not exist, or is not the caller's.
    NotFound = "not_found", 404, No, false, "Nothing was found under this id. No money moved.";
    /// The same idempotency key came with another body.
    IdempotencyKeyReused = "idempotency_key_reused", 422, No, false, "This idempotency key was used for another body. No money moved.";
    /// A call with this idempotency key is still running.
    IdempotencyInProgress = "idempotency_in_progress", 409, No, true, "The same call is still running. No money moved.";
    /// Too many calls.
    RateLimited = "rate_limited", 429, No, true, "Too many tries. Wait a moment. No money moved.";
    /// The server cannot take the call now.
    Unavailable = "unavailable", 503, No, true, "The payment server cannot take the call now. No money moved.";
    /// The server failed; nothing was sent to a bank.
    Internal = "internal", 500, No, true, "The payment server failed. No money moved.";
    // Merchants.
    /// The order's signature does not verify, or its key is not in the keyset.
    OrderSignatureInvalid = "order_signature_invalid", 422, No, false, "The order's signature does not verify. No money moved.";
    /// The order is malformed or out of bounds, or names another merchant or payee.
    OrderInvalid = "order_invalid", 422, No, false, "The order is not valid. No money moved.";
    /// A request with this id exists with another order.
    RequestExists = "request_exists", 409, No, false, "A request with this id exists already. No money moved.";
    /// The refund's signature does not verify, or its key is not in the keyset.
    RefundSignatureInvalid = "refund_signature_invalid", 422, No, false, "The refund's signature does not verify. No money moved.";
    /// The refund is malformed or out of bounds, or names another merchant, request or currency.
    RefundInvalid = "refund_invalid", 422, No, false, "The refund is not valid. No money moved.";
    /// A refund with this id exists with another order.
    RefundExists = "refund_exists", 409, No, false, "A refund with this id exists already. No money moved by this one.";
    /// Order or merchant do not allow this way to pay.
    MethodNotAllowed = "method_not_allowed", 422, No, false, "This request cannot be paid this way. No money moved.";
    /// Nothing is given back of what is not paid.
    RequestNotPaid = "request_not_paid", 409, No, false, "The request is not paid, so nothing can be given back. No money moved.";
    /// More would be given back than was paid and is not on its way back yet.
    RefundAboveRemaining = "refund_above_remaining", 409, No, false, "This is more than can still be given back. No money moved.";
    /// A webhook's address may not be called.
    WebhookUrlRefused = "webhook_url_refused", 422, No, false, "This address cannot get webhooks. No money moved.";
    /// The merchant has as many webhooks as it may have.
    TooManyWebhooks = "too_many_webhooks", 409, No, false, "There are too many webhooks already. No money moved.";
    /// No payment number that this request may use: whether it is wrong, used, too old or for others is not told.
    PaymentNumberInvalid = "payment_number_invalid", 422, No, false, "The payment number cannot be used for this request. No money moved.";
    // The request's own state.
    /// Its time ran out.
    RequestExpired = "request_expired", 410, No, false, "The request has expired. No money moved.";
    /// The merchant withdrew it.
    RequestCancelled = "request_cancelled", 410, No, false, "The merchant cancelled the request. No money moved.";
    /// The payer refused it.
    RequestRejected = "request_rejected", 410, No, false, "The request was refused. No money moved.";
    /// It is paid already: this call moved nothing.
    RequestAlreadyPaid = "request_already_paid", 409, No, false, "The request is already paid. Nothing further was charged.";
    /// Another attempt is between wallet and bank.
    RequestInFlight = "request_in_flight", 409, Unknown, true, "A payment of this request is under way. Do not pay again.";
    /// It ended in another way.
    RequestClosed = "request_closed", 410, No, false, "The request can no longer be paid. No money moved.";
    // Submitting an attempt.
    /// The outer capsule does not open.
    CapsuleUnreadable = "capsule_unreadable", 422, No, false, "The sealed payment could not be opened. No money moved.";
    /// The outer capsule does not speak of this request, amount or merchant.
    OrderMismatch = "order_mismatch", 422, No, false, "The sealed payment does not match the request. No money moved.";
    /// The capsule was used before under another attempt.
    CapsuleReplayed = "capsule_replayed", 409, No, false, "This sealed payment was used before. Nothing further was charged.";
    /// The outer capsule is sealed to a key no longer in use; refresh the keyset and seal again.
    ServerKeyRetired = "server_key_retired", 409, No, true, "The server's key has changed. No money moved.";
    /// No bank serves this card.
    NoBankForCard = "no_bank_for_card", 422, No, false, "No connected bank serves this card. No money moved.";
    /// Two banks claim to serve this card, and nobody guesses between them.
    BankAmbiguous = "bank_ambiguous", 422, No, false, "Two banks claim to serve this card. Nothing was sent and no money moved.";
    /// The line to the card's bank is down, and nothing was sent; a card of another bank may work.
    BankUnreachable = "bank_unreachable", 503, No, true, "This card's bank cannot be reached. Nothing was sent and no money moved; a card of another bank may work.";
    /// The bank has not answered.
    OutcomeUnknown = "outcome_unknown", 504, Unknown, false, "The bank has not answered. Do not pay again.";
    // Devices.
    /// The device is not registered.
    DeviceUnknown = "device_unknown", 401, No, false, "This device is not registered. No money moved.";
    /// The device's signature does not verify.
    DeviceSignatureInvalid = "device_signature_invalid", 401, No, false, "The device's signature does not verify. No money moved.";
    /// The device's clock is off; the answer says the server's time.
    ClockSkew = "clock_skew", 401, No, true, "The device's clock differs from the server's. No money moved.";
    /// The claim code is wrong, used or too old.
    ClaimCodeWrong = "claim_code_wrong", 422, No, false, "The code is wrong or too old. No money moved.";
    /// The request came from a merchant that the payer has not accepted yet.
    SenderNotAccepted = "sender_not_accepted", 409, No, false, "This is the first request from this sender. Accept the sender first. No money moved.";
    /// A person has no more payment numbers open at a time.
    PaymentNumbersFull = "payment_numbers_full", 409, No, false, "Too many payment numbers are open. Take one back first. No money moved.";
    // Vaults.
    /// Alias, password and code do not belong together, or the alias is locked for a while: which of them is not told.
    AliasRefused = "alias_refused", 401, No, false, "Alias, password or code is not right, or the alias is locked for a while. No money moved.";
    /// The name of an alias is malformed.
    AliasNameInvalid = "alias_name_invalid", 422, No, false, "This cannot be the name of an alias. No money moved.";
    /// Somebody has this name.
    AliasNameTaken = "alias_name_taken", 409, No, false, "This name is taken. No money moved.";
    /// The password cannot be chosen.
    PasswordUnfit = "password_unfit", 422, No, false, "A password has 8 to 64 characters, and is not digits only. No money moved.";
    /// The limit that the owner set for the card is below the amount.
    AliasLimit = "alias_limit", 422, No, false, "The amount is above the limit you set for this card. No money moved.";
    /// The call is sealed to a key that the vault does not use any more; refresh the keyset and seal again.
    VaultKeyRetired = "vault_key_retired", 409, No, true, "The vault's key has changed. No money moved.";
    /// The vault cannot be reached, or does not answer.
    VaultUnreachable = "vault_unreachable", 503, No, true, "The vault cannot be reached. No money moved.";
    /// The telephone operator did not answer, or is not connected.
    OperatorUnreachable = "operator_unreachable", 503, No, true, "The telephone operator cannot be reached. No money moved.";
    /// The operator lists no vault, or not this one.
    NoVault = "no_vault", 422, No, false, "No such vault is known. No money moved.";
    /// Nobody is signed in to an alias any more: the time is over, or the wallet was locked.
    AliasSignedOut = "alias_signed_out", 409, No, false, "You are signed out of your username. No money moved.";
    // The wallet's own.
    /// The payment server cannot be reached, and nothing was sent.
    ServerUnreachable = "server_unreachable", 503, No, true, "The payment server cannot be reached. No money moved.";
    /// The link is not a Tapseal link, or its key does not open the request.
    LinkInvalid = "link_invalid", 422, No, false, "This is not a valid payment link. No money moved.";
    /// The keyset or a bank certificate is not signed by a pinned root, is expired, or is older than one seen before.
    KeysetInvalid = "keyset_invalid", 502, No, false, "The server's keys could not be verified. No money moved.";
    /// The merchant is not in the keyset, or the order is not signed by it.
    MerchantUnverified = "merchant_unverified", 422, No, false, "The merchant could not be verified. No money moved.";
    /// There is no card reader.
    NoReader = "no_reader", 503, No, true, "No card reader was found. No money moved.";
    /// The system's smart-card service is not running.
    ReaderServiceDown = "reader_service_down", 503, No, true, "The smart-card service is not running. No money moved.";
    /// Another program holds the reader or the card.
    ReaderBusy = "reader_busy", 409, No, true, "Another program is using the card reader. No money moved.";
    /// The smart-card service and the NFC driver both want this device.
    ReaderClaimed = "reader_claimed", 409, No, true, "The smart-card service holds this NFC reader. No money moved.";
    /// The phone's NFC is switched off.
    NfcOff = "nfc_off", 503, No, true, "NFC is switched off. No money moved.";
    /// This phone, or this country, does not let an app read payment cards.
    NfcUnavailable = "nfc_unavailable", 503, No, false, "This device cannot read payment cards. No money moved.";
    /// The reader failed.
    ReaderFailed = "reader_failed", 503, No, true, "The card reader failed. No money moved.";
    /// No card came to the reader in time.
    CardAbsent = "card_absent", 408, No, true, "No card was presented. No money moved.";
    /// The card left the reader too early.
    CardRemoved = "card_removed", 409, No, true, "The card was removed too early. No money moved.";
    /// The card did not answer in time.
    CardTimeout = "card_timeout", 504, No, true, "The card stopped answering. No money moved.";
    /// More than one card is in the reader's field.
    SeveralCards = "several_cards", 409, No, true, "There is more than one card at the reader. No money moved.";
    /// No payment application that can be used here.
    CardNotPayment = "card_not_payment", 422, No, false, "This is not a payment card that can be used here. No money moved.";
    /// The card, or its application, is blocked.
    CardBlocked = "card_blocked", 422, No, false, "The card is blocked. No money moved.";
    /// The card refused the conditions of the payment.
    CardRefused = "card_refused", 422, No, false, "The card refused this payment. No money moved.";
    /// The card declined without asking its bank.
    CardDeclinedOffline = "card_declined_offline", 422, No, false, "The card declined by itself. No money moved.";
    /// A phone or watch waits for its owner.
    CardSeePhone = "card_see_phone", 409, No, true, "The phone or watch wants to be unlocked first. No money moved.";
    /// What the card said could not be understood.
    CardUnreadable = "card_unreadable", 422, No, true, "The card's answers could not be understood. No money moved.";
    /// A contactless card that only imitates its stripe.
    CardStripeOverAir = "card_stripe_over_air", 422, No, false, "Over the air this card only imitates its stripe, which is not safe. No money moved.";
    /// A swiped card that has a chip.
    CardUseChip = "card_use_chip", 422, No, true, "This card has a chip: insert or tap it. No money moved.";
    /// A swipe that could not be read.
    SwipeUnreadable = "swipe_unreadable", 422, No, true, "The stripe could not be read. No money moved.";
    /// The card cannot be used for this in another way.
    CardUnusable = "card_unusable", 422, No, false, "This card cannot be used here. No money moved.";
    /// There is no operating-system keyring, or it is locked.
    NoKeyring = "no_keyring", 503, No, true, "The system keyring is not available. No money moved.";
    /// The wallet's own store failed.
    StoreFailed = "store_failed", 500, No, true, "The wallet's storage failed. No money moved.";
    /// Another checkout is under way.
    CheckoutBusy = "checkout_busy", 409, No, false, "Another payment is being made on this device. No money moved by this one.";
    /// There is no checkout in a state to take this step.
    CheckoutNotReady = "checkout_not_ready", 409, No, false, "There is no payment waiting for this step. No money moved.";
    /// The PIN has fewer than four or more than twelve digits (ISO 9564-1).
    PinLength = "pin_length", 422, No, false, "A PIN has 4 to 12 digits. No money moved.";
    /// The person stopped the payment before anything was sent.
    Stopped = "stopped", 409, No, false, "The payment was stopped. No money moved.";
    /// The payment was prepared but never reached the payment server.
    NotSent = "not_sent", 409, No, false, "The payment was never sent. No money moved.";
    /// The attempt was undone by the bank.
    Reversed = "reversed", 409, No, false, "The payment was undone by the bank. No money moved.";
    /// Server and bank disagree; people are looking at it.
    NeedsManualReview = "needs_manual_review", 409, Unknown, false, "The bank and the server disagree. Do not pay again; people are checking.";
    /// This wallet is no merchant's till.
    NoMerchant = "no_merchant", 409, No, false, "This wallet takes no payments for a merchant. No money moved.";
    /// The file does not make this wallet a till.
    AccessFileInvalid = "access_file_invalid", 422, No, false, "This access file cannot be used. No money moved.";
    /// The key is not signed by a root that this wallet pinned for the bank.
    VoucherBankKey = "voucher_bank_key", 422, No, false, "This is no bank's key for vouchers that this wallet can trust. No money moved.";
    /// A batch of vouchers with these six digits was made before.
    VoucherBatchExists = "voucher_batch_exists", 409, No, false, "A batch with these six digits was made before. No money moved.";
    /// The file is none of a bank's about a batch of vouchers.
    VoucherBankFile = "voucher_bank_file", 422, No, false, "This is no file of a bank's about vouchers. No money moved.";
    /// A merchant-presented code says something else than the merchant's order.
    CodeMismatch = "code_mismatch", 422, No, false, "The code says something else than the merchant's order. No money moved.";
    /// A picture shows no payment code.
    CodeUnreadable = "code_unreadable", 422, No, true, "No payment code was found in the picture. No money moved.";
    /// There is no camera, or the person did not let the wallet use it.
    CameraUnavailable = "camera_unavailable", 503, No, false, "The camera cannot be used. No money moved.";
    /// A backup's passphrase is too short for whoever guesses at leisure.
    BackupPassphraseShort = "backup_passphrase_short", 422, No, false, "A backup's passphrase has at least 12 characters. No money moved.";
    /// The passphrase does not open the backup.
    BackupPassphraseWrong = "backup_passphrase_wrong", 422, No, false, "This passphrase does not open the backup. No money moved.";
    /// The file is no backup, or of a version that cannot be read.
    BackupUnreadable = "backup_unreadable", 422, No, false, "This file is no backup that can be read here. No money moved.";
    /// The backup was changed or cut.
    BackupDamaged = "backup_damaged", 422, No, false, "The backup is damaged. Nothing was changed and no money moved.";
    /// The backup belongs to another operator, under whose roots nothing here verifies.
    BackupForeign = "backup_foreign", 422, No, false, "The backup belongs to another operator. Nothing was changed and no money moved.";
    /// A file could not be written, or did not read back as written.
    BackupNotWritten = "backup_not_written", 500, No, true, "The file could not be written. No money moved.";
    /// The wallet is locked.
    Locked = "locked", 423, No, false, "The wallet is locked. No money moved.";
    /// The passphrase does not open the lock.
    PassphraseWrong = "passphrase_wrong", 403, No, false, "The passphrase is wrong. No money moved.";
    /// Too many wrong passphrases: the next one is taken after a wait.
    PassphraseWait = "passphrase_wait", 429, No, true, "Too many wrong passphrases. Wait before the next try. No money moved.";
    /// The passphrase is too short, or among the first that anybody tries.
    PassphraseWeak = "passphrase_weak", 422, No, false, "The passphrase is too easy to guess. No money moved.";
    /// There is a lock already, or none.
    LockUnfit = "lock_unfit", 409, No, false, "The lock is not in a state for this. No money moved.";
    /// A receipt does not verify.
    ReceiptInvalid = "receipt_invalid", 422, No, false, "The receipt does not verify.";
    /// More receipts than one file holds.
    ExportTooLarge = "export_too_large", 422, No, false, "These are too many payments for one file. No money moved.";
    /// A file could not be written.
    ExportFailed = "export_failed", 500, No, true, "The file could not be written. No money moved.";
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown error code")]
pub struct UnknownErrorCode;

impl FromStr for ErrorCode {
    type Err = UnknownErrorCode;

    fn from_str(name: &str) -> Result<Self, UnknownErrorCode> {
        let own = Self::ALL.iter().copied().find(|code| code.as_str() == name);
        own.or_else(|| name.parse().ok().map(Self::Declined)).ok_or(UnknownErrorCode)
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// An error on the wire: RFC 9457 problem details over HTTP, and the same members over IPC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Where the code is explained, a path at the server (RFC 9457, section 3.1.1).
    #[serde(rename = "type", default)]
    pub kind: String,
    /// The stable code.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "request_expired"))]
    pub code: ErrorCode,
    /// A short sentence in English.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Whether money moved.
    pub money_moved: MoneyMoved,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// More, when there is more; never a secret.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
    /// Which members of the body, or which parts of the query, are not as they should be.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub errors: Vec<MemberError>,
    /// The call's id, to find it in the server's log.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub call_id: Option<String>,
    /// The server's time in ms since the Unix epoch, with `clock_skew`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub server_time_ms: Option<u64>,
    /// How long to wait before the next try, in seconds, with `rate_limited`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub retry_after_s: Option<u64>,
}

/// What is wrong with one member of a body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MemberError {
    /// Which: a JSON Pointer (RFC 6901) into the body; empty for the body as a whole.
    pub pointer: String,
    /// What it should be; never what it was.
    pub detail: String,
}

impl Problem {
    /// The problem that a code stands for.
    pub fn new(code: ErrorCode) -> Self {
        Self {
            kind: format!("/docs/errors#{}", code.as_str()),
            code,
            title: code.message().to_owned(),
            status: code.http_status(),
            money_moved: code.money_moved(),
            retryable: code.is_retryable(),
            detail: None,
            errors: Vec::new(),
            call_id: None,
            server_time_ms: None,
            retry_after_s: None,
        }
    }

    /// The same problem with more detail; the text must hold no secret.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

impl From<ErrorCode> for Problem {
    fn from(code: ErrorCode) -> Self {
        Self::new(code)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.title, self.code)
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_name_and_says_whether_money_moved() {
        let declines = DeclineCode::ALL.iter().copied().map(ErrorCode::Declined);
        let all: Vec<ErrorCode> = ErrorCode::ALL.iter().copied().chain(declines).collect();
        for code in &all {
            assert_eq!(code.as_str().parse(), Ok(*code));
            assert_eq!(all.iter().filter(|other| other.as_str() == code.as_str()).count(), 1, "{code}");
            let says = ["No money", "no money", "Nothing further", "Do not pay again", "does not verify"];
            assert!(says.iter().any(|words| code.message().contains(words)), "{code}");
        }
    }
}
