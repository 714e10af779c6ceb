//! One table of several results in a replay: it is of the results that it was of.

use super::tests::{SESSION, acted, at, begun};
use crate::ids::{RunName, SessionId};
use crate::session::header::Header;
use crate::session::names::log_name;
use crate::session::results::results_of;
use crate::session::sitting::sitting_name;
use crate::session::{LogWriter, Time};
use crate::tui::app::tests::{app, press, shows};
use crate::tui::data::library::SessionEntry;
use crate::tui::msg::{Cmd, Msg, News, Work};
use crate::tui::screen::gone::tests::document;
use crate::tui::worker::reel::Playing;
use crate::tui::worker::{joining, results};
use serde_json::json;

#[test]
fn a_table_is_joined_again_of_the_results_it_was_of_and_tells_of_those_that_are_gone() {
    let sessions = tempfile::tempdir().unwrap();
    let folder = sessions.path().join(SESSION);
    std::fs::create_dir(&folder).unwrap();
    let (id, run): (SessionId, RunName) = (SESSION.parse().unwrap(), "tiny-1".parse().unwrap());
    let header = Header::of_run(id.clone(), run.clone(), 1);
    let mut log = LogWriter::create(&folder.join(log_name(&run, 1)), &header, 1).unwrap();
    log.append_at(at(1000), begun("tiny-1")).unwrap();
    let header = Header::of_sitting(id.clone());
    let mut sitting = LogWriter::create(&folder.join(sitting_name(1)), &header, 1).unwrap();
    let parts = ["image-1", "image-3", "gone-1"].map(|result| format!("{SESSION}/{result}"));
    let with = json!({"result": "image-1", "direction": "text-to-image", "joined": true,
        "parts": parts});
    sitting.append_as(at(4000), acted("join-results", "compare", with)).unwrap();
    for result in ["image-1", "image-2", "image-3"] {
        let (result, alike) = (result.parse().unwrap(), document("same"));
        results_of(&folder).write_at(&result, &alike, at(3000)).unwrap();
    }
    let mut app = app();
    let entry = SessionEntry { id: id.clone(), title: "Night".into(), created: Time::EPOCH };
    app.update(Msg::News(News::Sessions(vec![entry])));
    app.update(Msg::News(News::Results(id.clone(), results::read(&folder))));
    press(&mut app, "5");
    let mut playing = Playing::open(sessions.path(), &id).unwrap();
    playing.seek_time(at(4000));
    let asked = app.update(Msg::News(News::Reel(Some(Box::new(playing.picture())))));
    let parts = asked.into_iter().find_map(|command| match command {
        Cmd::Work(Work::Join(parts)) => Some(parts),
        _ => None,
    });
    let parts = parts.unwrap();
    let named: Vec<&str> = parts.iter().map(|part| part.result.as_str()).collect();
    assert_eq!(named, ["image-1", "image-3", "gone-1"]);
    let table = joining::join(sessions.path(), &parts);
    app.update(Msg::News(News::Joined(parts, table)));
    let text = shows(&app, 120, 44);
    for part in [
        "image-1 + image-3 ",
        "image-3/clip ",
        "not there any more: gone-1; with image-3",
        "no difference of image-1/clip",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("image-2") && !text.contains("J leaves"), "{text}");
}
