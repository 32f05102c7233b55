//! `carrier`: a wallet is enrolled with a telephone operator; `pay --carrier`; `verify-proof`.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use envelope::SecretBytes;
use payment::PhoneNumber;
use protocol::{ErrorCode, Problem};
use serde_json::json;

use super::by_code::line;
use super::{Cli, print};
use crate::carrier::{BillClaim, PhoneBill, VerifiedProof};
use crate::checkout::Payable;
use crate::trust::{TRUST_FILE, Trust};
use crate::wallet::Wallet;

/// Phone bills.
#[derive(Subcommand)]
pub(super) enum CarrierCommand {
    /// Lists the telephone operators that can be picked.
    Operators,
    /// Enrols this wallet: PIN and the code that comes to the number are asked for, or read from standard input, a line each.
    Enrol {
        /// The operator's id, as `operators` lists it.
        operator: String,
        /// Your number, in international form.
        number: PhoneNumber,
        /// Your name as the operator knows it.
        #[arg(long)]
        name: String,
    },
    /// Lists the phone bills that this wallet pays on.
    List,
    /// Pays on a phone bill no more.
    Forget {
        /// The operator's id.
        operator: String,
        /// The number.
        number: PhoneNumber,
    },
}

/// Paying on a phone bill.
#[derive(Args)]
pub(super) struct CarrierArgs {
    /// Pays on the phone bill. The PIN is asked for, or read from standard input.
    #[arg(long, conflicts_with_all = ["reader", "code", "voucher"])]
    pub(super) carrier: bool,
    /// On the bill of this number, when the wallet pays on several.
    #[arg(long, requires = "carrier", value_name = "NUMBER")]
    carrier_number: Option<PhoneNumber>,
}

/// What pays, with the PIN that somebody types now.
pub(super) async fn payable(wallet: &Wallet, args: &CarrierArgs, as_json: bool) -> Result<Payable, Problem> {
    let pin = secret("PIN of your phone bill: ", as_json).await?;
    wallet.on_bill(args.carrier_number.as_ref(), pin).await
}

pub(super) async fn run(cli: &Cli, command: &CarrierCommand) -> Result<(), Problem> {
    let wallet = cli.place.open().await?;
    match command {
        CarrierCommand::Operators => {
            wallet.sync().await?;
            let operators = wallet.operators().await?;
            if cli.json {
                print::json(&operators);
            } else {
                for operator in &operators {
                    println!("{}  {}", operator.id, operator.name);
                }
            }
        }
        CarrierCommand::Enrol { operator, number, name } => {
            wallet.sync().await?;
            let pin = secret("PIN of your phone bill: ", cli.json).await?;
            let operator_name = wallet.operator_name(operator).await?;
            let claim = BillClaim {
                operator: operator.clone(),
                operator_name,
                number: number.clone(),
                name: name.clone(),
                pin,
            };
            wallet.carrier_ask(&claim).await?;
            if cli.json {
                print::json(&json!({ "stage": "code_sent" }));
            } else {
                println!("A mobile telephone gets a code now; for a line in a house the operator's counter has one.");
            }
            let code = secret("Code: ", cli.json).await?;
            let bill = wallet.carrier_enrol(&claim, code).await?;
            show(cli, std::slice::from_ref(&bill));
        }
        CarrierCommand::List => show(cli, &wallet.phone_bills().await?),
        CarrierCommand::Forget { operator, number } => {
            wallet.carrier_forget(operator, number).await?;
            show(cli, &wallet.phone_bills().await?);
        }
    }
    Ok(())
}

fn show(cli: &Cli, bills: &[PhoneBill]) {
    if cli.json {
        print::json(&json!({ "phone_bills": bills }));
    } else {
        for bill in bills {
            println!("{}  {}  {}", bill.operator, bill.number, bill.name);
        }
    }
}

async fn secret(prompt: &'static str, as_json: bool) -> Result<SecretBytes, Problem> {
    let asks = !as_json && io::stdin().is_terminal();
    Ok(SecretBytes::copy_of(line(prompt, asks).await?.trim().as_bytes()))
}

/// Needs only the trust file: given, or pinned in the wallet's folder.
pub(super) fn verify_proof(cli: &Cli, file: &Path, key: Option<&str>) -> ExitCode {
    let verified = || -> Result<VerifiedProof, Problem> {
        let trust_file = match &cli.place.trust {
            Some(path) => path.clone(),
            None => cli.place.home()?.join(TRUST_FILE),
        };
        let roots = Trust::read(&trust_file)?.roots();
        let invalid = |what: String| Problem::new(ErrorCode::ReceiptInvalid).with_detail(what);
        let text = std::fs::read_to_string(file).map_err(|error| invalid(error.to_string()))?;
        let proof = VerifiedProof::from_json(&text, &roots)?;
        let plain = |text: &str| text.chars().filter(char::is_ascii_hexdigit).collect::<String>().to_ascii_uppercase();
        match key {
            Some(key) if plain(key) != plain(&proof.key_fingerprint()) => {
                Err(invalid("it is signed by another key than the one that was named".to_owned()))
            }
            _ => Ok(proof),
        }
    };
    match verified() {
        Ok(proof) => {
            print::verified(cli.json, &proof.receipt().view());
            if cli.json {
                print::json(&json!({ "signed_by": proof.key_fingerprint() }));
            } else {
                println!("Signed by the subscriber's key {}", proof.key_fingerprint());
            }
            ExitCode::SUCCESS
        }
        Err(problem) => {
            print::not_verified(cli.json, &problem);
            ExitCode::FAILURE
        }
    }
}
