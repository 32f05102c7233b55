//! The negative kit: everything that must be refused, one file a subject.

mod bank_certificate;
mod capsule;
mod digits;
mod http_signature;
mod jws;
mod keyset;
mod request;
mod seals;
