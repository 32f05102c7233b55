//! Statements: printed, or written to a file.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use payment::Amount;

use super::table::{Column, table};
use super::{Folder, print};
use crate::bank_front::account::AccountId;
use crate::bank_front::error::BankError;
use crate::bank_front::settlement::BusinessDate;
use crate::bank_front::statement::{Reversal, Statement, camt_053, to_csv};
use crate::bank_front::{file, open_database};
use crate::clock::{now_ms, signed_ms};

/// Which statement, and in which form.
#[derive(Debug, Args)]
pub struct StatementOptions {
    /// Which bank.
    #[command(flatten)]
    folder: Folder,
    /// Whose: a cardholder's name, or an account's such as merchant:blue-door.
    #[arg(long)]
    account: String,
    /// The first business day.
    #[arg(long)]
    from: BusinessDate,
    /// The last business day.
    #[arg(long)]
    to: BusinessDate,
    /// In which form: a table, CSV, or ISO 20022 camt.053.
    #[arg(long, value_enum, default_value_t = Form::Table, conflicts_with = "json")]
    form: Form,
    /// Write it to this file, which only its owner may read.
    #[arg(long)]
    out: Option<PathBuf>,
}

/// The form of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    Table,
    /// Comma-separated values (RFC 4180).
    Csv,
    /// ISO 20022 camt.053.001.08.
    #[value(name = "camt053")]
    Camt053,
}

pub(super) async fn run(options: &StatementOptions) -> Result<(), BankError> {
    let folder = &options.folder;
    let db = open_database(&folder.home()).await?;
    let account_id = AccountId::named(&options.account);
    let statement = Statement::read(&mut *db.reader().acquire().await?, &account_id, options.from, options.to).await?;
    let text = match options.form {
        Form::Table => statement_table(&statement),
        Form::Csv => to_csv(&statement)?,
        Form::Camt053 => camt_053(&statement, folder.bank.as_str(), signed_ms(now_ms()))? + "\n",
    };
    match &options.out {
        Some(path) => file::replace(path, text.as_bytes()),
        None if options.form == Form::Table => {
            print(folder, &serde_json::json!(statement), || text);
            Ok(())
        }
        None => {
            print!("{text}");
            Ok(())
        }
    }
}

fn statement_table(statement: &Statement) -> String {
    let Statement { account, from, to, .. } = statement;
    let money = |minor| Amount::new(minor, statement.currency).to_decimal();
    let columns = [
        Column::Right("no."),
        Column::Left("posted (UTC)"),
        Column::Left("what"),
        Column::Right("amount"),
        Column::Right("balance"),
        Column::Left("other account"),
    ];
    let rows: Vec<_> = (statement.lines.iter())
        .map(|line| {
            let posted = jiff::Timestamp::from_millisecond(line.posted_ms).map(|at| at.to_string());
            let reversal = if line.reversal == Reversal::Yes { " reversed" } else { "" };
            [
                line.sequence.to_string(),
                posted.unwrap_or_default(),
                format!("{}{reversal}", line.what.as_str()),
                money(line.amount_minor),
                money(line.balance_minor),
                line.other_account.to_string(),
            ]
        })
        .collect();
    let (opening, closing) = (money(statement.opening_minor), money(statement.closing_minor));
    let currency = statement.currency;
    format!(
        "{account}, {from} to {to}\nopening {opening} {currency}\n{}closing {closing} {currency}",
        table(&columns, &rows)
    )
}
