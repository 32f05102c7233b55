/// Why the reader refused; the codes are those of the plugin's Rust `Error`.
enum Refusal: String, Error {
  case nfcMissing = "nfc_missing"
  case notPermitted = "not_permitted"
  case busy = "busy"
  case cardAbsent = "card_absent"
  case cardRemoved = "card_removed"
  case notOpen = "not_open"
  case stopped = "stopped"
  case apduMalformed = "apdu_malformed"
  case readerFailed = "reader_failed"
}
