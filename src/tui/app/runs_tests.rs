//! The Runs screen in the model: commands and their answers, tags, filters, forms that start runs.

use super::tests::{app, entry, press, shows};
use super::*;
use crate::session::RunStatus;
use crate::session::best::{BestRow, Better};
use crate::session::control::Command;
use crate::session::fold::{Answer, RunState};
use crate::session::pace::Took;
use crate::tui::data::library::{OpenRun, RunEntry};
use crate::tui::msg::News;
use std::sync::Arc;

const RUN: &str = "20261124-100000-night-bbbbbb/simcse-1";
const OTHER: &str = "20261124-110000-day-cccccc/clip-1";

/// A workbench on two runs, the newer of them selected.
fn two() -> App {
    let mut app = app();
    app.update(Msg::News(News::Run(Box::new(entry(OTHER, 6)))));
    app.update(Msg::News(News::Run(Box::new(entry(RUN, 5)))));
    app
}

fn open(state: RunState) -> OpenRun {
    OpenRun {
        state: Arc::new(state),
        alerts: Arc::default(),
        story: Arc::default(),
        console: Arc::default(),
        device: Arc::default(),
        reading: crate::tui::data::library::Reading::default(),
        oddities: crate::session::tail::Oddities::default(),
        status: RunStatus::Live,
    }
}

#[test]
fn the_answer_of_a_run_that_is_not_in_focus_is_heard_too() {
    let mut app = two();
    press(&mut app, "enter 1 down K");
    let run = entry(RUN, 5).id;
    let commands = press(&mut app, "y");
    let both = BTreeSet::from([run.clone(), entry(OTHER, 6).id]);
    assert!(commands.contains(&Cmd::Work(Work::Watch(both))), "{commands:?}");
    let sent = News::Sent { run: run.clone(), command: Command::Stop, id: "7".to_owned() };
    app.update(Msg::News(sent));
    let mut state = RunState::default();
    let (command, refused) = ("stop".to_owned(), Some("not now".to_owned()));
    state.answers.push(Answer { id: "7".to_owned(), command, refused });
    let commands = app.update(Msg::News(News::Open(run.clone(), Box::new(open(state)))));
    assert!(shows(&app, 80, 24).contains("stop refused: not now"));
    assert!(app.shared.requests.is_empty());
    assert!(matches!(&commands[..], [Cmd::Work(Work::Watch(one))] if !one.contains(&run)));
}

#[test]
fn a_run_of_which_nothing_is_known_for_a_moment_has_not_ended_and_still_owes_its_answer() {
    let mut app = two();
    press(&mut app, "enter 1 down K y");
    let run = entry(RUN, 5).id;
    let tells = |commands: &[Cmd]| commands.iter().any(|one| matches!(one, Cmd::Tell(_)));
    let mut unknown = entry(RUN, 5);
    unknown.row.state = RunStatus::Unknown;
    assert!(!tells(&app.update(Msg::News(News::Run(Box::new(unknown))))));
    let mut known = open(RunState::default());
    known.status = RunStatus::Unknown;
    app.update(Msg::News(News::Open(run, Box::new(known))));
    assert_eq!(app.shared.requests.len(), 1);
    // One that is at work again and then ends is told of.
    app.update(Msg::News(News::Run(Box::new(entry(RUN, 5)))));
    let mut ended = entry(RUN, 5);
    ended.row.state = RunStatus::Stopped;
    assert!(tells(&app.update(Msg::News(News::Run(Box::new(ended))))));
}

#[test]
fn a_command_that_could_not_be_sent_can_be_asked_again() {
    let mut app = app();
    app.update(Msg::News(News::Run(Box::new(entry(RUN, 5)))));
    press(&mut app, "K y");
    let (run, command) = (entry(RUN, 5).id, Command::Stop);
    let unsent = News::Unsent { run: run.clone(), command, why: "the disk is full".to_owned() };
    app.update(Msg::News(unsent));
    assert!(shows(&app, 80, 24).contains("the disk is full"));
    assert!(app.shared.requested(&run).is_empty());
    press(&mut app, "K");
    assert!(press(&mut app, "y").contains(&Cmd::Work(Work::Send(run, command))));
}

fn worked(edits: &str) -> RunEntry {
    let recipe = crate::recipe::apply_set(&crate::recipe::preset("clip").unwrap(), edits).unwrap();
    let stage = recipe.stages[0].name.clone();
    let took = Took { step: 2.0, ..Took::default() };
    let (pace, saved) = (vec![(stage.clone(), took)], vec![(stage, 30)]);
    RunEntry { recipe: Some(Arc::new(recipe)), pace, saved, ..entry(OTHER, 6) }
}

#[test]
fn tags_are_typed_recorded_shown_and_filtered_by() {
    let mut app = two();
    press(&mut app, "t");
    app.update(Msg::Paste("old best".to_owned()));
    let commands = press(&mut app, "enter");
    let run = entry(OTHER, 6).id;
    let on = || Subject::run("clip-1");
    let tagged = |tag: &str| -> SittingEvent {
        crate::session::sitting::Tagged { on: on(), tag: tag.to_owned() }.into()
    };
    let record =
        |event: SittingEvent| Cmd::Work(Work::Record(run.session.clone(), Box::new(event)));
    assert_eq!(commands[..2], [record(tagged("old")), record(tagged("best"))]);
    assert!(shows(&app, 80, 24).contains("clip-1 is tagged best old"));
    press(&mut app, "o O O");
    let (narrow, wide) = (shows(&app, 80, 24), shows(&app, 120, 40));
    assert!(narrow.contains("tags best old") && wide.contains("best old"), "{narrow}{wide}");
    press(&mut app, "/");
    app.update(Msg::Paste("-tag:old".to_owned()));
    let text = shows(&app, 80, 24);
    assert!(text.contains("simcse-1") && !text.contains("clip-1"), "{text}");
    press(&mut app, "enter esc g t");
    app.update(Msg::Paste("-old -none".to_owned()));
    let commands = press(&mut app, "enter");
    let untagged = crate::session::sitting::Untagged { on: on(), tag: "old".to_owned() };
    assert_eq!(commands[..1], [record(untagged.into())]);
    assert!(shows(&app, 80, 24).contains("clip-1 has no tag none"));
    assert_eq!(app.shared.library.tags(&run), ["best"]);
}

#[test]
fn a_filter_that_cannot_be_read_says_so_and_leaves_the_one_before_in_force() {
    let mut app = two();
    press(&mut app, "/");
    app.update(Msg::Paste("recipe:clip".to_owned()));
    press(&mut app, "enter /");
    app.update(Msg::Paste(" foo:bar".to_owned()));
    for (width, height) in [(80, 24), (120, 40)] {
        let text = shows(&app, width, height);
        assert!(text.contains("no field \"foo\"") && text.contains("segments or done"), "{text}");
        assert!(text.contains("the filter before is in force: recipe:clip"), "{text}");
        assert!(text.contains("clip-1") && !text.contains("simcse-1"), "{text}");
        assert!(text.contains("1 of 2 runs match recipe:clip"), "{text}");
    }
    press(&mut app, "enter esc");
    let text = shows(&app, 80, 24);
    assert!(!text.contains("no field") && !text.contains("simcse-1"), "{text}");
    press(&mut app, "esc");
    assert!(shows(&app, 80, 24).contains("simcse-1"));
}

#[test]
fn half_a_word_of_a_filter_is_none_of_its_own() {
    let mut app = two();
    press(&mut app, "/ f o o <");
    let text = shows(&app, 80, 24);
    assert!(text.contains("no field \"foo\"") && text.contains("all runs are listed"), "{text}");
    assert!(text.contains("clip-1") && text.contains("simcse-1"), "{text}");
    press(&mut app, "ctrl-u");
    app.update(Msg::Paste("recipe:clip".to_owned()));
    press(&mut app, "enter / ctrl-u f o o <");
    let text = shows(&app, 80, 24);
    assert!(text.contains("the filter before is in force: recipe:clip"), "{text}");
    assert!(text.contains("clip-1") && !text.contains("simcse-1"), "{text}");
    // What is complete of it counts already.
    press(&mut app, "ctrl-u");
    app.update(Msg::Paste("simcse foo<".to_owned()));
    let text = shows(&app, 80, 24);
    assert!(text.contains("in force: simcse") && !text.contains("clip-1"), "{text}");
    press(&mut app, "esc");
    assert!(shows(&app, 80, 24).contains("1 of 2 runs match recipe:clip"));
}

#[test]
fn nothing_is_started_or_tagged_and_nothing_such_is_offered_where_nothing_may_be_written() {
    let mut app = app();
    app.shared.readonly = true;
    app.update(Msg::News(News::Scanned));
    let text = shows(&app, 80, 24);
    assert!(text.contains("No runs yet") && !text.contains("starts one"), "{text}");
    app.update(Msg::News(News::Run(Box::new(entry(RUN, 5)))));
    let text = shows(&app, 80, 24);
    for word in ["new run", "starts a run", "tag ", "fork", "stop", "pause"] {
        assert!(!text.contains(word), "{word} in {text}");
    }
    for key in ["n", "a", "F", "t"] {
        press(&mut app, key);
        assert!(shows(&app, 80, 24).contains("--readonly"), "{key}");
        assert!(app.overlay.is_none(), "{key}");
    }
}

#[test]
fn a_new_run_is_filled_in_with_its_memory_time_and_device_in_sight() {
    let mut app = app();
    app.update(Msg::News(News::Run(Box::new(worked("steps=100")))));
    let place = crate::recipe::names().iter().position(|name| *name == "clip").unwrap();
    let keys = vec!["right"; place].join(" ");
    let commands = press(&mut app, &format!("n {keys}"));
    let asked = commands.last().unwrap().clone();
    let Cmd::Work(Work::Estimate(arguments)) = asked else { panic!("{asked:?}") };
    assert_eq!(arguments.join(" "), "recipes clip --estimate --json");
    let text = shows(&app, 80, 24);
    assert!(text.contains("[clip]") && text.contains("working it out"), "{text}");
    let stage = serde_json::json!({"stage": "clip", "total": 292_000_000, "parameters": 1, "moments": 1,
        "gradients": 1, "activations": 1, "batch": 1});
    let estimate = serde_json::json!({"format": "llm2clip.estimate/1", "recipe": "clip", "device": "cpu",
        "why": "no GPU is here", "host": "here", "free": 3_000_000_000_u64, "stages": [stage], "problem": null});
    let estimate = serde_json::from_value(estimate).unwrap();
    app.update(Msg::News(News::Estimated(arguments, Ok(Box::new(estimate)))));
    for (width, height) in [(80, 24), (120, 40)] {
        let text = shows(&app, width, height);
        assert!(text.contains("clip about 292 MB") && text.contains("3.0 GB free"), "{text}");
        assert!(text.contains("about 10 m 00 s as clip-1 on cpu, 2 threads ("), "{text}");
        assert!(text.contains("cpu: no GPU is here"), "{text}");
        assert!(text.contains("steps") && text.contains("ctrl-s on any"), "{text}");
    }
    assert!(text_of_time(&mut app, 4).contains("(caution: here 4 threads"));
    assert!(!text_of_time(&mut app, 2).contains("here"));
    // The list scrolls with the line in front, also where there is little room.
    press(&mut app, "down down down pagedown pagedown");
    for (width, height) in [(60, 16), (80, 24)] {
        let text = shows(&app, width, height);
        assert!(text.contains("clip_norm") && !text.contains("warmup"), "{text}");
    }
    press(&mut app, "tab");
    assert!(shows(&app, 80, 24).contains("[recipe]"));
    press(&mut app, "esc n");
    let text = shows(&app, 80, 24);
    assert!(text.contains("not known yet for 5 of 6 stages"), "{text}");
}

/// The line of the form that says the time, where a run would have so many threads.
fn text_of_time(app: &mut App, threads: u32) -> String {
    let Some(Overlay::NewRun(form)) = &mut app.overlay else { panic!() };
    form.estimate.as_mut().unwrap().as_mut().unwrap().threads = Some(threads);
    let text = shows(app, 120, 40);
    text.lines().find(|line| line.contains(" as clip-1 ")).unwrap().to_owned()
}

#[test]
fn a_fork_and_a_queued_run_open_the_same_form() {
    let mut app = app();
    app.update(Msg::News(News::Run(Box::new(worked("steps=100")))));
    press(&mut app, "F");
    let text = shows(&app, 80, 24);
    assert!(text.contains("A fork of clip-1") && text.contains("[clip@30]"), "{text}");
    assert!(text.contains("2 m 20 s"), "70 of 100 steps are left: {text}");
    let commands = press(&mut app, "ctrl-s y");
    let launched = |commands: &[Cmd]| match commands {
        [.., Cmd::Work(Work::Launch { arguments, .. })]
        | [Cmd::Work(Work::Launch { arguments, .. }), ..] => arguments.join(" "),
        other => panic!("{other:?}"),
    };
    assert_eq!(launched(&commands), format!("fork {OTHER}/clip@30 --detach"));
    press(&mut app, "a");
    assert!(shows(&app, 80, 24).contains("[after clip-1]"));
    assert_eq!(
        launched(&press(&mut app, "ctrl-s y")),
        format!("train demo --after {OTHER} --detach")
    );
    let mut done = worked("steps=100");
    done.row.state = RunStatus::Done;
    app.update(Msg::News(News::Run(Box::new(done))));
    press(&mut app, "a");
    assert!(shows(&app, 80, 24).contains("only a run at work is waited for"));
}

#[test]
fn two_recipes_are_laid_side_by_side() {
    let mut app = two();
    press(&mut app, "d");
    assert!(shows(&app, 80, 24).contains("cannot be read by this version"));
    app.update(Msg::News(News::Run(Box::new(worked("steps=100")))));
    press(&mut app, "d");
    let text = shows(&app, 80, 24);
    assert!(text.contains("preset clip against clip-1") && text.contains("clip.steps"), "{text}");
    press(&mut app, "esc");
    let mut other = worked("batch=7");
    (other.id, other.began) = (entry(RUN, 5).id, entry(RUN, 5).began);
    app.update(Msg::News(News::Run(Box::new(other))));
    press(&mut app, "space d");
    let text = shows(&app, 120, 40);
    assert!(text.contains("clip-1 against simcse-1") && text.contains("clip.batch"), "{text}");
    assert!(text.contains("1 to 2 of 2 keys") && !text.contains("marked runs"), "{text}");
    // Of more than two marked runs it says that these are two.
    press(&mut app, "esc");
    let mut third = worked("batch=9");
    third.id = entry("20261124-090000-dawn-aaaaaa/near-1", 4).id;
    (third.row.run, third.began) = (third.id.to_string(), entry(RUN, 4).began);
    app.update(Msg::News(News::Run(Box::new(third))));
    press(&mut app, "u g space space space g d");
    let text = shows(&app, 80, 24);
    assert!(text.contains("of 3 marked runs only these two"), "{text}");
}

#[test]
fn what_to_press_next_stands_below_a_list_that_leaves_room_until_something_is_at_work() {
    let mut app = app();
    for at in 1..=8 {
        let mut run = entry(&format!("20261124-100000-night-bbbbbb/simcse-{at}"), at);
        run.row.state = RunStatus::Done;
        app.update(Msg::News(News::Run(Box::new(run))));
    }
    let text = shows(&app, 80, 24);
    for words in ["enter  opens the chosen run", "?  every key", "n  starts a run of your own"] {
        assert!(text.contains(words), "{words} in {text}");
    }
    assert!(shows(&app, 120, 40).contains("llm2clip demo"));
    let small = shows(&app, 60, 16);
    let said = ["enter  opens", "enter opens a run"].iter().any(|words| small.contains(words));
    assert!(small.contains("simcse-1 ") && said, "{small}");
    app.update(Msg::News(News::Run(Box::new(entry(RUN, 9)))));
    assert!(!shows(&app, 80, 24).contains("opens the chosen run"));
}

#[test]
fn recipe_and_best_validation_are_told_whatever_columns_fit_and_so_is_a_hidden_order() {
    let mut app = app();
    let mut run = entry(RUN, 5);
    run.row.recipe = "smollm2-captions".to_owned();
    run.row.best = Some(BestRow {
        what: "recall@1".to_owned(),
        value: 0.625,
        better: Better::Higher,
        step: 30,
        kept: Some(30),
    });
    run.spark = vec![Some(2.0); 40];
    app.update(Msg::News(News::Run(Box::new(run.clone()))));
    for (width, height) in [(60, 24), (80, 24), (120, 40)] {
        let text = shows(&app, width, height);
        assert!(text.contains("recipe smollm2-captions  "), "{text}");
        assert!(text.contains("2.500  best R@1 ↑62.5 % @30") && !text.contains("kept"), "{text}");
    }
    run.row.best = Some(BestRow {
        what: "loss".to_owned(),
        value: 1.25,
        better: Better::Lower,
        step: 20,
        kept: Some(30),
    });
    app.update(Msg::News(News::Run(Box::new(run))));
    for (width, height) in [(60, 24), (80, 24), (120, 40)] {
        let text = shows(&app, width, height);
        assert!(text.contains("best loss ↓1.250 @20, kept is step 30"), "{text}");
    }
    assert!(shows(&app, 170, 40).contains("at step"));
    // State and run have their columns at this width, the recipe has none.
    press(&mut app, "o o");
    assert!(!shows(&app, 80, 24).contains("runs by"));
    press(&mut app, "o");
    let text = shows(&app, 80, 24);
    assert!(text.contains("1 of 1 runs by recipe↓") && text.contains("sorted by recipe"), "{text}");
    press(&mut app, "O");
    assert!(shows(&app, 80, 24).contains("runs by recipe↑"));
    assert!(!shows(&app, 140, 40).contains("runs by"));
}

#[test]
fn runs_of_one_name_are_told_apart_wherever_they_stand_beside_each_other() {
    let mut app = app();
    let (day, night) = (OTHER, "20261124-100000-night-bbbbbb/clip-1");
    for (name, minute) in [(day, 6), (night, 5)] {
        app.update(Msg::News(News::Run(Box::new(entry(name, minute)))));
    }
    let text = shows(&app, 80, 24);
    for name in ["cccccc/clip-1 ", "bbbbbb/clip-1 ", "─ cccccc/clip-1 · "] {
        assert!(text.contains(name), "{name} in {text}");
    }
    press(&mut app, "K");
    assert!(shows(&app, 80, 24).contains("Ask cccccc/clip-1 to save a checkpoint"));
    press(&mut app, "n a");
    assert!(shows(&app, 80, 24).contains("[after cccccc/clip-1]"));
    press(&mut app, "esc down 7");
    assert!(shows(&app, 80, 24).contains("log of bbbbbb/clip-1"));
    let mut ended = entry(night, 5);
    ended.row.state = RunStatus::Done;
    app.update(Msg::News(News::Run(Box::new(ended))));
    assert!(shows(&app, 80, 24).contains("bbbbbb/clip-1 done"));
}

#[test]
fn a_paused_run_continues_and_one_that_has_ended_is_resumed() {
    let mut app = app();
    let mut run = entry(RUN, 5);
    run.row.state = RunStatus::Paused;
    app.update(Msg::News(News::Run(Box::new(run.clone()))));
    press(&mut app, "P");
    assert!(shows(&app, 80, 24).contains("Let simcse-1 continue?"));
    run.row.state = RunStatus::Stopped;
    run.reason = Some("stop".to_owned());
    app.update(Msg::News(News::Run(Box::new(run.clone()))));
    press(&mut app, "n");
    let text = shows(&app, 80, 24);
    assert!(text.contains("stopped  on request: stop; R resumes from its newest"), "{text}");
    press(&mut app, "R");
    assert!(shows(&app, 80, 24).contains("Resume simcse-1 from its newest checkpoint"));
    run.reason = Some("SIGTERM".to_owned());
    app.update(Msg::News(News::Run(Box::new(run))));
    assert!(shows(&app, 80, 24).contains("on request: SIGTERM; R resumes"));
}

#[test]
fn a_list_longer_than_the_screen_says_how_many_runs_are_above_and_below() {
    let mut app = app();
    for at in 1..=20 {
        let name = format!("20261124-100000-night-bbbbbb/simcse-{at}");
        app.update(Msg::News(News::Run(Box::new(entry(&name, at)))));
    }
    let text = shows(&app, 80, 24);
    assert!(text.contains("6 below, 20 of 20 runs") && !text.contains("above"), "{text}");
    press(&mut app, "G");
    let text = shows(&app, 80, 24);
    assert!(text.contains("6 above, 20 of 20 runs") && !text.contains("below"), "{text}");
    press(&mut app, "k k k k k k k k k");
    assert!(shows(&app, 80, 24).contains("3 above, 3 below, 20 of 20 runs"));
    assert!(!shows(&app, 120, 40).contains("below"));
}

#[test]
fn the_device_has_a_column_and_the_share_is_whole_beside_a_long_recipe() {
    let mut app = app();
    let mut run = entry(RUN, 5);
    (run.row.recipe, run.share) = ("smollm2-captions-with-a-long-name-indeed".to_owned(), 1.0);
    run.device = "cuda:3".to_owned();
    app.update(Msg::News(News::Run(Box::new(run))));
    for (width, height) in [(60, 24), (80, 24), (120, 40)] {
        let text = shows(&app, width, height);
        assert!(text.contains("100 %"), "{text}");
        assert_eq!(text.lines().nth(2).unwrap().contains("cuda:3"), width >= 80, "{text}");
    }
}
