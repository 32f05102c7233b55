//! `pay`: the checkout at a terminal, or driven by a program with one JSON line a stage.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use payment::{DeclineCode, RequestId};
use protocol::ipc::{ApplicationView, CardStay, CheckoutStage, CheckoutView};
use protocol::{ErrorCode, MoneyMoved, Problem};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

use super::pin::PinSource;
use super::{Cli, alias, by_code, carrier, exit_of, print, voucher};
use crate::checkout::Trace;
use crate::wallet::Wallet;

#[derive(Args)]
pub(super) struct PayArgs {
    /// The request's id, or its link.
    request: String,
    /// The reader: `pcsc[:NAME]`, `nfc[:CONNSTRING]`, `stripe[:PLACE]`, `replay:FILE` or `simulated:HOST:PORT`; else
    /// the first that shows a card.
    #[arg(long, env = "TAPSEAL_READER")]
    reader: Option<String>,
    /// Reads the PIN from standard input instead of asking at the terminal.
    #[arg(long)]
    pin_stdin: bool,
    /// How long to wait for a card, in seconds.
    #[arg(long, default_value_t = 120)]
    card_wait_s: u64,
    /// How long to wait for an outcome that is not known at once, in seconds.
    #[arg(long, default_value_t = 0)]
    outcome_wait_s: u64,
    /// Which application to use, from 0, when the card has several and nobody can be asked.
    #[arg(long, default_value_t = 0)]
    application: usize,
    #[command(flatten)]
    by_code: by_code::CodeArgs,
    #[command(flatten)]
    by_alias: alias::PayByAlias,
    #[command(flatten)]
    by_carrier: carrier::CarrierArgs,
    #[command(flatten)]
    by_voucher: voucher::VoucherArgs,
}

/// One run of `pay`.
struct Counter<'a> {
    wallet: Wallet,
    args: &'a PayArgs,
    json: bool,
    /// Whether a person can be asked.
    interactive: bool,
    trace: UnboundedReceiver<Value>,
}

pub(super) async fn run(cli: &Cli, args: &PayArgs) -> ExitCode {
    match pay(cli, args).await {
        Ok(code) => code,
        Err(problem) => {
            if cli.json {
                let mut line = serde_json::to_value(&problem).unwrap_or_default();
                if let Some(members) = line.as_object_mut() {
                    members.insert("stage".to_owned(), "refused".into());
                }
                print::json(&line);
            } else {
                print::problem(false, &problem);
            }
            exit_of(problem.money_moved)
        }
    }
}

async fn pay(cli: &Cli, args: &PayArgs) -> Result<ExitCode, Problem> {
    let mut config = cli.place.config()?;
    config.card_wait = Duration::from_secs(args.card_wait_s);
    config.readers.extend(args.reader.clone());
    let wallet = cli.place.open_with(config).await?;
    wallet.sync().await?;
    let request_id = request_id(&wallet, &args.request).await?;
    let request = wallet.show(request_id).await?;
    let in_its_place = args.by_alias.alias.is_some() || args.by_carrier.carrier;
    let by_card = args.by_voucher.voucher.is_none() && !args.by_code.code && !in_its_place;
    let readers = if by_card { wallet.readers().await? } else { Vec::new() };
    if by_card && args.reader.is_none() && readers.iter().all(|reader| reader.trouble.is_some()) {
        // Without a reader there is none that could say why.
        let trouble = readers.iter().find_map(|reader| reader.trouble);
        return Err(trouble.unwrap_or(ErrorCode::NoReader).into());
    }
    if !cli.json {
        print::request(false, &request);
    }
    let (trace, lines) = Trace::channel();
    if args.by_code.code {
        let payable = by_code::payable(&wallet, request_id, &args.by_code, cli.json).await?;
        wallet.checkout_pay(request_id, payable, trace).await?;
    } else if let Some(name) = &args.by_alias.alias {
        let wish = args.by_alias.wish(name, cli.json).await?;
        wallet.checkout_pay_alias(request_id, wish, trace).await?;
    } else if args.by_carrier.carrier {
        let payable = carrier::payable(&wallet, &args.by_carrier, cli.json).await?;
        wallet.checkout_pay(request_id, payable, trace).await?;
    } else if let Some(number) = &args.by_voucher.voucher {
        let wish = args.by_voucher.wish(number)?;
        wallet.checkout_pay_voucher(request_id, wish, args.reader.as_deref(), trace).await?;
    } else {
        wallet.checkout_start_traced(request_id, args.reader.clone(), trace).await?;
    }
    let interactive = !cli.json && io::stdin().is_terminal();
    let mut counter = Counter { wallet, args, json: cli.json, interactive, trace: lines };
    let end = counter.serve().await;
    counter.tell_trace();
    let end = end?;
    counter.show_end(&end);
    Ok(exit_of(match end.progress {
        CheckoutStage::Paid { .. } => MoneyMoved::Yes,
        CheckoutStage::Refused { money_moved, .. } => money_moved,
        _ => MoneyMoved::Unknown,
    }))
}

async fn request_id(wallet: &Wallet, text: &str) -> Result<RequestId, Problem> {
    match text.parse() {
        Ok(id) => Ok(id),
        Err(_) => Ok(wallet.open_link(text.to_owned()).await?.request_id),
    }
}

impl Counter<'_> {
    /// Follows the checkout and does what each stage asks for, until it is over.
    async fn serve(&mut self) -> Result<CheckoutView, Problem> {
        let mut seq = 0;
        let mut told = None;
        let mut unknown_since = None;
        loop {
            let watched = self.wallet.watch(seq).await?;
            seq = watched.seq;
            self.tell_trace();
            let view = watched.checkout.ok_or_else(|| Problem::new(ErrorCode::CheckoutNotReady))?;
            if told.as_ref() == Some(&view) {
                continue;
            }
            match &view.progress {
                CheckoutStage::WaitingForCard => {
                    if let Some(notice) = self.in_the_way(view.notice) {
                        self.wallet.checkout_stop().await?;
                        self.tell_trace_but_the_end();
                        return Err(notice.into());
                    }
                    self.say(&waiting_words(view.notice));
                }
                CheckoutStage::Reading { step: 1, .. } => self.say("Reading the card…"),
                CheckoutStage::Reading { .. } => {}
                CheckoutStage::Choose { applications } => self.choose(applications.clone()).await?,
                CheckoutStage::Pin { card_label, card, .. } => self.enter_pin(card_label, *card).await?,
                CheckoutStage::Sealing => {}
                CheckoutStage::Sending => self.say("Sending…"),
                CheckoutStage::AskingBank => self.say("Asking the bank…"),
                CheckoutStage::Paid { .. } | CheckoutStage::Refused { .. } => return Ok(view),
                CheckoutStage::Unknown { .. } => {
                    let since = *unknown_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= Duration::from_secs(self.args.outcome_wait_s) {
                        return Ok(view);
                    }
                    self.say("The bank has not answered. Do not pay again; still asking…");
                    self.wait_for_outcome(since).await;
                    continue;
                }
            }
            told = Some(view);
        }
    }

    /// Waits for a change or for the end of the person's patience.
    async fn wait_for_outcome(&self, since: Instant) {
        let patience = Duration::from_secs(self.args.outcome_wait_s).saturating_sub(since.elapsed());
        let _ = tokio::time::timeout(patience, self.wallet.outcome()).await;
    }

    /// Why waiting for a card makes no sense. A program that gave a voucher and announced no PIN has none for its card.
    fn in_the_way(&self, notice: Option<ErrorCode>) -> Option<ErrorCode> {
        let has_pin = self.interactive || self.args.pin_stdin;
        if self.args.by_voucher.is_alone() && !has_pin {
            return Some(ErrorCode::Declined(DeclineCode::VoucherCardRequired));
        }
        notice.filter(|notice| !self.may_wait_on(*notice))
    }

    /// Whether waiting on makes sense after a reading problem: only with somebody there to bring the card again.
    /// A bank whose key was retired, or that wants a PIN, or a card beside a voucher, needs no hands.
    fn may_wait_on(&self, notice: ErrorCode) -> bool {
        let once_more = [DeclineCode::RetiredKey, DeclineCode::PinRequired, DeclineCode::VoucherCardRequired];
        self.interactive || once_more.map(ErrorCode::Declined).contains(&notice)
    }

    async fn choose(&self, applications: Vec<ApplicationView>) -> Result<(), Problem> {
        let index = if self.interactive { ask_application(applications).await } else { self.args.application };
        self.wallet.checkout_choose(index).await.map(|_| ())
    }

    async fn enter_pin(&self, card_label: &str, card: CardStay) -> Result<(), Problem> {
        self.say(&match card {
            CardStay::MayGo => format!("{card_label} is read; you may take the card."),
            CardStay::ShouldStay => format!("{card_label} is read; leave the card in until the bank has answered."),
        });
        let source = if self.args.pin_stdin || !self.interactive { PinSource::Stdin } else { PinSource::Prompt };
        loop {
            let read = tokio::task::spawn_blocking(move || source.read()).await;
            let submitted = match read.map_err(|_| Problem::new(ErrorCode::Internal))? {
                Ok(pin) => self.wallet.pin_submit_typed(pin).await.map(|_| ()),
                Err(problem) => Err(problem),
            };
            match submitted {
                Err(problem) if problem.code == ErrorCode::PinLength && source == PinSource::Prompt => {
                    self.say(&problem.title);
                }
                Err(problem) => {
                    // Nothing was sent; without a PIN nothing will be.
                    let _ = self.wallet.checkout_stop().await;
                    return Err(problem);
                }
                Ok(()) => return Ok(()),
            }
        }
    }

    /// A word for a person; programs get the trace instead.
    fn say(&self, words: &str) {
        if !self.json {
            println!("{words}");
        }
    }

    fn tell_trace(&mut self) {
        while let Ok(line) = self.trace.try_recv() {
            if self.json {
                print::json(&line);
            }
        }
    }

    /// The stop that we made ourselves is not how it ended: the reading problem is.
    fn tell_trace_but_the_end(&mut self) {
        while let Ok(line) = self.trace.try_recv() {
            if self.json && line["stage"] != "refused" {
                print::json(&line);
            }
        }
    }

    fn show_end(&self, end: &CheckoutView) {
        match &end.progress {
            // The trace has told the rest.
            _ if self.json => {
                if let CheckoutStage::Unknown { deadline_ms } = end.progress {
                    print::json(&json!({
                        "stage": "unknown",
                        "code": ErrorCode::OutcomeUnknown,
                        "money_moved": MoneyMoved::Unknown,
                        "deadline_ms": deadline_ms,
                        "attempt_id": end.attempt_id,
                    }));
                }
            }
            CheckoutStage::Paid { approval_code, attempt_id, .. } => {
                println!("{} paid to {}. Approval {approval_code}.", end.amount, end.payee);
                println!("Receipt verified: tapseal-wallet receipt {attempt_id}");
            }
            CheckoutStage::Refused { code, pin_tries_left, .. } => {
                println!("{} to {}: {}", end.amount, end.payee, code.message());
                if let Some(tries) = pin_tries_left {
                    let of_what = if self.args.by_code.code { "Tries with this code" } else { "PIN tries" };
                    println!("{of_what} left: {tries}");
                }
                println!("  code: {code}");
            }
            CheckoutStage::Unknown { deadline_ms } => {
                println!("{} to {}: the bank has not answered. Do not pay again.", end.amount, end.payee);
                println!("By {} it is known or undone, or the bank takes longer.", print::time(*deadline_ms));
            }
            _ => {}
        }
    }
}

fn waiting_words(notice: Option<ErrorCode>) -> String {
    match notice {
        None => "Hold or insert your card.".to_owned(),
        Some(ErrorCode::Declined(DeclineCode::VoucherCardRequired)) => {
            "So much needs a card of the account that bought the voucher too; the voucher pays. Hold or insert it."
                .to_owned()
        }
        Some(code) => format!("{} Hold or insert your card again.", code.message()),
    }
}

/// Asks at the terminal which application to use; anything unreadable is the card's first.
async fn ask_application(applications: Vec<ApplicationView>) -> usize {
    let ask = move || {
        for (index, application) in applications.iter().enumerate() {
            println!("  {index}  {}", application.label);
        }
        print!("Which one? [0] ");
        let _ = io::stdout().flush();
        let mut line = String::new();
        let _ = io::stdin().read_line(&mut line);
        line.trim().parse().ok().filter(|index| *index < applications.len()).unwrap_or(0)
    };
    tokio::task::spawn_blocking(ask).await.unwrap_or(0)
}
