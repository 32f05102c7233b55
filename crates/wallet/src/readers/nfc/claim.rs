//! Whose an ACR122 is: the smart-card service's, if that has it (see [`super`]).

use crate::readers::ReaderError;
use crate::readers::pcsc::reader_names;

/// What libnfc's driver of the reader that both want is called.
const DRIVER: &str = "acr122_usb";
/// What the service's name of it holds.
const MODEL: &str = "ACR122";

/// The names of the smart-card service's readers; none while it is down.
pub(super) fn service_readers() -> Vec<String> {
    reader_names().unwrap_or_default()
}

/// Whether the service has the device of this connection string.
pub(super) fn is_claimed(connstring: &str, service_readers: &[String]) -> bool {
    connstring.starts_with(DRIVER) && service_readers.iter().any(|name| name.contains(MODEL))
}

/// Why a device could not be opened, when the service is why.
pub(super) fn explain(connstring: &str, error: ReaderError) -> ReaderError {
    if is_claimed(connstring, &service_readers()) { ReaderError::Claimed } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acr122_is_the_services_while_that_has_it() {
        let service = ["ACS ACR122U PICC Interface 00 00".to_owned(), "Virtual PCD 00 00".to_owned()];
        assert!(is_claimed("acr122_usb:001:004", &service));
        assert!(!is_claimed("acr122_usb:001:004", &service[1..]));
        assert!(!is_claimed("acr122_usb:001:004", &[]));
        assert!(!is_claimed("pn532_uart:/dev/ttyUSB0", &service));
    }
}
