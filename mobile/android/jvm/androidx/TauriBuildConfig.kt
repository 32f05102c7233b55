// What the Android Gradle plugin generates beside Tauri's Android API.
package app.tauri

object BuildConfig {
    const val DEBUG = true
}
