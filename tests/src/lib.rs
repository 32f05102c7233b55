//! Whole-system tests: real processes, real TLS, real databases; each test is named by a misfortune.
//!
//! The modules here start the parts, play the people, and stand between the parties to record or
//! change what passes. The tests themselves are in `tests/`.

pub mod album;
pub mod authority;
pub mod balancer;
pub mod bank_page;
pub mod bridge;
pub mod browser;
pub mod card;
pub mod code;
pub mod display;
pub mod hand;
pub mod keeper;
pub mod line;
pub mod load;
pub mod memory;
pub mod operator;
pub mod payer;
pub mod picture;
pub mod plastic;
pub mod post;
pub mod postgres;
pub mod process;
pub mod receiver;
pub mod remote;
pub mod scan;
pub mod scene;
pub mod screen_reader;
pub mod second_bank;
pub mod session;
pub mod system;
pub mod tap;
pub mod till;
pub mod torture;
pub mod voice;
pub mod voucher;
pub mod years;
