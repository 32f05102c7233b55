//! What an alias is typed with: the vault, the name, the password, and the second factor's code. A slip is told below its
//! field before anything is sent.

use leptos::prelude::*;
use payment::hides_card_number;
use protocol::ipc::means::{FrontView, TypedSecret};
use protocol::ipc::pay::KeptAlias;

use crate::browser;
use crate::components::choice::select_field;
use crate::components::field::{Field, FieldKind};
use crate::components::words::Words;
use crate::i18n::Text;
use crate::signal::RwSignal;
use crate::state::App;

/// The fewest and the most characters of a name.
const NAME_CHARS: std::ops::RangeInclusive<usize> = 3..=64;
/// The longest text of a name: what is cut off cannot be told to be too long.
const NAME_CHARS_MAX: u16 = 80;
/// The longest password, in characters.
const PASSWORD_CHARS_MAX: u16 = 64;
/// The longest text of a code, with something between its digits.
const CODE_CHARS_MAX: u16 = 16;
/// Digits of a second factor's code.
const CODE_DIGITS: usize = 8;

/// A code of the second factor that is being typed.
#[derive(Clone, Copy)]
pub struct Code {
    name: &'static str,
    text: RwSignal<String>,
    is_wrong: RwSignal<bool>,
}

impl Code {
    /// An empty field with its stable name.
    pub fn new(name: &'static str) -> Self {
        Self { name, text: RwSignal::new(String::new()), is_wrong: RwSignal::new(false) }
    }

    /// The field.
    pub fn view(self, app: App, label: Text) -> AnyView {
        Field::new(self.name, FieldKind::Code, label)
            .hint(Text::AliasCodeHint)
            .chars_max(CODE_CHARS_MAX)
            .problem(move || self.is_wrong.get().then_some(Text::AliasCodeBad))
            .view(app, self.text)
    }

    /// Whether it is a code; else that is told, and the focus is there.
    pub fn is_right(self) -> bool {
        let is_code = self.text.with_untracked(|text| is_code(text));
        self.is_wrong.set(!is_code);
        if !is_code {
            browser::focus(&format!("#{}", self.name));
        }
        is_code
    }

    /// The code, out of its field; none when it is no code.
    pub fn take(self) -> Option<TypedSecret> {
        self.is_right().then(|| taken(self.text))
    }
}

/// What a field held, which is empty from here on.
fn taken(field: RwSignal<String>) -> TypedSecret {
    TypedSecret::new(field.try_update(std::mem::take).unwrap_or_default())
}

fn is_code(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    digits == CODE_DIGITS && text.chars().all(|letter| letter.is_ascii_digit() || letter == ' ' || letter == '-')
}

/// Why a text is no name; none when it may be.
fn name_text(text: &str) -> Option<Text> {
    if hides_card_number(text) {
        return Some(Text::AliasNameCard);
    }
    (!NAME_CHARS.contains(&text.trim().chars().count())).then_some(Text::AliasNameLength)
}

/// What is being typed.
#[derive(Clone, Copy)]
pub struct Typed {
    /// The app.
    pub app: App,
    /// The vaults there are; none until they are read.
    pub vaults: RwSignal<Vec<FrontView>>,
    /// The one that is meant.
    pub vault_id: RwSignal<String>,
    /// The name.
    pub name: RwSignal<String>,
    /// The password.
    pub password: RwSignal<String>,
    /// The code.
    pub code: Code,
    name_problem: RwSignal<Option<Text>>,
    password_problem: RwSignal<Option<Text>>,
}

impl Typed {
    /// Nothing but what is remembered.
    pub fn new(app: App, kept: Option<&KeptAlias>) -> Self {
        Self {
            app,
            vaults: RwSignal::new(Vec::new()),
            vault_id: RwSignal::new(kept.map(|kept| kept.vault_id.clone()).unwrap_or_default()),
            name: RwSignal::new(kept.map(|kept| kept.name.clone()).unwrap_or_default()),
            password: RwSignal::new(String::new()),
            code: Code::new("alias-code"),
            name_problem: RwSignal::new(None),
            password_problem: RwSignal::new(None),
        }
    }

    /// Offers these vaults; the one that is remembered is chosen, or the first.
    pub fn take_vaults(self, vaults: Vec<FrontView>) {
        let is_there = self.vault_id.with_untracked(|id| vaults.iter().any(|vault| vault.id == *id));
        if !is_there {
            self.vault_id.try_set(vaults.first().map(|vault| vault.id.clone()).unwrap_or_default());
        }
        self.vaults.try_set(vaults);
    }

    /// The name without what is around it.
    pub fn trimmed_name(self) -> String {
        self.name.with_untracked(|name| name.trim().to_owned())
    }

    /// Whether the name may be one; else why not is told.
    pub fn has_name(self) -> bool {
        let problem = self.name.with_untracked(|name| name_text(name));
        self.name_problem.set(problem);
        if problem.is_some() {
            browser::focus("#alias-name");
        }
        problem.is_none()
    }

    /// Whether a password was typed.
    pub fn has_password(self) -> bool {
        let is_missing = self.password.with_untracked(String::is_empty);
        self.fault_password(is_missing.then_some(Text::AliasPasswordMissing))
    }

    /// Whether the password may be chosen, and was typed twice alike.
    pub fn has_new_password(self, again: RwSignal<String>) -> bool {
        let problem = self.password.with_untracked(|password| new_password_text(password, again));
        self.fault_password(problem)
    }

    fn fault_password(self, problem: Option<Text>) -> bool {
        self.password_problem.set(problem);
        if problem.is_some() {
            browser::focus("#alias-password");
        }
        problem.is_none()
    }

    /// The password, out of its field.
    pub fn take_password(self) -> TypedSecret {
        taken(self.password)
    }

    /// The name's field.
    pub fn name_field(self) -> AnyView {
        Field::new("alias-name", FieldKind::Text, Text::AliasName)
            .hint(Text::AliasNameHint)
            .chars_max(NAME_CHARS_MAX)
            .problem(move || self.name_problem.get())
            .view(self.app, self.name)
    }

    /// The password's field.
    pub fn password_field(self, kind: FieldKind, label: Text, hint: Text) -> AnyView {
        Field::new("alias-password", kind, label)
            .hint(hint)
            .chars_max(PASSWORD_CHARS_MAX)
            .problem(move || self.password_problem.get())
            .view(self.app, self.password)
    }

    /// The vault's field, where there are several.
    pub fn vault_field(self) -> AnyView {
        let options =
            move || self.vaults.get().into_iter().map(|vault| (vault.id, Words::Name(vault.name))).collect::<Vec<_>>();
        let field = move || {
            let is_choice = self.vaults.with(|vaults| vaults.len() > 1);
            is_choice.then(|| select_field(self.app, "alias-vault", Text::AliasVault, options, self.vault_id))
        };
        view! { {field} }.into_any()
    }
}

/// Why a password cannot be chosen: the vault's own rule, or that it was typed in two ways.
fn new_password_text(password: &str, again: RwSignal<String>) -> Option<Text> {
    let count = password.chars().count();
    if !(8..=64).contains(&count) || password.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Text::AliasPasswordUnfit);
    }
    again.with_untracked(|again| again != password).then_some(Text::AliasPasswordDiffers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_number_is_no_name_and_says_so() {
        assert_eq!(name_text("王小明"), None);
        assert_eq!(name_text(" Ada "), None);
        assert_eq!(name_text("4761 3400 0000 0050"), Some(Text::AliasNameCard));
        assert_eq!(name_text("٤٧٦١٣٤٠٠٠٠٠٠٠٠٥٠"), Some(Text::AliasNameCard));
        assert_eq!(name_text("ab"), Some(Text::AliasNameLength));
    }

    #[test]
    fn a_code_has_eight_digits_and_nothing_else() {
        for good in ["12345678", "1234 5678", " 12-34-56-78"] {
            assert!(is_code(good), "{good}");
        }
        for bad in ["", "123456", "123456789", "1234567a", "１２３４５６７８"] {
            assert!(!is_code(bad), "{bad}");
        }
    }
}
