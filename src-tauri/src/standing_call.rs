//! One call for a card that outlives the looks for it.
//!
//! The wallet looks for a card a quarter of a second at a time. A phone's field must not go off and on at that pace: a
//! card would be met half-way, and an iPhone would show its sheet anew each time. So the first look begins the call,
//! later looks wait on the same one, and when nobody looks any more it is ended.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a call stands after the last look for its answer.
pub(crate) const LINGER: Duration = Duration::from_millis(1_500);

/// A call that is under way, or none.
pub(crate) struct StandingCall<T>(Mutex<Option<Call<T>>>);

struct Call<T> {
    answer: Receiver<T>,
    last_look: Instant,
}

/// What one look saw.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Look<T> {
    /// The call was answered, and is over.
    Answered(T),
    /// Not yet; this look began the call.
    Begun,
    /// Not yet.
    Waiting,
    /// Whoever was to answer is gone.
    Lost,
}

impl<T> StandingCall<T> {
    pub(crate) fn none() -> Self {
        Self(Mutex::new(None))
    }

    /// Waits at most `wait` for the answer of the call, which `begin` begins unless one is under way.
    pub(crate) fn look(&self, wait: Duration, begin: impl FnOnce(Sender<T>)) -> Look<T> {
        let mut standing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut not_yet = Look::Waiting;
        let call = standing.get_or_insert_with(|| {
            not_yet = Look::Begun;
            let (sender, answer) = channel();
            begin(sender);
            Call { answer, last_look: Instant::now() }
        });
        let seen = call.answer.recv_timeout(wait);
        call.last_look = Instant::now();
        match seen {
            Ok(answer) => {
                *standing = None;
                Look::Answered(answer)
            }
            Err(RecvTimeoutError::Timeout) => not_yet,
            Err(RecvTimeoutError::Disconnected) => {
                *standing = None;
                Look::Lost
            }
        }
    }

    /// Ends a call that nobody looked for since `linger`, by `end`; no look runs meanwhile. Whether there is still a
    /// call to come back for.
    pub(crate) fn end_if_left(&self, linger: Duration, end: impl FnOnce()) -> bool {
        let mut standing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(call) = standing.as_ref() else { return false };
        if call.last_look.elapsed() < linger {
            return true;
        }
        // The answer may lie there unread: ending the call lets such a card go.
        *standing = None;
        end();
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_ONCE: Duration = Duration::ZERO;

    #[test]
    fn many_looks_are_one_call() {
        let call = StandingCall::<&str>::none();
        let mut begun = Vec::new();
        assert_eq!(call.look(AT_ONCE, |answer| begun.push(answer)), Look::Begun);
        for _ in 0..3 {
            assert_eq!(call.look(AT_ONCE, |answer| begun.push(answer)), Look::Waiting);
        }
        assert_eq!(begun.len(), 1);
        begun[0].send("card").unwrap();
        assert_eq!(call.look(AT_ONCE, |answer| begun.push(answer)), Look::Answered("card"));
        assert_eq!(call.look(AT_ONCE, |answer| begun.push(answer)), Look::Begun, "the answered call is over");
        assert_eq!(begun.len(), 2);
    }

    #[test]
    fn a_call_whose_answerer_is_gone_is_lost_and_may_begin_again() {
        let call = StandingCall::<()>::none();
        assert_eq!(call.look(AT_ONCE, drop), Look::Lost);
        let mut kept = None;
        assert_eq!(call.look(AT_ONCE, |answer| kept = Some(answer)), Look::Begun);
    }

    #[test]
    fn a_call_that_nobody_looks_for_is_ended_once() {
        let call = StandingCall::<()>::none();
        let mut kept = None;
        call.look(AT_ONCE, |answer| kept = Some(answer));
        let mut ended = 0;
        assert!(call.end_if_left(Duration::from_mins(1), || ended += 1), "somebody looked just now");
        assert_eq!(ended, 0);
        assert!(!call.end_if_left(AT_ONCE, || ended += 1));
        assert!(!call.end_if_left(AT_ONCE, || ended += 1), "there is no call any more");
        assert_eq!(ended, 1);
    }
}
