//! What the system may tell while another window is in front, and whether results can be heard and felt.

use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::shell::{Abilities, AbilitiesView, NoticeExample};
use protocol::ipc::{Feedback, Notices, Settings};

use super::choices::{choice, option};
use super::settings_of;
use crate::components::icon;
use crate::i18n::Text;
use crate::ipc::invoke;
use crate::signal::RwSignal;
use crate::state::App;

/// The page.
pub fn page(app: App) -> impl IntoView {
    let abilities = RwSignal::new(None::<AbilitiesView>);
    // Without an answer nothing is offered and nothing is said to be missing.
    spawn_local(async move { abilities.set(invoke(Abilities {}).await.ok()) });
    view! {
        {choice(app, "notices", Text::NoticesTitle, vec![
            option(app, "discreet", Text::NoticesDiscreet, Some(Text::NoticesDiscreetHint),
                |it| Settings { notices: Notices::Discreet, ..it }),
            option(app, "full", Text::NoticesFull, Some(Text::NoticesFullHint),
                |it| Settings { notices: Notices::Full, ..it }),
            option(app, "off", Text::NoticesOff, Some(Text::NoticesOffHint),
                |it| Settings { notices: Notices::Off, ..it }),
        ])}
        <section class="group" data-part="notice">
            {move || preview(app)}
            {move || abilities.get().map(|abilities| example(app, abilities))}
        </section>
        {choice(app, "feedback", Text::NoticesFeedback, vec![
            option(app, "on", Text::NoticesFeedbackOn, Some(Text::NoticesFeedbackOnHint),
                |it| Settings { feedback: Feedback::On, ..it }),
            option(app, "off", Text::NoticesFeedbackOff, None, |it| Settings { feedback: Feedback::Off, ..it }),
        ])}
    }
}

/// What somebody reads who stands behind the person.
fn preview(app: App) -> AnyView {
    let (title, body) = match settings_of(app).notices {
        Notices::Off => return view! { <p class="group-line quiet">{app.t(Text::NoticesNothing)}</p> }.into_any(),
        Notices::Discreet => (Text::NoticesDiscreetTitle, Text::NoticesDiscreetBody),
        Notices::Full => (Text::NoticesFullTitle, Text::NoticesFullBody),
    };
    view! {
        <figure class="notice-preview">
            <figcaption class="quiet small">{app.t(Text::NoticesPreview)}</figcaption>
            <div class="notice-card">
                {icon::mark()}
                <p><b>{app.t(title)}</b><br/><span class="quiet">{app.t(body)}</span></p>
            </div>
        </figure>
    }
    .into_any()
}

fn example(app: App, abilities: AbilitiesView) -> AnyView {
    if abilities.notices {
        let show = move |_| {
            app.while_busy(async move {
                app.ask(NoticeExample {}).await;
            });
        };
        view! {
            <button class="text-button" type="button" data-action="notice-example" disabled=move || app.busy.get()
                on:click=show>{app.t(Text::NoticesTry)}</button>
        }
        .into_any()
    } else {
        view! { <p class="group-line quiet small">{app.t(Text::NoticesMissing)}</p> }.into_any()
    }
}
