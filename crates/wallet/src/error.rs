//! What can go wrong in the wallet, and how each of it is told: every error becomes one [`Problem`].

use emv::CardError;
use envelope::{KeysetError, SealError};
use protocol::ipc::history::ReceiptFault;
use protocol::{ErrorCode, Problem};

use crate::readers::ReaderError;

/// Why the wallet could not do what it was asked. No variant carries a secret.
#[derive(Debug, thiserror::Error)]
pub enum WalletError {
    /// The payment server refused, in its own words.
    #[error("{0}")]
    Server(Box<Problem>),
    /// No connection was made: nothing was sent.
    #[error("the payment server cannot be reached")]
    NotReached,
    /// Something may have been sent, and no usable answer came.
    #[error("the payment server did not answer")]
    Lost,
    /// A keyset or bank certificate was not accepted.
    #[error("the server's keys were not accepted: {0}")]
    Keyset(#[from] KeysetError),
    /// No pinned root is known, or the trust file cannot be read.
    #[error("the trust file cannot be used: {0}")]
    Trust(String),
    /// The operating system's keyring is not there, or is locked.
    #[error("the system keyring is not available: {0}")]
    NoKeyring(String),
    /// The key file of the explicit file key store cannot be used.
    #[error("the key file cannot be used: {0}")]
    KeyFile(String),
    /// The wallet's database failed.
    #[error("the wallet's storage failed: {0}")]
    Store(#[from] sqlx::Error),
    /// The wallet's database is of another version.
    #[error("the wallet's storage could not be prepared: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A row of the wallet's database does not read back as what it must be.
    #[error("the wallet's storage holds an unreadable {0}")]
    Row(&'static str),
    /// A merchant's order does not verify.
    #[error("the merchant could not be verified: {0}")]
    Merchant(&'static str),
    /// A receipt does not verify.
    #[error("the receipt does not verify: {1}")]
    Receipt(ReceiptFault, &'static str),
    /// The reader, or the card's absence.
    #[error(transparent)]
    Reader(#[from] ReaderError),
    /// The card itself.
    #[error(transparent)]
    Card(#[from] CardError),
    /// Card data could not be sealed.
    #[error("could not be sealed: {0}")]
    Seal(#[from] SealError),
    /// Anything that its code says completely.
    #[error("{0}")]
    Code(ErrorCode),
    /// A code, and one more thing to say about it.
    #[error("{0}: {1}")]
    Detailed(ErrorCode, String),
}

/// What the wallet's own functions answer.
pub type Result<T> = std::result::Result<T, WalletError>;

impl WalletError {
    /// The code that stands for it everywhere.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Server(problem) => problem.code,
            Self::NotReached | Self::Lost => ErrorCode::ServerUnreachable,
            Self::Keyset(_) | Self::Trust(_) => ErrorCode::KeysetInvalid,
            Self::NoKeyring(_) => ErrorCode::NoKeyring,
            Self::KeyFile(_) | Self::Store(_) | Self::Migration(_) | Self::Row(_) => ErrorCode::StoreFailed,
            Self::Merchant(_) => ErrorCode::MerchantUnverified,
            Self::Receipt(..) => ErrorCode::ReceiptInvalid,
            Self::Reader(error) => error.code(),
            Self::Card(error) => card_code(error),
            Self::Seal(_) => ErrorCode::CardUnusable,
            Self::Code(code) | Self::Detailed(code, _) => *code,
        }
    }
}

/// What a card's failure is told as.
fn card_code(error: &CardError) -> ErrorCode {
    match error {
        CardError::NoApplication => ErrorCode::CardNotPayment,
        CardError::Blocked => ErrorCode::CardBlocked,
        CardError::Refused | CardError::InsertInstead => ErrorCode::CardRefused,
        CardError::SeePhone => ErrorCode::CardSeePhone,
        CardError::DeclinedOffline => ErrorCode::CardDeclinedOffline,
        CardError::MagStripeOnly => ErrorCode::CardStripeOverAir,
        CardError::Malformed { .. }
        | CardError::Missing { .. }
        | CardError::UnexpectedStatus { .. }
        | CardError::TooManyExchanges => ErrorCode::CardUnreadable,
        // Unsupported, and whatever a later version of the reading adds.
        _ => ErrorCode::CardUnusable,
    }
}

impl From<ErrorCode> for WalletError {
    fn from(code: ErrorCode) -> Self {
        Self::Code(code)
    }
}

impl From<WalletError> for Problem {
    fn from(error: WalletError) -> Self {
        let code = error.code();
        match error {
            WalletError::Server(problem) => *problem,
            WalletError::Code(_) | WalletError::NotReached | WalletError::Lost => Self::new(code),
            WalletError::Detailed(_, detail) => Self::new(code).with_detail(detail),
            other => {
                tracing::info!(%code, error = %other, "the wallet could not do what it was asked");
                Self::new(code).with_detail(other.to_string())
            }
        }
    }
}
