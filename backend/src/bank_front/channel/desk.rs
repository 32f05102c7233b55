//! What channels and the page ask for, done: each in one step of the writer, for one customer.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::Acting;
use super::refusal::Refusal;
use super::wish::{AccountView, CustomerView, JournalView, PayerView, TerminalView, TypedCode, Wanted, Wish};
use crate::bank_front::BankFront;
use crate::bank_front::account;
use crate::bank_front::binding::{Change, ChangeRefused, Deed, JournalEntry, Payer, Proposal};
use crate::bank_front::customer::Customer;
use crate::bank_front::error::BankError;
use crate::password::PasswordVerifier;
use crate::storage::DbConnection;

/// Passwords that are hashed at once: each takes 64 MiB.
static HASHING: Semaphore = Semaphore::const_new(2);
/// How many entries of the journal are shown.
const ENTRIES_MAX: i64 = 50;
/// The longest id of a change, in characters.
const ID_CHARACTERS_MAX: usize = 64;

/// A customer, with how it pays by code.
pub(in crate::bank_front) async fn look(front: &Arc<BankFront>, acting: &Acting) -> Result<CustomerView, Refusal> {
    let mut connection = front.db.reader().acquire().await?;
    let customer = Customer::named(&mut connection, &acting.customer).await?;
    let mut accounts = Vec::new();
    for account_id in customer.accounts(&mut connection).await? {
        let currency = account::currency_of(&mut connection, &account_id).await?;
        let currency = currency.ok_or(BankError::Stored("customer_account"))?;
        accounts.push(AccountView { account: account_id.to_string(), currency: currency.to_string() });
    }
    let payer = match Payer::bound_to(&mut connection, &customer.name).await? {
        Some(payer) => Some(payer_view(&mut connection, &payer).await?),
        None => None,
    };
    let change = Change::waiting(&mut connection, &customer.name, front.now_ms()).await?;
    let telephone = customer.telephone.masked();
    Ok(CustomerView { customer: customer.name, telephone, accounts, payer, change })
}

async fn payer_view(connection: &mut DbConnection, payer: &Payer) -> Result<PayerView, BankError> {
    let terminals = payer.terminals(connection).await?;
    Ok(PayerView {
        identity_code: payer.identity_code.as_str().to_owned(),
        state: payer.state,
        tries_left: payer.tries_left,
        accounts: payer.accounts(connection).await?.iter().map(ToString::to_string).collect(),
        terminals: terminals
            .iter()
            .map(|terminal| TerminalView { place: terminal.place, kind: terminal.kind, masked: terminal.masked() })
            .collect(),
        payment_limit_minor: payer.payment_limit.minor(),
        day_limit_minor: payer.day_limit.minor(),
        currency: payer.payment_limit.currency().to_string(),
    })
}

/// Proposes a change. The same call once more is answered as before, and sends nothing more.
pub(in crate::bank_front) async fn propose(
    front: &Arc<BankFront>,
    acting: &Acting,
    change_id: &str,
    body: &[u8],
) -> Result<Change, Refusal> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !(1..=ID_CHARACTERS_MAX).contains(&change_id.len()) || !change_id.bytes().all(is_letter) {
        return Err(ChangeRefused::Malformed("the change's id").into());
    }
    let wish: Wish = serde_json::from_slice(body).map_err(|_| ChangeRefused::Malformed("the body"))?;
    // Keyed, because a hash without a key would tell a guessed password.
    let named = [acting.channel.as_bytes(), &[0], acting.customer.as_bytes(), &[0], body].concat();
    let named = zeroize::Zeroizing::new(named);
    let digest = front.hsm.message_digest(&named);
    let customer = {
        let mut connection = front.db.reader().acquire().await?;
        let before =
            Change::proposed_before(&mut connection, &acting.customer, (change_id, &digest), front.now_ms()).await?;
        if let Some(before) = before {
            return Ok(before?);
        }
        Customer::named(&mut connection, &acting.customer).await?
    };
    let confirm_at = wish.confirm_at;
    let deed = deed(front, wish).await?;
    let proposal =
        Proposal { change_id: change_id.to_owned(), channel: acting.channel.clone(), digest, deed, confirm_at };
    let (writing, now_ms) = (Arc::clone(front), front.now_ms());
    let proposed = front
        .db
        .write(move |db_tx| {
            Box::pin(async move { Change::propose(db_tx, &writing.hsm, &customer, proposal, now_ms).await })
        })
        .await?;
    let (change, sendings) = proposed?;
    for sending in sendings {
        front.gateways.send_soon(sending);
    }
    Ok(change)
}

async fn deed(front: &Arc<BankFront>, wish: Wish) -> Result<Deed, Refusal> {
    match wish.wanted()? {
        Wanted::Ready(deed) => Ok(deed),
        Wanted::Hash(password, of) => {
            let pepper = front.hsm.password_pepper();
            let _turn = HASHING.acquire().await.map_err(|_| Refusal::Unavailable)?;
            let hashing = tokio::task::spawn_blocking(move || PasswordVerifier::of(&password, &pepper));
            Ok(of(hashing.await.map_err(|_| Refusal::Unavailable)?))
        }
    }
}

/// A change, as it stands.
pub(in crate::bank_front) async fn change(
    front: &Arc<BankFront>,
    acting: &Acting,
    change_id: &str,
) -> Result<Change, Refusal> {
    let mut connection = front.db.reader().acquire().await?;
    let change = Change::find(&mut connection, &acting.customer, change_id, front.now_ms()).await?;
    Ok(change.ok_or(ChangeRefused::Unknown)?)
}

/// Takes a code of a change.
pub(in crate::bank_front) async fn type_code(
    front: &Arc<BankFront>,
    acting: &Acting,
    change_id: &str,
    typed: TypedCode,
) -> Result<Change, Refusal> {
    let (writing, now_ms) = (Arc::clone(front), front.now_ms());
    let (name, change_id) = (acting.customer.clone(), change_id.to_owned());
    let taken = front
        .db
        .write(move |db_tx| {
            Box::pin(async move {
                let customer = Customer::named(db_tx, &name).await?;
                // People type what they read in groups.
                let code: String = typed.code.chars().filter(|letter| !matches!(letter, ' ' | '-')).collect();
                let code = zeroize::Zeroizing::new(code);
                Change::type_code(db_tx, &writing.hsm, &customer, (&change_id, typed.proof, &code), now_ms).await
            })
        })
        .await?;
    Ok(taken?)
}

/// What was done with how this customer pays by code.
pub(in crate::bank_front) async fn journal(front: &Arc<BankFront>, acting: &Acting) -> Result<JournalView, Refusal> {
    let mut connection = front.db.reader().acquire().await?;
    let entries = JournalEntry::newest(&mut connection, Some(&acting.customer), ENTRIES_MAX).await?;
    Ok(JournalView { entries })
}
