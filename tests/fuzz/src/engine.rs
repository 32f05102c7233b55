//! The fuzzing engine, one program for every target: `FUZZ_TARGET` says which one it drives. Arguments are
//! libFuzzer's own.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

/// The check of the target that was asked for.
static CHECK: OnceLock<fn(&[u8])> = OnceLock::new();

fuzz_target!(
    init: {
        let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
        let names = || fuzz::TARGETS.iter().map(|target| target.name).collect::<Vec<_>>().join(", ");
        let target = fuzz::target(&name).unwrap_or_else(|| panic!("FUZZ_TARGET must be one of: {}", names()));
        CHECK.get_or_init(|| target.check);
    },
    |bytes: &[u8]| {
        if let Some(check) = CHECK.get() {
            check(bytes);
        }
    }
);
