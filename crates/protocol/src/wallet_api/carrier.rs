//! Paying on the phone bill: a wallet is enrolled with a telephone operator.

use payment::AttemptId;
use serde::{Deserialize, Serialize};

use crate::sealed::SealedText;

/// Body of `POST /v1/operators/{operator}/enrolments`: one of the two steps of enrolling. Which one, and whose number it is,
/// only the operator can read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EnrolCarrier {
    /// The wallet's id of this step.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub enrolment_id: AttemptId,
    /// The wallet's random part of what the capsule is sealed for: 32 bytes in hexadecimal.
    pub wallet_nonce: String,
    /// Sealed to the operator.
    pub inner: SealedText,
}

/// Answer of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CarrierEnrolledView {
    /// The certificate of the wallet's key, signed by the operator's root; none after the first step, when a code is on its
    /// way.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub certificate: Option<String>,
}
