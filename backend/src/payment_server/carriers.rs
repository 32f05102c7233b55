//! Telephone operators: the two steps in which a wallet is enrolled are brought to the one that is named.
//!
//! The server routes and counts. Number, name, PIN and code are sealed to the operator; what comes back is a certificate that
//! names the subscriber by a random serial only.

use axum::Json;
use axum::extract::{Path, State};
use envelope::Capsule;
use iso8583::private::Composite;
use payment::{DeclineCode, WalletNonce};
use protocol::wallet_api::{CarrierEnrolledView, EnrolCarrier};
use protocol::{ErrorCode, Problem};

use super::auth::DeviceCall;
use super::bank_messages::{self, Reference, retrieval_reference};
use super::{App, Error, attempts, codes};
use crate::clock::now_ms;
use crate::keys::BankId;
use crate::storage::DbConnection;

/// Brings a step of enrolling to an operator. No money moves, so an answer that does not come is no riddle: the payer begins
/// anew.
#[utoipa::path(post, path = "/v1/operators/{operator}/enrolments", tag = "wallet", security(("device_signature" = [])),
    params(("operator" = String, Path)), request_body = EnrolCarrier,
    responses((status = 200, body = CarrierEnrolledView), (status = 402, body = Problem), (status = 422, body = Problem),
        (status = 503, body = Problem)))]
pub(super) async fn enrol(
    State(app): State<App>,
    Path(operator): Path<String>,
    call: DeviceCall,
) -> Result<Json<CarrierEnrolledView>, Error> {
    let EnrolCarrier { enrolment_id, wallet_nonce, inner } = call.json()?;
    let nonce: WalletNonce =
        wallet_nonce.parse().map_err(|_| Error::invalid("/wallet_nonce", "32 bytes in hexadecimal"))?;
    let json = serde_json::to_value(&inner).expect("three strings are always JSON");
    let inner: Capsule = serde_json::from_value(json).map_err(|_| ErrorCode::CapsuleUnreadable)?;
    let operator: BankId = operator.parse().map_err(|_| ErrorCode::NotFound)?;
    if !app.keys.is_operator(&operator) {
        return Err(ErrorCode::NotFound.into());
    }
    let line = app.banks.of(&operator).filter(|line| line.is_up()).ok_or(ErrorCode::BankUnreachable)?;
    codes::count_try(&app, call.device_id).await?;
    let sent_ms = now_ms();
    let stan = app.db.write(|db_tx: &mut DbConnection| Box::pin(attempts::next_stan(db_tx))).await?;
    let reference = Reference { stan, rrn: retrieval_reference(sent_ms, stan), sent_ms };
    let message = bank_messages::enrolment(enrolment_id, *nonce.as_bytes(), &inner, &reference)?;
    let Ok(exchange) = line.exchange(&message).await else { return Err(ErrorCode::BankUnreachable.into()) };
    let composite = Composite::of(&exchange.answer).unwrap_or_default();
    if let Some(certificate) = &composite.bank_certificate {
        app.take_bank_certificate(&operator, certificate).await?;
    }
    match exchange.answer.text(39) {
        Ok("00") => Ok(Json(CarrierEnrolledView { certificate: composite.subscriber_certificate })),
        Ok(response) => Err(ErrorCode::Declined(DeclineCode::from_response_code(response)).into()),
        Err(_) => Err(ErrorCode::BankUnreachable.into()),
    }
}
