//! What a payer is told on its terminals besides codes: that it was bound, that something was changed, that it is locked.

use super::terminal::{Address, TerminalKind};
use crate::bank_front::error::BankError;
use crate::storage::DbConnection;

/// How often a notice is tried.
const TRIES_MAX: i64 = 5;
/// The pause after the first try, in milliseconds; it doubles with each further one.
const FIRST_PAUSE_MS: i64 = 10_000;
/// The most notices taken at once.
const AT_ONCE_MAX: i64 = 16;

/// What is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bank_front) enum Said {
    Bound,
    Changed,
    TerminalAdded,
    TerminalRemoved,
    PasswordChanged,
    Locked,
    Unlocked,
    Ended,
    TelephonePinSet,
    TelephoneLocked,
    BoughtByTelephone,
    BoundElsewhere,
    CodesGuessed,
    OnlineActivated,
    OnlineLocked,
    OnlineEnded,
}

impl Said {
    const fn text(self, is_chinese: bool) -> &'static str {
        match (self, is_chinese) {
            (Self::Bound, false) => "You can now pay by code. Codes come to this terminal. Not you? Tell your bank.",
            (Self::Bound, true) => "您已开通验证码支付，验证码将发到这里。若非本人办理，请联系银行。",
            (Self::Changed, false) => {
                "Your accounts or limits for paying by code were changed. Not you? Tell your bank."
            }
            (Self::Changed, true) => "您的验证码支付账户或限额已更改。若非本人办理，请联系银行。",
            (Self::TerminalAdded, false) => {
                "Payment codes can now go to one more terminal of yours. Not you? Tell your bank."
            }
            (Self::TerminalAdded, true) => "您新增了一个接收支付验证码的终端。若非本人办理，请联系银行。",
            (Self::TerminalRemoved, false) => {
                "Payment codes no longer go to one of your terminals. Not you? Tell your bank."
            }
            (Self::TerminalRemoved, true) => "您移除了一个接收支付验证码的终端。若非本人办理，请联系银行。",
            (Self::PasswordChanged, false) => "Your payment password was changed. Not you? Tell your bank.",
            (Self::PasswordChanged, true) => "您的支付密码已更改。若非本人办理，请联系银行。",
            (Self::Locked, false) => {
                "Paying by code is locked after too many wrong tries. No money moved. Your bank unlocks it when you come with your identity document."
            }
            (Self::Locked, true) => "因多次输错，验证码支付已锁定，未发生扣款。请携带身份证件到银行柜台解锁。",
            (Self::Unlocked, false) => "You can pay by code again. Not you? Tell your bank.",
            (Self::Unlocked, true) => "您的验证码支付已解锁。若非本人办理，请联系银行。",
            (Self::Ended, false) => "You no longer pay by code. Not you? Tell your bank.",
            (Self::Ended, true) => "您的验证码支付已关闭。若非本人办理，请联系银行。",
            (Self::TelephonePinSet, false) => "You can now buy vouchers by telephone. Not you? Tell your bank.",
            (Self::TelephonePinSet, true) => "您已开通电话购买预付凭证。若非本人办理，请联系银行。",
            (Self::TelephoneLocked, false) => {
                "Buying by telephone is locked after too many wrong PINs. No money moved. Your bank's counter gives you another PIN."
            }
            (Self::TelephoneLocked, true) => "因电话密码多次输错，电话购买已锁定，未发生扣款。请到银行柜台重设密码。",
            (Self::BoughtByTelephone, false) => {
                "A voucher was bought by telephone from your account. Not you? Tell your bank."
            }
            (Self::BoughtByTelephone, true) => "您的账户通过电话购买了一张预付凭证。若非本人操作，请联系银行。",
            (Self::BoundElsewhere, false) => {
                "You can now pay by code. Codes come to the terminals you registered. Not you? Tell your bank."
            }
            (Self::BoundElsewhere, true) => "您已开通验证码支付，验证码将发到您登记的终端。若非本人办理，请联系银行。",
            (Self::CodesGuessed, false) => {
                "Wrong codes were typed to change how you pay by code. Nothing was changed. Not you? Tell your bank."
            }
            (Self::CodesGuessed, true) => {
                "有人多次输错验证码，试图更改您的验证码支付，未作更改。若非本人操作，请联系银行。"
            }
            (Self::OnlineActivated, false) => "Your access to your bank's page is active. Not you? Tell your bank.",
            (Self::OnlineActivated, true) => "您的银行网页已开通。若非本人办理，请联系银行。",
            (Self::OnlineLocked, false) => {
                "Your access to your bank's page is locked after too many wrong tries. Your bank's counter gives you another code."
            }
            (Self::OnlineLocked, true) => "因多次输错，您的银行网页已锁定。请到银行柜台领取新的激活码。",
            (Self::OnlineEnded, false) => "Your access to your bank's page has ended. Not you? Tell your bank.",
            (Self::OnlineEnded, true) => "您的银行网页已关闭。若非本人办理，请联系银行。",
        }
    }
}

/// A notice that is due.
pub struct Notice {
    /// Its id, the same in every try.
    pub notice_id: String,
    /// Where it goes.
    pub address: Address,
    /// What it says.
    pub text: String,
}

impl Notice {
    /// Queues what is said to an address.
    pub(in crate::bank_front) async fn queue(
        db_tx: &mut DbConnection,
        address: &Address,
        language: &str,
        said: Said,
        now_ms: i64,
    ) -> Result<(), BankError> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).expect("the operating system has randomness");
        sqlx::query(
            "INSERT INTO payer_notice (notice_id, kind, address, content, state, tries, due_ms)
             VALUES ($1, $2, $3, $4, 'queued', 0, $5)",
        )
        .bind(hex::encode(id))
        .bind(address.kind().as_str())
        .bind(address.as_str())
        .bind(said.text(language.starts_with("zh")))
        .bind(now_ms)
        .execute(db_tx)
        .await?;
        Ok(())
    }

    /// Takes the notices that are due. Each counts as tried before it is: after a crash it may come twice, never forever.
    pub(in crate::bank_front) async fn take_due(db_tx: &mut DbConnection, now_ms: i64) -> Result<Vec<Self>, BankError> {
        let rows: Vec<(String, String, String, String, i64)> = sqlx::query_as(
            "SELECT notice_id, kind, address, content, tries FROM payer_notice
             WHERE state = 'queued' AND due_ms <= $1 ORDER BY due_ms LIMIT $2",
        )
        .bind(now_ms)
        .bind(AT_ONCE_MAX)
        .fetch_all(&mut *db_tx)
        .await?;
        let mut due = Vec::with_capacity(rows.len());
        for (notice_id, kind, address, text, tries) in rows {
            let is_last = tries + 1 >= TRIES_MAX;
            sqlx::query("UPDATE payer_notice SET tries = tries + 1, due_ms = $2, state = $3 WHERE notice_id = $1")
                .bind(&notice_id)
                .bind(now_ms.saturating_add(FIRST_PAUSE_MS << tries.clamp(0, TRIES_MAX)))
                .bind(if is_last { "failed" } else { "queued" })
                .execute(&mut *db_tx)
                .await?;
            due.push(Self { notice_id, address: Address::stored(TerminalKind::parse(&kind)?, address), text });
        }
        Ok(due)
    }

    /// Notes that a notice was taken by its gateway.
    pub(in crate::bank_front) async fn sent(db_tx: &mut DbConnection, notice_id: &str) -> Result<(), BankError> {
        sqlx::query("UPDATE payer_notice SET state = 'sent' WHERE notice_id = $1")
            .bind(notice_id)
            .execute(db_tx)
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_fits_a_text_message() {
        let all = [
            Said::Bound,
            Said::Changed,
            Said::TerminalAdded,
            Said::TerminalRemoved,
            Said::PasswordChanged,
            Said::Locked,
            Said::Unlocked,
            Said::Ended,
            Said::TelephonePinSet,
            Said::TelephoneLocked,
            Said::BoughtByTelephone,
            Said::BoundElsewhere,
            Said::CodesGuessed,
            Said::OnlineActivated,
            Said::OnlineLocked,
            Said::OnlineEnded,
        ];
        for said in all {
            assert!(said.text(false).len() <= 160 && said.text(false).is_ascii(), "{said:?}");
            assert!(said.text(true).encode_utf16().count() <= 70, "{said:?}");
        }
    }
}
