//! The `platforms` verb: what can be known here about phones and other systems, without their development kits.
//!
//! The whole window is type-checked for Android, iOS, macOS and Windows; the Kotlin plugin is compiled and run on the
//! JVM; the Swift plugin is parsed. For Windows, when asked by name, programs are linked, and the command-line wallet
//! pays under wine. Nothing is linked for a phone or a Mac, and nothing runs on a device.

mod kotlin;
mod stand_ins;
mod swift;
mod types;
mod windows_build;

use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use types::System;

use crate::failure::Failure;
use crate::progress::Progress;

/// Which platforms to look at.
#[derive(Args)]
pub struct Options {
    /// Only these, in the usual order.
    #[arg(long, value_enum)]
    only: Vec<Platform>,
}

/// What is looked at, the quickest to fail first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Platform {
    /// The iOS part of the card reader: syntax only.
    Swift,
    /// The Android part of the card reader, compiled and run on the JVM over Android's own NFC classes.
    Kotlin,
    /// The window's types on Android.
    Android,
    /// The window's types on iPhones.
    Ios,
    /// The window's types on Macs.
    Macos,
    /// The window's types on Windows.
    Windows,
    /// The Windows programs, linked; the command-line wallet pays under wine. Only when named: it takes minutes.
    WindowsBuild,
}

impl Platform {
    const fn name(self) -> &'static str {
        match self {
            Self::Swift => "swift",
            Self::Kotlin => "kotlin",
            Self::Android => "android",
            Self::Ios => "ios",
            Self::Macos => "macos",
            Self::Windows => "windows",
            Self::WindowsBuild => "windows-build",
        }
    }

    fn look(self, progress: &Progress) -> Result<String, Failure> {
        match self {
            Self::Swift => swift::parse(progress),
            Self::Kotlin => kotlin::test(progress),
            Self::Android => types::check(System::Android, progress),
            Self::Ios => types::check(System::Ios, progress),
            Self::Macos => types::check(System::MacOs, progress),
            Self::Windows => types::check(System::Windows, progress),
            Self::WindowsBuild => windows_build::build_and_pay(progress),
        }
    }
}

/// Looks at each platform, all of them even when one fails, and says how long each took.
pub fn run(options: &Options) -> Result<(), Failure> {
    let wanted = |platform: &&Platform| {
        let unasked = options.only.is_empty() && **platform != Platform::WindowsBuild;
        unasked || options.only.contains(platform)
    };
    let mut failed = None;
    let mut table = Vec::new();
    for &platform in Platform::value_variants().iter().filter(wanted) {
        let started = Instant::now();
        let progress = Progress::start(platform.name());
        let done = platform.look(&progress);
        progress.end(if done.is_ok() { "ok" } else { "FAILED" });
        let told = match done {
            Ok(told) => told,
            Err(failure) => {
                eprintln!("\n─── {} ───\n{failure}\n", platform.name());
                failed.get_or_insert(platform);
                "FAILED".to_owned()
            }
        };
        table.push((platform, started.elapsed(), told));
    }
    print_table(&table);
    match failed {
        None => Ok(()),
        Some(platform) => Err(Failure::unexpected(platform.name(), "what stands above")),
    }
}

fn print_table(table: &[(Platform, Duration, String)]) {
    for (platform, took, told) in table {
        println!("{:<13} {:>7.1} s  {told}", platform.name(), took.as_secs_f32());
    }
}
