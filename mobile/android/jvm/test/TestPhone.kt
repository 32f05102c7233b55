package org.tapseal.cardreader

import android.app.Activity
import android.app.Application
import android.content.Context
import android.content.pm.PackageManager
import android.nfc.NfcAdapter
import android.nfc.Tag
import android.os.Bundle
import android.os.Looper
import androidx.appcompat.app.AppCompatActivity
import app.tauri.plugin.Invoke
import app.tauri.plugin.PluginManager
import java.time.Duration
import java.util.concurrent.Executors
import org.json.JSONObject
import org.robolectric.Robolectric
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Implementation
import org.robolectric.annotation.Implements
import org.robolectric.shadows.ShadowNfcAdapter

/** Robolectric's adapter, which also remembers how reader mode was asked for. */
@Implements(NfcAdapter::class)
class RememberingNfcAdapter : ShadowNfcAdapter() {
    var flags = 0
    var presenceCheckDelayMs = 0
    var callback: NfcAdapter.ReaderCallback? = null

    @Implementation
    override fun enableReaderMode(
        activity: Activity,
        callback: NfcAdapter.ReaderCallback,
        flags: Int,
        extras: Bundle?,
    ) {
        this.flags = flags
        this.callback = callback
        presenceCheckDelayMs = extras?.getInt(NfcAdapter.EXTRA_READER_PRESENCE_CHECK_DELAY) ?: 0
        super.enableReaderMode(activity, callback, flags, extras)
    }
}

/** What a call was answered. */
internal class Reply {
    var answers = 0
    var value: JSONObject? = null
    var refusal: JSONObject? = null

    val code: String?
        get() = refusal?.getString("code")
}

/** A phone with the plugin in it, called by name as Tauri calls it. */
internal class TestPhone {
    private val app: Application = RuntimeEnvironment.getApplication()
    private val controller = Robolectric.buildActivity(AppCompatActivity::class.java)
    private val turns = Executors.newSingleThreadExecutor()
    val plugin: CardReaderPlugin
    val activity: AppCompatActivity

    init {
        shadowOf(app.packageManager).setSystemFeature(PackageManager.FEATURE_NFC, true)
        activity = controller.setup().get()
        shadow()?.setEnabled(true)
        plugin = CardReaderPlugin(activity, turns)
        PluginManager.load(null, "card-reader", plugin, "{}")
    }

    fun shadow(): RememberingNfcAdapter? {
        val adapter = NfcAdapter.getDefaultAdapter(app as Context) ?: return null
        return org.robolectric.shadow.api.Shadow.extract(adapter)
    }

    val isInReaderMode: Boolean
        get() = checkNotNull(shadow()).isInReaderMode

    fun call(command: String, arguments: String = "null"): Reply {
        val reply = Reply()
        val answered = { callback: Long, data: String ->
            reply.answers += 1
            if (callback == OK) {
                if (data != "null") reply.value = JSONObject(data)
            } else {
                reply.refusal = JSONObject(data)
            }
        }
        val invoke = Invoke(1, command, OK, FAILED, answered, arguments, plugin.jsonMapper())
        checkNotNull(plugin.handle).invoke(invoke)
        settle()
        return reply
    }

    fun open(waitMs: Long = 30_000): Reply = call("open", """{"waitMs":$waitMs,"prompt":"Hold the card"}""")

    fun transceive(apdu: String): Reply = call("transceive", """{"apdu":"$apdu"}""")

    fun meet(tag: Tag) {
        checkNotNull(shadow()).dispatchTagDiscovered(tag)
        settle()
    }

    fun pass(time: Duration) {
        shadowOf(Looper.getMainLooper()).idleFor(time)
        settle()
    }

    fun pause() {
        PluginManager.onPause(activity)
        settle()
    }

    fun destroy() {
        settle()
        controller.pause().stop().destroy()
        PluginManager.onDestroy(activity)
        shadowOf(Looper.getMainLooper()).idle()
    }

    /** Lets the plugin's own thread and the main thread finish what they have; each may give the other work. */
    fun settle() {
        repeat(3) {
            if (!turns.isShutdown) turns.submit {}.get()
            shadowOf(Looper.getMainLooper()).idle()
        }
    }

    private companion object {
        const val OK = 0L
        const val FAILED = 1L
    }
}
