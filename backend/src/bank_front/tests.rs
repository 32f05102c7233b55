//! The bank front as a whole, message by message.
