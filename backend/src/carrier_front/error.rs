//! What can go wrong at an operator's front; a refusal of a payment is not an error but a decision.

/// Every error of the operator's front. None holds a telephone number, a name, a PIN or a key.
#[derive(Debug, thiserror::Error)]
pub enum CarrierError {
    /// The database refused or failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// A file of the operator's folder could not be read or written.
    #[error(transparent)]
    Folder(#[from] crate::keys::KeysError),
    /// A socket, or a file that was named, could not be used.
    #[error("{what}: {source}")]
    File {
        /// Which.
        what: String,
        /// Why.
        source: std::io::Error,
    },
    /// A stored value does not mean anything to this version of the program.
    #[error("the stored {0} has no meaning")]
    Stored(&'static str),
    /// What was given is not what it should be.
    #[error("{0}")]
    Malformed(&'static str),
    /// An answer could not be packed, or a stored one not unpacked.
    #[error("ISO 8583: {0}")]
    Message(#[from] iso8583::Error),
    /// A gateway to subscribers is set up wrongly.
    #[error("a gateway: {0}")]
    Gateway(#[from] crate::gateway::GatewayError),
    /// Sums left the range of 64 bits.
    #[error("an amount is out of range")]
    Range,
    /// A row that must have changed did not.
    #[error("{0} changed underneath")]
    Conflict(&'static str),
    /// Nobody has this number.
    #[error("no subscriber has this number")]
    NoSubscriber,
    /// Somebody has it.
    #[error("a subscriber has this number already")]
    NumberTaken,
    /// A subscriber's state does not allow it.
    #[error("{0}")]
    State(#[from] payment::InvalidTransition),
    /// No purchase has this confirmation number.
    #[error("no purchase has this confirmation number")]
    NoPurchase,
    /// A purchase that was undone proves nothing.
    #[error("this purchase was undone: nothing is owed for it, and there is nothing to prove")]
    Undone,
    /// The front has not taken this merchant on.
    #[error("the operator has not taken this merchant on")]
    NoMerchant,
    /// A bill is not paid in another currency, nor more than is owed in advance.
    #[error("more than is owed")]
    AboveOwed,
    /// A month that is not over.
    #[error("the month {0} is not over")]
    MonthNotOver(String),
    /// The books break a rule.
    #[error("{0} faults in the books")]
    Faults(usize),
}

impl CarrierError {
    /// A file error, with the file's name.
    pub fn file(path: &std::path::Path, source: std::io::Error) -> Self {
        Self::File { what: path.display().to_string(), source }
    }
}
