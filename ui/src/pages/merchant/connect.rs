//! How a wallet becomes a till: by an access file.

use leptos::prelude::*;

use super::parts::head;
use crate::components::icon;
use crate::i18n::Text;
use crate::state::App;

/// The screen.
pub fn page(app: App) -> impl IntoView {
    let step = move |text: Text| view! { <li>{app.t(text)}</li> };
    view! {
        {head(app, Text::ConnectTitle)}
        <div class="centre connect">
            <div class="connect-picture" aria-hidden="true">{icon::shop()}</div>
            <p class="lead">{app.t(Text::ConnectBody)}</p>
            <ol class="steps">
                {step(Text::ConnectFile)}
                {step(Text::ConnectSecret)}
                {step(Text::ConnectKept)}
            </ol>
            <div class="actions actions-bottom">
                <button class="button button-primary button-large" type="button" data-action="choose-access-file"
                    disabled=move || app.busy.get() on:click=move |_| app.connect_till()>{app.t(Text::ConnectChoose)}</button>
            </div>
        </div>
    }
}
