package org.tapseal.cardreader

import android.app.Activity
import android.nfc.NfcAdapter
import android.nfc.Tag
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
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors
import java.util.concurrent.RejectedExecutionException

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

@InvokeArg
internal class SecureScreenArgs {
    /** Whether the screen is kept to the person in front of it. */
    var on: Boolean = true
}

/**
 * Carries APDUs between Rust and a card at the back of the phone, through IsoDep in reader mode.
 *
 * It knows no EMV and keeps nothing. Card answers are in no log line and no exception text.
 * The desk is touched on one background thread; Android's callbacks and Tauri's calls are posted to it.
 */
@TauriPlugin
class CardReaderPlugin
internal constructor(private val activity: Activity, private val turns: ExecutorService) : Plugin(activity) {
    /** Tauri makes the plugin by this one. */
    constructor(activity: Activity) : this(activity, Executors.newSingleThreadExecutor())

    private val onScreen = Handler(Looper.getMainLooper())
    private val screen = Screen(activity)
    private val desk = Desk<Invoke, FieldCard>()

    @Command
    fun open(invoke: Invoke) {
        val args = invoke.parseArgs(OpenArgs::class.java)
        inTurn(invoke) {
            // Asked for each time: a phone whose NFC service restarted has another adapter.
            val adapter = NfcAdapter.getDefaultAdapter(activity)
            when {
                adapter == null -> invoke.refuse(Refusal.NFC_MISSING)
                !adapter.isEnabled -> invoke.refuse(Refusal.NFC_OFF)
                else -> wait(adapter, invoke, Framing.wait(args.waitMs))
            }
        }
    }

    @Command
    fun transceive(invoke: Invoke) {
        val args = invoke.parseArgs(ApduArgs::class.java)
        inTurn(invoke) {
            val card = desk.card
            if (card == null) invoke.refuse(Refusal.NOT_OPEN) else exchange(invoke, card, args.apdu)
        }
    }

    @Command
    fun close(invoke: Invoke) {
        inTurn(invoke) {
            stop(Refusal.STOPPED)
            invoke.resolve()
        }
    }

    @Command
    fun secureScreen(invoke: Invoke) {
        val args = invoke.parseArgs(SecureScreenArgs::class.java)
        onScreen.post {
            if (args.on) screen.hide() else screen.show()
            invoke.resolve()
        }
    }

    @Command
    fun screenReader(invoke: Invoke) {
        onScreen.post { invoke.resolve(JSObject().put("on", screen.hasScreenReader())) }
    }

    /** Reader mode belongs to the foreground: another app's card must not be read into this one. */
    override fun onPause(activity: AppCompatActivity) {
        post { stop(Refusal.STOPPED) }
    }

    override fun onDestroy(activity: AppCompatActivity) {
        post { stop(Refusal.STOPPED) }
        turns.shutdown()
    }

    private fun wait(adapter: NfcAdapter, invoke: Invoke, waitMs: Long) {
        val opening = desk.admit(invoke)
        if (opening == null) {
            invoke.refuse(Refusal.BUSY)
            return
        }
        val options = Bundle()
        // The presence check talks to the card between our commands, which some chips take badly.
        options.putInt(NfcAdapter.EXTRA_READER_PRESENCE_CHECK_DELAY, PRESENCE_CHECK_DELAY_MS)
        onScreen.post {
            try {
                adapter.enableReaderMode(activity, { tag -> met(opening, tag) }, READER_FLAGS, options)
            } catch (_: IllegalStateException) {
                // The activity ended meanwhile.
                giveUp(opening, Refusal.STOPPED)
            } catch (_: UnsupportedOperationException) {
                giveUp(opening, Refusal.NFC_MISSING)
            }
        }
        onScreen.postDelayed({ giveUp(opening, Refusal.CARD_ABSENT) }, waitMs)
    }

    /** Ends a wait, unless a card came or another opening began meanwhile. */
    private fun giveUp(opening: Int, why: Refusal) {
        post { if (desk.waits(opening)) stop(why) }
    }

    /** On a binder thread. A tag that is no smart card, or that left at once, is passed over: the wait goes on. */
    private fun met(opening: Int, tag: Tag) {
        post {
            val card = if (desk.waits(opening)) FieldCard.connect(tag) else null
            if (card != null) {
                desk.serve(opening, card)?.resolve(
                    JSObject()
                        .put("commandLengthMax", card.commandLengthMax)
                        .put("extendedLength", card.takesExtendedLength),
                )
            }
        }
    }

    private fun exchange(invoke: Invoke, card: FieldCard, apdu: String) {
        when (val framed = Framing.command(apdu, card.commandLengthMax)) {
            is Framed.Refused -> invoke.refuse(framed.why)
            is Framed.Command -> {
                val answer = card.answer(framed.bytes)
                framed.bytes.fill(0)
                tell(invoke, answer)
            }
        }
    }

    private fun tell(invoke: Invoke, answer: Answer) {
        when (answer) {
            is Answer.Bytes -> {
                val text = Framing.answer(answer.bytes)
                if (text == null) invoke.refuse(Refusal.READER_FAILED) else invoke.resolve(JSObject().put("apdu", text))
            }
            is Answer.None -> {
                // The card goes first: whoever hears of the failure may open again at once.
                stop(answer.why)
                invoke.refuse(answer.why)
            }
        }
    }

    private fun stop(why: Refusal) {
        val left = desk.clear()
        left.card?.close()
        left.caller?.refuse(why)
        onScreen.post {
            // Android throws when the activity is gone; the field is off then anyway.
            if (!activity.isDestroyed) NfcAdapter.getDefaultAdapter(activity)?.disableReaderMode(activity)
        }
    }

    /** One call after another, each answered whatever Android throws. After onDestroy there is no reader any more. */
    private fun inTurn(invoke: Invoke, step: () -> Unit) {
        val willBeDone = post {
            try {
                step()
            } catch (_: RuntimeException) {
                stop(Refusal.READER_FAILED)
                invoke.refuse(Refusal.READER_FAILED)
            }
        }
        if (!willBeDone) invoke.refuse(Refusal.STOPPED)
    }

    /** Whether the step will be done: after onDestroy nothing is left to do for a late callback. */
    private fun post(step: () -> Unit): Boolean =
        try {
            turns.execute(step)
            true
        } catch (_: RejectedExecutionException) {
            false
        }

    private fun Invoke.refuse(why: Refusal) = reject(why.name, why.code)

    private companion object {
        const val PRESENCE_CHECK_DELAY_MS = 5_000
        const val READER_FLAGS =
            NfcAdapter.FLAG_READER_NFC_A or
                NfcAdapter.FLAG_READER_NFC_B or
                NfcAdapter.FLAG_READER_SKIP_NDEF_CHECK or
                NfcAdapter.FLAG_READER_NO_PLATFORM_SOUNDS
    }
}
