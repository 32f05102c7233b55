//! `tapseal-card serve`: the card and what it does wrong, and the reader it is put into.

use std::error::Error;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::ValueEnum;
use virtual_card::vpcd::{self, Ended, Event};
use virtual_card::{Counter, Fault, FaultKind, Misbehaviour, Pause, PresentedCard, Profile, VirtualCard};

use crate::profile;

/// Options of `serve`.
#[derive(clap::Args)]
pub struct Serve {
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
    #[command(flatten)]
    wrong: Wrong,
    /// How long to wait for a reader that is not there or went away.
    #[arg(long, value_name = "SECONDS", default_value_t = vpcd::READER_WAIT.as_secs())]
    reader_wait_s: u64,
}

/// What the card does wrong; what is not given here is as the profile says.
#[derive(clap::Args)]
struct Wrong {
    /// Take the card away after this many commands.
    #[arg(long, value_name = "COMMANDS")]
    remove_after: Option<u32>,
    /// Wait this long before each answer.
    #[arg(long, value_name = "MILLISECONDS")]
    delay_ms: Option<u64>,
    /// Wait once, this long.
    #[arg(long, value_name = "MILLISECONDS", requires = "pause_after")]
    pause_ms: Option<u64>,
    /// Before the answer after this many commands.
    #[arg(long, value_name = "COMMANDS", requires = "pause_ms")]
    pause_after: Option<u32>,
    /// What is wrong with what the card sends.
    #[arg(long, value_name = "KIND")]
    fault: Option<FaultName>,
    /// The fault begins after this many commands were answered well.
    #[arg(long, value_name = "COMMANDS", default_value_t = 0, requires = "fault")]
    fault_after: u32,
    /// The status word of a wrong status, in hexadecimal.
    #[arg(long, value_name = "SW", default_value = "6F00", value_parser = status_word)]
    fault_status: u16,
}

#[derive(Clone, Copy, ValueEnum)]
enum PresentedInterface {
    Contact,
    Contactless,
}

#[derive(Clone, Copy, ValueEnum)]
enum FaultName {
    WrongStatus,
    TruncatedTlv,
    EndlessMoreData,
    RepeatedWrongLength,
    OversizedRecord,
    DuplicateTag,
    Garbage,
    Silence,
}

impl From<PresentedInterface> for emv::Interface {
    fn from(interface: PresentedInterface) -> Self {
        match interface {
            PresentedInterface::Contact => Self::Contact,
            PresentedInterface::Contactless => Self::Contactless,
        }
    }
}

impl From<FaultName> for FaultKind {
    fn from(name: FaultName) -> Self {
        match name {
            FaultName::WrongStatus => Self::WrongStatus,
            FaultName::TruncatedTlv => Self::TruncatedTlv,
            FaultName::EndlessMoreData => Self::EndlessMoreData,
            FaultName::RepeatedWrongLength => Self::RepeatedWrongLength,
            FaultName::OversizedRecord => Self::OversizedRecord,
            FaultName::DuplicateTag => Self::DuplicateTag,
            FaultName::Garbage => Self::Garbage,
            FaultName::Silence => Self::Silence,
        }
    }
}

fn status_word(text: &str) -> Result<u16, String> {
    u16::from_str_radix(text, 16).map_err(|_| "a status word is four hexadecimal digits".to_owned())
}

impl Wrong {
    /// These options over what the profile says.
    fn over(&self, profile: &Profile) -> Misbehaviour {
        let own = profile.misbehaviour;
        let pause = self.pause_after.zip(self.pause_ms);
        let pause = pause.map(|(after, pause_ms)| Pause { after, pause: Duration::from_millis(pause_ms) });
        let fault =
            self.fault.map(|kind| Fault { after: self.fault_after, kind: kind.into(), status: self.fault_status });
        Misbehaviour {
            remove_after: self.remove_after.or(own.remove_after),
            delay: self.delay_ms.map_or(own.delay, Duration::from_millis),
            pause: pause.or(own.pause),
            fault: fault.or(own.fault),
        }
    }
}

pub fn serve(options: &Serve) -> Result<(), Box<dyn Error>> {
    let counter = match &options.atc_file {
        Some(path) => Counter::in_file(path)?,
        None => Counter::in_memory(),
    };
    let profile = profile(&options.profile)?;
    let title = profile.title.clone();
    let misbehaviour = options.wrong.over(&profile);
    let mut card = VirtualCard::new(profile).with_counter(counter);
    if let Some(interface) = options.interface {
        card = card.over(interface.into());
    }
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
