//! Tests of the card-reading crate against transcripts, published vectors and arbitrary bytes.

#![allow(clippy::unwrap_used, reason = "a test that cannot read its data has to fail")]

mod authentication;
mod completion;
mod conformance;
mod issuer_vectors;
mod kernels;
mod oda;
mod properties;
mod quirks;
mod replay;
mod samples;
mod scripted;
mod session;
mod stripe;
mod terminal_checks;
mod traces;
mod vectors;

use std::path::{Path, PathBuf};

/// A file of the test data.
fn data_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// A JSON file of the test data.
fn json(name: &str) -> serde_json::Value {
    let text = std::fs::read_to_string(data_file(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A hexadecimal string field.
fn bytes(value: &serde_json::Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}
