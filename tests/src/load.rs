//! What the load drivers share: the servers with their cards, CPU time, processors of their own, and figures.

use std::path::Path;
use std::time::Duration;

use virtual_card::Profile;

use crate::plastic;
use crate::process::Running;
use crate::system::{System, Wishes, texts};

/// Processors the driver and the servers need to be kept apart.
const PROCESSORS_APART: usize = 2;

/// Servers whose bank knows these cards and lets each of them pay almost anything.
pub async fn start(cards: &[Profile]) -> System {
    let folder = tempfile::TempDir::new().expect("a folder for the cards");
    let file = folder.path().join("cards.json");
    plastic::write_profiles(cards, &file);
    let file = file.to_str().expect("temporary paths are plain");
    let limits = ["--limit-minor", "99999999", "--day-limit-minor", "99999999"];
    let seed = [texts(&["--card-profiles", file, "--balance-minor", "99999999"]), texts(&limits)].concat();
    System::start(Wishes { seed, ..Wishes::default() }).await
}

/// Gives the servers the first processor and the driver the others, where there are two and `taskset` can: who
/// shares a processor with its own load is measured with it. Whether it could.
pub fn keep_apart(servers: &[u32]) -> bool {
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    if count < PROCESSORS_APART {
        return false;
    }
    let pin = |processors: &str, process: u32| {
        let mut taskset = std::process::Command::new("taskset");
        let pinned = taskset.args(["-a", "-p", "-c", processors, &process.to_string()]).output();
        pinned.is_ok_and(|output| output.status.success())
    };
    let others = format!("1-{}", count - 1);
    pin(&others, std::process::id()) && servers.iter().all(|server| pin("0", *server))
}

/// CPU time of a process so far, from `/proc/PID/stat` (fields 14 and 15, in ticks of 10 ms).
pub fn cpu_time(process: Option<&Running>) -> Duration {
    let Some(process) = process else { return Duration::ZERO };
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<u64> = after_name.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect();
    Duration::from_millis((fields.get(11).unwrap_or(&0) + fields.get(12).unwrap_or(&0)) * 10)
}

/// What one round of a driver showed.
pub struct Round {
    /// Wall time of the round.
    pub took: Duration,
    /// CPU time of each server.
    pub cpu: Vec<Duration>,
    /// Of each payment, in any order.
    pub latencies: Vec<Duration>,
}

impl Round {
    fn count(&self) -> f64 {
        f64::from(u32::try_from(self.latencies.len()).expect("a bounded count"))
    }

    /// Payments per second of wall time.
    pub fn per_second(&self) -> f64 {
        self.count() / self.took.as_secs_f64()
    }

    /// CPU time of a payment in milliseconds, at each server.
    pub fn cpu_ms(&self) -> Vec<f64> {
        self.cpu.iter().map(|cpu| cpu.as_secs_f64() * 1_000.0 / self.count()).collect()
    }

    /// The latency that this share of a hundred stays below, in milliseconds.
    pub fn latency_ms(&self, share: usize) -> f64 {
        let mut latencies = self.latencies.clone();
        latencies.sort_unstable();
        let at = (latencies.len() * share / 100).min(latencies.len() - 1);
        latencies[at].as_secs_f64() * 1_000.0
    }
}

/// The median of a figure over rounds, and how far the rounds lay apart: the smallest and the largest.
pub fn median(rounds: &[Round], figure: impl Fn(&Round) -> f64) -> (f64, f64, f64) {
    let mut values: Vec<f64> = rounds.iter().map(figure).collect();
    values.sort_unstable_by(f64::total_cmp);
    (values[values.len() / 2], values[0], values[values.len() - 1])
}

/// How many steps shared one commit on average, from a log that has a line for each commit: it is written when the
/// environment says `RUST_LOG=info,tapseal::storage=debug`.
pub fn steps_a_commit(log: &Path) -> Option<f64> {
    let text = std::fs::read_to_string(log).ok()?;
    let steps = text.lines().filter(|line| line.contains("a group is durable")).filter_map(|line| {
        let number = line.split("steps=").nth(1)?;
        number.split_whitespace().next()?.parse::<u32>().ok()
    });
    let (commits, steps) = steps.fold((0_u32, 0_u32), |(commits, sum), steps| (commits + 1, sum + steps));
    (commits > 0).then(|| f64::from(steps) / f64::from(commits))
}

/// The median of some figures.
///
/// # Panics
/// When there are none.
pub fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
