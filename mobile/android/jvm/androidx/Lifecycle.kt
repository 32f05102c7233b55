// The declaration of androidx.lifecycle that Tauri's Android API names by way of its activity.
package androidx.lifecycle

interface LifecycleOwner
