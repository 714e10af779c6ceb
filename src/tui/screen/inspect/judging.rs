//! By which judgements queries are shown: the result's own, or a second set where there is one. Ranks,
//! margins, signs, slices and what is right follow.

use super::source::{self, judged};
use super::{InspectScreen, Shown};
use crate::tui::app::{Effect, Shared};
use crate::tui::text;
use serde_json::{Map, Value};

/// The key in recorded sittings: the second judgements' name; absent where they are not shown.
const KEY: &str = "judgements";

/// The name of the second judgements in front, as a protocol has it.
fn second<'a>(shown: &Shown<'a>) -> Option<&'a str> {
    let judged = shown.pairs.judged(shown.from, 0);
    judged.filter(|_| shown.pairs.which.is_second()).map(|judged| judged.judgements.as_str())
}

/// What the header says of the judgements; nothing where there are only the result's own.
pub fn by(shown: &Shown<'_>) -> Option<String> {
    match second(shown) {
        Some(name) => {
            // The digest stands in the document, and on Compare.
            let file = name.rsplit_once(" sha256:").map_or(name, |(file, _)| file);
            Some(format!("judged by {}", text::safe(file)))
        }
        None => shown.both.then(|| "judged by its own".to_owned()),
    }
}

/// Says in a record which judgements are shown.
pub fn record(shown: &Shown<'_>, with: &mut Map<String, Value>) {
    if let Some(name) = second(shown) {
        with.insert(KEY.to_owned(), name.into());
    }
}

/// Whether a record looked at second judgements.
pub fn is_second(with: &Map<String, Value>) -> bool {
    with.contains_key(KEY)
}

impl InspectScreen {
    /// Shows the other judgements, on the same query where they speak of it.
    pub(super) fn judge_otherwise(
        &mut self,
        shared: &Shared,
        selected: Option<&str>,
    ) -> Vec<Effect> {
        let groups = judged(shared, self.second);
        let group = groups.get(source::at(&groups, self.place.as_ref()));
        let Some(group) = group.filter(|group| group.has_both()) else {
            let words = "there is one set of judgements here: --qrels keeps a second";
            return vec![Effect::Say(words.to_owned())];
        };
        self.place = Some(group.place());
        (self.second, self.hit) = (!group.second, None);
        self.settle(shared);
        let at = self.shown(shared).and_then(|shown| {
            let rows = self.listed(shared, &shown);
            rows.position(|id| Some(id) == selected)
        });
        self.cursor.at = at.unwrap_or(0);
        Vec::new()
    }
}
