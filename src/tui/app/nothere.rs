//! A key that can do nothing says why in the footer; and which keys the footer offers, so that it offers
//! none of them.

use super::frame::{LEAST, body};
use super::{App, Notice};
use crate::tui::data::library::{LoadedResult, ResultContent};
use crate::tui::keys::{Action, Context, Entry, Key, TABLE};
use crate::tui::screen::ScreenId;
use crate::tui::screen::compare::session;
use ratatui::buffer::Buffer;

/// The screen before an action that may have nothing to do, and why it then has not.
pub(super) type Before = (Buffer, &'static str);

impl App {
    /// A key that means nothing on this screen.
    pub(super) fn unbound(&mut self, key: Key) {
        let elsewhere =
            |entry: &&Entry| !matches!(entry.context, Context::Overlay | Context::Question);
        let bound = |entry: &&Entry| entry.keys().any(|known| known == key);
        let entries: Vec<&Entry> = TABLE.iter().filter(elsewhere).filter(bound).collect();
        let text = match &entries[..] {
            [one] => format!(
                "{key}: not here: {} is for {}; ? lists the keys",
                one.name,
                screens(one.context)
            ),
            _ => format!("{key} does nothing on {}; ? lists the keys", self.current.name()),
        };
        self.notice = Some(Notice { text, bad: false });
    }

    /// The screen as it is before an action that may have nothing to do.
    pub(super) fn before(&self, action: Action) -> Option<Before> {
        let why = nothing_to_do(self.current, action)?;
        Some((self.drawn()?, why))
    }

    /// Where the action changed nothing that is seen, why.
    pub(super) fn say_why_not(&mut self, action: Action, before: Option<Before>) {
        let Some((before, why)) = before else { return };
        if self.notice.is_none() && self.drawn().is_some_and(|now| now == before) {
            let key = action.entry().key_texts.first().copied().unwrap_or_default();
            self.notice = Some(Notice { text: format!("{key}: not here: {why}"), bad: false });
        }
    }

    fn drawn(&self) -> Option<Buffer> {
        if self.size.width < LEAST.0 || self.size.height < LEAST.1 {
            return None;
        }
        let area = body(self.size);
        let mut buffer = Buffer::empty(area);
        self.screens.get(self.current).view(&self.shared, area, &mut buffer);
        Some(buffer)
    }

    /// The actions worth a place in the footer now: first those that command the run in front; where a
    /// screen has nothing to show, only what brings something.
    pub(super) fn offered(&self) -> Vec<Action> {
        let mut hints = self.screens.get(self.current).hints(&self.shared);
        match self.current {
            ScreenId::Compare if !self.any_result(is_compared) => {
                hints.retain(|action| *action == Action::NewCompare);
            }
            ScreenId::Inspect if !self.any_result(has_queries) && !self.has_asked() => {
                hints.retain(|action| matches!(action, Action::Open | Action::Ask));
            }
            _ => hints.sort_by_key(|action| match action.entry().context {
                _ if *action == Action::Open => 0,
                Context::Control => 1,
                _ => 2,
            }),
        }
        hints
    }

    fn any_result(&self, is_one: impl Fn(&LoadedResult) -> bool) -> bool {
        let results = session(&self.shared).and_then(|id| self.shared.library.results.get(id));
        results.is_some_and(|results| results.iter().any(is_one))
    }

    fn has_asked(&self) -> bool {
        let here = session(&self.shared);
        self.shared.asked.iter().any(|asked| Some(&asked.session) == here && !asked.dismissed)
    }
}

fn is_compared(result: &LoadedResult) -> bool {
    !matches!(result.content, Ok(ResultContent::Inspect(..)))
}

fn has_queries(result: &LoadedResult) -> bool {
    match &result.content {
        Ok(ResultContent::Compare(_, sets) | ResultContent::Inspect(_, sets)) => !sets.is_empty(),
        _ => false,
    }
}

/// The screens on which a context is in force, in words.
fn screens(context: Context) -> String {
    let on = |screen: &ScreenId| screen.contexts().contains(&context);
    let names: Vec<&str> = ScreenId::ALL.into_iter().filter(on).map(ScreenId::name).collect();
    match &names[..] {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        names => names.concat(),
    }
}

/// Why an action that changes nothing on a screen changes nothing; nothing of one whose effect may be
/// out of sight, or that is at the end of what it moves in.
fn nothing_to_do(screen: ScreenId, action: Action) -> Option<&'static str> {
    let commands = action.entry().context == Context::Control;
    Some(match (screen, action) {
        (
            ScreenId::Runs,
            Action::Open
            | Action::Copy
            | Action::Mark
            | Action::Pin
            | Action::Tag
            | Action::Queue
            | Action::Fork
            | Action::Difference,
        ) => "no run is listed",
        (ScreenId::Runs, _) if commands => "no run is listed",
        (ScreenId::System, _) if commands || action == Action::Open => "no run is at work",
        (ScreenId::Train, _) if commands => "no run is chosen; 1 lists them",
        (ScreenId::Log, Action::Copy) => "there is no line to copy",
        (ScreenId::Compare, Action::Open) => "nothing opens from a row",
        (ScreenId::Compare, Action::Copy) => "there is no table whose name could be copied",
        (ScreenId::Inspect, Action::Copy | Action::Note) => "no query is chosen",
        (ScreenId::Inspect, Action::Open | Action::Follow) => "no neighbour is chosen",
        (_, Action::DirectionNext) => "there is no other direction",
        (_, Action::ResultNext | Action::ResultPrevious) => {
            "this session has no other comparison; } shows the next session's"
        }
        (_, Action::Below) => "nothing else stands below the table",
        (_, Action::JoinResults) => "no other comparison may share its table",
        (_, Action::SetNext) => "there is no other direction or result",
        (_, Action::SliceNext | Action::SlicePrevious) => "no query is in another slice",
        (_, Action::EncoderLeft | Action::EncoderRight) => "no other encoder has lists here",
        (_, Action::HitNext | Action::HitPrevious) => "there is no other neighbour",
        (_, Action::Return) => "no query was left that it could return to",
        (_, Action::Beside) => "nothing else stands beside the list",
        (_, Action::Pictures) => "no picture is shown",
        (_, Action::StageNext | Action::StagePrevious) => "there is no other stage",
        (_, Action::StageAll) => "all stages are seen",
        (_, Action::MetricNext | Action::MetricPrevious) => "there is no other measure",
        (_, Action::Outliers) => "no value lies outside the middle 98 %",
        (_, Action::ZoomIn) => "there is nothing to see closer",
        (_, Action::ZoomOut | Action::ZoomReset) => "all of the axis is seen",
        (_, Action::PanLeft | Action::PanRight) => "no more of the axis lies there; + sees less",
        (_, Action::SmoothLess | Action::SmoothMore) => "no more is to be had of that",
        (_, Action::Crosshair | Action::XAxis | Action::LogX | Action::LogY) => "no curve is shown",
        (_, Action::TakeBack) => "no mark of yours lies before this moment",
        (_, Action::Live) => "no run of this session is known",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::inspect_tests::pets;
    use super::super::tests::{app, entry, press, shows};
    use super::*;
    use crate::session::RunStatus;
    use crate::tui::msg::{Msg, News};

    const RUN: &str = "20261124-100000-night-bbbbbb/simcse-1";

    fn footer(app: &App) -> String {
        shows(app, 80, 24).lines().last().unwrap().trim().to_owned()
    }

    #[test]
    fn a_key_of_other_screens_says_where_it_is_for_and_an_unknown_one_where_keys_are_listed() {
        let mut app = app();
        press(&mut app, "3 P");
        assert_eq!(
            footer(&app),
            "P: not here: pause is for Runs, Train and System; ? lists the keys"
        );
        press(&mut app, "7 d");
        assert_eq!(footer(&app), "d does nothing on Log; ? lists the keys");
        press(&mut app, "Z");
        assert_eq!(footer(&app), "Z does nothing on Log; ? lists the keys");
        // The next key takes it away.
        press(&mut app, "G");
        assert!(footer(&app).contains("? help"));
    }

    #[test]
    fn an_action_that_has_nothing_to_do_says_why() {
        let mut app = app();
        app.update(Msg::News(News::Scanned));
        for (keys, why) in [
            ("C", "C: not here: no run is listed"),
            ("space", "space: not here: no run is listed"),
            ("2 K", "K: not here: no run is chosen; 1 lists them"),
            ("2 ]", "]: not here: there is no other stage"),
            ("4 ]", "]: not here: no query is in another slice"),
            ("4 right", "right: not here: there is no other neighbour"),
            ("4 u", "u: not here: no query was left that it could return to"),
            ("3 d", "d: not here: there is no other direction"),
            ("3 right", "right: not here: this session has no other comparison"),
        ] {
            press(&mut app, keys);
            assert!(footer(&app).contains(why), "{keys}: {}", footer(&app));
            press(&mut app, "1");
        }
        // What moves within a list, or has an effect, says nothing of the kind.
        app.update(Msg::News(News::Run(Box::new(entry(RUN, 5)))));
        for keys in ["k", "j", "space", "C", "esc"] {
            press(&mut app, keys);
            assert!(!footer(&app).contains("not here"), "{keys}: {}", footer(&app));
        }
    }

    #[test]
    fn the_footer_offers_what_works_now_commands_first() {
        let mut app = app();
        let mut run = entry(RUN, 5);
        app.update(Msg::News(News::Run(Box::new(run.clone()))));
        let line = footer(&app);
        assert!(line.starts_with("enter open  C checkpoint  P pause  K stop"), "{line}");
        run.row.state = RunStatus::Stopped;
        app.update(Msg::News(News::Run(Box::new(run))));
        press(&mut app, "esc");
        assert!(footer(&app).starts_with("enter open  R resume"), "{}", footer(&app));
        press(&mut app, "3");
        assert!(footer(&app).starts_with("n new  ? help"), "{}", footer(&app));
        press(&mut app, "4");
        assert!(footer(&app).starts_with("A ask  ? help"), "{}", footer(&app));
        let mut full = pets();
        press(&mut full, "4");
        assert!(footer(&full).starts_with("] slice"), "{}", footer(&full));
    }
}
