//! How fast card answers are taken apart, beside another crate that does the same, measured in the same run.
//!
//! The answers are those of the recorded cards of `tests/data/traces` that both crates accept, whole, templates
//! opened. The peer, `iso7816-tlv`, copies every value; ours borrows, and looks for bounds the peer does not know.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use emv::tlv::{self, Mode};
use iso7816_tlv::ber;

/// How often each side runs for the ratio; the two alternate, so that a slow moment hits both.
const ROUNDS: usize = 2_000;

/// Every answer with data in it that both crates take.
fn answers() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/traces");
    let mut answers = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the transcripts are there") {
        let text = std::fs::read(entry.expect("a folder can be listed").path()).expect("a transcript can be read");
        let transcript: serde_json::Value = serde_json::from_slice(&text).expect("a transcript is JSON");
        let exchanges = transcript["exchanges"].as_array().expect("a transcript has exchanges");
        for r_apdu in exchanges.iter().filter_map(|exchange| exchange["r"].as_str()) {
            let r_apdu = hex::decode(r_apdu).expect("an answer is hexadecimal");
            let data = &r_apdu[..r_apdu.len().saturating_sub(2)];
            let both_take = tlv::flatten(data, Mode::Strict).is_ok() && peer(data).is_some();
            if !data.is_empty() && both_take {
                answers.push(data.to_vec());
            }
        }
    }
    assert!(answers.len() > 100, "only {} answers", answers.len());
    answers
}

fn peer(mut data: &[u8]) -> Option<Vec<ber::Tlv>> {
    let mut objects = Vec::new();
    while !data.is_empty() {
        let (object, rest) = ber::Tlv::parse(data);
        objects.push(object.ok()?);
        data = rest;
    }
    Some(objects)
}

/// The medians of two routines that take turns.
fn medians(mut one: impl FnMut(), mut other: impl FnMut()) -> (Duration, Duration) {
    let timed = |routine: &mut dyn FnMut()| {
        let start = Instant::now();
        routine();
        start.elapsed()
    };
    let (mut ones, mut others): (Vec<Duration>, Vec<Duration>) =
        (0..ROUNDS).map(|_| (timed(&mut one), timed(&mut other))).unzip();
    ones.sort_unstable();
    others.sort_unstable();
    (ones[ROUNDS / 2], others[ROUNDS / 2])
}

fn main() {
    let answers = answers();
    let bytes = answers.iter().map(Vec::len).sum::<usize>();
    let ours = |mode| answers.iter().for_each(|data| drop(black_box(tlv::flatten(black_box(data), mode))));
    let theirs = || answers.iter().for_each(|data| drop(black_box(peer(black_box(data)))));

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("tlv_parse");
    group.throughput(Throughput::Bytes(u64::try_from(bytes).expect("a few kilobytes")));
    group.bench_function("lenient", |bencher| bencher.iter(|| ours(Mode::Lenient)));
    group.bench_function("strict", |bencher| bencher.iter(|| ours(Mode::Strict)));
    group.bench_function("iso7816-tlv", |bencher| bencher.iter(theirs));
    group.finish();
    criterion.final_summary();

    let count = answers.len();
    let (ours, theirs) = medians(|| ours(Mode::Lenient), theirs);
    let rate = |took: Duration| f64::from(u32::try_from(bytes).expect("a few kilobytes")) / took.as_secs_f64() / 1e6;
    println!(
        "TLV of {count} card answers, {bytes} bytes: {:.0} MB/s against {:.0} MB/s of iso7816-tlv; ratio {:.2}",
        rate(ours),
        rate(theirs),
        theirs.as_secs_f64() / ours.as_secs_f64()
    );
}
