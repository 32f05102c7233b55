//! The screens, one a file.

pub mod alias;
pub mod bill_enrol;
pub mod card;
pub mod card_choose;
pub mod card_error;
pub mod code;
pub mod first_run;
pub mod history;
pub mod inbox;
pub mod introduction;
pub mod lock;
pub mod merchant;
pub mod numbers;
pub mod paid;
pub mod pin;
pub mod reader_test;
pub mod receipt;
pub mod refused;
pub mod request;
pub mod sealing;
pub mod settings;
pub mod start;
pub mod unknown;
pub mod verify;
pub mod voucher;
