package org.tapseal.cardreader

/**
 * Whom the reader serves: one opening at a time, first a caller who waits, then the card that came.
 *
 * Every opening has a number, so that a deadline or a card that comes late touches no later opening.
 * Free of Android, and of threads: all calls come from one.
 */
internal class Desk<Caller : Any, Card : Any> {
    private var state: State<Caller, Card> = State.Free()
    private var openings = 0

    private sealed interface State<Caller, Card> {
        class Free<Caller, Card> : State<Caller, Card>

        class Waiting<Caller, Card>(val opening: Int, val caller: Caller) : State<Caller, Card>

        class Open<Caller, Card>(val card: Card) : State<Caller, Card>
    }

    /** Who was waiting and which card was open when the desk was cleared; at most one of both. */
    class Left<Caller, Card>(val caller: Caller?, val card: Card?)

    /** The card that is open. */
    val card: Card?
        get() = (state as? State.Open)?.card

    /** Lets a caller wait for a card and numbers the opening; null when the desk is taken. */
    fun admit(caller: Caller): Int? {
        if (state !is State.Free) return null
        openings += 1
        state = State.Waiting(openings, caller)
        return openings
    }

    /** Whether somebody waits under this number. */
    fun waits(opening: Int): Boolean = (state as? State.Waiting)?.opening == opening

    /** Opens the card for the caller who waits under this number, and hands the caller back to be told. */
    fun serve(opening: Int, card: Card): Caller? {
        val waiting = state as? State.Waiting ?: return null
        if (waiting.opening != opening) return null
        state = State.Open(card)
        return waiting.caller
    }

    /** Frees the desk, whatever it was doing. */
    fun clear(): Left<Caller, Card> {
        val left = Left((state as? State.Waiting)?.caller, (state as? State.Open)?.card)
        state = State.Free()
        return left
    }
}
