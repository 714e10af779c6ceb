//! Two recipes side by side: the keys in which they differ.

use super::form::Form;
use super::{App, Effect, Shared};
use crate::recipe::{Difference, difference, preset};
use crate::session::names::RunId;
use crate::tui::data::library::RunEntry;
use crate::tui::format;
use crate::tui::keys::{Action, Key};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::input::Input;
use crate::tui::widget::list::Cursor;
use crate::tui::widget::paint::{bottom, put, top};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::Value;

/// The difference of two recipes.
#[derive(Clone, Debug, PartialEq)]
pub struct Differ {
    /// What the two are called.
    pub names: (String, String),
    /// The keys that differ.
    pub rows: Vec<Difference>,
    /// The first line shown.
    pub cursor: Cursor,
    /// That these are two of more marked runs, where they are.
    pub of: Option<String>,
}

impl Differ {
    /// Columns and lines it takes on a terminal of that size.
    #[must_use]
    pub fn size(&self, area: Rect) -> (u16, u16) {
        let lines = (self.rows.len().min(40) as u16 + 5).max(7);
        (area.width.saturating_sub(4).clamp(76, 130), lines.min(area.height.saturating_sub(2)))
    }

    /// Two marked runs; or the selected run against a marked one; or, where none is marked, against the
    /// preset its recipe comes from.
    ///
    /// # Errors
    /// Where there is nothing to compare, in words.
    pub fn of(shared: &Shared, selected: &RunId) -> Result<Self, String> {
        let others: Vec<&RunId> = shared.marks.iter().filter(|run| *run != selected).collect();
        let selected_counts = others.len() < 2 || shared.marks.contains(selected);
        let (a, b) = match (&others[..], selected_counts) {
            ([], _) => return Self::of_preset(shared, selected),
            ([one, ..], true) => (*one, selected),
            ([one, two, ..], false) => (*one, *two),
            ([one], false) => (*one, selected),
        };
        let marked = shared.marks.len();
        let of = (marked > 2).then(|| format!("of {marked} marked runs only these two"));
        let (first, second) = (recipe_of(shared, a)?, recipe_of(shared, b)?);
        let name = |run: &RunId| shared.library.name(run);
        let (Some(x), Some(y)) = (&first.recipe, &second.recipe) else { return Err(String::new()) };
        Ok(Self {
            names: (name(a), name(b)),
            rows: difference(x, y),
            cursor: Cursor::default(),
            of,
        })
    }

    fn of_preset(shared: &Shared, run: &RunId) -> Result<Self, String> {
        let entry = recipe_of(shared, run)?;
        let Some(recipe) = &entry.recipe else { return Err(String::new()) };
        let base = preset(&recipe.name).ok_or_else(|| {
            format!(
                "no preset is called {}: mark a run (space) to compare {} with",
                recipe.name, run.run
            )
        })?;
        let names = (format!("preset {}", recipe.name), shared.library.name(run));
        Ok(Self { names, rows: difference(&base, recipe), cursor: Cursor::default(), of: None })
    }
}

fn recipe_of<'a>(shared: &'a Shared, run: &RunId) -> Result<&'a RunEntry, String> {
    let entry = shared.library.run(run).ok_or_else(|| format!("{run} is not there"))?;
    match &entry.recipe {
        Some(_) => Ok(entry),
        None => Err(format!("the recipe of {} cannot be read by this version", run.run)),
    }
}

impl Form for Differ {
    fn line(&mut self) -> Option<&mut Input> {
        None
    }

    fn accept(&mut self, _shared: &Shared) -> (bool, Vec<Effect>) {
        (false, Vec::new())
    }

    fn takes(&mut self, _key: Key, action: Option<Action>, _shared: &Shared) -> bool {
        action.is_some_and(|action| self.cursor.act(action, self.rows.len()))
    }
}

fn plain(value: &Value, none: &str) -> String {
    match value {
        Value::Null => none.to_owned(),
        Value::String(text) => text::safe(text),
        other => format::value(other),
    }
}

impl App {
    pub(super) fn differ(&self, form: &Differ, area: Rect, buffer: &mut Buffer) {
        let (cut, none) = (self.shared.glyphs.cut(), self.shared.glyphs.none());
        let (a, b) = &form.names;
        let (width, height) = form.size(area);
        let inner = self.sheet(width, height, &format!("{a} against {b}"), area, buffer);
        // A third for the key, a third for each value.
        let third = usize::from(inner.width / 3);
        let line = |y: u16, cells: [(Role, &str); 3], buffer: &mut Buffer| {
            for (at, (role, words)) in cells.into_iter().enumerate() {
                let words = text::fit(words, third.saturating_sub(2), cut);
                let x = inner.x + (at * third) as u16;
                put(buffer, inner, x, y, &words, self.shared.theme.style(role));
            }
        };
        let (head, rest) = top(inner, 1);
        line(
            head.y,
            [(Role::Dim, "key"), (Role::Dim, a.as_str()), (Role::Dim, b.as_str())],
            buffer,
        );
        let (list, last) = bottom(rest, 2);
        let height = usize::from(list.height);
        let first = form.cursor.at.min(form.rows.len().saturating_sub(height));
        for (at, row) in form.rows.iter().enumerate().skip(first).take(height) {
            let (x, y) = (plain(&row.a, none), plain(&row.b, none));
            let cells =
                [(Role::Text, row.key.as_str()), (Role::Curve(0), &*x), (Role::Curve(1), &*y)];
            line(list.y + (at - first) as u16, cells, buffer);
        }
        if form.rows.is_empty() {
            let words = "no difference: equal recipes give equal bytes";
            put(buffer, list, list.x, list.y, words, self.shared.theme.style(Role::Dim));
        }
        let shown = (first + 1).min(form.rows.len())..=(first + height).min(form.rows.len());
        let words = format!("{} to {} of {} keys", shown.start(), shown.end(), form.rows.len());
        let last = bottom(last, 1).1;
        let words = match &form.of {
            Some(of) => format!("{words}; {of}"),
            None => words,
        };
        self.last_line(&[("up down", &words)], last, buffer);
    }
}
