//! `tapseal-card`: puts a software EMV card into the virtual PC/SC reader, and says what it is personalised with.

mod serve;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use virtual_card::{BUILT_IN, Carrier, Profile};

use serve::Serve;

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
    Serve(Box<Serve>),
    /// List the built-in profiles.
    Profiles {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print tracks 1 and 2 of a card's stripe, as a swipe reader types them.
    Stripe {
        /// Built-in profile, or a TOML file.
        profile: String,
        /// Another service code than the profile's, such as 101 for a card without a chip.
        #[arg(long, value_name = "DIGITS")]
        service_code: Option<String>,
    },
    /// Print the certification authority's public keys, one a line, for a terminal that is to believe these test cards.
    CaKeys,
    /// Show what a bank needs to know about a card. All of it is test data.
    Show {
        /// Built-in profile, or a TOML file.
        profile: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Serve(options) => serve::serve(&options),
        Command::Profiles { json } => profiles(json),
        Command::Stripe { profile: name, service_code } => stripe(&name, service_code.as_deref()),
        Command::CaKeys => {
            print!("{}", virtual_card::test_ca_text());
            Ok(())
        }
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

fn stripe(name: &str, service_code: Option<&str>) -> Result<(), Box<dyn Error>> {
    for track in profile(name)?.stripe(service_code)? {
        println!("{track}");
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
        "issuer_script_key": profile.issuer_script_key,
        "card_verification_key": profile.card_verification_key,
        "device": profile.carrier == Carrier::Device,
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
