//! A long list of which only the part near the window is drawn.
//!
//! Every entry has the same height, one unit, or two where something stands above it: so the place of each is known
//! before it is read. A screen reader is told the size of the whole list and the place of each entry in it. One entry is
//! in the tab order; the arrow keys, Page Up, Page Down, Home and End move on from there. The entry that has the
//! focus stays drawn, wherever the list is scrolled to.

use std::ops::Range;

use leptos::ev::{FocusEvent, KeyboardEvent};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{Element, HtmlElement, ScrollIntoViewOptions, ScrollLogicalPosition};

use crate::signal::{Memo, RwSignal};

/// How many units are drawn beyond what is seen, on either side.
const BEYOND: usize = 8;
/// How many units are drawn before the list was ever measured.
const UNITS_FIRST: usize = 16;
/// For how many frames an entry that is not read yet is waited for: some ten seconds.
const FRAMES_MAX: u32 = 600;
/// For how many frames an entry that was moved to keeps the focus through being drawn anew.
const FRAMES_KEPT: u32 = 60;

/// How many entries a list has, and which of them are two units high.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// How many entries.
    pub count: usize,
    /// Those with something above them, in ascending order.
    pub tall: Vec<usize>,
}

impl Shape {
    /// The unit an entry begins at.
    pub fn top(&self, index: usize) -> usize {
        index + self.tall.partition_point(|tall| *tall < index)
    }

    /// How many units an entry takes.
    pub fn span(&self, index: usize) -> usize {
        if self.is_tall(index) { 2 } else { 1 }
    }

    /// Whether something stands above an entry.
    pub fn is_tall(&self, index: usize) -> bool {
        self.tall.binary_search(&index).is_ok()
    }

    /// How many units the list takes.
    pub fn units(&self) -> usize {
        self.count + self.tall.len()
    }

    /// The entry at a unit, or the last one.
    fn at(&self, unit: usize) -> usize {
        // No entry lies later than its place would be without tall ones, and none earlier than with all of them above.
        let (mut low, mut high) = (unit.saturating_sub(self.tall.len()), unit.min(self.count.saturating_sub(1)));
        low = low.min(high);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if self.top(middle) <= unit {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        low
    }

    /// The entries between two units, and some beyond.
    fn entries(&self, units: Range<usize>) -> Range<usize> {
        if self.count == 0 {
            return 0..0;
        }
        let last = self.at(units.end.saturating_add(BEYOND));
        self.at(units.start.saturating_sub(BEYOND))..last + 1
    }
}

/// Where an entry stands, and whether it is the one in the tab order.
#[derive(Clone, Copy)]
pub struct Row {
    /// Which entry, from 0.
    pub index: usize,
    active: RwSignal<usize>,
}

impl Row {
    /// The `tabindex` of the entry's control.
    pub fn tabindex(self) -> i32 {
        if self.active.get() == self.index { 0 } else { -1 }
    }
}

/// What the list knows of itself.
#[derive(Clone, Copy)]
struct List {
    shape: Memo<Shape>,
    element: NodeRef<html::Div>,
    /// The entries near the window.
    near: RwSignal<Range<usize>>,
    /// The one in the tab order.
    active: RwSignal<usize>,
    /// How many entries a page is.
    page: StoredValue<usize>,
    /// Whether a key's entry is on its way to the focus, which nobody may have meanwhile.
    is_moving: StoredValue<bool>,
}

/// The list. `row` draws an entry: what it shows may change as long as it stands there.
pub fn virtual_list<V: IntoView + 'static>(
    name: impl Fn() -> &'static str + Send + Sync + 'static,
    shape: Memo<Shape>,
    row: impl Fn(Row) -> V + Copy + Send + Sync + 'static,
) -> impl IntoView {
    let list = List {
        shape,
        element: NodeRef::new(),
        near: RwSignal::new(0..UNITS_FIRST),
        active: RwSignal::new(0),
        page: StoredValue::new(1),
        is_moving: StoredValue::new(false),
    };
    list.follow();
    let active = list.active;
    let entry = move |index: usize| {
        view! {
            <div class="virtual-row" role="listitem" data-index=index aria-posinset=index + 1
                aria-setsize=move || shape.with(|shape| shape.count)
                style=("--top", move || shape.with(|shape| shape.top(index)).to_string())
                style=("--span", move || shape.with(|shape| shape.span(index)).to_string())>
                {row(Row { index, active })}
            </div>
        }
    };
    view! {
        <div class="virtual" role="list" aria-label=name tabindex="-1" node_ref=list.element
            style=("--units", move || shape.with(Shape::units).to_string())
            on:keydown=move |event| list.on_key(&event) on:focusin=move |event| list.on_focus(&event)>
            <For each=move || list.drawn() key=|index| *index children=entry/>
        </div>
    }
}

impl List {
    /// The entries to draw, in their order.
    fn drawn(self) -> Vec<usize> {
        let count = self.shape.with(|shape| shape.count);
        let near = self.near.get();
        let near = near.start.min(count)..near.end.min(count);
        let active = Some(self.active.get()).filter(|active| *active < count && !near.contains(active));
        let before = active.filter(|active| *active < near.start);
        let after = active.filter(|active| *active >= near.end);
        before.into_iter().chain(near).chain(after).collect()
    }

    /// Looks again whenever anything scrolls, the window changes, or the list does.
    fn follow(self) {
        let look = Closure::<dyn FnMut()>::new(move || self.look());
        // Whatever scrolls around the list tells it on the way down.
        let (scrolls, resizes) = ("scroll", "resize");
        let function = look.as_ref().unchecked_ref::<js_sys::Function>();
        if let Some(window) = web_sys::window() {
            // A window that takes no listener shows the first entries, and those that are moved to by keys.
            let _ = window.add_event_listener_with_callback_and_bool(scrolls, function, true);
            let _ = window.add_event_listener_with_callback(resizes, function);
        }
        // A key that comes while the entry with the focus is drawn anew is the list's, though nothing has the focus.
        let keys = window_event_listener(leptos::ev::keydown, move |event| {
            if self.is_moving.try_get_value() == Some(true) && is_of_nobody(&event) {
                self.on_key(&event);
            }
        });
        on_cleanup(move || keys.remove());
        let look = StoredValue::new_local(look);
        on_cleanup(move || {
            look.with_value(|look| {
                let function = look.as_ref().unchecked_ref::<js_sys::Function>();
                if let Some(window) = web_sys::window() {
                    // One that is not there any more needs no removing.
                    let _ = window.remove_event_listener_with_callback_and_bool(scrolls, function, true);
                    let _ = window.remove_event_listener_with_callback(resizes, function);
                }
            });
        });
        Effect::new(move || {
            self.shape.track();
            let is_there = self.element.get().is_some();
            if is_there {
                request_animation_frame(move || self.look());
            }
        });
    }

    /// Finds which entries are near the window.
    fn look(self) {
        let Some(element) = self.element.try_get_untracked().flatten() else { return };
        let units = self.shape.with_untracked(Shape::units);
        let bounds = element.get_bounding_client_rect();
        let window_height = web_sys::window().and_then(|window| window.inner_height().ok()?.as_f64()).unwrap_or(0.0);
        if units == 0 || bounds.height() <= 0.0 {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "a list has far fewer than 2^52 units")]
        let unit = bounds.height() / units as f64;
        let unit_at = |y: f64| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the list's units")]
            let index = (y / unit).max(0.0) as usize;
            index.min(units)
        };
        let seen = unit_at(-bounds.top())..unit_at(window_height - bounds.top());
        self.page.set_value((seen.end - seen.start).saturating_sub(1).max(1));
        let near = self.shape.with_untracked(|shape| shape.entries(seen));
        if self.near.with_untracked(|known| *known != near) {
            self.near.set(near);
        }
    }

    fn on_key(self, event: &KeyboardEvent) {
        let Some(last) = self.shape.with_untracked(|shape| shape.count.checked_sub(1)) else { return };
        let now = self.active.get_untracked().min(last);
        let page = self.page.get_value();
        let next = match event.key().as_str() {
            "ArrowDown" => now.saturating_add(1).min(last),
            "ArrowUp" => now.saturating_sub(1),
            "PageDown" => now.saturating_add(page).min(last),
            "PageUp" => now.saturating_sub(page),
            "Home" => 0,
            "End" => last,
            _ => return,
        };
        event.prevent_default();
        self.active.set(next);
        self.is_moving.set_value(true);
        // The entry is drawn once what depends on it has run.
        request_animation_frame(move || self.show(next, FRAMES_MAX));
    }

    /// Scrolls to an entry and gives it the focus, as soon as it is read: until then the list itself has it, so that the
    /// keys go on working.
    fn show(self, index: usize, frames: u32) {
        let Some(element) = self.element.try_get_untracked().flatten() else { return };
        // Another key was faster: what it moved to must not lose the focus to this.
        if self.active.get_untracked() != index {
            return;
        }
        let row = element.query_selector(&format!(":scope > [data-index=\"{index}\"]")).ok().flatten();
        if let Some(row) = &row {
            let how = ScrollIntoViewOptions::new();
            how.set_block(ScrollLogicalPosition::Nearest);
            row.scroll_into_view_with_scroll_into_view_options(&how);
        }
        let control = row.and_then(|row| row.query_selector("button, a").ok().flatten());
        // What cannot take the focus leaves it where it is.
        if let Some(control) = control.and_then(|control| control.dyn_into::<HtmlElement>().ok()) {
            let _ = control.focus();
            request_animation_frame(move || self.keep(index, frames.min(FRAMES_KEPT)));
        } else if frames > 0 {
            let _ = element.focus();
            request_animation_frame(move || self.show(index, frames - 1));
        } else {
            self.is_moving.set_value(false);
        }
        self.look();
    }

    /// Gives an entry the focus again that lost it to nobody: it was drawn anew when the window came to where it is.
    fn keep(self, index: usize, frames: u32) {
        let Some(element) = self.element.try_get_untracked().flatten() else { return };
        if self.active.get_untracked() != index {
            return;
        }
        let Some(frames) = frames.checked_sub(1) else { return self.is_moving.set_value(false) };
        let focused = element.owner_document().and_then(|document| document.active_element());
        match focused {
            Some(focused) if element.contains(Some(&focused)) => {
                request_animation_frame(move || self.keep(index, frames));
            }
            Some(focused) if focused.tag_name() != "BODY" => self.is_moving.set_value(false),
            Some(_) | None => self.show(index, frames),
        }
    }

    /// What has the focus is where the keys go on from.
    fn on_focus(self, event: &FocusEvent) {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        let row = target.and_then(|target| target.closest("[data-index]").ok().flatten());
        let index = row.and_then(|row| row.get_attribute("data-index")?.parse().ok());
        if let Some(index) = index {
            self.active.set(index);
        }
    }
}

/// Whether nothing had the focus when this key was pressed.
fn is_of_nobody(event: &KeyboardEvent) -> bool {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    target.is_none_or(|target| target.tag_name() == "BODY")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape() -> Shape {
        // Entries 0 and 3 have a heading: units 0-1, 2, 3, 4-5, 6, 7.
        Shape { count: 6, tall: vec![0, 3] }
    }

    #[test]
    fn entries_below_a_heading_lie_one_unit_lower() {
        let shape = shape();
        let tops: Vec<usize> = (0..6).map(|index| shape.top(index)).collect();
        assert_eq!(tops, [0, 2, 3, 4, 6, 7]);
        assert_eq!(shape.units(), 8);
        assert_eq!((shape.span(3), shape.span(4)), (2, 1));
    }

    #[test]
    fn every_unit_belongs_to_an_entry() {
        let shape = shape();
        let entries: Vec<usize> = (0..9).map(|unit| shape.at(unit)).collect();
        assert_eq!(entries, [0, 0, 1, 2, 3, 3, 4, 5, 5]);
    }

    #[test]
    fn a_large_list_draws_little_of_itself() {
        let shape = Shape { count: 100_000, tall: (0..100_000).step_by(800).collect() };
        for unit in [0, 1, 777, 50_000, 100_124] {
            let entries = shape.entries(unit..unit + 10);
            assert!(entries.len() <= 10 + 2 * BEYOND + 1, "{entries:?}");
            let index = shape.at(unit);
            assert!(shape.top(index) <= unit && unit < shape.top(index) + shape.span(index).max(1), "{unit}");
            assert!(entries.contains(&index));
        }
        assert_eq!(Shape::default().entries(0..10), 0..0);
    }
}
