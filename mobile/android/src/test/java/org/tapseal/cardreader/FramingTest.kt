package org.tapseal.cardreader

import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test

class FramingTest {
    private val selectPpse = "00a404000e325041592e5359532e444446303100"

    private fun refusal(apdu: String, lengthMax: Int = 261): Refusal? =
        (Framing.command(apdu, lengthMax) as? Framed.Refused)?.why

    @Test
    fun aCommandIsTheBytesOfItsText() {
        val framed = Framing.command(selectPpse, 261) as Framed.Command
        assertEquals(20, framed.bytes.size)
        assertEquals("2PAY.SYS.DDF01", String(framed.bytes, 5, 14, Charsets.US_ASCII))
    }

    @Test
    fun whatIsNoCommandIsNotSent() {
        for (apdu in listOf("", "00", "00a404", "00a40", "00a4040g", " 00a40400", "00A4 0400")) {
            assertEquals(apdu, Refusal.APDU_MALFORMED, refusal(apdu))
        }
        assertNull(refusal("00a40400"))
    }

    @Test
    fun theReadersBoundIsKeptToTheByte() {
        assertNull(refusal("00".repeat(261)))
        assertEquals(Refusal.APDU_TOO_LONG, refusal("00".repeat(262)))
        assertEquals(Refusal.APDU_TOO_LONG, refusal(selectPpse, lengthMax = 19))
        assertNull(refusal(selectPpse, lengthMax = 20))
        // A reader that names no bound must not overflow the comparison.
        assertNull(refusal(selectPpse, lengthMax = Int.MAX_VALUE))
    }

    @Test
    fun anAnswerIsToldAndWiped() {
        val bytes = byteArrayOf(0x6f, 0x00, 0x90.toByte(), 0x00)
        assertEquals("6f009000", Framing.answer(bytes))
        assertArrayEquals(ByteArray(4), bytes)
    }

    @Test
    fun anAnswerWithoutStatusWordIsNone() {
        assertNull(Framing.answer(ByteArray(0)))
        assertNull(Framing.answer(byteArrayOf(0x90.toByte())))
        assertEquals("6a82", Framing.answer(byteArrayOf(0x6a, 0x82.toByte())))
    }

    @Test
    fun noWaitIsLongerThanAMinuteOrNegative() {
        assertEquals(0, Framing.wait(-1))
        assertEquals(1_500, Framing.wait(1_500))
        assertEquals(60_000, Framing.wait(Long.MAX_VALUE))
    }

    @Test
    fun everyRefusalHasACodeOfItsOwn() {
        val codes = Refusal.values().map { it.code }
        assertEquals(codes.size, codes.toSet().size)
        assertTrue(codes.all { code -> code.all { it in 'a'..'z' || it == '_' } })
    }
}
