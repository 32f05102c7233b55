//! Who imports whom, from `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata};

/// What each of our packages may import in its own code. Tests may also use [`FOR_TESTS`].
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("payment", &[]),
    ("envelope", &[]),
    ("iso8583", &[]),
    ("emv", &["payment"]),
    ("protocol", &["payment"]),
    ("virtual-card", &["emv"]),
    // What a merchant and its bank agree on; both the wallet, as a till, and the bank read it.
    ("vouchers", &["payment", "envelope"]),
    ("wallet", &["payment", "emv", "envelope", "protocol", "vouchers"]),
    ("ui", &["payment", "protocol"]),
    ("payment-page", &["payment", "envelope", "protocol"]),
    ("tauri-plugin-card-reader", &[]),
    ("tapseal-app", &["wallet", "protocol", "tauri-plugin-card-reader"]),
    // Only bank_front uses emv; a source rule watches that.
    ("tapseal", &["payment", "envelope", "protocol", "iso8583", "emv", "vouchers"]),
    // The whole system, as its tests see it; the servers are reached as programs, never imported.
    ("e2e", &["payment", "emv", "envelope", "iso8583", "protocol", "virtual-card", "wallet"]),
    // The parsers of what others wrote; the transcript's is the wallet's own file, built without the wallet.
    ("fuzz", &["emv", "envelope", "iso8583", "protocol"]),
    ("xtask", &[]),
];

/// What any package may use to test itself: a card is a real part to read, and the seal a real part to open.
const FOR_TESTS: &[&str] = &["virtual-card", "envelope", "emv", "payment", "protocol", "iso8583"];

/// Libraries that belong to few packages.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("sqlx", &["wallet", "tapseal"]),
    ("tauri", &["tapseal-app", "tauri-plugin-card-reader"]),
    ("tauri-plugin", &["tauri-plugin-card-reader"]),
    ("tauri-build", &["tapseal-app"]),
    ("axum", &["tapseal", "e2e"]),
    ("pcsc", &["wallet"]),
    ("leptos", &["ui"]),
];

/// Of those, the ones that tests may use anywhere: playing a server is not being one.
const FREE_IN_TESTS: &[&str] = &["axum"];

/// Libraries that know the time or draw random bytes.
const IMPURE: &[&str] = &["rand", "getrandom", "fastrand", "jiff", "chrono", "time", "web-time", "instant", "tokio"];

/// The packages of the workspace and what each names in its manifest.
pub struct Graph {
    packages: BTreeMap<String, Named>,
}

/// Direct dependencies by kind.
#[derive(Default)]
struct Named {
    built_in: BTreeSet<String>,
    tested_with: BTreeSet<String>,
}

impl Graph {
    /// Reads the manifests.
    pub fn of(metadata: &Metadata) -> Self {
        let packages = metadata.workspace_packages().into_iter().map(|package| {
            let mut named = Named::default();
            for dependency in &package.dependencies {
                let set = match dependency.kind {
                    DependencyKind::Development => &mut named.tested_with,
                    _ => &mut named.built_in,
                };
                set.insert(dependency.name.clone());
            }
            (package.name.to_string(), named)
        });
        Self { packages: packages.collect() }
    }

    /// A graph from `package: dependencies` and `package: dev-dependencies`.
    #[cfg(test)]
    fn synthetic(packages: &[(&str, &[&str], &[&str])]) -> Self {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let named = |built: &[&str], tested: &[&str]| Named { built_in: owned(built), tested_with: owned(tested) };
        let packages = packages.iter().map(|&(name, built, tested)| (name.to_owned(), named(built, tested)));
        Self { packages: packages.collect() }
    }
}

/// Imports between our packages that the design does not allow, and packages it does not know.
pub fn forbidden_imports(graph: &Graph) -> Vec<String> {
    let mut breaches = Vec::new();
    for (package, named) in &graph.packages {
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| name == package) else {
            breaches.push(format!("{package}: a package without a rule; add it to MAY_IMPORT on purpose"));
            continue;
        };
        let ours = |name: &&String| graph.packages.contains_key(*name);
        for name in named.built_in.iter().filter(ours).filter(|name| !allowed.contains(&name.as_str())) {
            breaches.push(format!("{package} imports {name}"));
        }
        let in_tests = |name: &&String| !allowed.contains(&name.as_str()) && !FOR_TESTS.contains(&name.as_str());
        for name in named.tested_with.iter().filter(ours).filter(in_tests) {
            breaches.push(format!("{package} imports {name} in its tests"));
        }
    }
    breaches
}

/// Libraries named outside the packages they belong to, in tests or not.
pub fn misplaced_libraries(graph: &Graph) -> Vec<String> {
    let mut breaches = Vec::new();
    for (library, homes) in ONLY_IN {
        for (package, named) in graph.packages.iter().filter(|(package, _)| !homes.contains(&package.as_str())) {
            let in_tests = named.tested_with.contains(*library) && !FREE_IN_TESTS.contains(library);
            if named.built_in.contains(*library) || in_tests {
                breaches.push(format!("{package} names {library}, which belongs to {}", homes.join(", ")));
            }
        }
    }
    breaches
}

/// Clocks and sources of randomness that a pure package names in its manifest.
pub fn impure_dependencies(graph: &Graph, package: &str) -> Vec<String> {
    let named = graph.packages.get(package).map(|named| &named.built_in);
    let impure = named.into_iter().flatten().filter(|name| IMPURE.contains(&name.as_str()));
    impure.map(|name| format!("{package} depends on {name}")).collect()
}

#[test]
fn a_forbidden_import_is_caught() {
    let graph = Graph::synthetic(&[("payment", &["protocol"], &[]), ("protocol", &["payment"], &[])]);
    assert_eq!(forbidden_imports(&graph), ["payment imports protocol"]);
}

#[test]
fn tests_may_use_the_card_but_not_the_wallet() {
    let card = Graph::synthetic(&[("tapseal", &[], &["virtual-card"]), ("virtual-card", &[], &[])]);
    assert!(forbidden_imports(&card).is_empty());
    let wallet = Graph::synthetic(&[("tapseal", &[], &["wallet"]), ("wallet", &[], &[])]);
    assert_eq!(forbidden_imports(&wallet), ["tapseal imports wallet in its tests"]);
}

#[test]
fn a_package_without_a_rule_is_caught() {
    assert_eq!(forbidden_imports(&Graph::synthetic(&[("newcomer", &[], &[])])).len(), 1);
}

#[test]
fn a_database_in_the_window_is_caught() {
    let graph = Graph::synthetic(&[("tapseal-app", &["sqlx"], &[]), ("wallet", &["sqlx"], &[])]);
    assert_eq!(misplaced_libraries(&graph), ["tapseal-app names sqlx, which belongs to wallet, tapseal"]);
    let in_tests = Graph::synthetic(&[("ui", &[], &["sqlx", "axum"])]);
    assert_eq!(misplaced_libraries(&in_tests), ["ui names sqlx, which belongs to wallet, tapseal"]);
}

#[test]
fn a_random_source_in_a_pure_crate_is_caught() {
    let graph = Graph::synthetic(&[("emv", &["getrandom"], &["proptest"])]);
    assert_eq!(impure_dependencies(&graph, "emv"), ["emv depends on getrandom"]);
}
