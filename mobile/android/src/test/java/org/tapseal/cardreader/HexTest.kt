package org.tapseal.cardreader

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Test

class HexTest {
    @Test
    fun everyByteSurvives() {
        val bytes = ByteArray(256) { it.toByte() }
        assertArrayEquals(bytes, Hex.decode(Hex.encode(bytes)))
        assertArrayEquals(bytes, Hex.decode(Hex.encode(bytes).uppercase()))
    }

    @Test
    fun statusWordsReadAsWritten() {
        assertEquals("9000", Hex.encode(byteArrayOf(0x90.toByte(), 0x00)))
    }

    @Test
    fun whatIsNotHexadecimalIsRefused() {
        for (text in listOf("9", "900", "zz", "9 00", "0x90", "\u0669\u0660")) {
            assertNull(text, Hex.decode(text))
        }
    }
}
