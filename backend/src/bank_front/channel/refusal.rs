//! What a channel or the page is told when something is not done: problem details (RFC 9457) with a code that stays.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::bank_front::binding::ChangeRefused;
use crate::bank_front::error::BankError;

/// Why something is not done.
#[derive(Debug, thiserror::Error)]
pub(in crate::bank_front) enum Refusal {
    /// Nobody knows this certificate, or it is let in no more.
    #[error("this channel is not admitted")]
    NotAdmitted,
    /// Another kind of channel may do that.
    #[error("a channel of this kind may not do this")]
    NotForThisChannel,
    /// No such customer, or none on file that an account belongs to.
    #[error("there is no such customer")]
    CustomerUnknown,
    /// No card and PIN were right there a moment ago, or they opened a visit already; or the visit is over.
    #[error("there is no such visit: the card and its PIN come first, on the port for cards")]
    VisitUnknown,
    /// The change is not made.
    #[error(transparent)]
    Change(#[from] ChangeRefused),
    /// Number and password do not fit together, or the access is locked: which, nobody is told.
    #[error("number and password do not fit together, or the access is locked")]
    NotSignedIn,
    /// The session is over, or the call did not come from the bank's own page.
    #[error("nobody is signed in")]
    NoSession,
    /// Too many wrong tries from this address; seconds to wait.
    #[error("too many wrong tries from here")]
    Wait(u64),
    /// The bank cannot do its work now. The cause is in the log.
    #[error("the bank cannot do this now")]
    Unavailable,
}

impl From<BankError> for Refusal {
    fn from(error: BankError) -> Self {
        // What was checked before may have changed by the time the last code came: the step was undone.
        match error {
            BankError::NoPayer => ChangeRefused::NotBound.into(),
            BankError::PayerKnown => ChangeRefused::AlreadyBound.into(),
            BankError::NoTerminal => ChangeRefused::TerminalUnknown.into(),
            BankError::LastTerminal => ChangeRefused::LastTerminal.into(),
            BankError::AccountCurrency => ChangeRefused::AccountCurrency.into(),
            BankError::NoAccount(_) => ChangeRefused::AccountUnknown.into(),
            BankError::TooMany("terminals") => ChangeRefused::TooManyTerminals.into(),
            BankError::TooMany(_) => ChangeRefused::TooManyAccounts.into(),
            BankError::NoCustomer => Self::CustomerUnknown,
            BankError::Password(_) => ChangeRefused::PasswordUnfit.into(),
            other => {
                tracing::error!(error = %other, "a channel is told that the bank cannot do it now");
                Self::Unavailable
            }
        }
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        BankError::from(error).into()
    }
}

/// Problem details.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::bank_front) struct ProblemView {
    /// Always `about:blank`.
    r#type: &'static str,
    /// What happened, in English.
    title: String,
    /// The status of the answer.
    status: u16,
    /// What happened, for programs; it never changes its meaning, and new ones may be added.
    code: &'static str,
    /// How often the code may be typed wrongly still, after a wrong one.
    #[serde(skip_serializing_if = "Option::is_none")]
    tries_left: Option<i64>,
}

impl Refusal {
    const fn status(&self) -> StatusCode {
        match self {
            Self::NotAdmitted | Self::NotForThisChannel => StatusCode::FORBIDDEN,
            Self::NotSignedIn | Self::NoSession => StatusCode::UNAUTHORIZED,
            Self::CustomerUnknown | Self::VisitUnknown => StatusCode::NOT_FOUND,
            Self::Wait(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Change(refused) => match refused {
                ChangeRefused::Malformed(_)
                | ChangeRefused::Differs
                | ChangeRefused::PasswordUnfit
                | ChangeRefused::LimitsUnfit => StatusCode::UNPROCESSABLE_ENTITY,
                ChangeRefused::Unknown => StatusCode::NOT_FOUND,
                ChangeRefused::WrongCode(_) => StatusCode::FORBIDDEN,
                ChangeRefused::TooManyChanges | ChangeRefused::TooManyTexts | ChangeRefused::TooManyTries => {
                    StatusCode::TOO_MANY_REQUESTS
                }
                ChangeRefused::Over
                | ChangeRefused::NotBound
                | ChangeRefused::AlreadyBound
                | ChangeRefused::AccountUnknown
                | ChangeRefused::AccountKnown
                | ChangeRefused::AccountCurrency
                | ChangeRefused::TerminalUnknown
                | ChangeRefused::TerminalKnown
                | ChangeRefused::LastTerminal
                | ChangeRefused::TooManyTerminals
                | ChangeRefused::TooManyAccounts => StatusCode::CONFLICT,
            },
        }
    }

    /// The code by which a program knows it.
    pub(in crate::bank_front) const fn code(&self) -> &'static str {
        match self {
            Self::NotAdmitted => "not_admitted",
            Self::NotForThisChannel => "not_for_this_channel",
            Self::CustomerUnknown => "customer_unknown",
            Self::VisitUnknown => "visit_unknown",
            Self::Change(refused) => refused.code(),
            Self::NotSignedIn => "not_signed_in",
            Self::NoSession => "no_session",
            Self::Wait(_) => "wait",
            Self::Unavailable => "unavailable",
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.status();
        let tries_left = if let Self::Change(ChangeRefused::WrongCode(left)) = self { Some(left) } else { None };
        let problem = ProblemView {
            r#type: "about:blank",
            title: self.to_string(),
            status: status.as_u16(),
            code: self.code(),
            tries_left,
        };
        let mut response = (status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Self::Wait(seconds) = self {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
