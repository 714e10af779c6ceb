//! The form of a new run: a preset, and lines that change its keys, checked while they are typed.

use super::form::Form;
use super::shared::READONLY;
use super::{Effect, Shared};
use crate::recipe::{Recipe, apply_set, difference, names, preset, validate};
use crate::tui::format;
use crate::tui::keys::{Action, Key};
use crate::tui::msg::{Cmd, Work};
use crate::tui::widget::input::Input;
use crate::tui::widget::list::Cursor;
use ratatui::layout::Rect;

/// The form.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewRun {
    /// Which preset.
    pub preset: Cursor,
    /// `[STAGE.]KEY=VALUE`, separated by spaces.
    pub input: Input,
}

impl NewRun {
    /// The name of the chosen preset.
    #[must_use]
    pub fn name(&self) -> &'static str {
        names().get(self.preset.at).copied().unwrap_or("demo")
    }

    /// The recipe as it stands, or what is wrong with it.
    pub fn recipe(&self) -> Result<Recipe, String> {
        let mut recipe = preset(self.name()).ok_or("no such preset")?;
        for set in self.input.text().split_whitespace() {
            recipe = apply_set(&recipe, set).map_err(|error| error.to_string())?;
        }
        let problems = validate(&recipe);
        if let Some(first) = problems.first() {
            return Err(match problems.len() {
                1 => first.to_string(),
                count => format!("{first} (and {} more)", count - 1),
            });
        }
        Ok(recipe)
    }

    /// What is changed, key by key.
    #[must_use]
    pub fn changes(&self) -> Vec<String> {
        let (Some(base), Ok(now)) = (preset(self.name()), self.recipe()) else { return Vec::new() };
        difference(&base, &now)
            .iter()
            .map(|row| format!("{}: {} becomes {}", row.key, row.a, row.b))
            .collect()
    }

    /// The stages in brief: name, steps, batch, rate.
    #[must_use]
    pub fn stages(&self) -> Vec<[String; 5]> {
        let Some(base) = preset(self.name()) else { return Vec::new() };
        let recipe = self.recipe().unwrap_or(base);
        let stage = |stage: &crate::recipe::Stage| {
            [
                stage.name.to_string(),
                format::count(stage.steps as u64),
                stage.batch.to_string(),
                format::number(stage.lr),
                stage.init.to_string(),
            ]
        };
        recipe.stages.iter().map(stage).collect()
    }
}

impl Form for NewRun {
    fn line(&mut self) -> Option<&mut Input> {
        Some(&mut self.input)
    }

    fn accept(&mut self, shared: &Shared) -> (bool, Vec<Effect>) {
        if self.recipe().is_err() {
            return (true, Vec::new());
        }
        if shared.readonly {
            return (true, vec![Effect::Fail(READONLY.to_owned())]);
        }
        let mut arguments = vec!["train".to_owned(), self.name().to_owned()];
        for set in self.input.text().split_whitespace() {
            arguments.extend(["--set".to_owned(), set.to_owned()]);
        }
        arguments.push("--detach".to_owned());
        let what = format!("{} starts", self.name());
        (false, vec![Effect::Do(Cmd::Work(Work::Launch { arguments, what }))])
    }

    fn clicked(&mut self, (column, row): (u16, u16), inner: Rect) {
        // Names stand one after the other, a column before and behind each, on two lines.
        let (mut x, mut y) = (0, 0);
        for (at, name) in names().iter().enumerate() {
            let width = name.len() as u16 + 2;
            if x + width > inner.width {
                (x, y) = (0, y + 1);
            }
            if (x..x + width).contains(&column) && y == row {
                self.preset.at = at;
            }
            x += width;
        }
    }

    fn wheel(&mut self, lines: i8) {
        self.preset.shift(lines, names().len());
    }

    fn takes(&mut self, _key: Key, action: Option<Action>, _shared: &Shared) -> bool {
        action.is_some_and(|action| self.preset.act(action, names().len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_checked_while_it_is_typed() {
        let mut form = NewRun::default();
        let clip = names().iter().position(|name| *name == "clip").unwrap();
        form.preset.at = clip;
        assert!(form.recipe().is_ok() && form.changes().is_empty());
        form.paste("steps=30 vision.width=96");
        assert_eq!(form.changes().len(), 2, "{:?}", form.changes());
        assert_eq!(form.stages()[0][1], "30");
        form.paste(" stesp=3");
        assert!(form.recipe().unwrap_err().contains("steps"));
    }
}
