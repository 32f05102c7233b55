package org.tapseal.cardreader

import android.content.Context
import android.view.WindowManager
import android.view.accessibility.AccessibilityManager
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config

@RunWith(RobolectricTestRunner::class)
@Config(shadows = [RememberingNfcAdapter::class, AndroidsOwnIsoDep::class, AndroidsOwnTagTechnology::class])
class ScreenTest {
    private val phone = TestPhone()

    private fun isSecure(): Boolean =
        phone.activity.window.attributes.flags and WindowManager.LayoutParams.FLAG_SECURE != 0

    @Test
    fun aSecureScreenIsInNoPictureAndTakesNoTouchThroughAnotherWindow() {
        assertFalse(isSecure())
        phone.call("secureScreen", """{"on":true}""")
        assertTrue(isSecure())
        assertTrue(phone.activity.window.decorView.filterTouchesWhenObscured)
        phone.call("secureScreen", """{"on":false}""")
        assertFalse(isSecure())
        assertFalse(phone.activity.window.decorView.filterTouchesWhenObscured)
    }

    @Test
    fun aScreenReaderIsOneThatExploresByTouch() {
        val accessibility = phone.activity.getSystemService(Context.ACCESSIBILITY_SERVICE) as AccessibilityManager
        val isOn = { phone.call("screenReader").value?.getBoolean("on") }
        assertEquals(false, isOn())
        // A switch or a password filler is an accessibility service too.
        shadowOf(accessibility).setEnabled(true)
        assertEquals(false, isOn())
        shadowOf(accessibility).setTouchExplorationEnabled(true)
        assertEquals(true, isOn())
    }
}
