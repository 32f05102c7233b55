package org.tapseal.cardreader

/** Hexadecimal text, free of Android so that it can be tested on any JVM. */
internal object Hex {
    private const val DIGITS = "0123456789abcdef"

    fun encode(bytes: ByteArray): String {
        val text = StringBuilder(2 * bytes.size)
        for (byte in bytes) {
            val value = byte.toInt() and 0xff
            text.append(DIGITS[value ushr 4]).append(DIGITS[value and 0x0f])
        }
        return text.toString()
    }

    /** The bytes, or null when the text is not an even number of hexadecimal digits. */
    fun decode(text: String): ByteArray? {
        if (text.length % 2 != 0) return null
        val bytes = ByteArray(text.length / 2)
        for (index in bytes.indices) {
            val high = digit(text[2 * index])
            val low = digit(text[2 * index + 1])
            if (high < 0 || low < 0) return null
            bytes[index] = ((high shl 4) or low).toByte()
        }
        return bytes
    }

    // Character.digit would take the digits of every script.
    private fun digit(char: Char): Int = when (char) {
        in '0'..'9' -> char - '0'
        in 'a'..'f' -> char - 'a' + 10
        in 'A'..'F' -> char - 'A' + 10
        else -> -1
    }
}
