//! `pay --code`: identity code and payment password order a code; what comes on the terminal is typed back.

use std::io::{self, IsTerminal, Read, Write};

use clap::Args;
use envelope::SecretBytes;
use payment::{IdentityCode, RequestId};
use protocol::wallet_api::{CodePayerView, CodeTerminalKind};
use protocol::{ErrorCode, Problem};
use serde_json::json;
use zeroize::{Zeroize, Zeroizing};

use super::pin::unbuffered_stdin;
use super::{Cli, print};
use crate::checkout::{CodeWish, Payable};
use crate::wallet::Wallet;

/// The longest line that is read, in bytes.
const LINE_BYTES_MAX: usize = 320;

/// Paying by code.
#[derive(Args)]
pub(super) struct CodeArgs {
    /// Pays by code. Identity code, payment password and code are asked for, or read from standard input, a line each.
    #[arg(long, conflicts_with = "reader")]
    pub(super) code: bool,
    /// Which of your accounts pays, from 1.
    #[arg(long, requires = "code", default_value_t = 0)]
    code_account: u8,
    /// Which of your terminals the code goes to, by its number.
    #[arg(long, requires = "code", default_value_t = 0)]
    code_terminal: u8,
    /// An address that is not registered: the terminal confirms it first, with a code that is one line more.
    #[arg(long, requires = "code", value_name = "ADDRESS")]
    code_to: Option<String>,
}

/// Orders a code and takes it in: what pays then.
pub(super) async fn payable(
    wallet: &Wallet,
    request_id: RequestId,
    args: &CodeArgs,
    as_json: bool,
) -> Result<Payable, Problem> {
    let asks = !as_json && io::stdin().is_terminal();
    let typed = line("Identity code: ", asks).await?;
    let identity_code = parsed(&typed)?;
    let payer = wallet.code_payer(&identity_code).await?;
    let password = line("Payment password: ", asks).await?;
    let wish = CodeWish {
        identity_code,
        password: SecretBytes::copy_of(password.as_bytes()),
        front: payer.bank_id.clone(),
        account: args.code_account,
        terminal: args.code_terminal,
        named: args.code_to.clone(),
    };
    drop(password);
    let ordered = wallet.code_order(request_id, wish).await?;
    let terminal = chosen(&payer, args.code_terminal);
    if let Some(named) = &args.code_to {
        tell(as_json, "code_to_confirm", &terminal, ordered.life_s);
        let code = line("Code that confirms: ", asks).await?;
        wallet.code_confirm(&ordered, SecretBytes::copy_of(code.trim().as_bytes())).await?;
        tell(as_json, "code_sent", named, ordered.life_s);
    } else {
        tell(as_json, "code_sent", &terminal, ordered.life_s);
    }
    let code = line("Code: ", asks).await?;
    Ok(ordered.payable(SecretBytes::copy_of(code.trim().as_bytes())))
}

/// Shows where codes can go.
pub(super) async fn terminals(cli: &Cli, identity_code: &str) -> Result<(), Problem> {
    let identity_code = parsed(identity_code)?;
    let wallet = cli.place.open().await?;
    wallet.sync().await?;
    let payer = wallet.code_payer(&identity_code).await?;
    if cli.json {
        print::json(&payer);
        return Ok(());
    }
    for terminal in &payer.terminals {
        let kind = match terminal.kind {
            CodeTerminalKind::Sms => "text message",
            CodeTerminalKind::Mail => "mail",
            CodeTerminalKind::Device => "device",
        };
        println!("{}  {kind} {}", terminal.place, terminal.masked);
    }
    Ok(())
}

fn parsed(text: &str) -> Result<IdentityCode, Problem> {
    let slip = |_| Problem::new(ErrorCode::InvalidInput).with_detail("the identity code has a wrong digit");
    text.trim().parse().map_err(slip)
}

fn chosen(payer: &CodePayerView, place: u8) -> String {
    let terminal = match place {
        0 => payer.terminals.first(),
        place => payer.terminals.iter().find(|terminal| terminal.place == place),
    };
    terminal.map_or_else(String::new, |terminal| match terminal.kind {
        CodeTerminalKind::Sms | CodeTerminalKind::Mail => terminal.masked.clone(),
        CodeTerminalKind::Device => "your device".to_owned(),
    })
}

fn tell(as_json: bool, stage: &str, to: &str, life_s: u64) {
    if as_json {
        print::json(&json!({ "stage": stage, "to": to, "life_s": life_s }));
    } else {
        println!("A code is at {to}. Type it within {} minutes, if amount and payee there are right.", life_s / 60);
    }
}

/// One line, asked for without an echo or read from standard input.
pub(super) async fn line(prompt: &'static str, asks: bool) -> Result<Zeroizing<String>, Problem> {
    let read = move || if asks { rpassword::prompt_password(prompt).map(Zeroizing::new) } else { from_stdin() };
    let none = || Problem::new(ErrorCode::InvalidInput).with_detail("a line of input is missing");
    let line = tokio::task::spawn_blocking(read).await.map_err(|_| Problem::new(ErrorCode::Internal))?;
    let line = line.map_err(|_| none())?;
    let _ = io::stdout().flush();
    if line.trim().is_empty() { Err(none()) } else { Ok(line) }
}

/// Byte by byte from the descriptor itself, as a PIN is: nothing stays in a buffer, and nothing after the line is taken.
fn from_stdin() -> io::Result<Zeroizing<String>> {
    let mut input = unbuffered_stdin()?;
    let mut line = Zeroizing::new(Vec::with_capacity(LINE_BYTES_MAX));
    let mut byte = [0_u8];
    while line.len() < LINE_BYTES_MAX && input.read(&mut byte)? == 1 && byte[0] != b'\n' {
        line.push(byte[0]);
    }
    byte.zeroize();
    let text = std::str::from_utf8(&line).map_err(|_| io::ErrorKind::InvalidData)?;
    Ok(Zeroizing::new(text.trim_end_matches('\r').to_owned()))
}
