package org.tapseal.cardreader

import android.nfc.NfcAdapter
import java.time.Duration
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowLog
import org.robolectric.shadows.ShadowNfcAdapter

/** The plugin over Android's own NFC classes, called by Tauri's own dispatcher. */
@RunWith(RobolectricTestRunner::class)
@Config(shadows = [RememberingNfcAdapter::class, AndroidsOwnIsoDep::class, AndroidsOwnTagTechnology::class])
class CardReaderPluginTest {
    private val selectPpse = "00a404000e325041592e5359532e444446303100"
    private val phone = TestPhone()

    private fun openWith(card: TestCard): Reply {
        val open = phone.open()
        phone.meet(card.tag())
        assertEquals("the card was opened: ${open.refusal}", 1, open.answers)
        return open
    }

    @Test
    fun aCardIsOpenedAndTold() {
        val card = TestCard()
        val open = openWith(card)
        assertEquals(261, open.value?.getInt("commandLengthMax"))
        assertEquals(false, open.value?.getBoolean("extendedLength"))
        assertEquals(1, card.connections)
        assertTrue("slow chips need 2 s: ${card.timeouts}", card.timeouts.single() >= 2_000)
    }

    @Test
    fun readerModeTakesSmartCardsQuietlyAndLeavesThemAlone() {
        phone.open()
        val shadow = checkNotNull(phone.shadow())
        assertTrue(phone.isInReaderMode)
        val wanted =
            NfcAdapter.FLAG_READER_NFC_A or
                NfcAdapter.FLAG_READER_NFC_B or
                NfcAdapter.FLAG_READER_SKIP_NDEF_CHECK or
                NfcAdapter.FLAG_READER_NO_PLATFORM_SOUNDS
        assertEquals(wanted, shadow.flags)
        assertTrue("longer than the default of 125 ms", shadow.presenceCheckDelayMs >= 1_000)
    }

    @Test
    fun commandsAndAnswersGoAsTheyAre() {
        val card = TestCard()
        openWith(card)
        card.answer = checkNotNull(Hex.decode("6f1a9000"))
        val reply = phone.transceive(selectPpse.uppercase())
        assertEquals("6f1a9000", reply.value?.getString("apdu"))
        assertEquals(selectPpse, Hex.encode(card.commands.single()))
    }

    @Test
    fun aCardThatLeftIsToldAndLetGo() {
        for ((behaviour, isInField) in
            listOf(Behaviour.LEFT to true, Behaviour.FAILS to false, Behaviour.OUT_OF_DATE to true)) {
            val card = TestCard()
            openWith(card)
            card.behaviour = behaviour
            card.isInField = isInField
            assertEquals("$behaviour", "card_removed", phone.transceive(selectPpse).code)
            assertEquals("$behaviour", "not_open", phone.transceive(selectPpse).code)
            assertFalse("$behaviour", phone.isInReaderMode)
        }
    }

    @Test
    fun aFailureWithTheCardStillThereIsTheReaders() {
        val card = TestCard()
        openWith(card)
        card.behaviour = Behaviour.FAILS
        assertEquals("reader_failed", phone.transceive(selectPpse).code)
    }

    @Test
    fun anAnswerWithoutStatusWordIsTheReadersFailure() {
        val card = TestCard()
        openWith(card)
        card.behaviour = Behaviour.ANSWERS_NOTHING
        assertEquals("reader_failed", phone.transceive(selectPpse).code)
    }

    @Test
    fun whatCannotBeSentIsNotSentAndTheCardStaysOpen() {
        val card = TestCard()
        openWith(card)
        assertEquals("apdu_too_long", phone.transceive("00".repeat(262)).code)
        assertEquals("apdu_malformed", phone.transceive("00a4").code)
        assertEquals("apdu_malformed", phone.transceive("00a4040z").code)
        assertEquals(0, card.commands.size)
        assertEquals("9000", phone.transceive(selectPpse).value?.getString("apdu"))
    }

    @Test
    fun thereIsOneSessionAtATime() {
        val first = phone.open()
        assertEquals("busy", phone.open().code)
        val card = TestCard()
        phone.meet(card.tag())
        assertEquals(1, first.answers)
        assertEquals("busy", phone.open().code)
        assertEquals("9000", phone.transceive(selectPpse).value?.getString("apdu"))
    }

    @Test
    fun noCardInTimeEndsTheWait() {
        val open = phone.open(waitMs = 5_000)
        phone.pass(Duration.ofMillis(4_999))
        assertEquals(0, open.answers)
        phone.pass(Duration.ofMillis(1))
        assertEquals("card_absent", open.code)
        assertFalse(phone.isInReaderMode)
    }

    @Test
    fun noWaitIsEndless() {
        val open = phone.open(waitMs = Long.MAX_VALUE)
        phone.pass(Duration.ofSeconds(60))
        assertEquals("card_absent", open.code)
    }

    @Test
    fun theDeadlineOfAnEarlierWaitEndsNoLaterOne() {
        phone.open(waitMs = 5_000)
        phone.call("close")
        val later = phone.open(waitMs = 20_000)
        phone.pass(Duration.ofSeconds(10))
        assertEquals(0, later.answers)
        assertTrue(phone.isInReaderMode)
    }

    @Test
    fun aCardThatComesAfterTheWaitIsNotTouched() {
        phone.open(waitMs = 5_000)
        val callback = checkNotNull(phone.shadow()?.callback)
        val card = TestCard()
        // The system had the card already when the wait ended.
        phone.call("close")
        callback.onTagDiscovered(card.tag())
        phone.settle()
        assertEquals(0, card.connections)
        assertEquals("not_open", phone.transceive(selectPpse).code)
    }

    @Test
    fun closingEndsTheWaitAndClosingTwiceIsNoError() {
        val open = phone.open()
        assertNull(phone.call("close").refusal)
        assertEquals("stopped", open.code)
        assertFalse(phone.isInReaderMode)
        assertNull(phone.call("close").refusal)
        assertEquals("told once", 1, open.answers)
    }

    @Test
    fun anotherAppInFrontEndsTheSession() {
        val waiting = phone.open()
        phone.pause()
        assertEquals("stopped", waiting.code)
        assertFalse(phone.isInReaderMode)
        openWith(TestCard())
        phone.pause()
        assertFalse(phone.isInReaderMode)
        assertEquals("not_open", phone.transceive(selectPpse).code)
    }

    @Test
    fun aTagThatIsNoSmartCardIsPassedOver() {
        val open = phone.open()
        phone.meet(TestCard(intArrayOf(TestCard.NFC_A)).tag())
        assertEquals(0, open.answers)
        phone.meet(TestCard().tag())
        assertEquals(261, open.value?.getInt("commandLengthMax"))
    }

    @Test
    fun aCardThatLeavesAtOnceIsWaitedForAgain() {
        val open = phone.open()
        phone.meet(TestCard().apply { refusesToConnect = true }.tag())
        phone.meet(TestCard().apply { behaviour = Behaviour.OUT_OF_DATE }.tag())
        assertEquals(0, open.answers)
        assertTrue(phone.isInReaderMode)
        phone.meet(TestCard().tag())
        assertEquals(1, open.answers)
        assertNull(open.refusal)
    }

    @Test
    fun nfcSwitchedOffIsSaid() {
        checkNotNull(phone.shadow()).setEnabled(false)
        assertEquals("nfc_off", phone.open().code)
        checkNotNull(phone.shadow()).setEnabled(true)
        openWith(TestCard())
    }

    @Test
    fun aPhoneWithoutNfcSaysSo() {
        ShadowNfcAdapter.setNfcHardwareExists(false)
        assertEquals("nfc_missing", phone.open().code)
    }

    @Test
    fun afterTheActivityNothingWaitsForEver() {
        val waiting = phone.open()
        phone.destroy()
        assertEquals("stopped", phone.open().code)
        assertEquals("stopped", phone.call("close").code)
        assertTrue("told or gone, never twice", waiting.answers <= 1)
    }

    @Test
    fun theLogHoldsNothingOfTheCard() {
        val card = TestCard()
        openWith(card)
        // Track 2 of a test number: 57 13 5413330089601109D2512...
        card.answer = checkNotNull(Hex.decode("57135413330089601109d25122010123456789000f9000"))
        phone.transceive(selectPpse)
        card.behaviour = Behaviour.LEFT
        phone.transceive("80ae8000")
        val log = ShadowLog.getLogs().joinToString("\n") { "${it.tag} ${it.msg} ${it.throwable}" }.lowercase()
        for (secret in listOf("5413330089601109", "d2512201", selectPpse, "80ae8000")) {
            assertFalse(secret, log.contains(secret))
        }
    }
}
