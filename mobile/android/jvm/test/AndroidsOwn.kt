package org.tapseal.cardreader

import android.nfc.tech.IsoDep
import org.robolectric.annotation.Implements

/** In place of Robolectric's stand-in, which implements nothing: `IsoDep` runs Android's own code. */
@Implements(IsoDep::class)
class AndroidsOwnIsoDep

/** The same for the class that most of `IsoDep` is inherited from, which is not public. */
@Implements(className = "android.nfc.tech.BasicTagTechnology")
class AndroidsOwnTagTechnology
