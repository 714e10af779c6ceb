//! The form of a new comparison: data set, task, languages, encoders; checked while it is filled in.

mod languages;
mod room;

use super::form::{Form, next_of, unscrolled};
use super::shared::READONLY;
use super::{Effect, Shared};
use crate::ids::{SessionId, encoder_list};
use crate::tui::data::library::RunEntry;
use crate::tui::keys::{Action, Key};
use crate::tui::screen::compare::session;
use crate::tui::widget::input::Input;
use crate::tui::widget::list::Cursor;
use languages::Languages;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::Rect;
use std::collections::{BTreeMap, BTreeSet};

/// The fields, in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Field {
    /// What `--dataset` takes.
    #[default]
    Data,
    /// Caption or image retrieval.
    Task,
    /// The language of the captions that ask.
    Queries,
    /// The language of those that answer.
    Gallery,
    /// More flags, such as `--pool 200 --captions any`.
    More,
    /// `[LABEL=]SPEC[OPTIONS]`, separated by commas.
    Encoders,
    /// Encoders this workbench knows of.
    Known,
}

impl Field {
    /// All, in order.
    pub const ALL: [Self; 7] = [
        Self::Data,
        Self::Task,
        Self::Queries,
        Self::Gallery,
        Self::More,
        Self::Encoders,
        Self::Known,
    ];

    /// What stands before it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Data => "data set",
            Self::Task => "task",
            Self::Queries => "queries",
            Self::Gallery => "gallery",
            Self::More => "more",
            Self::Encoders => "encoders",
            Self::Known => "known",
        }
    }
}

/// Flags the line of more takes, each with a value.
const FLAGS: [&str; 13] = [
    "--pool",
    "--language",
    "--query-language",
    "--gallery-language",
    "--captions",
    "--baseline",
    "--qrels",
    "--split",
    "--data",
    "--sweep",
    "--validation",
    "--device",
    "--seed",
];

/// Those without one.
const SWITCHES: [&str; 1] = ["--quantised"];

/// The form.
#[derive(Clone, Debug, PartialEq)]
pub struct NewCompare {
    /// The session the result goes into.
    pub session: SessionId,
    /// The field in front.
    pub field: Field,
    /// The data set.
    pub data: Input,
    /// Whether pictures are asked too.
    pub image: bool,
    /// Which languages ask and answer.
    pub languages: Languages,
    /// More flags.
    pub more: Input,
    /// The encoders.
    pub encoders: Input,
    /// Encoders there are: label and what `--encoders` takes.
    pub known: Vec<(String, String)>,
    /// So many of them, the first ones, have their weights here.
    pub here: usize,
    /// Which of them is in front.
    pub cursor: Cursor,
}

/// Encoders that runs of all sessions have saved, those of the session in front first: label and what
/// `--encoders` takes. The label is the stage's name; where several runs have a stage of that name, the
/// run's name stands before it, for labels tell rows apart.
pub fn of_runs(shared: &Shared) -> Vec<(String, String)> {
    told_apart(saved(shared))
}

/// The same, each with its run's name before it as well.
fn saved(shared: &Shared) -> Vec<Known> {
    let front = session(shared);
    let mut runs: Vec<&RunEntry> = shared.library.runs.iter().collect();
    runs.sort_by_key(|run| Some(&run.id.session) != front);
    let mut known: Vec<Known> = Vec::new();
    for run in runs {
        // A stage stands there as often as it was saved.
        let mut stages = BTreeSet::new();
        let saved = run.saved.iter().map(|(stage, _)| stage);
        for stage in saved.filter(|stage| stages.insert(*stage)) {
            known.push(Known {
                label: stage.to_string(),
                longer: format!("{}/{stage}", shared.library.name(&run.id)),
                spec: format!("{}/{stage}", run.id),
            });
        }
    }
    known
}

/// An encoder there is.
struct Known {
    /// What it is called where nothing else is called so.
    label: String,
    /// What it is called elsewhere.
    longer: String,
    /// What `--encoders` takes.
    spec: String,
}

/// Label and what `--encoders` takes of each: of a label that several have, the longer one.
fn told_apart(known: Vec<Known>) -> Vec<(String, String)> {
    let mut held: BTreeMap<String, usize> = BTreeMap::new();
    for one in &known {
        *held.entry(one.label.clone()).or_insert(0) += 1;
    }
    let apart = |one: Known| {
        let alone = held.get(&one.label).is_none_or(|&count| count == 1);
        (if alone { one.label } else { one.longer }, one.spec)
    };
    known.into_iter().map(apart).collect()
}

impl NewCompare {
    /// Lines of its sheet.
    #[must_use]
    pub fn height(&self) -> u16 {
        let known = self.known.len().min(usize::from(u16::MAX / 2)) as u16;
        (known + Field::ALL.len() as u16 + 6).min(24)
    }

    /// A form for a session, with the encoders of all runs to choose from.
    #[must_use]
    pub fn new(shared: &Shared, session: SessionId) -> Self {
        let given = |label: &str, spec: &str| Known {
            label: label.to_owned(),
            longer: spec.to_owned(),
            spec: spec.to_owned(),
        };
        let mut known = vec![given("llama", "builtin:llama"), given("bm25", "bm25")];
        known.extend(saved(shared));
        let mut known = told_apart(known);
        known.sort_by_key(|(_, spec)| shared.library.lacks(spec));
        let absent = known.iter().filter(|(_, spec)| shared.library.lacks(spec)).count();
        Self {
            session,
            field: Field::default(),
            data: Input::new("emoji"),
            image: false,
            languages: Languages::of(shared),
            more: Input::default(),
            encoders: Input::default(),
            here: known.len() - absent,
            known,
            cursor: Cursor::default(),
        }
    }

    /// The encoders asked for: commas inside brackets do not separate.
    #[must_use]
    pub fn chosen(&self) -> Vec<String> {
        let parts = encoder_list(self.encoders.text());
        parts.into_iter().filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    /// The command's arguments, or what is wrong.
    pub fn arguments(&self) -> Result<Vec<String>, String> {
        let data = self.data.text().trim();
        if data.is_empty() {
            return Err("no data set: emoji, a file or a folder".to_owned());
        }
        let encoders = self.encoders.text();
        if encoders.matches('[').count() != encoders.matches(']').count() {
            return Err("a bracket of the encoders is not closed".to_owned());
        }
        let chosen = self.chosen();
        if chosen.is_empty() {
            return Err("no encoder yet: type them, or choose known ones with space".to_owned());
        }
        let mut arguments: Vec<String> =
            ["compare", "--dataset", data, "--task"].map(str::to_owned).into();
        arguments.push(if self.image { "image" } else { "caption" }.to_owned());
        arguments.extend(["--encoders".to_owned(), chosen.join(",")]);
        let spoken = self.languages.flags();
        let is_said = self.more.text().split_whitespace().any(|word| word.ends_with("language"));
        if is_said && !spoken.is_empty() {
            return Err("a language is chosen above and in more: leave it out of one".to_owned());
        }
        arguments.extend(spoken);
        let mut words = self.more.text().split_whitespace();
        while let Some(word) = words.next() {
            if SWITCHES.contains(&word) {
                arguments.push(word.to_owned());
                continue;
            }
            if !FLAGS.contains(&word) {
                let known = [&FLAGS[..], &SWITCHES[..]].concat().join(" ");
                return Err(format!("{word:?} is none of {known}"));
            }
            let value = words.next().ok_or_else(|| format!("{word} takes a value"))?;
            arguments.extend([word.to_owned(), value.to_owned()]);
        }
        arguments.extend(["--session".to_owned(), self.session.to_string()]);
        Ok(arguments)
    }

    /// Whether a known encoder is asked for.
    #[must_use]
    pub fn has(&self, at: usize) -> bool {
        let Some((label, spec)) = self.known.get(at) else { return false };
        let named = format!("{label}={spec}");
        self.chosen().iter().any(|part| part == spec || *part == named)
    }

    /// What is to be known before captions of all languages ask.
    #[must_use]
    pub fn caution(&self) -> Option<String> {
        let more: Vec<&str> = self.more.text().split_whitespace().collect();
        let captions = more.iter().position(|word| *word == "--captions").map(|at| at + 1);
        // The first two captions of the built-in set are English.
        let all = match captions.and_then(|at| more.get(at)) {
            Some(captions) => *captions != "first-two",
            None => self.image,
        };
        if !all || more.iter().any(|word| word.ends_with("language")) {
            return None;
        }
        self.languages.caution(self.data.text(), &self.chosen())
    }

    /// The chosen one whose weights are not here.
    #[must_use]
    pub fn lacking(&self) -> Option<&str> {
        let at = (self.here..self.known.len()).find(|at| self.has(*at))?;
        Some(&self.known[at].0)
    }

    /// Takes the next language of the field in front.
    fn speak(&mut self, back: bool) {
        let chosen = self.chosen();
        self.languages.turn(self.field == Field::Queries, (self.data.text(), &chosen[..]), back);
    }

    fn toggle(&mut self) {
        let Some((label, spec)) = self.known.get(self.cursor.at).cloned() else { return };
        let mut chosen = self.chosen();
        let named = if label == spec { spec.clone() } else { format!("{label}={spec}") };
        if self.has(self.cursor.at) {
            chosen.retain(|part| *part != spec && *part != named);
        } else {
            chosen.push(named);
        }
        self.encoders = Input::new(&chosen.join(","));
    }
}

impl Form for NewCompare {
    fn line(&mut self) -> Option<&mut Input> {
        match self.field {
            Field::Data => Some(&mut self.data),
            Field::More => Some(&mut self.more),
            Field::Encoders => Some(&mut self.encoders),
            Field::Task | Field::Queries | Field::Gallery | Field::Known => None,
        }
    }

    fn accept(&mut self, shared: &Shared) -> (bool, Vec<Effect>) {
        let Ok(arguments) = self.arguments() else { return (true, Vec::new()) };
        if shared.readonly {
            return (true, vec![Effect::Fail(READONLY.to_owned())]);
        }
        if let Some(label) = self.lacking() {
            let why = format!("the weights of {label} are not here; space on it leaves it out");
            return (true, vec![Effect::Fail(why)]);
        }
        let task = if self.image { "image" } else { "caption" };
        let what = format!("{task} comparison of {} on {}", self.chosen().len(), self.data.text());
        (false, vec![Effect::Job(self.session.clone(), what, arguments)])
    }

    fn clicked(&mut self, (_, row): (u16, u16), inner: Rect) {
        let (row, inner) = unscrolled(row, self.place(), inner);
        let row = usize::from(row);
        if let Some(field) = Field::ALL.get(row) {
            let again = *field == self.field;
            self.image ^= again && self.field == Field::Task;
            self.field = *field;
            if again && matches!(field, Field::Queries | Field::Gallery) {
                self.speak(false);
            }
            return;
        }
        let height = usize::from(inner.height.saturating_sub(room::FOOT));
        let height = height.saturating_sub(Field::ALL.len());
        let line = row - Field::ALL.len();
        let at = self.cursor.first(self.known.len(), height) + line;
        if line < height && at < self.known.len() {
            let again = self.field == Field::Known && self.cursor.at == at;
            (self.field, self.cursor.at) = (Field::Known, at);
            if again {
                self.toggle();
            }
        }
    }

    fn wheel(&mut self, lines: i8) {
        self.field = Field::Known;
        self.cursor.shift(lines, self.known.len());
    }

    fn takes(&mut self, key: Key, action: Option<Action>, _shared: &Shared) -> bool {
        match (self.field, action, key.code) {
            (Field::Known, Some(Action::OverlayUp), _) if self.cursor.at == 0 => {
                self.field = Field::Encoders;
            }
            (Field::Known, Some(action), _) => drop(self.cursor.act(action, self.known.len())),
            (_, Some(Action::OverlayDown), _) | (_, None, KeyCode::Tab) => {
                self.field = next_of(&Field::ALL, self.field, false);
            }
            (_, Some(Action::OverlayUp), _) | (_, None, KeyCode::BackTab) => {
                self.field = next_of(&Field::ALL, self.field, true);
            }
            (Field::Task, None, KeyCode::Char(' ') | KeyCode::Left | KeyCode::Right) => {
                self.image = !self.image;
            }
            (Field::Queries | Field::Gallery, None, KeyCode::Char(' ') | KeyCode::Right) => {
                self.speak(false);
            }
            (Field::Queries | Field::Gallery, None, KeyCode::Left) => self.speak(true),
            (Field::Known, None, KeyCode::Char(' ')) => self.toggle(),
            _ => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::app::tests::{app, entry};

    #[test]
    fn encoders_of_all_sessions_are_known_before_any_run_was_opened() {
        let mut shared = app().shared;
        let stage = |name: &str| name.parse().unwrap();
        let mut old = entry("20261124-100000-night-bbbbbb/clip-1", 5);
        old.saved = vec![(stage("clip"), 100), (stage("llm2clip"), 50), (stage("clip"), 300)];
        let mut new = entry("20261125-100000-day-cccccc/clip-1", 9);
        new.saved = vec![(stage("clip"), 20)];
        let (front, here) = (old.id.clone(), new.id.clone());
        shared.library.put(old);
        shared.library.put(new);
        shared.focus = Some(front);
        assert!(shared.library.open.is_empty());
        let (old, new) =
            ("20261124-100000-night-bbbbbb/clip-1", "20261125-100000-day-cccccc/clip-1");
        let specs: Vec<String> = of_runs(&shared).into_iter().map(|(_, spec)| spec).collect();
        let expected = [format!("{old}/clip"), format!("{old}/llm2clip"), format!("{new}/clip")];
        assert_eq!(specs, expected);
        let form = NewCompare::new(&shared, "20261125-100000-day-cccccc".parse().unwrap());
        let labels = |form: &NewCompare| -> Vec<String> {
            form.known.iter().map(|(label, _)| label.clone()).collect()
        };
        let told = ["llama", "bm25", "bbbbbb/clip-1/clip", "llm2clip", "cccccc/clip-1/clip"];
        assert_eq!((labels(&form), form.here), (told.map(str::to_owned).to_vec(), 5));
        // Those without weights stand last.
        shared.library.weights = Some(BTreeSet::from([here]));
        let mut form = NewCompare::new(&shared, "20261125-100000-day-cccccc".parse().unwrap());
        let told = ["llama", "bm25", "cccccc/clip-1/clip", "bbbbbb/clip-1/clip", "llm2clip"];
        assert_eq!((labels(&form), form.here), (told.map(str::to_owned).to_vec(), 3));
        assert_eq!(form.lacking(), None);
        (form.field, form.cursor.at) = (Field::Known, 4);
        form.toggle();
        assert_eq!(form.lacking(), Some("llm2clip"));
        assert_eq!(form.encoders.text(), format!("llm2clip={old}/llm2clip"));
    }

    #[test]
    fn stages_of_one_name_are_called_by_their_run_as_well() {
        let known = [("clip", "a-1/clip"), ("llm2clip", "a-1/llm2clip"), ("clip", "b-1/clip")];
        let known = known.map(|(label, longer)| Known {
            label: label.to_owned(),
            longer: longer.to_owned(),
            spec: format!("20261124-100000-night-bbbbbb/{longer}"),
        });
        let labels: Vec<String> =
            told_apart(known.into()).into_iter().map(|(label, _)| label).collect();
        assert_eq!(labels, ["a-1/clip", "llm2clip", "b-1/clip"]);
    }

    #[test]
    fn encoders_of_one_language_are_asked_in_it_by_a_key_and_all_languages_with_a_word() {
        let mut shared = app().shared;
        let mut run = entry("20261124-100000-pocket-bbbbbb/pocket-1", 5);
        run.saved = vec![("clip".parse().unwrap(), 100)];
        let mut recipe = crate::recipe::preset("clip").unwrap();
        recipe.stages[0].captions = "en".to_owned();
        recipe.stages[0].name = "clip".parse().unwrap();
        run.recipe = Some(recipe.into());
        shared.library.put(run);
        let session: SessionId = "20261124-100000-pocket-bbbbbb".parse().unwrap();
        let mut form = NewCompare::new(&shared, session);
        form.encoders = Input::new("pocket-1/clip,bm25");
        assert_eq!(form.caution(), None, "the first two captions are English");
        form.image = true;
        let caution = form.caution().unwrap();
        assert!(caution.contains("all 7 languages") && caution.contains("en alone"), "{caution}");
        assert!(!form.arguments().unwrap().join(" ").contains("language"));
        form.more = Input::new("--language ko");
        assert_eq!(form.caution(), None);
        form.field = Field::Queries;
        form.key(Key::parse("space").unwrap(), None, &shared);
        assert!(form.arguments().unwrap_err().contains("chosen above and in more"));
        form.more = Input::default();
        let arguments = form.arguments().unwrap().join(" ");
        assert!(arguments.contains("bm25 --language en --session"), "{arguments}");
        assert_eq!(form.caution(), None);
        form.field = Field::Gallery;
        form.key(Key::parse("right").unwrap(), None, &shared);
        let arguments = form.arguments().unwrap().join(" ");
        assert!(arguments.contains("--query-language en --gallery-language ko"), "{arguments}");
    }

    #[test]
    fn a_comparison_is_checked_while_it_is_filled_in() {
        let shared = app().shared;
        let session: SessionId = "20261124-100000-night-bbbbbb".parse().unwrap();
        let mut form = NewCompare::new(&shared, session);
        assert!(form.arguments().unwrap_err().contains("no encoder"));
        form.field = Field::Known;
        form.key(Key::parse("space").unwrap(), None, &shared);
        assert!(form.has(0) && form.encoders.text() == "llama=builtin:llama");
        form.key(Key::parse("space").unwrap(), None, &shared);
        assert!(!form.has(0) && form.encoders.text().is_empty());
        form.field = Field::Encoders;
        form.paste("a=builtin:llama[pooling=mean,layer=3], bm25");
        assert_eq!(form.chosen(), ["a=builtin:llama[pooling=mean,layer=3]", "bm25"]);
        form.field = Field::More;
        form.paste("--pool 20 --out x");
        assert!(form.arguments().unwrap_err().contains("--out"));
        form.more = Input::new("--quantised --qrels");
        assert!(form.arguments().unwrap_err().contains("--qrels takes a value"));
        form.more = Input::new("--quantised --qrels a.qrels");
        let arguments = form.arguments().unwrap().join(" ");
        assert!(arguments.contains(" --quantised --qrels a.qrels --session "), "{arguments}");
        form.more = Input::new("--pool 20");
        let arguments = form.arguments().unwrap().join(" ");
        let expected = "compare --dataset emoji --task caption --encoders \
                        a=builtin:llama[pooling=mean,layer=3],bm25 --pool 20 --session \
                        20261124-100000-night-bbbbbb";
        assert_eq!(arguments, expected);
    }
}
