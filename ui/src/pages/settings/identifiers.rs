//! Where requests reach this person: phone numbers and e-mail addresses, proved, moved and removed.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use protocol::ipc::keep::{FormerDismiss, FormerIdentifier, FormerReason};
use protocol::ipc::payer::{ClaimRelease, ClaimTransfer};
use protocol::ipc::{ClaimConfirm, ClaimStart};

use crate::components::button::Button;
use crate::components::dialog::{Dialog, Question, question};
use crate::components::form::form_of;
use crate::components::message::{Tone, banner_with};
use crate::components::words::Words;
use crate::i18n::Text;
use crate::ipc::invoke;
use crate::place::{Place, Screen, SettingsPage};
use crate::signal::{Memo, RwSignal};
use crate::state::App;

/// How many digits a claim code has.
const CODE_DIGITS: usize = 6;

/// Whether a text may be an e-mail address or an international phone number. The server decides.
fn is_plausible_identifier(text: &str) -> bool {
    let is_mail = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let is_phone = text.starts_with('+')
        && digits >= 7
        && text.chars().skip(1).all(|it| it.is_ascii_digit() || " -()".contains(it));
    (is_mail || is_phone) && text.len() <= 254
}

/// The claim of an identifier: first the address, then the code that was sent there.
#[derive(Clone, Copy)]
struct Claim {
    app: App,
    identifier: RwSignal<String>,
    code: RwSignal<String>,
    /// The identifier a code was sent to.
    sent_to: RwSignal<Option<String>>,
    /// The identifier that was claimed last.
    claimed: RwSignal<Option<String>>,
    complaint: RwSignal<Option<Text>>,
    /// Whether other devices shall answer for it no more.
    is_only_here: RwSignal<bool>,
}

impl Claim {
    fn send_code(self) {
        let identifier = self.identifier.get_untracked().trim().to_owned();
        if !is_plausible_identifier(&identifier) {
            return self.complaint.set(Some(Text::SettingsIdentifierBad));
        }
        self.complaint.set(None);
        self.app.problem.set(None);
        spawn_local(async move {
            match invoke(ClaimStart { identifier: identifier.clone() }).await {
                Ok(status) => {
                    self.app.status.set(Some(status));
                    self.claimed.try_set(None);
                    self.sent_to.try_set(Some(identifier));
                }
                Err(problem) => self.app.problem.set(Some(problem)),
            }
        });
    }

    fn confirm(self) {
        let Some(identifier) = self.sent_to.get_untracked() else { return };
        let code: String = self.code.get_untracked().split_whitespace().collect();
        if code.len() != CODE_DIGITS || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return self.complaint.set(Some(Text::SettingsCodeBad));
        }
        self.complaint.set(None);
        self.app.problem.set(None);
        spawn_local(async move {
            let confirmed = if self.is_only_here.get_untracked() {
                invoke(ClaimTransfer { identifier: identifier.clone(), code }).await
            } else {
                invoke(ClaimConfirm { identifier: identifier.clone(), code }).await
            };
            match confirmed {
                Ok(status) => {
                    self.app.status.set(Some(status));
                    self.sent_to.try_set(None);
                    self.identifier.try_set(String::new());
                    self.code.try_set(String::new());
                    self.claimed.try_set(Some(identifier));
                }
                Err(problem) => self.app.problem.set(Some(problem)),
            }
        });
    }
}

/// The page.
pub fn page(app: App) -> impl IntoView {
    let claim = Claim {
        app,
        identifier: RwSignal::new(String::new()),
        code: RwSignal::new(String::new()),
        sent_to: RwSignal::new(None),
        claimed: RwSignal::new(None),
        complaint: RwSignal::new(None),
        is_only_here: RwSignal::new(false),
    };
    let known =
        move || app.status.with(|status| status.as_ref().map(|status| status.identifiers.clone()).unwrap_or_default());
    let list = move || match known() {
        none if none.is_empty() => {
            view! { <p class="quiet group-line">{app.t(Text::SettingsIdentifiersNone)}</p> }.into_any()
        }
        some => {
            let rows = some.into_iter().map(|identifier| row(app, identifier)).collect_view();
            view! { <ul class="rows" role="list">{rows}</ul> }.into_any()
        }
    };
    view! {
        <section class="group">
            {list}
            {move || former(claim)}
            {move || claim.claimed.get().map(|identifier| view! {
                <p class="group-line good" role="status">{app.fill(Text::SettingsClaimed, "identifier", identifier)}</p>
            })}
            {move || match claim.sent_to.get() {
                None => address_form(claim).into_any(),
                Some(identifier) => code_form(claim, identifier).into_any(),
            }}
            {move || claim.complaint.get().map(|text| view! { <p class="field-bad" role="alert">{app.t(text)}</p> })}
        </section>
    }
}

/// Says above the requests that an identifier does not reach this device any more, since another device ended it.
pub fn ended_banner(app: App) -> AnyView {
    let ended = Memo::new(move |_| {
        let is_ended = |former: &&FormerIdentifier| former.why == FormerReason::Ended;
        app.status.with(|status| Some(status.as_ref()?.former.iter().find(is_ended)?.identifier.clone()))
    });
    let shown = move || {
        ended.get().filter(|_| app.place.get() == Place::Inbox).map(|identifier| {
            let title = Words::Filled(Text::FormerEndedTitle, "identifier", identifier);
            let see = Button::text("settings.identifiers", Text::FormerSee)
                .on(app, move || app.go(Screen::SettingsPage(SettingsPage::Identifiers)));
            banner_with(app, Tone::Wait, "identifier-ended", title, Some(Text::FormerEnded.into()), see)
        })
    };
    shown.into_any()
}

/// Identifiers of earlier: from a backup, or ended by another device.
fn former(claim: Claim) -> impl IntoView {
    let app = claim.app;
    let former = app.status.with(|status| status.as_ref().map(|status| status.former.clone()).unwrap_or_default());
    let rows = former.into_iter().map(move |FormerIdentifier { identifier, why }| {
        let note = match why {
            FormerReason::Backup => Text::FormerBackup,
            FormerReason::Ended => Text::FormerEnded,
        };
        let (again, gone) = (identifier.clone(), identifier.clone());
        let claim_again = move |_| {
            claim.identifier.set(again.clone());
            claim.send_code();
        };
        let dismiss = move |_| {
            let identifier = gone.clone();
            app.while_busy(async move {
                if let Some(status) = app.ask(FormerDismiss { identifier }).await {
                    app.status.set(Some(status));
                }
            });
        };
        let (claim_label, dismiss_label) = (
            app.fill(Text::FormerClaimLabel, "identifier", identifier.clone()),
            app.fill(Text::FormerDismissLabel, "identifier", identifier.clone()),
        );
        view! {
            <li class="row row-tall" data-former=identifier.clone()>
                <span class="row-main">
                    <bdi class="row-title">{identifier.clone()}</bdi>
                    <span class="quiet small">{app.t(note)}</span>
                    <span class="actions-row">
                        <button class="text-button" type="button" data-action="claim-again" aria-label=claim_label
                            disabled=move || app.busy.get() on:click=claim_again>{app.t(Text::FormerClaim)}</button>
                        <button class="text-button" type="button" data-action="dismiss-former" aria-label=dismiss_label
                            disabled=move || app.busy.get() on:click=dismiss>{app.t(Text::FormerDismiss)}</button>
                    </span>
                </span>
            </li>
        }
    });
    view! { <ul class="rows" role="list">{rows.collect_view()}</ul> }
}

fn address_form(claim: Claim) -> impl IntoView {
    let app = claim.app;
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        claim.send_code();
    };
    view! {
        {form_of("group-form", view! {
            <label for="identifier">{app.t(Text::SettingsIdentifier)}</label>
            <div class="form-line">
                <span class="field"><input id="identifier" data-field="identifier" type="text" inputmode="email" autocomplete="email" spellcheck="false"
                    dir="ltr" maxlength="254" bind:value=claim.identifier/></span>
                <button class="button" type="submit" data-action="send-code">{app.t(Text::SettingsSendCode)}</button>
            </div>
        }, submit)}
    }
}

fn code_form(claim: Claim, identifier: String) -> impl IntoView {
    let app = claim.app;
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        claim.confirm();
    };
    view! {
        {form_of("group-form", view! {
            <label for="claim-code">{app.fill(Text::SettingsCode, "identifier", identifier)}</label>
            <div class="form-line">
                <span class="field"><input id="claim-code" data-field="code" type="text" inputmode="numeric" autocomplete="one-time-code" dir="ltr"
                    maxlength="7" bind:value=claim.code/></span>
                <button class="button" type="submit" data-action="confirm-code">{app.t(Text::SettingsConfirm)}</button>
                <button class="text-button" type="button" data-action="cancel-claim"
                    on:click=move |_| claim.sent_to.set(None)>{app.t(Text::ActionCancel)}</button>
            </div>
            <label class="option">
                <input type="checkbox" data-setting="claim.only-here" prop:checked=move || claim.is_only_here.get()
                    on:change=move |event| claim.is_only_here.set(event_target_checked(&event))/>
                <span class="option-words"><span>{app.t(Text::SettingsOnlyHere)}</span>
                    <span class="quiet small">{app.t(Text::SettingsOnlyHereHint)}</span></span>
            </label>
        }, submit)}
    }
}

/// One identifier; removing it asks once more.
fn row(app: App, identifier: String) -> impl IntoView {
    let dialog = Dialog::new();
    let label = app.fill(Text::SettingsReleaseLabel, "identifier", identifier.clone());
    let asked = Question {
        action: "confirm-release",
        title: Words::Filled(Text::SettingsReleaseTitle, "identifier", identifier.clone()),
        body: Text::SettingsReleaseBody.into(),
        confirm: Text::SettingsRelease.into(),
    };
    let (released, named) = (identifier.clone(), identifier.clone());
    let release = move || {
        let identifier = released.clone();
        app.while_busy(async move {
            if let Some(status) = app.ask(ClaimRelease { identifier }).await {
                app.status.set(Some(status));
            }
        });
    };
    view! {
        <li class="row" data-identifier=named>
            <span class="row-main"><bdi class="row-title">{identifier}</bdi></span>
            <button class="button" type="button" data-action="release" aria-label=label
                disabled=move || app.busy.get() on:click=move |_| dialog.open()>{app.t(Text::SettingsRelease)}</button>
            {question(app, dialog, asked, release)}
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_international_numbers_are_plausible() {
        for good in ["ada@example.org", "+49 30 1234567", "+8613800138000"] {
            assert!(is_plausible_identifier(good), "{good}");
        }
        for bad in ["", "ada", "ada@", "@example.org", "030 1234567", "+49", "+49 30 12ab567"] {
            assert!(!is_plausible_identifier(bad), "{bad}");
        }
    }
}
