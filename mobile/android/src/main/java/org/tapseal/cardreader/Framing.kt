package org.tapseal.cardreader

/** A command as it came from Rust: bytes for the card, or why it is not sent. */
internal sealed interface Framed {
    class Command(val bytes: ByteArray) : Framed

    class Refused(val why: Refusal) : Framed
}

/** Between the text that crosses to Rust and the bytes that cross to the card. Free of Android. */
internal object Framing {
    /** CLA INS P1 P2 (ISO/IEC 7816-4, section 5.1). */
    const val COMMAND_LENGTH_MIN = 4

    /** SW1 SW2 (ISO/IEC 7816-4, section 5.1). */
    const val ANSWER_LENGTH_MIN = 2

    /** The bytes of a command, if this phone's reader can send it: at most [lengthMax] bytes. */
    fun command(apdu: String, lengthMax: Int): Framed {
        // Measured before it is decoded: what is too long needs no memory.
        if (apdu.length > 2 * lengthMax.toLong()) return Framed.Refused(Refusal.APDU_TOO_LONG)
        val bytes = Hex.decode(apdu)
        if (bytes == null || bytes.size < COMMAND_LENGTH_MIN) return Framed.Refused(Refusal.APDU_MALFORMED)
        return Framed.Command(bytes)
    }

    /** The text of an answer, or null when it is too short to hold a status word. The bytes are wiped. */
    fun answer(bytes: ByteArray): String? {
        val text = if (bytes.size < ANSWER_LENGTH_MIN) null else Hex.encode(bytes)
        bytes.fill(0)
        return text
    }

    /** How long to wait for a card, ms: whatever Rust asks for, within bounds. */
    fun wait(askedMs: Long): Long = askedMs.coerceIn(0, WAIT_MS_MAX)

    /** The longest wait for a card, ms; the same as in Rust. */
    const val WAIT_MS_MAX = 60_000L
}
