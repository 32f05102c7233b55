//! `tapseal-card`: puts a software EMV card into the virtual PC/SC reader, and says what it is personalised with.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use virtual_card::vpcd::{self, Ended, Event};
use virtual_card::{BUILT_IN, Counter, Misbehaviour, PresentedCard, Profile, VirtualCard};

/// A software EMV test card.
#[derive(Parser)]
#[command(name = "tapseal-card", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Put a card into the virtual reader until interrupted.
    Serve(Serve),
    /// List the built-in profiles.
    Profiles {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show what a bank needs to know about a card. All of it is test data.
    Show {
        /// Built-in profile, or a TOML file.
        profile: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(clap::Args)]
struct Serve {
    /// Built-in profile, or a TOML file.
    #[arg(long, default_value = "visa")]
    profile: String,
    /// Where vpcd listens.
    #[arg(long, value_name = "HOST:PORT", default_value = vpcd::DEFAULT_ADDRESS)]
    vpcd: String,
    /// How the card is presented; a dual card by default.
    #[arg(long)]
    interface: Option<PresentedInterface>,
    /// Keep the transaction counter in this file, so that the next run goes on counting.
    #[arg(long, value_name = "FILE")]
    atc_file: Option<PathBuf>,
    /// Take the card away after this many commands.
    #[arg(long, value_name = "COMMANDS")]
    remove_after: Option<u32>,
    /// Wait this long before each answer.
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    delay_ms: u64,
    /// How long to wait for a reader that is not there or went away.
    #[arg(long, value_name = "SECONDS", default_value_t = vpcd::READER_WAIT.as_secs())]
    reader_wait_s: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum PresentedInterface {
    Contact,
    Contactless,
}

impl From<PresentedInterface> for emv::Interface {
    fn from(interface: PresentedInterface) -> Self {
        match interface {
            PresentedInterface::Contact => Self::Contact,
            PresentedInterface::Contactless => Self::Contactless,
        }
    }
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Serve(options) => serve(&options),
        Command::Profiles { json } => profiles(json),
        Command::Show { profile, json } => show(&profile, json),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tapseal-card: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(options: &Serve) -> Result<(), Box<dyn Error>> {
    let counter = match &options.atc_file {
        Some(path) => Counter::in_file(path)?,
        None => Counter::in_memory(),
    };
    let profile = profile(&options.profile)?;
    let title = profile.title.clone();
    let mut card = VirtualCard::new(profile).with_counter(counter);
    if let Some(interface) = options.interface {
        card = card.over(interface.into());
    }
    let misbehaviour =
        Misbehaviour { remove_after: options.remove_after, delay: Duration::from_millis(options.delay_ms) };
    let mut card = PresentedCard::new(card, misbehaviour);
    let never = AtomicBool::new(false);
    let reader_wait = Duration::from_secs(options.reader_wait_s);
    let ended = vpcd::serve(&options.vpcd, reader_wait, &mut card, &never, |event| {
        println!(
            "{title}: {}",
            match event {
                Event::Waiting => "waiting for a reader",
                Event::Inserted => "in the reader",
                Event::ReaderLost => "the reader went away, waiting for it",
                Event::Removed => "taken away",
            }
        );
    })?;
    match ended {
        Ended::Removed | Ended::Stopped => Ok(()),
    }
}

fn profiles(json: bool) -> Result<(), Box<dyn Error>> {
    let profiles = BUILT_IN.iter().map(|(name, _)| Profile::built_in(name)).collect::<Result<Vec<_>, _>>()?;
    if json {
        let list: Vec<_> = profiles.iter().map(summary).collect();
        println!("{}", serde_json::to_string_pretty(&list)?);
    } else {
        for profile in profiles {
            let refusal =
                profile.refusal.as_ref().map_or(String::new(), |refusal| format!(", refused: {}", refusal.code));
            println!("{:<16} {}{refusal}", profile.name, profile.title);
        }
    }
    Ok(())
}

fn show(name: &str, json: bool) -> Result<(), Box<dyn Error>> {
    let profile = profile(name)?;
    if json {
        println!("{}", serde_json::to_string_pretty(&summary(&profile))?);
    } else {
        println!("{}", profile.title);
        println!("number    {}", profile.pan);
        println!("expiry    {}/{}", &profile.expiry_yymm[2..], &profile.expiry_yymm[..2]);
        println!("sequence  {:02}", profile.psn);
        println!("PIN       {}", profile.pin);
        println!("key       {}", profile.issuer_master_key);
        for application in &profile.applications {
            println!("AID       {} {}", application.aid, application.label);
        }
    }
    Ok(())
}

/// What a bank needs to personalise its side.
fn summary(profile: &Profile) -> serde_json::Value {
    serde_json::json!({
        "name": profile.name,
        "title": profile.title,
        "scheme": profile.scheme().code(),
        "pan": profile.pan,
        "expiry_yymm": profile.expiry_yymm,
        "psn": profile.psn,
        "service_code": profile.service_code,
        "pin": profile.pin,
        "issuer_master_key": profile.issuer_master_key,
        "pays": profile.pays(),
        "refusal": profile.refusal,
        "contact": profile.interfaces().contains(&emv::Interface::Contact),
        "contactless": profile.interfaces().contains(&emv::Interface::Contactless),
        "applications": profile.applications.iter().map(|application| serde_json::json!({
            "aid": application.aid,
            "label": application.label,
            "contactless": application.contactless.is_some(),
            "contact": application.contact.is_some(),
        })).collect::<Vec<_>>(),
    })
}

/// A built-in profile by name, else a file.
fn profile(name: &str) -> Result<Profile, Box<dyn Error>> {
    if BUILT_IN.iter().any(|(known, _)| *known == name) || !Path::new(name).exists() {
        return Ok(Profile::built_in(name)?);
    }
    Ok(Profile::from_toml(&std::fs::read_to_string(name)?)?)
}
