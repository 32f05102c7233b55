// The declarations of androidx.activity that Tauri's Android API names: its signatures, and no behaviour.
package androidx.activity

import androidx.activity.result.ActivityResultCallback
import androidx.activity.result.ActivityResultLauncher
import androidx.activity.result.contract.ActivityResultContract
import androidx.lifecycle.LifecycleOwner

abstract class OnBackPressedCallback(var isEnabled: Boolean) {
    abstract fun handleOnBackPressed()
}

class OnBackPressedDispatcher {
    fun addCallback(owner: LifecycleOwner, onBackPressedCallback: OnBackPressedCallback) = Unit
}

open class ComponentActivity :
    android.app.Activity(),
    LifecycleOwner {
    val onBackPressedDispatcher = OnBackPressedDispatcher()

    fun <I, O> registerForActivityResult(
        contract: ActivityResultContract<I, O>,
        callback: ActivityResultCallback<O>,
    ): ActivityResultLauncher<I> = object : ActivityResultLauncher<I>() {
        override fun launch(input: I) = Unit
    }
}
