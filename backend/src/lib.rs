//! The servers of Tapseal: payment server and bank front, and the tools around them.

pub mod bank_front;
pub mod clock;
pub mod keys;
pub mod merchant_tool;
pub mod storage;
pub mod tls;
