package org.tapseal.cardreader

/** Why the reader refused; the codes are those of the plugin's Rust `Error`. */
internal enum class Refusal(val code: String) {
    NFC_MISSING("nfc_missing"),
    NFC_OFF("nfc_off"),
    BUSY("busy"),
    CARD_ABSENT("card_absent"),
    CARD_REMOVED("card_removed"),
    NOT_OPEN("not_open"),
    STOPPED("stopped"),
    APDU_TOO_LONG("apdu_too_long"),
    APDU_MALFORMED("apdu_malformed"),
    READER_FAILED("reader_failed"),
}
