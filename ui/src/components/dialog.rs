//! Dialogs over the screen: a question in the middle, or a sheet that rises from the lower edge of a phone.
//!
//! They are the browser's own `<dialog>`: the focus stays inside, Escape closes, and it goes back to what opened it.

use leptos::ev::MouseEvent;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::components::button::Button;
use crate::components::words::Words;
use crate::i18n::Text;
use crate::state::App;

/// A handle on a dialog: opens it and closes it.
#[derive(Clone, Copy)]
pub struct Dialog(NodeRef<html::Dialog>);

impl Dialog {
    /// A dialog that is not drawn yet.
    pub fn new() -> Self {
        Self(NodeRef::new())
    }

    /// Opens it over the screen.
    pub fn open(self) {
        if let Some(dialog) = self.0.get_untracked() {
            // A dialog that is open already stays open.
            let _ = dialog.show_modal();
        }
    }

    /// Closes it.
    pub fn close(self) {
        if let Some(dialog) = self.0.get_untracked() {
            dialog.close();
        }
    }

    /// Draws it in the middle of the window.
    pub fn view(self, app: App, part: &'static str, title: impl Into<Words>, body: impl IntoView + 'static) -> AnyView {
        self.drawn(app, "dialog", part, title.into(), body.into_any())
    }

    /// Draws it as a sheet: at the lower edge of a phone, in the middle of a wide window.
    pub fn sheet(
        self,
        app: App,
        part: &'static str,
        title: impl Into<Words>,
        body: impl IntoView + 'static,
    ) -> AnyView {
        self.drawn(app, "dialog sheet-dialog", part, title.into(), body.into_any())
    }

    fn drawn(self, app: App, class: &'static str, part: &'static str, title: Words, body: AnyView) -> AnyView {
        let title_id = format!("{part}-title");
        let labelled_by = title_id.clone();
        // What lies outside is the dialog itself to the browser; everything inside is one of its children.
        let on_click = move |event: MouseEvent| {
            let is_outside =
                event.target().is_some_and(|target| target.dyn_ref::<web_sys::HtmlDialogElement>().is_some());
            if is_outside {
                self.close();
            }
        };
        view! {
            <dialog class=class node_ref=self.0 data-part=part aria-labelledby=labelled_by on:click=on_click>
                <div class="dialog-body"><h2 id=title_id>{app.say(title)}</h2>{body}</div>
            </dialog>
        }
        .into_any()
    }
}

/// A question before something that cannot be taken back. `action` is the stable word of its answer.
pub struct Question {
    /// The stable word of the button that does it.
    pub action: &'static str,
    /// The question.
    pub title: Words,
    /// What it means.
    pub body: Words,
    /// The button that does it.
    pub confirm: Words,
}

/// The dialog of a question; `dialog` opens it. Nothing happens unless the answer is yes.
pub fn question(app: App, dialog: Dialog, question: Question, deed: impl FnMut() + 'static) -> AnyView {
    fn drawn(app: App, dialog: Dialog, question: Question, mut deed: Box<dyn FnMut()>) -> AnyView {
        let confirm = Button::danger(question.action, question.confirm).on(app, move || {
            dialog.close();
            deed();
        });
        let body = view! {
            <p class="quiet">{app.say(question.body)}</p>
            <div class="actions-row">
                {Button::plain("cancel", Text::ActionCancel).on(app, move || dialog.close())}
                {confirm}
            </div>
        };
        dialog.view(app, question.action, question.title, body)
    }
    drawn(app, dialog, question, Box::new(deed))
}
