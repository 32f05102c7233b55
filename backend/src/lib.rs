//! The servers of Tapseal: payment server and bank front.

pub mod storage;
