//! Codes that go to a telephone: sent once, and handed over by that.

use super::*;
use crate::bank_front::binding::Address;
use crate::bank_front::voucher::message;

const TELEPHONE: &str = "+12025550143";

impl Desk {
    /// Sold, with the codes to be sent to a telephone.
    async fn sold_by_telephone(&self) -> VoucherNumber {
        let sold = self.bench.front.db.write(|db_tx| {
            Box::pin(async move {
                let number = sell_one(db_tx).await?;
                message::queue(db_tx, &number, &Address::parse(TELEPHONE)?, "en", NOW_MS).await?;
                Ok::<_, BankError>(number)
            })
        });
        sold.await.unwrap()
    }

    /// Every text so far, oldest first.
    fn texts(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(home(&self.bench.folder).dir().join("codes")) else { return Vec::new() };
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let text = |path: &std::path::PathBuf| -> serde_json::Value {
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
        };
        files.iter().map(|file| text(file)["text"].as_str().unwrap().to_owned()).collect()
    }

    async fn stored_state(&self, number: &VoucherNumber) -> (String, String, Option<String>) {
        sqlx::query_as(
            "SELECT voucher.state, voucher_message.state, sealed_codes FROM voucher
             JOIN voucher_message ON voucher_message.number = voucher.number WHERE voucher.number = $1",
        )
        .bind(number.as_str())
        .fetch_one(self.bench.front.db.reader())
        .await
        .unwrap()
    }
}

#[tokio::test]
async fn a_text_hands_the_codes_over_once() {
    let desk = Desk::new(1).await;
    let number = desk.sold_by_telephone().await;
    assert_eq!(desk.stored_state(&number).await.1, "queued");
    message::send_due(&desk.bench.front).await.unwrap();
    let texts = desk.texts();
    assert_eq!(texts.len(), 2, "{texts:?}");
    let with_codes = texts.iter().find(|text| text.contains("backup code")).unwrap();
    let code = with_codes.split("code ").nth(1).unwrap().split(" pays").next().unwrap();
    desk.pay_with(&number, code.as_bytes(), MERCHANT, 100).await.unwrap();
    let (voucher, message, sealed) = desk.stored_state(&number).await;
    assert_eq!((voucher.as_str(), message.as_str(), sealed), ("active", "sent", None), "the codes are forgotten");
    // Neither later nor after a restart is anything sent again, and the counter has no codes to hand over.
    message::doubt_what_was_cut_off(&desk.bench.front).await.unwrap();
    message::send_due(&desk.bench.front).await.unwrap();
    assert_eq!(desk.texts().len(), 2);
    assert!(matches!(desk.hand_over(&number).await, Err(BankError::VoucherState(_))));
}

#[tokio::test]
async fn a_bank_killed_while_it_sends_sends_no_codes_again() {
    let desk = Desk::new(1).await;
    let number = desk.sold_by_telephone().await;
    // What the step leaves that comes before sending.
    let of = number.clone();
    let front = Arc::clone(&desk.bench.front);
    let db = front.db.clone();
    db.write(move |db_tx| {
        Box::pin(async move {
            sqlx::query("UPDATE voucher_message SET state = 'sending', tries = 1 WHERE number = $1")
                .bind(of.as_str())
                .execute(db_tx)
                .await
                .map(drop)
                .map_err(BankError::from)
        })
    })
    .await
    .unwrap();
    message::doubt_what_was_cut_off(&front).await.unwrap();
    message::send_due(&front).await.unwrap();
    assert!(desk.texts().is_empty(), "they may have arrived");
    let (voucher, message, sealed) = desk.stored_state(&number).await;
    assert_eq!((voucher.as_str(), message.as_str(), sealed), ("active", "unsure", None));
}

#[tokio::test]
async fn codes_fetched_at_the_counter_are_not_sent_as_well() {
    let desk = Desk::new(1).await;
    let number = desk.sold_by_telephone().await;
    desk.hand_over(&number).await.unwrap();
    message::send_due(&desk.bench.front).await.unwrap();
    assert!(desk.texts().is_empty());
    assert_eq!(desk.stored_state(&number).await.1, "failed");
}
