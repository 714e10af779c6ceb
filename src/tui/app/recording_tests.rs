//! What is done goes into the sitting of its session, by key, by pointer and as typed; marks; and what a
//! replay shows of it.

use super::inspect_tests::{pets, work};
use super::tests::{app, entry, press, shows};
use super::*;
use crate::session::sitting::{Acted, Marked};
use crate::tui::data::reel::ReelOrder;
use crate::tui::data::reel::tests::reel;
use crate::tui::msg::News;
use serde_json::json;

const RUN: &str = "20261124-100000-night-bbbbbb/simcse-1";

/// The actions that are recorded.
fn acted(commands: Vec<Cmd>) -> Vec<Acted> {
    let event = |work| if let Work::Record(_, event) = work { Some(*event) } else { None };
    let acted = |event| if let SittingEvent::Acted(acted) = event { Some(acted) } else { None };
    work(commands).into_iter().filter_map(event).filter_map(acted).collect()
}

fn night() -> App {
    let mut app = app();
    app.update(Msg::News(News::Run(Box::new(entry(RUN, 5)))));
    app
}

#[test]
fn the_first_action_is_recorded_with_the_selected_run_and_moving_among_runs_is_not() {
    let mut app = night();
    assert!(acted(press(&mut app, "j")).is_empty());
    let first = acted(press(&mut app, "2"));
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!((&*first[0].action, first[0].screen.as_deref()), ("show-train", Some("runs")));
    assert_eq!(first[0].with["run"], "simcse-1");
    assert_eq!(first[0].with["now"], "train");
    let next = acted(press(&mut app, "y"));
    assert_eq!(next[0].with["log_y"], true);
}

#[test]
fn what_was_typed_is_recorded_when_it_is_finished() {
    let mut app = night();
    assert!(acted(press(&mut app, "/")).is_empty());
    app.update(Msg::Paste("loss<9".to_owned()));
    let typed = acted(press(&mut app, "enter"));
    assert_eq!(&*typed[0].action, "filter");
    assert_eq!(typed[0].with["text"], "loss<9");
    assert_eq!(typed[0].with["filter"], "loss<9");
    let left = acted(press(&mut app, "/ x esc"));
    assert_eq!((left.len(), &*left[0].action), (1, "filter"));
    assert_eq!((&left[0].with["text"], &left[0].with["taken"]), (&json!("loss<9x"), &json!(false)));
    assert_eq!(left[0].with["filter"], "loss<9", "the one before is in force");
    let mut app = pets();
    press(&mut app, "4 /");
    app.update(Msg::Paste("zzz".to_owned()));
    let typed = acted(press(&mut app, "enter"));
    assert_eq!(&*typed[0].action, "search");
    assert_eq!(typed[0].with["search"], "zzz");
}

#[test]
fn a_typed_query_that_is_put_away_is_recorded_by_its_id_and_is_listed_no_longer() {
    let mut app = pets();
    let ask = |app: &mut App, text: &str| {
        press(app, "A");
        app.update(Msg::Paste(text.to_owned()));
        press(app, "enter");
    };
    // On a query of the sets nothing happens.
    let nothing = acted(press(&mut app, "x"));
    assert!(!nothing[0].with.contains_key("dismissed"), "{nothing:?}");
    assert!(shows(&app, 80, 24).contains("only a typed query"));
    ask(&mut app, "zebra");
    let failed = serde_json::json!({"id": "typed-1", "error": "no such thing"});
    app.update(Msg::News(News::Answered(failed)));
    assert!(shows(&app, 80, 24).contains("zebra"));
    let gone = acted(press(&mut app, "x"));
    assert_eq!((gone.len(), &*gone[0].action), (1, "dismiss"));
    assert_eq!(gone[0].with["dismissed"], "typed-1");
    assert_eq!(gone[0].with["query"], "cat#0");
    press(&mut app, "j");
    assert!(!shows(&app, 80, 24).contains("zebra"));
    // Its id is no other's, and what it is answered late is not recorded: it would come back.
    ask(&mut app, "giraffe");
    assert_eq!(app.shared.asked[1].id, "typed-2");
    app.update(Msg::News(News::Scanned));
    press(&mut app, "x");
    let late = serde_json::json!({"id": "typed-2", "error": "no such thing"});
    let late = work(app.update(Msg::News(News::Answered(late))));
    assert!(!late.iter().any(|work| matches!(work, Work::Record(..))), "{late:?}");
    // Before the record is written, the sittings still tell of it.
    let mut sittings = crate::session::sitting::SittingState::default();
    sittings.answers.push(crate::session::sitting::Answer {
        time: Time::EPOCH,
        question: serde_json::json!({"id": "typed-1", "text": "zebra"}),
        answer: serde_json::json!({"id": "typed-1", "error": "no such thing"}),
    });
    let session = app.shared.asked[0].session.clone();
    app.update(Msg::News(News::Sittings(session, Box::new(sittings))));
    assert!(!shows(&app, 80, 24).contains("zebra"));
}

#[test]
fn clicks_and_the_wheel_are_recorded_as_the_actions_they_stand_for() {
    let mut app = night();
    let tab = acted(app.update(Msg::Click { column: 22, row: 0 }));
    assert_eq!(&*tab[0].action, "show-train");
    let chart = acted(app.update(Msg::Click { column: 30, row: 5 }));
    assert_eq!(&*chart[0].action, "crosshair");
    assert_eq!(chart[0].with["by"], "mouse");
    assert!(chart[0].with.contains_key("crosshair"));
    press(&mut app, "1");
    let opened = acted(app.update(Msg::Click { column: 5, row: 2 }));
    assert_eq!(&*opened[0].action, "open");
    assert_eq!(opened[0].with["by"], "mouse");
    let nothing = acted(app.update(Msg::Wheel { column: 5, row: 2, lines: 1 }));
    assert!(nothing.len() <= 1);
}

#[test]
fn what_a_form_starts_and_what_a_run_is_sent_are_recorded() {
    let mut app = night();
    press(&mut app, "2 1");
    let started = acted(press(&mut app, "n ctrl-s y"));
    let started = started.iter().find(|acted| acted.with.contains_key("started")).unwrap();
    assert_eq!(&*started.action, "new-run");
    assert_eq!(started.with["started"][0], "train");
    press(&mut app, "K");
    let sent = acted(press(&mut app, "y"));
    assert_eq!(&*sent[0].action, "yes");
    assert_eq!(sent[0].with["command"], "stop");
}

#[test]
fn a_moment_is_marked_with_a_word_unless_nothing_may_be_written() {
    let mut app = night();
    press(&mut app, "2 m");
    assert!(shows(&app, 80, 24).contains("mark, called"));
    app.update(Msg::Paste("spike".to_owned()));
    let marked = work(press(&mut app, "enter"));
    let is = |work: &Work| {
        matches!(work, Work::Record(_, event) if matches!(&**event, SittingEvent::Marked(Marked { label, at, .. })
            if label == "spike" && at.run.is_some()))
    };
    assert!(marked.iter().any(is), "{marked:?}");
    app.shared.readonly = true;
    press(&mut app, "m");
    assert!(shows(&app, 80, 24).contains("--readonly"));
}

#[test]
fn a_replay_goes_where_it_is_told_and_says_what_it_cannot_read() {
    let mut app = night();
    press(&mut app, "5");
    app.update(Msg::News(News::Reel(Some(Box::new(reel("20261124-100000-night-bbbbbb"))))));
    let text = shows(&app, 120, 40);
    assert!(text.contains("over and over") && text.contains("┊"), "{text}");
    let mut typed = |keys: &str, text: &str| {
        press(&mut app, keys);
        app.update(Msg::Paste(text.to_owned()));
        work(press(&mut app, "enter")).into_iter().find_map(|work| match work {
            Work::Reel(order) => Some(order),
            _ => None,
        })
    };
    assert_eq!(typed("s", "step 400"), Some(ReelOrder::MadeStep(400)));
    assert_eq!(typed("s", "50 %"), Some(ReelOrder::Share(0.5)));
    let moment = Time::from_millis(60_000).unwrap();
    assert_eq!(typed("s", "00:01"), Some(ReelOrder::Moment(moment)));
    assert_eq!(typed("s", "later"), None);
    assert_eq!(typed("/", "warned"), Some(ReelOrder::Find("warned".to_owned(), true)));
    let orders = |commands| work(commands).into_iter().filter(|w| matches!(w, Work::Reel(_)));
    let again: Vec<Work> = orders(press(&mut app, "n N o ) (")).collect();
    let find = |forward| Work::Reel(ReelOrder::Find("warned".to_owned(), forward));
    let rest = [ReelOrder::Loop, ReelOrder::Action(true), ReelOrder::Action(false)];
    let mut expected = vec![find(true), find(false)];
    expected.extend(rest.map(Work::Reel));
    assert_eq!(again, expected);
    press(&mut app, "w ctrl-u");
    app.update(Msg::Paste("now.svg".to_owned()));
    let film = work(press(&mut app, "enter"));
    assert!(
        film.iter().any(|work| matches!(work, Work::Job(_, arguments)
            if arguments[0] == "replay" && arguments.contains(&"--frame=now.svg".to_owned())
            && arguments.contains(&"--from=1970-01-01T00:00:50.000Z".to_owned()))),
        "{film:?}"
    );
}

#[test]
fn a_replay_shows_the_query_that_was_looked_at_and_what_was_done_or_the_run_alone() {
    use crate::tui::data::acts::{Done, Scene};
    let mut app = pets();
    let recorded = acted(press(&mut app, "4 j"));
    let last = recorded.last().unwrap().clone();
    assert_eq!(last.with["query"], "dog#0");
    press(&mut app, "k 5");
    let mut reel = reel("20261124-100000-pets-bbbbbb");
    let words = "inspect: down  query dog#0\u{1b}[2J".to_owned();
    reel.done = vec![Done { time: reel.time, words, past: true }];
    reel.scene = Scene::after(&last);
    app.update(Msg::News(News::Reel(Some(Box::new(reel)))));
    let text = shows(&app, 100, 40);
    assert!(text.contains("a drawn dog") && text.contains("done at the terminal"), "{text}");
    assert!(text.contains("dog#0\\u{1b}[2J"), "{text}");
    press(&mut app, "a");
    let text = shows(&app, 100, 40);
    assert!(!text.contains("done at the terminal") && text.contains("Nothing has happened"));
}

#[test]
fn a_film_may_be_asked_for_before_the_session_has_been_read() {
    let mut app = night();
    press(&mut app, ": f i l m enter");
    let text = shows(&app, 100, 30);
    assert!(text.contains("20261124-100000-night-bbbbbb.cast"), "{text}");
    // It is read by the time that a name was typed; where it is not, that is said.
    press(&mut app, "enter");
    assert!(shows(&app, 100, 30).contains("still being read"), "{}", shows(&app, 100, 30));
    press(&mut app, "w");
    app.update(Msg::News(News::Reel(Some(Box::new(reel("20261124-100000-night-bbbbbb"))))));
    let film = work(press(&mut app, "enter"));
    assert!(film.iter().any(|work| matches!(work, Work::Job(..))), "{film:?}");
}

#[test]
fn another_size_is_recorded_where_what_is_looked_at_is() {
    let resized = |app: &mut App, width| {
        let commands = app.update(Msg::Resize { width, height: 30 });
        let session = |work| match work {
            Work::Record(session, event) if matches!(*event, SittingEvent::Resized(_)) => {
                Some(session.to_string())
            }
            _ => None,
        };
        work(commands).into_iter().filter_map(session).collect::<Vec<_>>()
    };
    let mut app = night();
    assert!(resized(&mut app, 90).is_empty(), "nothing is looked at yet");
    press(&mut app, "2");
    assert_eq!(resized(&mut app, 91), ["20261124-100000-night-bbbbbb"]);
    // The results of another session than that of the run in focus.
    app.shared.session = Some("20261124-100000-pets-bbbbbb".parse().unwrap());
    press(&mut app, "3");
    assert_eq!(resized(&mut app, 92), ["20261124-100000-pets-bbbbbb"]);
    press(&mut app, "2");
    assert_eq!(resized(&mut app, 93), ["20261124-100000-night-bbbbbb"]);
}

#[test]
fn what_is_done_before_a_run_is_in_focus_is_recorded_too() {
    let mut app = night();
    let help = acted(press(&mut app, "?"));
    assert_eq!((&*help[0].action, &help[0].with["run"]), ("help", &json!("simcse-1")));
    press(&mut app, "esc /");
    app.update(Msg::Paste("recipe:none".to_owned()));
    // No run fits, and no session is known to be in front.
    assert!(acted(press(&mut app, "enter")).is_empty());
    let mut app = pets();
    press(&mut app, "1 /");
    app.update(Msg::Paste("recipe:none".to_owned()));
    let typed = acted(press(&mut app, "enter"));
    assert_eq!((&*typed[0].action, &typed[0].with["text"]), ("filter", &json!("recipe:none")));
}

#[test]
fn what_is_closed_without_anything_done_is_recorded_with_what_it_held() {
    let mut app = night();
    let left = acted(press(&mut app, "2 : z z esc"));
    assert_eq!(left.len(), 3, "{left:?}");
    let closed = &left[2];
    assert_eq!((&*closed.action, closed.screen.as_deref()), ("close", Some("train")));
    assert_eq!((&closed.with["closed"], &closed.with["text"]), (&json!("palette"), &json!("zz")));
    // What is chosen in it is recorded as itself.
    let help = acted(press(&mut app, ": h e l p enter"));
    assert_eq!((help.len(), &*help[1].action), (2, "help"));
    let closed = acted(app.update(Msg::Click { column: 0, row: 23 }));
    assert_eq!((closed.len(), &closed[0].with["closed"]), (1, &json!("help")));
    let left = acted(press(&mut app, "K n"));
    assert_eq!((left.len(), &*left[1].action), (2, "no"));
    assert!(left[1].with["question"].as_str().unwrap().contains("save a checkpoint and end?"));
    press(&mut app, "1 n tab");
    let form = acted(press(&mut app, "esc"));
    assert_eq!((form.len(), &form[0].with["closed"]), (1, &json!("new-run")));
}

#[test]
fn the_theme_is_told_before_anything_is_recorded_and_when_it_is_another() {
    let themes = |commands| {
        let theme = |work| if let Work::Theme(name) = work { Some(name) } else { None };
        work(commands).into_iter().filter_map(theme).collect::<Vec<_>>()
    };
    let theme = Theme::named("dark", Depth::True).unwrap();
    let mut app = App::new(theme, Depth::True, Glyphs { ascii: false }, false, Time::EPOCH);
    let size = |width| Msg::Resize { width, height: 24 };
    assert_eq!(themes(app.update(size(80))), ["dark"]);
    assert!(themes(app.update(size(90))).is_empty());
    assert_eq!(themes(app.update(Msg::Ground { light: true })), ["light"]);
    let mut app = night();
    let key = Action::Theme.entry().keys().next().unwrap();
    let commands = app.update(Msg::Key(key));
    assert_eq!(acted(commands.clone())[0].with["theme"], "light");
    assert_eq!(themes(commands), ["light"]);
}
