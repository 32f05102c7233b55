//! The ledger looked at from outside: what every account holds, and whether the books are as they must be.

use std::collections::BTreeMap;

use crate::bank_front::error::BankError;
use crate::storage::DbConnection;

/// What the whole ledger adds up to, from its entries.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LedgerView {
    /// Posted entries by currency; every one is zero.
    pub sums: BTreeMap<String, i64>,
    /// Every account, by name.
    pub accounts: Vec<AccountView>,
    /// Steps recorded so far.
    pub transfers: i64,
}

/// One account in a [`LedgerView`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct AccountView {
    /// Its name.
    pub account: String,
    /// Its currency.
    pub currency: String,
    /// What has moved.
    pub posted_minor: i64,
    /// What is held: in, less out.
    pub pending_minor: i64,
}

impl LedgerView {
    /// Reads the ledger. Everything is summed from entries, so it also shows a balance gone wrong.
    ///
    /// # Errors
    /// When the database fails, or a balance does not equal its entries.
    pub async fn read(connection: &mut DbConnection) -> Result<Self, BankError> {
        let accounts: Vec<AccountView> = sqlx::query_as(
            "SELECT account.account_id AS account, account.currency AS currency,
             CAST(COALESCE(SUM(entry.posted_minor), 0) AS BIGINT) AS posted_minor,
             CAST(COALESCE(SUM(entry.pending_in_minor - entry.pending_out_minor), 0) AS BIGINT) AS pending_minor
             FROM account LEFT JOIN entry ON entry.account_id = account.account_id
             GROUP BY account.account_id, account.currency ORDER BY account.account_id",
        )
        .fetch_all(&mut *connection)
        .await?;
        if !broken(connection, BALANCES).await?.is_empty() {
            return Err(BankError::Conflict("a balance"));
        }
        let transfers = sqlx::query_scalar("SELECT COUNT(*) FROM transfer").fetch_one(connection).await?;
        let mut sums = BTreeMap::new();
        for account in &accounts {
            let sum: &mut i64 = sums.entry(account.currency.clone()).or_default();
            *sum = sum.checked_add(account.posted_minor).ok_or(BankError::Range)?;
        }
        Ok(Self { sums, accounts, transfers })
    }
}

/// Something in the books that must not be.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// Which rule is broken.
    pub rule: &'static str,
    /// Where: an account, a transfer or a currency.
    pub at: String,
}

/// A rule of the books: its name, and the query that lists where it is broken.
pub(in crate::bank_front) type Rule = (&'static str, &'static str);

/// The most places that are listed of one broken rule.
const PLACES_MAX: usize = 100;

const BALANCES: Rule = (
    "a balance is the sum of its entries",
    "SELECT balance.account_id FROM balance LEFT JOIN (
     SELECT account_id, SUM(posted_minor) AS posted, SUM(pending_out_minor) AS pending_out,
     SUM(pending_in_minor) AS pending_in, COUNT(*) AS entries FROM entry GROUP BY account_id
     ) AS sums ON sums.account_id = balance.account_id
     WHERE balance.posted_minor <> COALESCE(sums.posted, 0)
     OR balance.pending_out_minor <> COALESCE(sums.pending_out, 0)
     OR balance.pending_in_minor <> COALESCE(sums.pending_in, 0)
     OR balance.entries <> COALESCE(sums.entries, 0)",
);

const RULES: [Rule; 10] = [
    BALANCES,
    (
        "posted entries sum to zero in each currency",
        "SELECT account.currency FROM entry JOIN account ON account.account_id = entry.account_id
         GROUP BY account.currency HAVING SUM(entry.posted_minor) <> 0",
    ),
    (
        "what is pending out is pending in",
        "SELECT account.currency FROM entry JOIN account ON account.account_id = entry.account_id
         GROUP BY account.currency HAVING SUM(entry.pending_out_minor) <> SUM(entry.pending_in_minor)",
    ),
    (
        "entries are numbered without a gap",
        "SELECT account_id FROM entry GROUP BY account_id
         HAVING MIN(account_sequence) <> 1 OR MAX(account_sequence) <> COUNT(*)",
    ),
    (
        "a transfer has the two entries it says",
        "SELECT transfer.transfer_id FROM transfer
         LEFT JOIN entry AS debit ON debit.transfer_id = transfer.transfer_id
         AND debit.account_id = transfer.debit_account
         LEFT JOIN entry AS credit ON credit.transfer_id = transfer.transfer_id
         AND credit.account_id = transfer.credit_account
         WHERE debit.posted_minor IS NULL OR credit.posted_minor IS NULL
         OR debit.posted_minor + credit.posted_minor <> 0
         OR debit.pending_out_minor <> credit.pending_in_minor
         OR debit.pending_in_minor <> 0 OR credit.pending_out_minor <> 0
         OR credit.posted_minor <> CASE transfer.phase WHEN 'posted' THEN transfer.amount_minor
         WHEN 'undone' THEN -transfer.amount_minor ELSE 0 END
         OR credit.pending_in_minor <> CASE transfer.phase WHEN 'pending' THEN transfer.amount_minor
         ELSE -transfer.released_minor END",
    ),
    (
        "every entry is of its transfer",
        "SELECT entry.transfer_id FROM entry LEFT JOIN transfer ON transfer.transfer_id = entry.transfer_id
         AND entry.account_id IN (transfer.debit_account, transfer.credit_account)
         WHERE transfer.transfer_id IS NULL",
    ),
    (
        "accounts are in the currency of their transfers",
        "SELECT transfer.transfer_id FROM transfer
         JOIN account ON account.account_id IN (transfer.debit_account, transfer.credit_account)
         WHERE account.currency <> transfer.currency",
    ),
    (
        "a step follows what it may, of the same movement",
        "SELECT later.transfer_id FROM transfer AS later JOIN transfer AS earlier
         ON earlier.transfer_id = later.follows
         WHERE later.debit_account <> earlier.debit_account OR later.credit_account <> earlier.credit_account
         OR (later.phase = 'undone' AND (earlier.phase <> 'posted' OR earlier.amount_minor <> later.amount_minor))
         OR (later.phase <> 'undone'
         AND (earlier.phase <> 'pending' OR earlier.amount_minor <> later.released_minor))",
    ),
    (
        "the list of open holds is that of the holds nothing followed",
        "SELECT transfer.transfer_id FROM transfer
         LEFT JOIN open_hold ON open_hold.transfer_id = transfer.transfer_id
         LEFT JOIN transfer AS later ON later.follows = transfer.transfer_id
         WHERE (transfer.phase = 'pending' AND later.transfer_id IS NULL) <> (open_hold.transfer_id IS NOT NULL)",
    ),
    (
        "refunds are of a post, and never more than it",
        "SELECT post.transfer_id FROM transfer AS post JOIN transfer AS refund
         ON refund.refund_of = post.transfer_id
         GROUP BY post.transfer_id, post.amount_minor, post.phase, post.refund_of
         HAVING post.phase <> 'posted' OR post.refund_of IS NOT NULL
         OR SUM(CASE refund.phase WHEN 'posted' THEN refund.amount_minor ELSE -refund.amount_minor END)
         > post.amount_minor
         OR MAX(refund.refund_ordinal) <> COUNT(*)",
    ),
];

/// Checks every rule of the books against every row; what is broken.
///
/// # Errors
/// When the database fails.
pub async fn audit(connection: &mut DbConnection) -> Result<Vec<Fault>, BankError> {
    let mut faults = Vec::new();
    for rule in RULES {
        faults.extend(broken(connection, rule).await?);
    }
    Ok(faults)
}

/// Where a rule is broken.
pub(in crate::bank_front) async fn broken(
    connection: &mut DbConnection,
    (rule, places): Rule,
) -> Result<Vec<Fault>, BankError> {
    let places: Vec<String> = sqlx::query_scalar(places).fetch_all(connection).await?;
    Ok(places.into_iter().take(PLACES_MAX).map(|at| Fault { rule, at }).collect())
}
