//! What the screens know of the history: what is asked for, how much there is of it, and the lines that were read.
//!
//! Typing asks anew at once. One count is under way at most: whatever changed meanwhile is asked for when it is answered,
//! and what is shown stays until then.

pub mod asked;
pub mod months;

use std::collections::{BTreeMap, BTreeSet};

use leptos::prelude::*;
use leptos::task::spawn_local;
use payment::AttemptId;
use protocol::error::Problem;
use protocol::ipc::Language;
use protocol::ipc::history::{
    ExportView, HistoryChoices, HistoryChoicesView, HistoryExport, HistoryLine, HistoryLines, HistoryQuery,
    HistoryView, ListFormat, ReceiptExport, ReceiptFormat,
};
use protocol::ipc::{Command, history};

use crate::browser;
use crate::components::virtual_list::Shape;
use crate::components::words::Words;
use crate::format;
use crate::i18n::{Lang, Text};
use crate::ipc::invoke;
use crate::place::Section;
use crate::signal::{Memo, RwSignal};
use crate::state::App;

use asked::Asked;

/// How many lines are read at once.
const PAGE: usize = 60;

/// The history's signals.
#[derive(Clone, Copy)]
pub struct History {
    /// What is asked for.
    pub asked: Asked,
    /// How much there is of it; none until it was counted.
    pub view: RwSignal<Option<Result<HistoryView, Problem>>>,
    /// What there is to filter by; none until it was read.
    pub choices: RwSignal<Option<HistoryChoicesView>>,
    /// What the wallet last said its history's version is.
    pub version: RwSignal<u64>,
    /// How the list is laid out.
    pub shape: Memo<Shape>,
    /// The lines that were read, by page.
    pages: RwSignal<BTreeMap<usize, Vec<HistoryLine>>>,
    /// What the shown count is of.
    shown: StoredValue<HistoryQuery>,
    /// The pages that are being read.
    wanted: StoredValue<BTreeSet<usize>>,
    /// Grows with every count: lines of an older one are dropped.
    generation: StoredValue<u64>,
    is_counting: StoredValue<bool>,
    is_stale: StoredValue<bool>,
}

impl History {
    /// Nothing is known yet.
    pub fn new() -> Self {
        let view = RwSignal::new(None::<Result<HistoryView, Problem>>);
        let shape = Memo::new(move |_| {
            view.with(|view| match view {
                Some(Ok(view)) => months::shape(view),
                Some(Err(_)) | None => Shape::default(),
            })
        });
        Self {
            asked: Asked::new(),
            view,
            choices: RwSignal::new(None),
            version: RwSignal::new(0),
            shape,
            pages: RwSignal::new(BTreeMap::new()),
            shown: StoredValue::new(HistoryQuery::default()),
            wanted: StoredValue::new(BTreeSet::new()),
            generation: StoredValue::new(0),
            is_counting: StoredValue::new(false),
            is_stale: StoredValue::new(false),
        }
    }

    /// A line, once its page was read.
    pub fn line(self, index: usize) -> Option<HistoryLine> {
        self.pages.with(|pages| pages.get(&(index / PAGE))?.get(index % PAGE).cloned())
    }
}

impl App {
    /// Counts the history whenever it is shown and something else is asked for, or something became of it.
    pub fn follow_history(self) {
        let is_shown = Memo::new(move |_| self.place.get().section() == Some(Section::History));
        let query = self.history.asked.query();
        Effect::new(move || {
            if is_shown.get() {
                self.history.version.track();
                query.track();
                self.count_history(query);
            }
        });
    }

    /// Counts what is asked for now.
    fn count_history(self, query: Memo<HistoryQuery>) {
        let history = self.history;
        history.is_stale.set_value(true);
        if history.is_counting.get_value() {
            return;
        }
        history.is_counting.set_value(true);
        spawn_local(async move {
            while history.is_stale.get_value() {
                history.is_stale.set_value(false);
                let query = query.get_untracked();
                let counted = invoke(history::History { query: query.clone() }).await;
                let first = match &counted {
                    Ok(view) if view.count > 0 => self.read_page(&query, 0).await,
                    Ok(_) | Err(_) => Ok(Vec::new()),
                };
                history.shown.set_value(query);
                history.generation.update_value(|generation| *generation += 1);
                history.wanted.update_value(BTreeSet::clear);
                history.pages.set(first.map(|lines| BTreeMap::from([(0, lines)])).unwrap_or_default());
                history.view.set(Some(counted));
            }
            history.is_counting.set_value(false);
        });
    }

    async fn read_page(self, query: &HistoryQuery, page: usize) -> Result<Vec<HistoryLine>, Problem> {
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        invoke(HistoryLines { query: query.clone(), from: small(page * PAGE), count: small(PAGE) }).await
    }

    /// Reads the lines around an entry, unless they are on their way.
    pub fn want_line(self, index: usize) {
        let (history, page) = (self.history, index / PAGE);
        let generation = history.generation.get_value();
        let mut is_new = false;
        history.wanted.update_value(|wanted| is_new = wanted.insert(page));
        if !is_new {
            return;
        }
        spawn_local(async move {
            let lines = self.read_page(&history.shown.get_value(), page).await;
            if history.generation.get_value() != generation {
                return;
            }
            match lines {
                Ok(lines) => history.pages.update(|pages| drop(pages.insert(page, lines))),
                // The place stays empty; scrolling there again asks again.
                Err(problem) => {
                    history.wanted.update_value(|wanted| wanted.retain(|known| *known != page));
                    self.problem.set(Some(problem));
                }
            }
        });
    }

    /// Reads what there is to filter by.
    pub fn read_choices(self) {
        spawn_local(async move {
            if let Some(choices) = self.ask(HistoryChoices {}).await {
                self.history.choices.set(Some(choices));
            }
        });
    }

    /// Keeps what is listed as one file.
    pub fn export_history(self, format: ListFormat) {
        let query = self.history.shown.get_value();
        self.export(HistoryExport { query, format, language: self.document_language(), path: None });
    }

    /// Keeps one receipt as a file.
    pub fn export_receipt(self, attempt_id: AttemptId, format: ReceiptFormat) {
        self.export(ReceiptExport { attempt_id, format, language: self.document_language(), path: None });
    }

    fn document_language(self) -> Language {
        if self.lang.get_untracked() == Lang::Chinese { Language::Chinese } else { Language::English }
    }

    pub fn export(self, command: impl Command<Answer = ExportView> + 'static) {
        self.while_busy(async move {
            match self.ask(command).await {
                Some(ExportView::Saved { name, .. }) => self.toasts.say(Words::Filled(Text::ExportSaved, "name", name)),
                Some(ExportView::Given { name, media_type, data, .. }) => {
                    let kept = browser::save_bytes(&name, &data, &media_type);
                    let text = if kept.is_ok() { Text::ExportSaved } else { Text::ExportNotSaved };
                    self.toasts.say(Words::Filled(text, "name", name));
                }
                Some(ExportView::Dropped) | None => {}
            }
        });
    }
}

/// How many payments, in words.
pub fn payments(count: u32, lang: Lang) -> String {
    let text = if count == 1 { Text::HistoryOne } else { Text::HistoryMany };
    text.filled(lang, &[("count", &format::count(count as usize, lang))])
}
