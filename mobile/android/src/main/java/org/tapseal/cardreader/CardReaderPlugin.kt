package org.tapseal.cardreader

import android.app.Activity
import android.nfc.NfcAdapter
import android.nfc.Tag
import android.nfc.TagLostException
import android.nfc.tech.IsoDep
import android.os.Bundle
import android.os.Handler
import android.os.Looper
import androidx.appcompat.app.AppCompatActivity
import app.tauri.annotation.Command
import app.tauri.annotation.InvokeArg
import app.tauri.annotation.TauriPlugin
import app.tauri.plugin.Invoke
import app.tauri.plugin.JSObject
import app.tauri.plugin.Plugin
import java.io.IOException
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors

@InvokeArg
internal class OpenArgs {
    /** How long to wait for a card, ms. */
    var waitMs: Long = 30_000

    /** iOS shows it in its own sheet; Android has none. */
    var prompt: String = ""
}

@InvokeArg
internal class ApduArgs {
    lateinit var apdu: String
}

/**
 * Carries APDUs between Rust and a card at the back of the phone, through IsoDep in reader mode.
 *
 * It knows no EMV and keeps nothing. Card answers are in no log line and no exception text.
 * All state is touched on one background thread; Android's callbacks and Tauri's calls are posted to it.
 */
@TauriPlugin
class CardReaderPlugin(private val activity: Activity) : Plugin(activity) {
    private val adapter: NfcAdapter? = NfcAdapter.getDefaultAdapter(activity)
    private val onScreen = Handler(Looper.getMainLooper())
    private val inTurn: ExecutorService = Executors.newSingleThreadExecutor()

    private var waiting: Invoke? = null
    private var card: IsoDep? = null

    /** Counts openings, so that the deadline of an earlier one ends nothing later. */
    private var opening = 0

    @Command
    fun open(invoke: Invoke) {
        val args = invoke.parseArgs(OpenArgs::class.java)
        inTurn.execute {
            when {
                adapter == null -> invoke.refuse(Refusal.NFC_MISSING)
                !adapter.isEnabled -> invoke.refuse(Refusal.NFC_OFF)
                waiting != null || card != null -> invoke.refuse(Refusal.BUSY)
                else -> wait(invoke, args.waitMs.coerceIn(0, WAIT_MS_MAX))
            }
        }
    }

    @Command
    fun transceive(invoke: Invoke) {
        val args = invoke.parseArgs(ApduArgs::class.java)
        inTurn.execute {
            val open = card
            val command = Hex.decode(args.apdu)
            when {
                open == null -> invoke.refuse(Refusal.NOT_OPEN)
                command == null || command.size < COMMAND_LENGTH_MIN -> invoke.refuse(Refusal.APDU_MALFORMED)
                command.size > open.maxTransceiveLength -> invoke.refuse(Refusal.APDU_TOO_LONG)
                else -> exchange(invoke, open, command)
            }
        }
    }

    @Command
    fun close(invoke: Invoke) {
        inTurn.execute {
            stop(Refusal.STOPPED)
            invoke.resolve()
        }
    }

    /** Reader mode belongs to the foreground: another app's card must not be read into this one. */
    override fun onPause(activity: AppCompatActivity) {
        inTurn.execute { stop(Refusal.STOPPED) }
    }

    override fun onDestroy(activity: AppCompatActivity) {
        inTurn.execute { stop(Refusal.STOPPED) }
        inTurn.shutdown()
    }

    private fun wait(invoke: Invoke, waitMs: Long) {
        waiting = invoke
        opening += 1
        val mine = opening
        val options = Bundle()
        // The presence check talks to the card between our commands, which some chips take badly.
        options.putInt(NfcAdapter.EXTRA_READER_PRESENCE_CHECK_DELAY, PRESENCE_CHECK_DELAY_MS)
        onScreen.post { adapter?.enableReaderMode(activity, { tag -> met(tag) }, READER_FLAGS, options) }
        onScreen.postDelayed({ post { if (mine == opening && waiting != null) stop(Refusal.CARD_ABSENT) } }, waitMs)
    }

    /** On a binder thread. A tag that is no smart card, or that left at once, is passed over: the wait goes on. */
    private fun met(tag: Tag) {
        val isoDep = IsoDep.get(tag) ?: return
        post {
            val invoke = waiting
            if (invoke != null) {
                try {
                    isoDep.connect()
                    // The default is too short for a chip that computes a cryptogram: it would look like a lost card.
                    isoDep.timeout = TRANSCEIVE_TIMEOUT_MS
                    waiting = null
                    card = isoDep
                    invoke.resolve(
                        JSObject()
                            .put("commandLengthMax", isoDep.maxTransceiveLength)
                            .put("extendedLength", isoDep.isExtendedLengthApduSupported),
                    )
                } catch (_: IOException) {
                    isoDep.closeQuietly()
                }
            }
        }
    }

    private fun exchange(invoke: Invoke, open: IsoDep, command: ByteArray) {
        try {
            val answer = open.transceive(command)
            invoke.resolve(JSObject().put("apdu", Hex.encode(answer)))
            answer.fill(0)
        } catch (_: TagLostException) {
            invoke.refuse(Refusal.CARD_REMOVED)
            stop(Refusal.CARD_REMOVED)
        } catch (_: IOException) {
            // A card that left is reported either way, depending on the phone.
            invoke.refuse(if (open.isConnected) Refusal.READER_FAILED else Refusal.CARD_REMOVED)
            stop(Refusal.READER_FAILED)
        } catch (_: SecurityException) {
            // Android 12 and later: the tag object is out of date because the card left and came back.
            invoke.refuse(Refusal.CARD_REMOVED)
            stop(Refusal.CARD_REMOVED)
        } finally {
            command.fill(0)
        }
    }

    private fun stop(why: Refusal) {
        opening += 1
        card?.closeQuietly()
        card = null
        waiting?.refuse(why)
        waiting = null
        onScreen.post {
            // Android throws when the activity is gone; the field is off then anyway.
            if (!activity.isDestroyed) adapter?.disableReaderMode(activity)
        }
    }

    /** After onDestroy nothing is left to do for a late callback. */
    private fun post(step: () -> Unit) {
        if (!inTurn.isShutdown) inTurn.execute(step)
    }

    private fun Invoke.refuse(why: Refusal) = reject(why.name, why.code)

    private fun IsoDep.closeQuietly() {
        try {
            close()
        } catch (_: IOException) {
            // The card is gone already.
        } catch (_: SecurityException) {
            // The tag object is out of date; so is the card.
        }
    }

    private companion object {
        const val WAIT_MS_MAX = 60_000L
        const val TRANSCEIVE_TIMEOUT_MS = 3_000
        const val PRESENCE_CHECK_DELAY_MS = 5_000

        /** CLA INS P1 P2 (ISO/IEC 7816-4, section 5.1). */
        const val COMMAND_LENGTH_MIN = 4
        const val READER_FLAGS =
            NfcAdapter.FLAG_READER_NFC_A or
                NfcAdapter.FLAG_READER_NFC_B or
                NfcAdapter.FLAG_READER_SKIP_NDEF_CHECK or
                NfcAdapter.FLAG_READER_NO_PLATFORM_SOUNDS
    }
}
