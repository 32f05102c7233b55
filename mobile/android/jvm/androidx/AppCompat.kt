// The declaration of androidx.appcompat that Tauri's Android API and the plugin name.
package androidx.appcompat.app

import androidx.activity.ComponentActivity

open class AppCompatActivity : ComponentActivity()
