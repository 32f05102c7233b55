package org.tapseal.cardreader

import android.app.Activity
import android.content.Context
import android.view.WindowManager
import android.view.accessibility.AccessibilityManager

/** What the web view cannot do or know about the screen. Touched on the main thread only. */
internal class Screen(private val activity: Activity) {
    /**
     * Keeps card and PIN screens out of screenshots, recordings, the list of recent apps and unsafe displays, and takes
     * no touch while another app's window lies on top.
     */
    fun hide() {
        activity.window.addFlags(WindowManager.LayoutParams.FLAG_SECURE)
        activity.window.decorView.filterTouchesWhenObscured = true
    }

    fun show() {
        activity.window.clearFlags(WindowManager.LayoutParams.FLAG_SECURE)
        activity.window.decorView.filterTouchesWhenObscured = false
    }

    /** Whether a screen reader explores by touch, as TalkBack does: it cannot say pictures of digits. */
    fun hasScreenReader(): Boolean {
        val accessibility = activity.getSystemService(Context.ACCESSIBILITY_SERVICE) as? AccessibilityManager
        return accessibility != null && accessibility.isEnabled && accessibility.isTouchExplorationEnabled
    }
}
