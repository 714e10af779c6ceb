//! Tags on runs: typed as words, a minus before one takes it off; recorded in the session's sitting.

use super::{App, Notice, READONLY};
use crate::session::names::RunId;
use crate::session::sitting::{SittingEvent, Subject, Tagged, Untagged};
use crate::tui::msg::Cmd;

/// What is typed: tags to put on, and tags to take off.
fn read(text: &str) -> (Vec<String>, Vec<String>) {
    let (mut on, mut off) = (Vec::new(), Vec::new());
    for word in text.split_whitespace() {
        match word.strip_prefix('-') {
            Some("") => {}
            Some(tag) => off.push(tag.to_owned()),
            None => on.push(word.to_owned()),
        }
    }
    (on, off)
}

impl App {
    /// Puts tags on a run and takes some off.
    pub(super) fn tag(&mut self, run: &RunId, text: &str, commands: &mut Vec<Cmd>) {
        if self.shared.readonly {
            self.notice = Some(Notice { text: READONLY.to_owned(), bad: true });
            return;
        }
        let on = Subject::run(run.run.as_str());
        let (add, take) = read(text);
        let known = self.shared.library.tags(run);
        let mut events: Vec<SittingEvent> = Vec::new();
        let tags = &mut self.shared.library.sittings.entry(run.session.clone()).or_default().tags;
        let now = tags.entry(on.clone()).or_default();
        for tag in add.into_iter().filter(|tag| !known.contains(tag)) {
            now.insert(tag.clone());
            events.push(Tagged { on: on.clone(), tag }.into());
        }
        let mut missing = Vec::new();
        for tag in take {
            if now.remove(&tag) {
                events.push(Untagged { on: on.clone(), tag }.into());
            } else {
                missing.push(tag);
            }
        }
        if now.is_empty() {
            tags.remove(&on);
        }
        for event in events {
            self.record(&run.session, event, commands);
        }
        let name = self.shared.library.name(run);
        let tags = self.shared.library.tags(run).join(" ");
        let text = match (missing.is_empty(), tags.is_empty()) {
            (false, _) => format!("{name} has no tag {}", missing.join(", ")),
            (true, true) => format!("{name} has no tags"),
            (true, false) => format!("{name} is tagged {tags}"),
        };
        self.notice = Some(Notice { text, bad: !missing.is_empty() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minus_takes_a_tag_off() {
        let words =
            |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(read(" old -new  best - "), (words(&["old", "best"]), words(&["new"])));
        assert_eq!(read(""), (vec![], vec![]));
    }
}
