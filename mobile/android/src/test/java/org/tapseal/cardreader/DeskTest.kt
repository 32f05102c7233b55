package org.tapseal.cardreader

import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test

class DeskTest {
    private val desk = Desk<String, String>()

    private fun admit(caller: String): Int = checkNotNull(desk.admit(caller)) { "the desk is free" }

    @Test
    fun oneOpeningAtATime() {
        admit("first")
        assertNull(desk.admit("second"))
        assertEquals("first", desk.clear().caller)
        assertNotNull(desk.admit("second"))
    }

    @Test
    fun anOpenCardKeepsTheDeskTaken() {
        assertEquals("caller", desk.serve(admit("caller"), "card"))
        assertEquals("card", desk.card)
        assertNull(desk.admit("another"))
        assertEquals("card", desk.card)
    }

    @Test
    fun aCardServesOnlyWhomItCameFor() {
        val first = admit("first")
        desk.clear()
        assertNull(desk.serve(first, "late card"))
        val second = admit("second")
        assertNull(desk.serve(first, "late card"))
        assertNull(desk.card)
        assertEquals("second", desk.serve(second, "card"))
    }

    @Test
    fun aSecondCardChangesNothing() {
        val opening = admit("caller")
        desk.serve(opening, "card")
        assertNull(desk.serve(opening, "another card"))
        assertEquals("card", desk.card)
    }

    @Test
    fun aDeadlineKnowsItsOpening() {
        val first = admit("first")
        assertTrue(desk.waits(first))
        desk.clear()
        assertFalse(desk.waits(first))
        val second = admit("second")
        assertFalse("the first one's deadline is not the second one's", desk.waits(first))
        desk.serve(second, "card")
        assertFalse("a card came in time", desk.waits(second))
    }

    @Test
    fun clearingHandsBackWhoWaitedOrWhatWasOpen() {
        assertNull(desk.clear().caller)
        assertNull(desk.clear().card)
        admit("caller")
        val waiting = desk.clear()
        assertEquals("caller", waiting.caller)
        assertNull(waiting.card)
        desk.serve(admit("caller"), "card")
        val open = desk.clear()
        assertEquals("card", open.card)
        assertNull("whoever was served has been told", open.caller)
        assertNull(desk.card)
    }
}
