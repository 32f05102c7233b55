//! How long the wallet's window takes from a cold start to a usable inbox, and how much memory it holds then, beside a
//! Tauri program that shows one block of colour, built with the same profile and versions.
//!
//! The clock starts when the process does, and stops at the first picture on the display that looks as the settled one
//! does. Programs take turns: the empty one, the wallet with its server, the wallet without a network.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use e2e::display::{Display, Picture};
use e2e::load::middle;
use e2e::memory;
use e2e::process::program;
use e2e::remote::RemoteWallet;
use e2e::system::{Ask, System, Wishes};
use protocol::ipc::OpenLink;

/// Requests in the inbox.
const REQUESTS: u32 = 8;
/// The requests' life in seconds: longer than all rounds take.
const EXPIRES_S: u32 = 7_200;
/// How long a picture has to stay as it is to be the settled one.
const SETTLED: Duration = Duration::from_millis(1_500);
/// The pause between two looks at the display.
const LOOK_PAUSE: Duration = Duration::from_millis(5);
/// How long a program may take to settle.
const SETTLE_WAIT: Duration = Duration::from_mins(1);
/// What is allowed over the empty program, for both figures.
const GOAL: f64 = 1.3;

#[derive(Parser)]
struct Options {
    /// The empty Tauri program.
    #[arg(long)]
    hello: PathBuf,
    /// How often each program is started; the figures are medians.
    #[arg(long, default_value_t = 10)]
    rounds: usize,
    /// Other builds of the wallet's window, each of which takes its turn too.
    #[arg(long)]
    beside: Vec<PathBuf>,
    /// Keeps each program's settled picture in this folder.
    #[arg(long)]
    pictures: Option<PathBuf>,
}

/// What one start showed.
struct Start {
    shown: Duration,
    memory_bytes: u64,
}

#[tokio::main]
async fn main() {
    let options = Options::parse();
    let mut system = System::start(Wishes::default()).await;
    let environment = wallet_with_requests(&system).await;
    let display = Display::start(system.folder());
    let (mut empty, mut wallet, mut offline) = (Vec::new(), Vec::new(), Vec::new());
    let app = program("tapseal-app");
    let mut others: Vec<(&PathBuf, Vec<Start>)> = options.beside.iter().map(|other| (other, Vec::new())).collect();
    for _ in 0..options.rounds {
        empty.push(start(&display, Command::new(&options.hello), &[], options.pictures.as_ref(), "empty"));
        wallet.push(start(&display, Command::new(&app), &environment, options.pictures.as_ref(), "wallet"));
        for (other, starts) in &mut others {
            starts.push(start(&display, Command::new(other), &environment, None, "other"));
        }
    }
    system.server.take().expect("the payment server runs").kill().await;
    for _ in 0..options.rounds {
        offline.push(start(&display, Command::new(&app), &environment, options.pictures.as_ref(), "offline"));
    }
    print("an empty Tauri program", &empty, &empty);
    print("the wallet, 8 requests", &wallet, &empty);
    print("the wallet, no network", &offline, &empty);
    for (other, starts) in &others {
        print(&other.display().to_string(), starts, &empty);
    }
}

/// A wallet that has requests in its inbox, and what the window is told to open it.
async fn wallet_with_requests(system: &System) -> Vec<(&'static str, String)> {
    let remote = RemoteWallet::start_at(system, "wallet", &[]).await;
    for number in 0..REQUESTS {
        let ask = Ask { order: format!("A-{number}"), expires_s: EXPIRES_S, ..Ask::default() };
        let created = system.ask(&ask).await;
        let link = created["link"].as_str().expect("a link").to_owned();
        remote.call(&OpenLink { link }).await.expect("the link opens");
    }
    remote.process.kill().await;
    let plain = |path: PathBuf| path.to_str().expect("temporary paths are plain").to_owned();
    let folder = |name: &str| plain(system.folder().join(name));
    vec![
        ("HOME", folder("home")),
        ("XDG_DATA_HOME", folder("data")),
        ("XDG_CONFIG_HOME", folder("config")),
        ("XDG_CACHE_HOME", folder("cache")),
        ("TAPSEAL_HOME", folder("wallet")),
        ("TAPSEAL_TRUST", plain(system.trust())),
        ("TAPSEAL_KEY_STORE", "file".into()),
        ("LANG", "en_US.UTF-8".into()),
    ]
}

/// Starts a program, watches the display until it settles, weighs it, and ends it.
fn start(
    display: &Display,
    mut command: Command,
    environment: &[(&'static str, String)],
    pictures: Option<&PathBuf>,
    name: &str,
) -> Start {
    use std::os::unix::process::CommandExt;
    display.enter(&mut command);
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    let blank = display.look();
    let started = Instant::now();
    let child = command.spawn().expect("the program starts");
    let shown = settled(display, &blank, started);
    let memory_bytes = memory::held_by(child.id());
    if let Some(folder) = pictures {
        display.save(&folder.join(format!("{name}.png")));
    }
    end(child);
    display.wait_until_like(&blank, SETTLE_WAIT);
    Start { shown, memory_bytes }
}

/// Watches until the picture stays as it is, and answers when it first looked so.
fn settled(display: &Display, blank: &Picture, started: Instant) -> Duration {
    let mut seen: Vec<(Duration, Picture)> = Vec::new();
    loop {
        let now = started.elapsed();
        assert!(now < SETTLE_WAIT, "the program shows nothing that stays");
        let picture = display.look();
        let is_new = seen.last().is_none_or(|(_, last)| !last.is_like(&picture));
        if is_new && (!seen.is_empty() || !picture.is_like(blank)) {
            seen.push((now, picture));
        }
        if let Some((since, _)) = seen.last()
            && now.saturating_sub(*since) > SETTLED
        {
            return *since;
        }
        std::thread::sleep(LOOK_PAUSE);
    }
}

/// Ends a program with everything it started.
fn end(mut child: Child) {
    let group = format!("-{}", child.id());
    let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
    child.wait().expect("a killed program has ended");
}

fn print(name: &str, starts: &[Start], empty: &[Start]) {
    let shown_ms = |start: &Start| start.shown.as_secs_f64() * 1_000.0;
    let shown = |starts: &[Start]| middle(starts.iter().map(shown_ms).collect());
    let memory = |starts: &[Start]| {
        middle(
            starts
                .iter()
                .map(|start| f64::from(u32::try_from(start.memory_bytes / 1_024).unwrap_or(u32::MAX)) / 1_024.0)
                .collect(),
        )
    };
    let (median_ms, memory_mib) = (shown(starts), memory(starts));
    let slowest_ms = starts.iter().map(shown_ms).fold(0.0, f64::max);
    let (of_shown, of_memory) = (median_ms / shown(empty), memory_mib / memory(empty));
    println!(
        "{name}: shown after {median_ms:.0} ms (×{of_shown:.2}), the slowest {slowest_ms:.0}; {memory_mib:.0} MiB (×{of_memory:.2}); \
         goal ×{GOAL} each"
    );
}
