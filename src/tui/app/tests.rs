//! The model under keys, sizes and news.

use super::*;
use crate::ids::SessionId;
use crate::session::RunStatus;
use crate::session::control::Command;
use crate::session::runs::RunRow;
use crate::session::state::LogLock;
use crate::tui::data::library::{RunEntry, Runner};
use crate::tui::keys::TABLE;
use crate::tui::msg::News;
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;

/// A live run that began at that minute.
pub(crate) fn entry(name: &str, minute: i64) -> RunEntry {
    let (session, run) = name.split_once('/').unwrap();
    let session: SessionId = session.parse().unwrap();
    let id = RunId { session: session.clone(), run: run.parse().unwrap() };
    let recipe = run.rsplit_once('-').unwrap().0.to_owned();
    let row = RunRow {
        run: name.to_owned(),
        session,
        recipe: recipe.clone(),
        state: RunStatus::Live,
        stage: Some(recipe.parse().unwrap()),
        step: 30,
        steps: 100,
        loss: Some(2.5),
        eta_s: Some(75.0),
        final_digest: None,
        began: None,
        device: None,
        best: None,
        tags: Vec::new(),
    };
    RunEntry {
        id,
        row,
        began: Time::from_millis(minute * 60_000),
        last: Time::from_millis(minute * 60_000 + 30_000),
        stage: (1, 2),
        share: 0.3,
        device: "cpu".to_owned(),
        threads: 2,
        host: "here".to_owned(),
        runner: Runner { process: Some(4242), lock: Some(LogLock::Held), after: None },
        seed: 0,
        segments: 1,
        spark: vec![Some(3.0), Some(2.5), None],
        warnings: 0,
        reason: None,
        recipe: None,
        pace: Vec::new(),
        saved: Vec::new(),
        checkpoint: 0,
    }
}

pub(crate) fn app() -> App {
    let theme = Theme::named("dark", Depth::True).unwrap();
    let mut app =
        App::new(theme, Depth::True, Glyphs { ascii: false }, false, Time::from_millis(0).unwrap());
    app.update(Msg::Resize { width: 80, height: 24 });
    app
}

pub(crate) fn press(app: &mut App, keys: &str) -> Vec<Cmd> {
    keys.split(' ').flat_map(|key| app.update(Msg::Key(Key::parse(key).unwrap()))).collect()
}

pub(crate) fn shows(app: &App, width: u16, height: u16) -> String {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    app.view(area, &mut buffer);
    let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..height).map(|y| row(y) + "\n").collect()
}

const RUN: &str = "20261124-100000-night-bbbbbb/simcse-1";

#[test]
fn an_empty_workbench_says_what_to_press_next() {
    let mut app = app();
    assert!(shows(&app, 80, 24).contains("Looking for runs"));
    app.update(Msg::News(News::Scanned));
    let text = shows(&app, 80, 24);
    assert!(text.contains("No runs yet") && text.contains("n   starts one"), "{text}");
    for screen in ["3", "4", "5"] {
        press(&mut app, screen);
        let text = shows(&app, 80, 24);
        for words in ["No session yet", "1 n start a run", "1   the list of runs", "llm2clip demo"]
        {
            assert!(text.contains(words), "{screen}: {text}");
        }
    }
}

#[test]
fn a_run_is_opened_asked_to_stop_and_shown_as_requested_until_its_log_answers() {
    let mut app = app();
    app.update(Msg::News(News::Run(Box::new(entry(RUN, 5)))));
    let commands = press(&mut app, "enter");
    assert_eq!(app.screen(), ScreenId::Train);
    assert!(
        commands
            .iter()
            .any(|command| matches!(command, Cmd::Work(Work::Watch(runs)) if runs.len() == 1))
    );
    press(&mut app, "K");
    assert!(shows(&app, 80, 24).contains("save a checkpoint and end?"));
    let left = press(&mut app, "n");
    assert!(matches!(&left[..], [Cmd::Work(Work::Record(..))]), "{left:?}");
    press(&mut app, "K");
    let commands = press(&mut app, "y");
    let run = entry(RUN, 5).id;
    assert!(commands.contains(&Cmd::Work(Work::Send(run.clone(), Command::Stop))));
    press(&mut app, "1");
    assert!(shows(&app, 80, 24).contains("stop?"));
    assert_eq!(app.shared.requested(&run), [Command::Stop]);
}

#[test]
fn a_stop_from_outside_is_obeyed_as_the_key_is_and_going_on_takes_the_terminal_again() {
    let mut app = app();
    for overlay in ["", "n"] {
        if !overlay.is_empty() {
            press(&mut app, overlay);
        }
        assert!(app.update(Msg::Suspend).contains(&Cmd::Suspend));
        assert!(app.update(Msg::Resumed).contains(&Cmd::Resume));
    }
}

#[test]
fn no_overlay_takes_away_what_leaves_stops_or_repaints_and_none_is_closed_by_it() {
    for keys in [":", "?", "/", "n", "K", "e"] {
        let mut app = app();
        app.update(Msg::News(News::Run(Box::new(entry(RUN, 5)))));
        press(&mut app, keys);
        let before = app.overlay.clone();
        assert!(before.is_some(), "{keys} opens nothing");
        for (key, command) in
            [("ctrl-c", Cmd::Quit), ("ctrl-z", Cmd::Suspend), ("ctrl-l", Cmd::Repaint)]
        {
            assert!(press(&mut app, key).contains(&command), "{key} over {keys}");
            assert_eq!(app.overlay, before, "{key} over {keys}");
        }
        // A letter is typed, or means something else there.
        assert!(!press(&mut app, "q").contains(&Cmd::Quit), "q over {keys}");
    }
}

#[test]
fn a_copied_name_is_said_to_be_copied_only_where_nothing_stands_between() {
    let mut app = app();
    app.update(Msg::News(News::Run(Box::new(entry(RUN, 5)))));
    assert!(press(&mut app, "y").contains(&Cmd::Copy(RUN.to_owned())));
    assert!(shows(&app, 120, 24).contains(&format!("copied {RUN}")), "{}", shows(&app, 120, 24));
    app.shared.between = Some("tmux, which needs set-clipboard on");
    assert!(press(&mut app, "y").contains(&Cmd::Copy(RUN.to_owned())));
    let text = shows(&app, 120, 24);
    assert!(
        text.contains("sent to tmux, which needs set-clipboard on: ") && !text.contains("copied")
    );
}

#[test]
fn nothing_is_asked_of_a_run_when_nothing_may_be_written() {
    let mut app = app();
    app.shared.readonly = true;
    app.update(Msg::News(News::Run(Box::new(entry(RUN, 5)))));
    assert!(press(&mut app, "K").is_empty());
    assert!(shows(&app, 80, 24).contains("--readonly"));
}

#[test]
fn the_palette_reaches_every_action() {
    for entry in
        TABLE.iter().filter(|entry| !matches!(entry.context, Context::Overlay | Context::Question))
    {
        let mut app = app();
        press(&mut app, ":");
        for c in entry.name.chars() {
            app.update(Msg::Key(Key::plain(KeyCode::Char(c))));
        }
        let found = finder::found(entry.name, ScreenId::Runs);
        assert!(found.iter().any(|other| other.action == entry.action), "{}", entry.name);
        assert_eq!(found[0].name, entry.name, "the palette should put the exact name first");
        press(&mut app, "enter");
        if let Some(screen) = ScreenId::of(entry.context)
            && !matches!(entry.context, Context::List | Context::Control)
            && app.overlay.is_none()
        {
            assert_eq!(app.screen(), screen, "{}", entry.name);
        }
    }
}

#[test]
fn a_filter_is_typed_with_effect_and_taken_back() {
    let mut app = app();
    app.update(Msg::News(News::Run(Box::new(entry(RUN, 5)))));
    app.update(Msg::News(News::Run(Box::new(entry("20261124-110000-day-cccccc/clip-1", 6)))));
    press(&mut app, "/");
    app.update(Msg::Paste("recipe:clip".to_owned()));
    let text = shows(&app, 80, 24);
    assert!(text.contains("clip-1") && !text.contains("simcse-1"), "{text}");
    press(&mut app, "enter esc");
    assert!(shows(&app, 80, 24).contains("simcse-1"));
}

#[test]
fn a_pasted_burst_is_one_text_without_its_control_characters_and_never_keys() {
    let mut app = app();
    app.update(Msg::News(News::Run(Box::new(entry(RUN, 5)))));
    let burst = "recipe:simcse\u{1b}[31m\u{7}\tq\r\n5\u{3}\u{202e}x";
    // Where nothing is typed it does nothing, whatever its letters mean as keys.
    assert!(!app.update(Msg::Paste(burst.to_owned())).contains(&Cmd::Quit));
    assert!(app.overlay.is_none() && app.screen() == ScreenId::Runs);
    let wanted = "recipe:simcse[31m q  5\u{202e}x";
    press(&mut app, "/");
    app.update(Msg::Paste(burst.to_owned()));
    let line = app.overlay.as_ref().and_then(Overlay::line).map(|(_, text)| text.to_owned());
    assert_eq!(line.as_deref(), Some(wanted));
    // A mark that would turn the line round is spelled out, also under the cursor.
    for keys in ["end", "left left"] {
        press(&mut app, keys);
        let text = shows(&app, 80, 24);
        assert!(text.contains("recipe:simcse[31m q  5\\u{202e}x"), "{text}");
        assert!(!text.contains('\u{202e}') && !text.contains('\u{1b}'), "{text}");
    }
    // The palette and help take it the same way, and begin again at their first line.
    for key in [":", "?"] {
        press(&mut app, &format!("esc esc {key} down down"));
        app.update(Msg::Paste("show\n\u{1b}log\u{7}".to_owned()));
        let Some(Overlay::Palette { input, cursor, .. } | Overlay::Help { input, cursor, .. }) =
            &app.overlay
        else {
            panic!("{key} opens nothing")
        };
        assert_eq!((input.text(), cursor.at), ("show log", 0));
    }
}

#[test]
fn a_terminal_too_small_is_told_what_is_needed_and_any_size_survives() {
    let mut app = app();
    app.update(Msg::News(News::Run(Box::new(entry(RUN, 5)))));
    assert!(shows(&app, 43, 7).contains("44x8"));
    for screen in 1..=7 {
        press(&mut app, &screen.to_string());
        for (width, height) in [(1, 1), (2, 9), (60, 16), (61, 17), (300, 120), (80, 1), (1, 80)] {
            shows(&app, width, height);
        }
        for height in 8..24 {
            for width in [44, 50, 59, 60, 67, 68, 75, 76, 80, 109, 110] {
                let text = shows(&app, width, height);
                assert!(!text.contains("llm2clip needs"), "{width}x{height}");
            }
        }
    }
}

#[test]
fn a_low_terminal_shows_the_runs_their_numbers_and_their_log() {
    let mut app = app();
    app.update(Msg::News(News::Run(Box::new(entry(RUN, 5)))));
    app.update(Msg::Resize { width: 80, height: 12 });
    let text = shows(&app, 80, 12);
    assert!(text.contains("simcse-1") && text.contains("30/100"), "{text}");
    assert!(text.lines().last().unwrap().contains("? help"), "{text}");
    press(&mut app, "7");
    assert!(shows(&app, 80, 12).contains("log of simcse-1"), "{}", shows(&app, 80, 12));
}

#[test]
fn screens_are_named_in_full_from_sixty_columns_on() {
    let app = app();
    for width in [60, 64, 68, 76, 80] {
        let text = shows(&app, width, 24);
        let head = text.lines().next().unwrap();
        for screen in ScreenId::ALL {
            assert!(head.contains(screen.name()), "{width}: {head}");
        }
    }
    for width in [44, 53] {
        let text = shows(&app, width, 24);
        let head = text.lines().next().unwrap();
        assert!(head.contains("1 Run ") && head.contains("7 Log"), "{width}: {head}");
    }
}

fn keys() -> impl Strategy<Value = Key> {
    let mut all: Vec<Key> = TABLE.iter().flat_map(super::super::keys::Entry::keys).collect();
    all.extend("abcxyz:/ 0<>=-".chars().map(|c| Key::plain(KeyCode::Char(c))));
    prop::sample::select(all)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn no_keys_and_sizes_ever_panic(steps in prop::collection::vec((keys(), 1u16..140, 1u16..50), 1..80)) {
        let mut app = app();
        app.update(Msg::News(News::Run(Box::new(entry(RUN, 5)))));
        app.update(Msg::News(News::Run(Box::new(entry("20261124-110000-day-cccccc/clip-1", 6)))));
        for (key, width, height) in steps {
            app.update(Msg::Key(key));
            app.update(Msg::Resize { width, height });
            shows(&app, width, height);
        }
    }
}
