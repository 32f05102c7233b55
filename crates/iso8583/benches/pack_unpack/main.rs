//! How fast a financial request is packed and unpacked, beside pyiso8583 with the same message in the same run.
//!
//! pyiso8583 is the client most people would drive the bank front with from a script. It runs when
//! `TAPSEAL_TEST_PYTHON` names a Python that has it; both sides take turns, so that a slow moment hits both, and both
//! must arrive at the same bytes first.

use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use criterion::Criterion;
use iso8583::{Message, Mti, Spec};

/// Names the Python that has the peer.
const PYTHON: &str = "TAPSEAL_TEST_PYTHON";
/// How often the two take turns for the ratio.
const ROUNDS: usize = 15;
/// How often the message is packed and unpacked in a turn, here and there.
const OURS_A_TURN: u32 = 20_000;
const THEIRS_A_TURN: u32 = 1_000;
/// How many times faster than the peer the two together shall be.
const RATIO_GOAL: f64 = 50.0;

/// A purchase as an acquirer sends it: seventeen data elements, all of them characters.
const ELEMENTS: [(u8, &str); 17] = [
    (2, "4761340000000050"),
    (3, "000000"),
    (4, "000000001280"),
    (7, "1122070809"),
    (11, "000041"),
    (12, "070809"),
    (13, "1122"),
    (14, "2812"),
    (18, "5814"),
    (22, "051"),
    (25, "00"),
    (32, "000001"),
    (35, "4761340000000050=28122011125234"),
    (37, "632607000041"),
    (41, "TAPSEAL1"),
    (42, "blue-door      "),
    (49, "840"),
];

/// The peer's process.
struct Peer {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts it and has it pack the message: both must mean the same bytes.
    fn start(python: &std::ffi::OsStr, packed: &[u8]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/pack_unpack/peer.py");
        let mut process = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the Python in the environment starts");
        let to = process.stdin.take().expect("a pipe");
        let from = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut peer = Self { process, to, from };
        let mut fields = serde_json::Map::from_iter([("t".to_owned(), "0200".into())]);
        fields.extend(ELEMENTS.map(|(number, text)| (number.to_string(), text.into())));
        let theirs: String = peer.ask(&serde_json::Value::from(fields).to_string());
        assert_eq!(theirs.as_bytes(), packed, "both sides pack the same message");
        peer
    }

    fn ask<T: serde::de::DeserializeOwned>(&mut self, line: &str) -> T {
        writeln!(self.to, "{line}").expect("the peer reads");
        let mut answer = String::new();
        self.from.read_line(&mut answer).expect("the peer answers");
        serde_json::from_str(&answer).expect("the peer answers in JSON")
    }

    /// Nanoseconds of one pack and of one unpack.
    fn turn(&mut self) -> [f64; 2] {
        self.ask(&THEIRS_A_TURN.to_string())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It would end by itself when its input does; nobody shall wait for that.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn message() -> Message {
    ELEMENTS
        .iter()
        .fold(Message::new(Mti::FINANCIAL_REQUEST), |message, (number, text)| message.with_text(*number, *text))
}

/// Nanoseconds of one run among many.
fn timed(mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    for _ in 0..OURS_A_TURN {
        work();
    }
    nanoseconds(start.elapsed()) / f64::from(OURS_A_TURN)
}

fn nanoseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let spec = Spec::ASCII_HEX;
    let message = message();
    let packed = message.pack(&spec).expect("the message packs");
    let pack = || drop(black_box(black_box(&message).pack(&spec)));
    let unpack = || drop(black_box(Message::unpack(&spec, black_box(&packed))));
    assert_eq!(Message::unpack(&spec, &packed).as_ref(), Ok(&message));

    let mut criterion = Criterion::default().configure_from_args();
    criterion.bench_function("iso8583/pack", |bencher| bencher.iter(pack));
    criterion.bench_function("iso8583/unpack", |bencher| bencher.iter(unpack));
    criterion.final_summary();

    let Some(python) = std::env::var_os(PYTHON) else {
        println!("{PYTHON} is not set: no Python with pyiso8583 is expected here, so there is no ratio");
        return;
    };
    let mut peer = Peer::start(&python, &packed);
    let turns: Vec<[f64; 4]> = (0..ROUNDS)
        .map(|_| {
            let [their_pack, their_unpack] = peer.turn();
            [timed(pack), timed(unpack), their_pack, their_unpack]
        })
        .collect();
    let [ours_pack, ours_unpack, their_pack, their_unpack] =
        [0, 1, 2, 3].map(|column| median(turns.iter().map(|turn| turn[column]).collect()));
    let ratio = (their_pack + their_unpack) / (ours_pack + ours_unpack);
    let verdict = if ratio >= RATIO_GOAL { "within" } else { "beyond" };
    let (elements, bytes) = (ELEMENTS.len(), packed.len());
    println!("ISO 8583, {elements} data elements, {bytes} bytes, median of {ROUNDS} turns:");
    println!("  pack    {ours_pack:>8.0} ns against {their_pack:>8.0} ns of pyiso8583; x{:.0}", their_pack / ours_pack);
    println!(
        "  unpack  {ours_unpack:>8.0} ns against {their_unpack:>8.0} ns of pyiso8583; x{:.0}",
        their_unpack / ours_unpack
    );
    println!("  both    x{ratio:.1}, {verdict} the goal of x{RATIO_GOAL:.0}");
}
