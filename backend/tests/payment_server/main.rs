//! The payment server with real TLS, real seals and a scripted bank.

#![allow(clippy::unwrap_used, reason = "a test that fails here says where")]

use std::future::Future;
use std::time::Duration;

use protocol::Problem;
use reqwest::Response;

mod attempts;
mod bank;
mod channels;
mod counters;
mod database;
mod delivery;
mod deployment;
mod lists;
mod merchant_access;
mod metrics;
mod payer;
mod payers;
mod reconciliation;
mod requests;
mod several_banks;
mod siblings;
mod unanswered;

/// The longest any one wait of these tests may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// Fails the test when something does not happen in time.
async fn in_time<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, what).await.expect("it did not happen in time")
}

/// The answer of a call that succeeded; status and code of one that was refused.
async fn checked(response: Response) -> Result<Response, (u16, String)> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let problem: Problem = response.json().await.unwrap();
    assert_eq!(problem.status, status.as_u16());
    assert!(problem.call_id.is_some());
    Err((status.as_u16(), problem.code.to_string()))
}

/// A refusal, as the tests compare it.
fn refused<T>(status: u16, code: &str) -> Result<T, (u16, String)> {
    Err((status, code.to_owned()))
}
