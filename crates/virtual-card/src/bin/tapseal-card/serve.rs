//! `tapseal-card serve`: the card and what it does wrong, and the reader it is put into.

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::ValueEnum;
#[cfg(unix)]
use virtual_card::pn532;
use virtual_card::vpcd::{self, Ended, Event};
use virtual_card::{Counter, Fault, FaultKind, Misbehaviour, Pause, PresentedCard, Profile, VirtualCard};

use crate::profile;

/// Options of `serve`.
#[derive(clap::Args)]
pub struct Serve {
    /// Built-in profile, or a TOML file.
    #[arg(long, default_value = "visa")]
    profile: String,
    /// Put the card into the virtual PC/SC reader, where vpcd listens.
    #[arg(long, value_name = "HOST:PORT", default_value = vpcd::DEFAULT_ADDRESS)]
    vpcd: String,
    /// Put the card into the field of a PN532 on a new pseudo terminal instead, for libnfc.
    #[cfg(unix)]
    #[arg(long, conflicts_with = "vpcd")]
    pn532: bool,
    /// Make this a symbolic link to the pseudo terminal.
    #[cfg(unix)]
    #[arg(long, value_name = "PATH", requires = "pn532")]
    link: Option<PathBuf>,
    /// Print what happens as JSON, one object a line.
    #[arg(long)]
    json: bool,
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

/// Serves the card until it is taken away or the program is interrupted.
pub fn serve(options: &Serve) -> Result<(), Box<dyn Error>> {
    let counter = match &options.atc_file {
        Some(path) => Counter::in_file(path)?,
        None => Counter::in_memory(),
    };
    let profile = profile(&options.profile)?;
    let narrator = Narrator { title: profile.title.clone(), json: options.json };
    let misbehaviour = options.wrong.over(&profile);
    let card = VirtualCard::new(profile).with_counter(counter);
    let never = AtomicBool::new(false);
    #[cfg(unix)]
    if options.pn532 {
        return serve_pn532(options, card, misbehaviour, &narrator, &never);
    }
    let card = match options.interface {
        Some(interface) => card.over(interface.into()),
        None => card,
    };
    let mut card = PresentedCard::new(card, misbehaviour);
    let reader_wait = Duration::from_secs(options.reader_wait_s);
    let ended = vpcd::serve(&options.vpcd, reader_wait, &mut card, &never, |event| match event {
        Event::Waiting => narrator.tell("waiting", "waiting for a reader"),
        Event::Inserted => narrator.tell("inserted", "in the reader"),
        Event::ReaderLost => narrator.tell("reader_lost", "the reader went away, waiting for it"),
        Event::Removed => narrator.tell("removed", "taken away"),
    })?;
    match ended {
        Ended::Removed | Ended::Stopped => Ok(()),
    }
}

/// The card in the field of a PN532; the chip stays when the card is taken away.
#[cfg(unix)]
fn serve_pn532(
    options: &Serve,
    card: VirtualCard,
    misbehaviour: Misbehaviour,
    narrator: &Narrator,
    stop: &AtomicBool,
) -> Result<(), Box<dyn Error>> {
    if !card.profile().interfaces().contains(&emv::Interface::Contactless) {
        return Err("this card cannot be tapped".into());
    }
    let mut card = PresentedCard::new(card.over(emv::Interface::Contactless), misbehaviour);
    let port = pn532::Port::open(options.link.as_deref())?;
    narrator.ready(&port);
    pn532::serve(&port, &mut card, stop, |event| match event {
        pn532::Event::Selected => narrator.tell("selected", "in the field"),
        pn532::Event::Removed => narrator.tell("removed", "taken away"),
    })?;
    Ok(())
}

/// Says what happens: to a person, or to a program.
struct Narrator {
    title: String,
    json: bool,
}

impl Narrator {
    fn tell(&self, code: &str, words: &str) {
        if self.json {
            print(&serde_json::json!({ "event": code }).to_string());
        } else {
            print(&format!("{}: {words}", self.title));
        }
    }

    #[cfg(unix)]
    fn ready(&self, port: &pn532::Port) {
        let (path, connection) = (port.path().display().to_string(), port.connection_string());
        if self.json {
            let ready = serde_json::json!({ "event": "ready", "port": path, "connection_string": connection });
            print(&ready.to_string());
        } else {
            print(&format!("{}: a PN532 on {path}; LIBNFC_DEVICE={connection}", self.title));
        }
    }
}

/// One whole line at once, also into a pipe.
fn print(line: &str) {
    let mut out = std::io::stdout().lock();
    // Whoever watched has gone; the card goes on.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
