//! Order numbers: the day, this till, and a count that begins anew each day, such as `261126-K7-003`.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use payment::DeviceId;

use crate::clock::signed;
use crate::error::Result;
use crate::store::Store;

/// The setting that keeps the last number's day and count.
const SETTING_LAST: &str = "last_order_number";
/// Letters and digits that nobody mistakes for one another (Crockford's base 32).
const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The next number. Whoever asks holds the till's lock, so that no two sales get the same.
pub async fn next(store: &Store, device_id: DeviceId, now_ms: u64) -> Result<String> {
    let day = local_day(now_ms);
    let last = store.setting(SETTING_LAST).await?;
    let count = last.and_then(|last| after(&last, &day)).unwrap_or(1);
    store.save_setting(SETTING_LAST, &format!("{day} {count}")).await?;
    Ok(format!("{day}-{}-{count:03}", till_mark(device_id)))
}

/// The count after this one, if it was of this day.
fn after(last: &str, day: &str) -> Option<u32> {
    let (last_day, count) = last.split_once(' ')?;
    (last_day == day).then(|| count.parse::<u32>().ok()?.checked_add(1)).flatten()
}

/// Two letters of the device's random bits: two tills of one merchant rarely count alike.
fn till_mark(device_id: DeviceId) -> String {
    let bytes = device_id.as_bytes();
    let letter = |byte: u8| char::from(LETTERS[usize::from(byte % 32)]);
    [letter(bytes[14]), letter(bytes[15])].iter().collect()
}

/// The day where this device is, as `YYMMDD`.
fn local_day(now_ms: u64) -> String {
    let timestamp = Timestamp::from_millisecond(signed(now_ms)).unwrap_or_default();
    timestamp.to_zoned(TimeZone::system()).strftime("%y%m%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn numbers_count_up_within_a_day_and_begin_anew_on_the_next() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(home.path()).await.unwrap();
        let device_id = DeviceId::from_bytes([7; 16]);
        let (noon, day_ms) = (1_780_000_000_000, 24 * 60 * 60 * 1_000);
        let first = next(&store, device_id, noon).await.unwrap();
        let second = next(&store, device_id, noon).await.unwrap();
        let tomorrow = next(&store, device_id, noon + day_ms).await.unwrap();
        assert!(first.ends_with("-77-001") && second.ends_with("-77-002"), "{first} {second}");
        assert!(tomorrow.ends_with("-77-001") && tomorrow[..6] > first[..6], "{tomorrow}");
        assert!(first.chars().count() <= payment::order::ORDER_NUMBER_CHARS_MAX);
    }
}
