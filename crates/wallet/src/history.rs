//! The history: what receipts are found by, counted and kept as files.
//!
//! Every receipt has one entry, written in the step that stores it. What is shown of a list comes from entries; a
//! receipt that is opened is verified again from the beginning.

pub mod calendar;
pub mod entry;
pub(crate) mod export;
mod find;
pub mod terms;
mod upkeep;

pub(crate) use upkeep::run;
