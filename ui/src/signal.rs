//! Signals and memos of any type over one signal and one memo of leptos.
//!
//! leptos builds the graph anew for every type that a signal holds: storage, subscribers, guards, waking. Here the graph
//! holds one type, a value behind a pointer, and of each type only the way to its value is left. They are used as
//! leptos' own are, and are ended with the same owners.

use std::any::Any;
use std::marker::PhantomData;
use std::mem;
use std::panic::Location;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use leptos::prelude::{
    DefinedAt, Get, GetUntracked as _, Memo as GraphMemo, Notify as _, RwSignal as GraphSignal, Set, Track as _,
};
use leptos::tachys::reactive_graph::bind::IntoSplitSignal;

/// A value of some type behind a lock.
type Held = Arc<dyn Any + Send + Sync>;

/// A value that is read where it is used, and wakes its readers when it changes.
pub struct RwSignal<T> {
    graph: GraphSignal<Held>,
    holds: PhantomData<fn() -> T>,
}

impl<T> Clone for RwSignal<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for RwSignal<T> {}

impl<T: Send + Sync + 'static> RwSignal<T> {
    /// A signal that lives as long as what is being drawn.
    #[track_caller]
    pub fn new(value: T) -> Self {
        Self { graph: GraphSignal::new(Arc::new(RwLock::new(value))), holds: PhantomData }
    }

    /// Looks at the value, and again whenever it changes.
    #[track_caller]
    pub fn with<R>(self, look: impl FnOnce(&T) -> R) -> R {
        look(&read(&self.graph.get()))
    }

    /// Looks at the value as it is now.
    #[track_caller]
    pub fn with_untracked<R>(self, look: impl FnOnce(&T) -> R) -> R {
        look(&read(&self.graph.get_untracked()))
    }

    /// Wakes who calls this when the value changes.
    pub fn track(self) {
        self.graph.track();
    }

    /// Changes the value and wakes its readers; nothing when the signal has ended.
    pub fn update(self, change: impl FnOnce(&mut T)) {
        let _ = self.try_update(change);
    }

    /// The same, and answers what the change did; none when the signal has ended.
    pub fn try_update<R>(self, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let held = self.graph.try_get_untracked()?;
        let changed = change(&mut write(&held));
        self.graph.notify();
        Some(changed)
    }

    /// Puts a value in place of the one before; nothing when the signal has ended.
    pub fn set(self, value: T) {
        drop(self.try_set(value));
    }

    /// The same, and hands the value back when the signal has ended.
    pub fn try_set(self, value: T) -> Option<T> {
        let Some(held) = self.graph.try_get_untracked() else { return Some(value) };
        let before = mem::replace(&mut *write(&held), value);
        self.graph.notify();
        // Only now, when nobody holds its lock: the end of what was held may be work of its own.
        drop(before);
        None
    }
}

impl<T: Clone + Send + Sync + 'static> RwSignal<T> {
    /// The value, and again whenever it changes.
    #[track_caller]
    pub fn get(self) -> T {
        self.with(T::clone)
    }

    /// The value as it is now.
    #[track_caller]
    pub fn get_untracked(self) -> T {
        self.with_untracked(T::clone)
    }
}

/// Both ends of a `bind:` in a view.
impl<T: Clone + Send + Sync + 'static> IntoSplitSignal for RwSignal<T> {
    type Value = T;
    type Read = Self;
    type Write = Self;

    fn into_split_signal(self) -> (Self, Self) {
        (self, self)
    }
}

impl<T: Clone + Send + Sync + 'static> Get for RwSignal<T> {
    type Value = T;

    fn try_get(&self) -> Option<T> {
        self.graph.try_get().map(|held| T::clone(&read(&held)))
    }
}

impl<T: Send + Sync + 'static> Set for RwSignal<T> {
    type Value = T;

    fn set(&self, value: T) {
        Self::set(*self, value);
    }

    fn try_set(&self, value: T) -> Option<T> {
        Self::try_set(*self, value)
    }
}

impl<T> DefinedAt for RwSignal<T> {
    fn defined_at(&self) -> Option<&'static Location<'static>> {
        self.graph.defined_at()
    }
}

fn lock<T: 'static>(held: &Held) -> &RwLock<T> {
    held.downcast_ref().expect("a signal is made with a value of its type")
}

fn read<T: 'static>(held: &Held) -> RwLockReadGuard<'_, T> {
    lock(held).read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T: 'static>(held: &Held) -> RwLockWriteGuard<'_, T> {
    lock(held).write().unwrap_or_else(PoisonError::into_inner)
}

/// A memo's value: whether it changed decides who is woken.
#[derive(Clone)]
struct Found(Arc<dyn Same>);

/// A value that can be compared with another of its own type.
trait Same: Any + Send + Sync {
    fn is_same(&self, other: &dyn Same) -> bool;
}

impl<T: PartialEq + Send + Sync + 'static> Same for T {
    fn is_same(&self, other: &dyn Same) -> bool {
        let other: &dyn Any = other;
        other.downcast_ref::<T>().is_some_and(|other| self == other)
    }
}

impl PartialEq for Found {
    fn eq(&self, other: &Self) -> bool {
        self.0.is_same(&*other.0)
    }
}

impl Found {
    fn value<T: 'static>(&self) -> &T {
        let found: &dyn Any = &*self.0;
        found.downcast_ref().expect("a memo finds values of its type")
    }
}

/// What a memo does when something it looked at has changed.
type Work = Box<dyn Fn(Option<&Found>) -> Found + Send + Sync>;

/// A value that is worked out from others, and wakes its readers when it comes out differently.
pub struct Memo<T> {
    graph: GraphMemo<Found>,
    finds: PhantomData<fn() -> T>,
}

impl<T> Clone for Memo<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Memo<T> {}

impl<T: PartialEq + Send + Sync + 'static> Memo<T> {
    /// A memo that lives as long as what is being drawn. The work is handed the value before.
    #[track_caller]
    pub fn new(work: impl Fn(Option<&T>) -> T + Send + Sync + 'static) -> Self {
        let work: Work = Box::new(move |before| Found(Arc::new(work(before.map(Found::value)))));
        Self { graph: memo(work), finds: PhantomData }
    }

    /// Looks at the value, and again whenever it changes.
    #[track_caller]
    pub fn with<R>(self, look: impl FnOnce(&T) -> R) -> R {
        look(self.graph.get().value())
    }

    /// Looks at the value as it is now.
    #[track_caller]
    pub fn with_untracked<R>(self, look: impl FnOnce(&T) -> R) -> R {
        look(self.graph.get_untracked().value())
    }

    /// Wakes who calls this when the value changes.
    pub fn track(self) {
        self.graph.track();
    }
}

/// Of one type for all work, so that the module holds it once.
#[track_caller]
fn memo(work: Work) -> GraphMemo<Found> {
    GraphMemo::new(work)
}

impl<T: Clone + PartialEq + Send + Sync + 'static> Memo<T> {
    /// The value, and again whenever it changes.
    #[track_caller]
    pub fn get(self) -> T {
        self.with(T::clone)
    }

    /// The value as it is now.
    #[track_caller]
    pub fn get_untracked(self) -> T {
        self.with_untracked(T::clone)
    }
}

#[cfg(test)]
mod tests {
    use leptos::prelude::Owner;

    use super::*;

    #[test]
    fn a_memo_follows_its_signals_and_tells_what_it_found_before() {
        let owner = Owner::new();
        owner.set();
        let pages = RwSignal::new(vec![1, 2]);
        let count = Memo::new(move |_| pages.with(Vec::len));
        let longest = Memo::new(move |before: Option<&usize>| before.copied().unwrap_or(0).max(count.get()));
        assert_eq!((count.get_untracked(), longest.get_untracked()), (2, 2));
        pages.update(|pages| pages.push(3));
        assert_eq!((count.get_untracked(), longest.get_untracked()), (3, 3));
        pages.set(Vec::new());
        assert_eq!((count.get_untracked(), longest.get_untracked()), (0, 3));
    }

    #[test]
    fn a_memo_that_finds_the_same_wakes_nobody() {
        let owner = Owner::new();
        owner.set();
        let number = RwSignal::new(1_u32);
        let is_odd = Memo::new(move |_| number.get() % 2 == 1);
        let looks = RwSignal::new(0_u32);
        let seen = Memo::new(move |_| {
            looks.try_update(|looks| *looks += 1);
            is_odd.get()
        });
        assert!(seen.get_untracked());
        number.set(3);
        assert!(seen.get_untracked());
        assert_eq!(looks.get_untracked(), 1);
        number.set(4);
        assert!(!seen.get_untracked());
        assert_eq!(looks.get_untracked(), 2);
    }

    #[test]
    fn what_has_ended_takes_and_tells_nothing() {
        let owner = Owner::new();
        let signal = owner.with(|| RwSignal::new("here".to_owned()));
        assert_eq!(signal.try_get().as_deref(), Some("here"));
        owner.cleanup();
        drop(owner);
        assert_eq!(signal.try_get(), None);
        signal.set("gone".to_owned());
        assert_eq!(signal.try_update(|text| text.len()), None);
    }
}
