package org.tapseal.cardreader

import android.nfc.INfcTag
import android.nfc.NdefMessage
import android.nfc.Tag
import android.nfc.TransceiveResult
import android.os.Bundle

/** How a card behaves once a command reaches it; the numbers are those of android.nfc.ErrorCodes. */
internal enum class Behaviour {
    ANSWERS,
    ANSWERS_NOTHING,
    LEFT,
    FAILS,
    OUT_OF_DATE,
}

/**
 * Android's NFC service as its client code sees it, with one card in the field.
 *
 * `IsoDep` above it is Android's own code: what it makes of these answers is what a phone makes of them.
 */
internal class TestCard(private val technologies: IntArray = intArrayOf(NFC_A, ISO_DEP)) : INfcTag.Stub() {
    val commands = mutableListOf<ByteArray>()
    val timeouts = mutableListOf<Int>()
    var answer = byteArrayOf(0x90.toByte(), 0x00)
    var behaviour = Behaviour.ANSWERS
    var isInField = true
    var refusesToConnect = false
    var connections = 0

    fun tag(): Tag {
        val extras = Array(technologies.size) { Bundle() }
        return Tag(byteArrayOf(1, 2, 3, 4), technologies, extras, SERVICE_HANDLE, COOKIE, this)
    }

    override fun connect(nativeHandle: Int, technology: Int): Int {
        if (refusesToConnect) return ERROR_IO
        connections += 1
        return SUCCESS
    }

    override fun transceive(nativeHandle: Int, data: ByteArray, raw: Boolean): TransceiveResult {
        commands += data.copyOf()
        return when (behaviour) {
            Behaviour.ANSWERS -> TransceiveResult(TransceiveResult.RESULT_SUCCESS, answer.copyOf())
            Behaviour.ANSWERS_NOTHING -> TransceiveResult(TransceiveResult.RESULT_SUCCESS, ByteArray(0))
            Behaviour.LEFT -> TransceiveResult(TransceiveResult.RESULT_TAGLOST, null)
            Behaviour.FAILS -> TransceiveResult(TransceiveResult.RESULT_FAILURE, null)
            Behaviour.OUT_OF_DATE -> throw SecurityException("Permission Denial: tag is out of date")
        }
    }

    override fun setTimeout(technology: Int, timeout: Int): Int {
        if (technology == ISO_DEP) timeouts += timeout
        return SUCCESS
    }

    override fun isTagUpToDate(cookie: Long): Boolean = behaviour != Behaviour.OUT_OF_DATE

    override fun isPresent(nativeHandle: Int): Boolean = isInField

    override fun reconnect(nativeHandle: Int): Int = SUCCESS

    override fun getMaxTransceiveLength(technology: Int): Int = COMMAND_LENGTH_MAX

    override fun getExtendedLengthApdusSupported(): Boolean = false

    override fun getTimeout(technology: Int): Int = timeouts.lastOrNull() ?: 0

    override fun resetTimeouts() = Unit

    override fun getTechList(nativeHandle: Int): IntArray = technologies

    override fun isNdef(nativeHandle: Int): Boolean = false

    override fun ndefRead(nativeHandle: Int): NdefMessage? = null

    override fun ndefWrite(nativeHandle: Int, message: NdefMessage?): Int = ERROR_IO

    override fun ndefMakeReadOnly(nativeHandle: Int): Int = ERROR_IO

    override fun ndefIsWritable(nativeHandle: Int): Boolean = false

    override fun formatNdef(nativeHandle: Int, key: ByteArray?): Int = ERROR_IO

    override fun rediscover(nativeHandle: Int): Tag? = null

    override fun canMakeReadOnly(technology: Int): Boolean = false

    companion object {
        /** android.nfc.tech.TagTechnology. */
        const val NFC_A = 1
        const val ISO_DEP = 3

        /** The bound of readers that take short APDUs only: 4 + 1 + 255 + 1. */
        const val COMMAND_LENGTH_MAX = 261
        private const val SERVICE_HANDLE = 7
        private const val COOKIE = 42L
        private const val SUCCESS = 0
        private const val ERROR_IO = -1
    }
}
