package org.tapseal.cardreader

import android.nfc.Tag
import android.nfc.TagLostException
import android.nfc.tech.IsoDep
import java.io.IOException

/** What came of one command. */
internal sealed interface Answer {
    class Bytes(val bytes: ByteArray) : Answer

    class None(val why: Refusal) : Answer
}

/**
 * A smart card in the phone's field, connected.
 *
 * Android tells a card that left in several ways, depending on the phone: as lost, as an I/O error, or, from Android 12,
 * by refusing every call on a tag object that is out of date, be it only a question for the reader's bounds.
 */
internal class FieldCard private constructor(private val isoDep: IsoDep) {
    /** The longest command, bytes: a property of the phone's reader. */
    val commandLengthMax: Int = isoDep.maxTransceiveLength
    val takesExtendedLength: Boolean = isoDep.isExtendedLengthApduSupported

    fun answer(command: ByteArray): Answer =
        try {
            val bytes: ByteArray? = isoDep.transceive(command)
            if (bytes == null) Answer.None(Refusal.READER_FAILED) else Answer.Bytes(bytes)
        } catch (_: TagLostException) {
            Answer.None(Refusal.CARD_REMOVED)
        } catch (_: IOException) {
            Answer.None(if (isThere()) Refusal.READER_FAILED else Refusal.CARD_REMOVED)
        } catch (_: SecurityException) {
            Answer.None(Refusal.CARD_REMOVED)
        } catch (_: IllegalStateException) {
            // Disconnected by the system meanwhile.
            Answer.None(Refusal.CARD_REMOVED)
        }

    fun close() = isoDep.closeQuietly()

    private fun isThere(): Boolean =
        try {
            isoDep.isConnected
        } catch (_: SecurityException) {
            false
        }

    companion object {
        /** The default is too short for a chip that computes a cryptogram: it would look like a lost card. */
        private const val TRANSCEIVE_TIMEOUT_MS = 3_000

        /** The card behind this tag, connected; null when it is no smart card or left at once. */
        fun connect(tag: Tag): FieldCard? {
            val isoDep = IsoDep.get(tag) ?: return null
            return try {
                isoDep.connect()
                isoDep.timeout = TRANSCEIVE_TIMEOUT_MS
                FieldCard(isoDep)
            } catch (_: IOException) {
                isoDep.closeQuietly()
                null
            } catch (_: SecurityException) {
                // It left and came back: Android will show it as another tag.
                null
            }
        }
    }
}

private fun IsoDep.closeQuietly() {
    try {
        close()
    } catch (_: IOException) {
        // The card is gone already.
    } catch (_: SecurityException) {
        // The tag object is out of date; so is the card.
    }
}
