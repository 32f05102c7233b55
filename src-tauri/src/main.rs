//! Starts the wallet window.

// Without this a release build opens a console beside the window on Windows.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

fn main() {
    tapseal_app::run();
}
