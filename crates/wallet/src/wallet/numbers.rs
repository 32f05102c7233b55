//! One-time payment numbers: made, shown as digits, QR and bar code, and taken back.
//!
//! The digits are in memory only: they are of use for an hour at most, and whoever reads the wallet's files finds none.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use barcoders::generators::svg::SVG;
use barcoders::sym::code128::Code128;
use payment::{Amount, MerchantId, RequestId};
use protocol::ipc::payer::NumberView;
use protocol::wallet_api::{CreatePaymentNumber, PaymentNumberStatus, PaymentNumberView, payment_number_grouped};
use protocol::{ErrorCode, Problem};

use super::Wallet;
use crate::error::{Result, WalletError};
use crate::qr::{self, Damage};

/// The setting that says until when a request may come under a number.
const SETTING_NUMBERS_UNTIL: &str = "payment_numbers_until_ms";
/// Height of the bar code, in its own units: the narrowest bar is one wide.
const BARCODE_HEIGHT: u32 = 32;
/// What makes an SVG a picture by itself.
const SVG_NAMESPACE: &str = "http://www.w3.org/2000/svg";

/// Digits by the number's id.
#[derive(Default)]
pub(crate) struct Digits(Mutex<HashMap<String, String>>);

impl Digits {
    fn keep(&self, view: &PaymentNumberView) {
        if let Some(number) = &view.number {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(view.id.clone(), number.clone());
        }
    }

    /// The digits of an open number; those of an ended one are forgotten.
    fn of(&self, view: &PaymentNumberView) -> Option<String> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if view.status != PaymentNumberStatus::Open {
            kept.remove(&view.id);
        }
        kept.get(&view.id).cloned()
    }
}

impl Wallet {
    /// Payment numbers of the last day, newest first.
    pub async fn payment_numbers(&self) -> std::result::Result<Vec<NumberView>, Problem> {
        let mut views = Vec::new();
        for number in self.core.server.payment_numbers().await? {
            views.push(self.number_view(number).await?);
        }
        Ok(views)
    }

    /// Makes a payment number.
    pub async fn payment_number_create(
        &self,
        max: Option<Amount>,
        merchant_id: Option<MerchantId>,
        minutes: u32,
    ) -> std::result::Result<NumberView, Problem> {
        let core = &self.core;
        let made = core.server.create_payment_number(&CreatePaymentNumber { max, merchant_id, minutes }).await?;
        core.digits.keep(&made);
        let until_ms = made.expires_ms.max(self.numbers_until_ms().await?);
        core.store.save_setting(SETTING_NUMBERS_UNTIL, &until_ms.to_string()).await?;
        Ok(self.number_view(made).await?)
    }

    /// Takes a payment number back.
    pub async fn payment_number_revoke(&self, id: String) -> std::result::Result<Vec<NumberView>, Problem> {
        let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !is_id {
            return Err(Problem::new(ErrorCode::NotFound));
        }
        self.core.server.revoke_payment_number(&id).await?;
        self.payment_numbers().await
    }

    /// Whether a request came under a number that this wallet made. Asked only while one may be under way.
    pub(super) async fn is_by_number(&self, request_id: RequestId) -> Result<bool> {
        // A request lives on after its number; a day is as long as the server lists numbers.
        const LISTED_MS: u64 = 24 * 60 * 60 * 1_000;
        if self.numbers_until_ms().await? + LISTED_MS < self.core.server.now_ms() {
            return Ok(false);
        }
        let numbers = self.core.server.payment_numbers().await?;
        Ok(numbers.iter().any(|number| number.request_id == Some(request_id)))
    }

    async fn numbers_until_ms(&self) -> Result<u64> {
        let kept = self.core.store.setting(SETTING_NUMBERS_UNTIL).await?;
        Ok(kept.and_then(|until_ms| until_ms.parse().ok()).unwrap_or(0))
    }

    async fn number_view(&self, number: PaymentNumberView) -> Result<NumberView> {
        let digits = self.core.digits.of(&number);
        let payee = match number.merchant_id {
            Some(merchant_id) => Some(self.name_of(merchant_id).await?),
            None => None,
        };
        Ok(NumberView {
            id: number.id,
            qr_svg: digits.as_deref().map(|digits| qr::svg(digits, Damage::Some)),
            barcode_svg: digits.as_deref().map(barcode).transpose()?,
            number: digits.as_deref().map(payment_number_grouped),
            max: number.max,
            payee,
            created_ms: number.created_ms,
            expires_ms: number.expires_ms,
            now_ms: self.core.server.now_ms(),
            status: number.status,
            request_id: number.request_id,
        })
    }
}

/// Ten digits as a bar code: Code 128 in its character set C, two digits a symbol (ISO/IEC 15417).
fn barcode(digits: &str) -> Result<String> {
    let failed = |_| WalletError::Code(ErrorCode::Internal);
    let bars = Code128::new(format!("Ć{digits}")).map_err(failed)?.encode();
    SVG::new(BARCODE_HEIGHT).xmlns(SVG_NAMESPACE.to_owned()).generate(bars).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_digits_are_a_bar_code_of_eight_symbols() {
        let digits = "4821773015";
        let bars = Code128::new(format!("Ć{digits}")).unwrap().encode();
        // Start, five pairs, check: seven symbols of eleven modules, and a stop of thirteen (ISO/IEC 15417, section 4.2).
        assert_eq!(bars.len(), 7 * 11 + 13);
        // Without its namespace it is no picture to a browser.
        assert!(barcode(digits).unwrap().contains(SVG_NAMESPACE));
    }
}
