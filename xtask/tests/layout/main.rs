//! The layout of the project, enforced: who may import whom, what may not be where, and how files look.
//!
//! Every rule is first shown to catch a synthetic breach, and then applied to the real tree.

mod imports;
mod sources;
mod tokens;

use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;
use imports::Graph;
use sources::SourceFile;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask stands in the root").to_owned()
}

fn graph() -> Graph {
    let metadata = MetadataCommand::new().current_dir(root()).no_deps().exec().expect("cargo metadata");
    Graph::of(&metadata)
}

/// Fails with every breach, one a line.
fn assert_none(breaches: &[String]) {
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

#[test]
fn every_listed_folder_is_there() {
    let folders = [
        "crates/payment",
        "crates/emv",
        "crates/envelope",
        "crates/iso8583",
        "crates/protocol",
        "crates/vouchers",
        "crates/wallet",
        "crates/virtual-card",
        "src-tauri",
        "ui",
        "backend",
        "mobile",
        "tests",
        "xtask",
        "icons",
        "docs/adr",
    ];
    let missing =
        folders.iter().filter(|folder| std::fs::read_dir(root().join(folder)).map_or(0, Iterator::count) == 0);
    assert_none(&missing.map(|folder| format!("{folder} is missing or empty")).collect::<Vec<_>>());
}

#[test]
fn the_colours_can_be_told_apart() {
    let css = std::fs::read_to_string(root().join("ui/styles/tokens.css")).expect("the tokens are there");
    assert_none(&tokens::too_close(&css));
}

#[test]
fn styles_name_no_side_of_the_page() {
    assert_none(&sources::physical_sides(&sources::texts_below(&root(), &["ui/styles"])));
}

#[test]
fn packages_import_only_what_the_design_allows() {
    assert_none(&imports::forbidden_imports(&graph()));
}

#[test]
fn databases_and_windows_stay_where_they_belong() {
    assert_none(&imports::misplaced_libraries(&graph()));
}

#[test]
fn the_pure_crates_reach_no_clock_and_no_randomness() {
    let graph = graph();
    let breaches = ["payment", "emv"].iter().flat_map(|package| imports::impure_dependencies(&graph, package));
    assert_none(&breaches.collect::<Vec<_>>());
    let files = sources::below(&root(), &["crates/payment/src", "crates/emv/src"]);
    assert!(files.len() > 10, "the pure crates have moved");
    assert_none(&sources::clocks_and_randomness(&files));
}

#[test]
fn the_wire_types_have_no_room_for_card_data() {
    let files = sources::below(&root(), &["crates/protocol/src"]);
    assert!(!files.is_empty(), "crates/protocol has moved");
    assert_none(&sources::card_data_types(&files));
}

#[test]
fn servers_meet_on_the_wire_only() {
    let files = sources::below(&root(), &["backend/src"]);
    assert!(!files.is_empty(), "backend has moved");
    assert_none(&sources::neighbours_imported(&files));
}

#[test]
fn the_payment_server_cannot_name_a_bank_secret() {
    let files = sources::below(&root(), &["backend/src"]);
    assert_none(&sources::bank_secrets_named(&files));
}

#[test]
fn only_the_bank_front_reads_emv_in_the_backend() {
    let files = sources::below(&root(), &["backend/src"]);
    assert_none(&sources::emv_outside_the_bank(&files));
}

#[test]
fn every_file_says_what_it_is_for() {
    let files = our_sources();
    assert!(files.len() > 50, "only {} files were found", files.len());
    assert_none(&sources::without_purpose(&files));
}

#[test]
fn file_names_are_nouns_of_the_domain() {
    assert_none(&sources::banned_names(&our_sources()));
}

#[test]
fn nothing_names_a_path_of_one_machine() {
    assert_none(&sources::machine_paths(&every_tracked_text()));
}

fn our_sources() -> Vec<SourceFile> {
    sources::below(&root(), &["crates", "backend", "src-tauri", "ui", "mobile", "tests", "xtask"])
}

/// Every text file of the tree, except generated and recorded ones.
fn every_tracked_text() -> Vec<SourceFile> {
    let top = [".ci", ".cargo", "crates", "backend", "src-tauri", "ui", "mobile", "tests", "xtask", "docs"];
    let mut files = sources::texts_below(&root(), &top);
    files.extend(sources::texts_at(&root()));
    files
}
