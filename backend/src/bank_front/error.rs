//! What can go wrong inside the bank front; a refusal of a payment is not an error but a decision.

/// Every error of the bank front. None holds a card number, a PIN or a key.
#[derive(Debug, thiserror::Error)]
pub enum BankError {
    /// The database refused or failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// A file of the data folder could not be read or written.
    #[error("{what}: {source}")]
    File {
        /// Which file.
        what: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file of the data folder does not hold what it should.
    #[error("{0} is malformed")]
    Malformed(&'static str),
    /// A password that cannot be chosen.
    #[error(transparent)]
    Password(#[from] crate::password::Unfit),
    /// A stored value does not mean anything to this version of the program.
    #[error("the stored {0} has no meaning")]
    Stored(&'static str),
    /// No such account.
    #[error("no account {0}")]
    NoAccount(String),
    /// An account is in another currency than the movement.
    #[error("the account is in another currency")]
    AccountCurrency,
    /// A movement of nothing, or of less.
    #[error("the amount of a transfer must be above zero")]
    NotPositive,
    /// A transfer that does not exist, is in another phase, or was followed already.
    #[error("the transfer cannot be followed by this")]
    TransferPhase,
    /// A hold whose time is over.
    #[error("the hold is overdue")]
    HoldOverdue,
    /// More than was held, or than is left of a post to be given back.
    #[error("the amount is above that of the original")]
    AboveOriginal,
    /// A post of which something was given back already.
    #[error("something of the transfer was refunded")]
    Refunded,
    /// A business day whose cut-off is still to come.
    #[error("the business day {0} is not over")]
    DayNotOver(String),
    /// More than is available.
    #[error("the account does not hold enough")]
    Overdrawn,
    /// Sums left the range of 64 bits.
    #[error("an amount is out of range")]
    Range,
    /// A row that must have changed did not.
    #[error("{0} changed underneath")]
    Conflict(&'static str),
    /// An answer could not be packed, or a stored one not unpacked.
    #[error("ISO 8583: {0}")]
    Message(#[from] iso8583::Error),
    /// No device signed for this attempt, or it was not approved.
    #[error("no large payment by voucher was approved under this attempt")]
    NoProof,
    /// No card as asked for.
    #[error("no such card, or more than one")]
    NoCard,
    /// The key file does not open.
    #[error("the key file does not open: the passphrase is another one, or the file was changed")]
    Passphrase,
    /// Others can read a passphrase.
    #[error("{0}: others can read or change the passphrase; make the file private (mode 0600)")]
    PassphraseExposed(std::path::PathBuf),
    /// A key is asked to do what keys of another kind do.
    #[error("a key for {kind} cannot be used for {wanted}")]
    KeyUse {
        /// What it is for.
        kind: &'static str,
        /// What it was asked for.
        wanted: &'static str,
    },
    /// No keys are shared with this acquirer, or not this kind of key.
    #[error("no {0} key is shared with this acquirer")]
    NoZoneKey(&'static str),
    /// An acquirer has keys already.
    #[error("keys are shared with acquirer {0} already")]
    ZoneKnown(String),
    /// A key that would protect nothing: both halves are the same.
    #[error("the halves of a key must differ")]
    WeakKey,
    /// An issuer prefix is known with another key.
    #[error("the bank knows issuer {0} with another master key")]
    IssuerKnown(String),
    /// A new card's account name belongs to another card.
    #[error("the account name {0} is taken by another card")]
    AccountTaken(String),
    /// A card profile that no card can be made of.
    #[error("card profile {name}: {fault}")]
    Profile {
        /// The profile's name.
        name: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// A certificate of a port cannot be used.
    #[error(transparent)]
    Tls(#[from] crate::tls::TlsError),
    /// The folder's own lists could not be used, or another bank has the cards.
    #[error(transparent)]
    Folder(#[from] crate::keys::KeysError),
    /// No public test card is called so.
    #[error("there is no test card, and no scheme of test cards, called {0}")]
    NoTestCard(String),
    /// No issuer of the bank makes such cards.
    #[error("the bank has no issuer with keys for such a card")]
    NoIssuer,
    /// A card that was reported lost or stolen.
    #[error("a card that was reported lost or stolen stays so; issue another")]
    CardGone,
    /// The books break a rule.
    #[error("{0} faults in the books")]
    Faults(usize),
    /// A list is longer than it may be.
    #[error("too many {0}")]
    TooMany(&'static str),
    /// A bank that was set up before there were vouchers.
    #[error("this bank has no keys for vouchers; `tapseal bank voucher key` makes them")]
    NoVoucherKeys,
    /// A merchant's batch that cannot be taken.
    #[error(transparent)]
    VoucherBatch(vouchers::BatchError),
    /// No voucher as asked for.
    #[error("no such voucher")]
    NoVoucher,
    /// A voucher's code that was not taken.
    #[error("{0}")]
    VoucherRefused(&'static str),
    /// A voucher is in a state that does not allow it.
    #[error("{0}")]
    VoucherState(#[from] payment::InvalidTransition),
    /// A code, or a number, was mistyped: its check digits say so, and no try was spent.
    #[error("{0}")]
    VoucherCode(#[from] vouchers::CodeError),
    /// A vault that this bank does not believe.
    #[error("nobody of this id was admitted to keep cards; `tapseal bank alias admit` does it")]
    NoKeeper,
    /// Nobody is bound under this name.
    #[error("nobody of this name pays by code")]
    NoPayer,
    /// A person is bound already.
    #[error("this person pays by code already")]
    PayerKnown,
    /// No such terminal of this payer.
    #[error("the payer has no such terminal")]
    NoTerminal,
    /// A payer's last terminal.
    #[error("the last terminal stays: without one no code reaches the payer")]
    LastTerminal,
    /// An account that another customer holds.
    #[error("the account {0} is another customer's")]
    AccountHeld(String),
    /// No such customer.
    #[error("no customer of this name is on file")]
    NoCustomer,
    /// No such access to the bank's page.
    #[error("this customer has no access to the bank's page")]
    NoAccess,
    /// No such channel.
    #[error("no channel of this name was admitted")]
    NoChannel,
    /// A certificate that another channel shows.
    #[error("another channel has this certificate")]
    ChannelKnown,
    /// The journal of payers was changed.
    #[error("entry {0} of the payers' journal is missing, changed or out of its place")]
    Journal(i64),
    /// A gateway to payers is set up wrongly.
    #[error("a gateway: {0}")]
    Gateway(#[from] crate::gateway::GatewayError),
    /// The plain port would be reached by other machines, and nobody consented.
    #[error("{0} is not loopback: card data would cross the network in clear; --plain-anywhere allows it")]
    PlainExposed(std::net::SocketAddr),
    /// A scenario nobody wrote.
    #[error("unknown scenario {0}")]
    UnknownScenario(String),
    /// A script that is not one, with the line.
    #[error("the script is wrong, {0}")]
    Scenario(String),
}

impl BankError {
    /// A file error, with the file's name.
    pub fn file(path: &std::path::Path, source: std::io::Error) -> Self {
        Self::File { what: path.display().to_string(), source }
    }
}
