//! Access to the bank's page, at the counter: opened, renewed, shown, taken away.

use clap::Subcommand;
use serde_json::json;

use super::customer::CustomerName;
use super::print;
use crate::bank_front::customer::Customer;
use crate::bank_front::error::BankError;
use crate::bank_front::online::Access;
use crate::bank_front::open_database;
use crate::clock::{now_ms, signed_ms};

/// What to do with access to the page.
#[derive(Debug, Subcommand)]
pub enum OnlineCommand {
    /// Opens an access for a customer on file, or gives one that was locked or forgotten another activation code. The number
    /// is printed; the code goes to the telephone on file as soon as the bank serves.
    Open {
        /// Who.
        #[command(flatten)]
        name: CustomerName,
        /// Says that the person was there with its identity document.
        #[arg(long, required = true)]
        document_seen: bool,
    },
    /// One customer's access.
    Show(CustomerName),
    /// Takes an access away; whoever is signed in is so no more.
    End(CustomerName),
}

pub(super) async fn run(command: OnlineCommand) -> Result<(), BankError> {
    match command {
        OnlineCommand::Open { name, document_seen: _ } => {
            let customer = name.customer.clone();
            (open_database(&name.folder.home()).await?)
                .write(move |db_tx| {
                    Box::pin(async move {
                        let customer = Customer::named(db_tx, &customer).await?;
                        Access::open(db_tx, &customer).await.map(drop)
                    })
                })
                .await?;
            show(&name).await
        }
        OnlineCommand::Show(name) => show(&name).await,
        OnlineCommand::End(name) => {
            let (customer, at_ms) = (name.customer.clone(), signed_ms(now_ms()));
            (open_database(&name.folder.home()).await?)
                .write(move |db_tx| {
                    Box::pin(async move {
                        let customer = Customer::named(db_tx, &customer).await?;
                        Access::end(db_tx, &customer, at_ms).await
                    })
                })
                .await?;
            show(&name).await
        }
    }
}

async fn show(name: &CustomerName) -> Result<(), BankError> {
    let db = open_database(&name.folder.home()).await?;
    let mut connection = db.reader().acquire().await?;
    let access = Access::of_customer(&mut connection, &name.customer).await?.ok_or(BankError::NoAccess)?;
    let json = json!({
        "customer": access.customer, "access_number": access.access_number, "state": access.state,
        "tries_left": access.tries_left,
    });
    print(&name.folder, &json, || {
        let number = &access.access_number;
        let grouped = format!("{} {} {}", &number[..3], &number[3..6], &number[6..]);
        format!(
            "{}: access number {grouped}, {}, {} tries left",
            access.customer,
            access.state.as_str(),
            access.tries_left
        )
    });
    Ok(())
}
