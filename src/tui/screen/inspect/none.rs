//! What stands where a session has no queries to inspect: which one has, and the keys that go there.

use crate::ids::SessionId;
use crate::tui::app::Shared;
use crate::tui::data::library::ResultContent;
use crate::tui::screen::compare::{nothing, session};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::paint::{paragraph, top};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Draws it.
pub fn none(shared: &Shared, area: Rect, buffer: &mut Buffer) {
    // A result that cannot be read is told of before anything else.
    let is_read = |id: &&SessionId| {
        let results = shared.library.results.get(*id);
        results.is_some_and(|results| results.iter().all(|result| result.content.is_ok()))
    };
    let here = session(shared).filter(is_read);
    let Some((id, way)) = here.zip(elsewhere(shared)) else {
        nothing(
            shared,
            area,
            buffer,
            "inspected queries",
            "llm2clip inspect --encoders A,B --direction text-to-image --session S",
        );
        return;
    };
    let inner = Rect { x: area.x + 2, width: area.width.saturating_sub(4), ..top(area, 1).1 };
    let title = text::safe(&shared.library.title(id));
    let mut words = format!("{title} has no inspected queries yet");
    if is_compared(shared, id) {
        words.push_str(": what was compared in it was kept without its lists of neighbours");
    }
    words.push_str(&format!(".\n\n{way}\n"));
    if is_compared(shared, id) {
        words.push_str("3 shows what was compared here\n");
    }
    if !shared.readonly {
        words.push_str("3 n start a comparison here: its queries can be inspected\n");
    }
    words.push_str(
        "\nFrom a shell: llm2clip inspect --encoders A,B --direction text-to-image --session S",
    );
    paragraph(shared, buffer, inner, Role::Text, &words);
}

/// The keys that go to the nearest session with queries, in words; nothing where there is none.
pub fn elsewhere(shared: &Shared) -> Option<String> {
    let (other, way) = nearest(shared, session(shared)?)?;
    let title = text::safe(&shared.library.title(other));
    Some(format!("enter goes to {title}, which has some; {way} does so too"))
}

fn is_compared(shared: &Shared, id: &SessionId) -> bool {
    let results = shared.library.results.get(id);
    let mut results = results.into_iter().flatten();
    results.any(|result| matches!(result.content, Ok(ResultContent::Compare(..))))
}

/// The session with queries that the fewest presses of a key go to, and those presses in words.
pub fn nearest<'a>(shared: &'a Shared, from: &SessionId) -> Option<(&'a SessionId, String)> {
    let library = &shared.library;
    let count = library.sessions.len();
    let at = library.sessions.iter().position(|entry| entry.id == *from)?;
    let presses = |to: usize| {
        let on = (to + count - at) % count;
        if on <= count - on { (on, "}") } else { (count - on, "{") }
    };
    let others = library.sessions.iter().enumerate();
    let others = others.filter(|(to, entry)| *to != at && library.inspected.contains(&entry.id));
    let (to, entry) = others.min_by_key(|(to, _)| presses(*to).0)?;
    let way = match presses(to) {
        (1, key) => key.to_owned(),
        (2, key) => format!("{key} twice"),
        (times, key) => format!("{key} {times} times"),
    };
    Some((&entry.id, way))
}

#[cfg(test)]
mod tests {
    use crate::session::Time;
    use crate::tui::app::tests::{app, press, shows};
    use crate::tui::data::library::SessionEntry;
    use crate::tui::msg::{Cmd, Msg, News, Work};
    use std::collections::BTreeSet;

    #[test]
    fn where_there_is_nothing_to_inspect_the_way_to_a_session_that_has_something_is_named() {
        let mut app = app();
        let entry = |name: &str| SessionEntry {
            id: format!("20261124-100000-{}-bbbbbb", name.to_lowercase()).parse().unwrap(),
            title: name.to_owned(),
            created: Time::EPOCH,
        };
        let sessions = ["Alone", "Bare", "Cats", "Dogs", "Emus"].map(entry);
        app.update(Msg::News(News::Sessions(sessions.to_vec())));
        press(&mut app, "4");
        assert!(shows(&app, 80, 24).contains("Reading the results"));
        let first = sessions[0].id.clone();
        app.update(Msg::News(News::Results(first, Vec::new())));
        let text = shows(&app, 80, 24);
        assert!(text.contains("Alone has no inspected queries yet"), "{text}");
        assert!(text.contains("other sessions, with runs or without"), "{text}");
        for (named, way) in [(2, "Cats, which has some; } twice"), (4, "Emus, which has some; {")] {
            let found = BTreeSet::from([sessions[named].id.clone()]);
            app.update(Msg::News(News::Inspected(found)));
            let text = shows(&app, 80, 24);
            assert!(text.contains(&format!("enter goes to {way}")), "{text}");
            assert!(text.contains("3 n start a comparison"), "{text}");
            let footer = text.lines().last().unwrap().trim();
            assert!(footer.starts_with("enter open  A ask"), "{footer}");
        }
        // The key goes there and reads what is there.
        let read = press(&mut app, "enter");
        assert_eq!(app.shared.session, Some(sessions[4].id.clone()));
        let wanted = Cmd::Work(Work::Results(sessions[4].id.clone()));
        assert!(read.contains(&wanted), "{read:?}");
        assert!(shows(&app, 80, 24).contains("session Emus, 5 of 5"));
        // Where nothing is known to be better, it stays.
        app.update(Msg::News(News::Inspected(BTreeSet::new())));
        press(&mut app, "enter");
        assert_eq!(app.shared.session, Some(sessions[4].id.clone()));
    }
}
