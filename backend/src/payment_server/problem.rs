//! The one mapping of the server's errors to RFC 9457 problem details.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use payment::RequestState;
use protocol::{ErrorCode, MemberError, Problem};

use super::Error;
use crate::storage;

/// The media type of problem details (RFC 9457, section 3).
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

/// The problem of a refused call, on its way to the layer that adds the call's id.
#[derive(Clone)]
struct Pending(Box<Problem>);

impl Error {
    /// What the caller is told. The cause goes to the log, by kind and never with content.
    pub(super) fn problem(&self) -> Problem {
        match self {
            Self::Refused(code) => Problem::new(*code),
            Self::RefusedWith(problem) => (**problem).clone(),
            Self::Database(error) => {
                tracing::error!(%error, "the database failed");
                Problem::new(if storage::is_passing(error) { ErrorCode::Unavailable } else { ErrorCode::Internal })
            }
            Self::Migration(_)
            | Self::BankTwice(_)
            | Self::NotReconciled(_)
            | Self::Transition(_)
            | Self::Row(_)
            | Self::Review(_)
            | Self::Journal(_)
            | Self::Iso8583(_)
            | Self::Seal(_)
            | Self::Keys(_)
            | Self::Keyset(_)
            | Self::Tls(_)
            | Self::Mail(_)
            | Self::Webhooks(_)
            | Self::Sms(_)
            | Self::Io(_) => {
                tracing::error!(error = %self, "a call failed");
                Problem::new(ErrorCode::Internal)
            }
        }
    }

    /// A body or query that is not as it should be, with the place of what is wrong: a JSON Pointer. The text never
    /// quotes what was sent.
    pub(super) fn invalid(pointer: &str, detail: &str) -> Self {
        let mut problem = Problem::new(ErrorCode::InvalidInput);
        problem.errors = vec![MemberError { pointer: pointer.to_owned(), detail: detail.to_owned() }];
        Self::RefusedWith(Box::new(problem))
    }

    /// A malformed call that has a status of its own.
    pub(super) fn refused_as(status: StatusCode, detail: &str) -> Self {
        let mut problem = Problem::new(ErrorCode::InvalidInput).with_detail(detail);
        problem.status = status.as_u16();
        Self::RefusedWith(Box::new(problem))
    }

    /// Whether a unique rule of the database refused a row; the rule's columns are given.
    pub(super) fn violates_unique(&self, columns: &str) -> bool {
        let Self::Database(sqlx::Error::Database(error)) = self else { return false };
        error.is_unique_violation() && error.message().contains(columns)
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let problem = self.problem();
        let mut response =
            StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response();
        response.extensions_mut().insert(Pending(Box::new(problem)));
        response
    }
}

/// Writes the body of a refusal, now that the call's id is known. An answer without a problem of ours but
/// with an error status (a wrong method, a time-out) gets one.
pub(super) fn finish(mut response: Response, call_id: &str) -> Response {
    let pending = response.extensions_mut().remove::<Pending>();
    let status = response.status();
    let mut problem = match pending {
        Some(Pending(problem)) => *problem,
        None if status == StatusCode::NOT_FOUND => Problem::new(ErrorCode::NotFound),
        None if status.is_client_error() => {
            let mut problem = Problem::new(ErrorCode::InvalidInput);
            problem.status = status.as_u16();
            problem
        }
        None => return response,
    };
    let allow = response.headers_mut().remove(header::ALLOW);
    problem.call_id = Some(call_id.to_owned());
    tracing::info!(code = problem.code.as_str(), "refused");
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut answer = (status, [(header::CONTENT_TYPE, PROBLEM_JSON)], body).into_response();
    if let Some(allow) = allow {
        answer.headers_mut().insert(header::ALLOW, allow);
    }
    if status == StatusCode::UNAUTHORIZED {
        // RFC 9110, section 15.5.2: a 401 says how to authenticate.
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if problem.retryable {
        let wait_s = HeaderValue::from(problem.retry_after_s.unwrap_or(1));
        answer.headers_mut().insert(header::RETRY_AFTER, wait_s);
    }
    answer
}

/// Why a request in this state takes no further attempt; nothing when it does.
pub(super) const fn why_not_open(state: &RequestState) -> Option<ErrorCode> {
    match state {
        RequestState::Created | RequestState::Delivering | RequestState::Delivered | RequestState::Seen => None,
        RequestState::InFlight { .. } | RequestState::OutcomeUnknown { .. } => Some(ErrorCode::RequestInFlight),
        RequestState::Paid { .. } => Some(ErrorCode::RequestAlreadyPaid),
        RequestState::Rejected => Some(ErrorCode::RequestRejected),
        RequestState::Cancelled => Some(ErrorCode::RequestCancelled),
        RequestState::Expired => Some(ErrorCode::RequestExpired),
        RequestState::Undeliverable | RequestState::Failed { .. } | RequestState::Reversed { .. } => {
            Some(ErrorCode::RequestClosed)
        }
        RequestState::NeedsManualReview { .. } => Some(ErrorCode::NeedsManualReview),
    }
}
