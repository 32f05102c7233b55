//! Subscribers' lines: opened, shown, unlocked, barred, ended; their PINs, limits and wallets.

use std::io::{BufRead, Read};

use clap::Subcommand;
use payment::{Amount, Currency, LineKind, PhoneNumber};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Folder, print, with_subscriber};
use crate::carrier_front::error::CarrierError;
use crate::carrier_front::subscriber::{self, NewSubscriber, Subscriber, SubscriberEvent};
use crate::carrier_front::{enrolment, ledger};
use crate::clock::{now_ms, signed_ms};

/// The longest line that is read for a PIN, in bytes.
const PIN_LINE_BYTES_MAX: u64 = 32;

/// What to do with subscribers.
#[derive(Debug, Subcommand)]
pub enum SubscriberCommand {
    /// Opens a subscriber. Its PIN is a line of standard input.
    Open {
        /// Which operator.
        #[command(flatten)]
        folder: Folder,
        /// Its number, in international form.
        number: PhoneNumber,
        /// Its name.
        #[arg(long)]
        name: String,
        /// What is behind the number: mobile or fixed.
        #[arg(long, default_value = "mobile")]
        line: LineKind,
        /// What may stand unpaid on its bills, in minor units.
        #[arg(long)]
        limit_minor: i64,
        /// The currency of its bills.
        #[arg(long, default_value = "USD")]
        currency: Currency,
    },
    /// Shows a subscriber: what it owes, what may still go on its bill, whether it may pay.
    Show(Line),
    /// Unlocks paying and enrolling after wrong PINs. Check first who it is.
    Unlock(Line),
    /// Puts nothing more on its bill.
    Bar(Line),
    /// Puts things on its bill again.
    Lift(Line),
    /// Ends it, and every wallet of it.
    End(Line),
    /// Gives it another PIN: a line of standard input. Check first who it is.
    Pin(Line),
    /// Gives it another credit limit.
    Limit {
        /// Whose.
        #[command(flatten)]
        line: Line,
        /// In minor units.
        #[arg(long)]
        limit_minor: i64,
    },
    /// Prints the code that enrols a wallet, for whoever showed who it is. It serves a day.
    Code(Line),
    /// Ends the wallet that pays on its bill: a telephone was lost.
    Revoke(Line),
}

/// Which subscriber.
#[derive(Debug, clap::Args)]
pub struct Line {
    /// Which operator.
    #[command(flatten)]
    folder: Folder,
    /// The number.
    number: PhoneNumber,
}

pub(super) async fn run(command: SubscriberCommand) -> Result<(), CarrierError> {
    match command {
        SubscriberCommand::Open { folder, number, name, line, limit_minor, currency } => {
            open(&folder, number, name, line, Amount::new(limit_minor, currency)).await
        }
        SubscriberCommand::Show(line) => show(&line).await,
        SubscriberCommand::Unlock(line) => note(line, SubscriberEvent::Unlocked).await,
        SubscriberCommand::Bar(line) => note(line, SubscriberEvent::Barred).await,
        SubscriberCommand::Lift(line) => note(line, SubscriberEvent::Lifted).await,
        SubscriberCommand::End(line) => note(line, SubscriberEvent::Ended).await,
        SubscriberCommand::Pin(line) => change_pin(line).await,
        SubscriberCommand::Limit { line, limit_minor } => {
            let Line { folder, number } = line;
            with_subscriber(&folder, number, move |db_tx, subscriber| {
                Box::pin(async move { subscriber.change_limit(db_tx, limit_minor).await })
            })
            .await?;
            print(&folder, &json!({ "limit_minor": limit_minor }), || "changed".to_owned());
            Ok(())
        }
        SubscriberCommand::Code(line) => code(line).await,
        SubscriberCommand::Revoke(line) => {
            let Line { folder, number } = line;
            let now_ms = signed_ms(now_ms());
            let revoked = with_subscriber(&folder, number, move |db_tx, subscriber| {
                Box::pin(async move { enrolment::revoke(db_tx, &subscriber.subscriber_id, now_ms).await })
            })
            .await?;
            print(&folder, &json!({ "revoked": revoked }), || format!("{revoked} wallets ended"));
            Ok(())
        }
    }
}

async fn open(
    folder: &Folder,
    number: PhoneNumber,
    name: String,
    line: LineKind,
    credit_limit: Amount,
) -> Result<(), CarrierError> {
    let (keys, pin, now_ms) = (folder.keys()?, read_pin()?, signed_ms(now_ms()));
    let db = folder.db().await?;
    let shown = number.clone();
    db.write(move |db_tx| {
        Box::pin(async move {
            let new = NewSubscriber { number: &number, line, name: &name, credit_limit, pin: pin.as_bytes() };
            new.open(db_tx, &keys, now_ms).await
        })
    })
    .await?;
    print(folder, &json!({ "number": shown.as_str() }), || format!("{shown} opened"));
    Ok(())
}

async fn show(line: &Line) -> Result<(), CarrierError> {
    let Line { folder, number } = line;
    let db = folder.db().await?;
    let mut connection = db.reader().acquire().await?;
    let subscriber = subscriber::require(&mut connection, number).await?;
    let left = ledger::credit_left(&mut connection, &subscriber.subscriber_id, subscriber.credit_limit).await?;
    let json = view(&subscriber, left);
    print(folder, &json, || {
        let money = |minor| Amount::new(minor, subscriber.credit_limit.currency());
        let owed = money(subscriber.credit_limit.minor() - left);
        let Subscriber { number, name, line, standing, .. } = &subscriber;
        format!(
            "{number} {name}, {}, {}: {owed} owed, {} left of {}",
            line.as_str(),
            standing.state.as_str(),
            money(left),
            subscriber.credit_limit,
        )
    });
    Ok(())
}

fn view(subscriber: &Subscriber, left_minor: i64) -> Value {
    let limit = subscriber.credit_limit;
    json!({
        "number": subscriber.number.as_str(), "name": subscriber.name, "line": subscriber.line,
        "state": subscriber.standing.state.as_str(), "pin_tries_left": subscriber.standing.pin_tries_left,
        "currency": limit.currency(), "limit_minor": limit.minor(), "left_minor": left_minor,
        "owed_minor": limit.minor() - left_minor,
    })
}

async fn note(line: Line, event: SubscriberEvent) -> Result<(), CarrierError> {
    let Line { folder, number } = line;
    let now_ms = signed_ms(now_ms());
    let state = with_subscriber(&folder, number, move |db_tx, mut subscriber| {
        Box::pin(async move {
            subscriber.note(db_tx, event).await?;
            if event == SubscriberEvent::Ended {
                enrolment::revoke(db_tx, &subscriber.subscriber_id, now_ms).await?;
            }
            Ok(subscriber.standing.state)
        })
    })
    .await?;
    print(&folder, &json!({ "state": state.as_str() }), || state.as_str().to_owned());
    Ok(())
}

async fn change_pin(line: Line) -> Result<(), CarrierError> {
    let Line { folder, number } = line;
    let (keys, pin) = (folder.keys()?, read_pin()?);
    with_subscriber(&folder, number, move |db_tx, subscriber| {
        Box::pin(async move { subscriber.change_pin(db_tx, &keys, pin.as_bytes()).await })
    })
    .await?;
    print(&folder, &json!({ "changed": true }), || "changed".to_owned());
    Ok(())
}

async fn code(line: Line) -> Result<(), CarrierError> {
    let Line { folder, number } = line;
    let (keys, now_ms) = (folder.keys()?, signed_ms(now_ms()));
    let drawn = with_subscriber(&folder, number, move |db_tx, subscriber| {
        Box::pin(async move { enrolment::draw_at_counter(db_tx, &keys, &subscriber, now_ms).await })
    })
    .await?;
    print(&folder, &json!({ "code": drawn.code.as_str() }), || drawn.code.to_string());
    Ok(())
}

fn read_pin() -> Result<Zeroizing<String>, CarrierError> {
    let mut line = Zeroizing::new(String::new());
    let read = Read::take(std::io::stdin().lock(), PIN_LINE_BYTES_MAX).read_line(&mut line);
    read.map_err(|_| CarrierError::Malformed("a PIN is a line of standard input"))?;
    Ok(Zeroizing::new(line.trim().to_owned()))
}
