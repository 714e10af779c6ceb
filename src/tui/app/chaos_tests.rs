//! Random keys, clicks, wheels, pastes, sizes and news on workbenches that are full of data: an odd run
//! with two segments and wild numbers, committed sessions with results and neighbours, a reel, answers.
//! What the model asks for is done at once, as the worker would; what may fail does so every other time.

use super::tests::app;
use super::*;
use crate::eval::CompareDocument;
use crate::ids::SessionId;
use crate::session::RunStatus;
use crate::session::follow::logs_in;
use crate::tui::data::joining::JoinPart;
use crate::tui::data::library::{LoadedResult, MachineSample, OpenRun};
use crate::tui::data::looked::LookShown;
use crate::tui::data::looked::tests::document;
use crate::tui::data::reel::{Reel, ReelOrder};
use crate::tui::keys::TABLE;
use crate::tui::msg::News;
use crate::tui::worker::reel::Playing;
use crate::tui::worker::{joining, make_pictures, read_once, results};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const ODD: &str = "20261124-200000-odd-bbbbbb";
const TOUR: &str = "20261128-212300-tour-2d3428";
const SEEDS: &str = "20261124-161501-smollm2-6d9c7c";

/// A log of its own kind: numbers at the ends of what floats are, steps that were skipped, lines that
/// are no records, a crash, and a second segment from an earlier checkpoint.
fn odd_log(segment: u32) -> String {
    let resumed = json!({"stage": "clip", "index": 0, "step": 20, "path": "x", "digest": null});
    let mut started = json!({"event": "run_started", "run": "odd-1", "segment": segment,
        "recipe": {"name": "odd", "stages": [{"name": "clip", "objective": "clip", "steps": 90}]},
        "stages": [{"stage": "clip", "objective": "clip", "steps": 90}],
        "program_version": "0.1.0", "host": "a\u{1b}[2Jb", "pid": 1, "device": "cpu", "threads": 1,
        "seed": u64::MAX});
    let from = if segment == 1 { 0 } else { 20 };
    if segment > 1 {
        started["resumed_from"] = resumed;
    }
    let mut bodies = vec![
        started,
        json!({"event": "stage_started", "stage": "clip", "index": 0, "stages": 1, "objective": "clip",
            "steps": 90, "from_step": from, "trainable_parameters": 1, "frozen_parameters": 0}),
    ];
    let wild = [1e308, -1e308, 5e-324, 0.0, -0.0, 2.5, f64::MAX, 1e-30];
    for step in from + 1..=60 {
        let loss = wild[step as usize % wild.len()];
        bodies.push(json!({"event": "step_finished", "stage": "clip", "step": step, "epoch": step / 7,
            "loss": loss, "learning_rate": loss.abs(), "gradient_norm": {"all": loss, "\u{202e}": 0.0},
            "clipped": step % 3 == 0, "logit_scale": loss, "tokens_per_second": 0.0,
            "milliseconds": {"data": 0.0, "forward": loss, "backward": 1.0, "optimizer": 0.0},
            "memory_bytes": u64::MAX}));
        match step % 10 {
            3 => bodies.push(json!({"event": "step_skipped", "stage": "clip", "step": step + 1,
                "what": "loss NaN", "items": ["a\u{1b}"], "learning_rate_factor": 0.5})),
            5 => bodies
                .push(json!({"event": "validated", "stage": "clip", "step": step, "loss": loss,
                "metrics": {"recall@1": loss, "": 0.0}, "seconds": 0.0, "best": step == 15})),
            6 => bodies.push(json!({"event": "step_finished", "stage": "clip", "loss": null})),
            7 => bodies.push(json!({"event": "of_another_time", "NaN": "NaN"})),
            8 => bodies.push(json!({"event": "warned", "what": "wide 얼굴 👩‍🚀 \u{7} words"})),
            _ => {}
        }
    }
    bodies.push(
        json!({"event": "diverged", "stage": "clip", "step": 61, "what": "loss NaN", "items": []}),
    );
    if segment > 1 {
        bodies.push(
            json!({"event": "run_finished", "state": "failed", "reason": "it diverged\u{1b}[31m",
            "seconds": 1e308}),
        );
    }
    let mut log = json!({"format": "llm2clip.log/1", "log": "run", "session": ODD, "run": "odd-1",
        "segment": segment, "time": "2026-11-24T20:00:00Z", "program_version": "0.1.0"})
    .to_string();
    for (seq, mut body) in (1..).zip(bodies) {
        body["seq"] = json!(seq);
        // The clock of the machine was set back between the segments.
        let minute = if segment == 1 { 30 } else { 5 } + seq / 60;
        body["time"] = json!(format!("2026-11-24T20:{minute:02}:{:02}Z", seq % 60));
        log.push('\n');
        log.push_str(&body.to_string());
    }
    // Both segments end in the middle of a line.
    log + "\n{\"seq\":9"
}

/// What a recipe will take, as this program tells it.
fn estimate(recipe: &str) -> Value {
    let stage = json!({"stage": "clip", "total": 292_000_000, "parameters": 1, "moments": 1,
        "gradients": 1, "activations": 1, "batch": 1});
    json!({"format": "llm2clip.estimate/1", "recipe": recipe, "device": "cpu",
        "why": "no GPU is\u{1b}[2J here", "host": "here", "threads": 2, "free": 3_000_000_000_u64,
        "stages": [stage], "problem": null,
        "times": [{"stage": "clip", "steps": 400, "step_seconds": 1e30, "run": "x\u{1b}/y"}]})
}

/// A table, or why there is none.
type Joined = Result<Box<CompareDocument>, String>;

/// Everything a worker would tell, read once.
struct World {
    folder: tempfile::TempDir,
    news: Vec<News>,
    open: BTreeMap<RunId, OpenRun>,
    results: BTreeMap<SessionId, Vec<LoadedResult>>,
    inspected: Value,
    runs: Vec<RunId>,
    /// Tables that were joined: each takes a while.
    joined: RefCell<Vec<(Vec<JoinPart>, Joined)>>,
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        // What this machine has made beside it does not belong to the session.
        if entry.file_name().to_string_lossy().starts_with("ui-") {
            continue;
        }
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}

impl World {
    fn read() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sessions = folder.path();
        let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("sessions");
        for name in [TOUR, SEEDS] {
            copy(&committed.join(name), &sessions.join(name));
        }
        let odd = sessions.join(ODD);
        copy(&committed.join(TOUR).join("results"), &odd.join("results"));
        fs::copy(committed.join(TOUR).join("session.json"), odd.join("session.json")).unwrap();
        for segment in [1, 2] {
            fs::write(odd.join(format!("odd-1.{segment}.jsonl")), odd_log(segment)).unwrap();
        }
        fs::write(odd.join("results/caption-3.json"), "{\"format\":").unwrap();
        // Two results that may share one table.
        for ending in ["json", "neighbours.safetensors"] {
            let name = |id: &str| odd.join("results").join(format!("{id}.{ending}"));
            fs::copy(name("caption-1"), name("caption-4")).unwrap();
        }
        let mut runs = Vec::new();
        for session in [ODD, TOUR, SEEDS] {
            let names = logs_in(&sessions.join(session)).unwrap().into_keys();
            runs.extend(names.map(|run| RunId { session: session.parse().unwrap(), run }));
        }
        let now = "2026-11-25T08:00:00Z".parse().unwrap();
        let (mut news, mut open) = (Vec::new(), BTreeMap::new());
        for one in read_once(sessions, &runs.iter().cloned().collect(), now) {
            match one {
                News::Open(run, known) => drop(open.insert(run, *known)),
                News::Results(..) => {}
                one => news.push(one),
            }
        }
        let read = |name: &str| (name.parse().unwrap(), results::read(&sessions.join(name)));
        let results = [ODD, TOUR, SEEDS].into_iter().map(read).collect();
        let inspected = fs::read(sessions.join(TOUR).join("results/inspect-1.json")).unwrap();
        let inspected = serde_json::from_slice(&inspected).unwrap();
        Self { folder, news, open, results, inspected, runs, joined: RefCell::default() }
    }

    fn join(&self, parts: &[JoinPart]) -> Joined {
        let known = self.joined.borrow().iter().find(|(known, _)| known == parts).cloned();
        if let Some((_, known)) = known {
            return known;
        }
        let made = joining::join(self.folder.path(), parts);
        self.joined.borrow_mut().push((parts.to_vec(), made.clone()));
        made
    }

    /// Something nobody expects now.
    fn odd_news(&self, which: usize) -> News {
        let run = self.runs[which % self.runs.len()].clone();
        let known = self.news.iter().find_map(|one| match one {
            News::Run(entry) if entry.id == run => Some(entry.clone()),
            _ => None,
        });
        match which % 9 {
            0 => News::Gone(run),
            1 => News::Unanswered(vec!["typed-1".to_owned()], "gone\u{1b}[2J".to_owned()),
            2 => News::Failed("no\u{7} such\nplace".to_owned()),
            3 => News::Printed("x\u{1b}]0;y\u{7}".repeat(40)),
            4 => News::Reel(None),
            5 => News::Sessions(Vec::new()),
            6 => News::Results(run.session, Vec::new()),
            7 => News::Machine(Box::new(MachineSample {
                cores: vec![f64::NAN, -1.0, 7.0],
                memory: (5, 0),
                disks: vec![("/\u{1b}".to_owned(), 9, 0)],
                ..MachineSample::default()
            })),
            _ => match known {
                Some(mut entry) => {
                    entry.row.state =
                        [RunStatus::Live, RunStatus::Unknown, RunStatus::Paused][which / 9 % 3];
                    entry.row.eta_s = Some(f64::MAX);
                    entry.spark = vec![Some(f64::NAN), Some(f64::INFINITY), None];
                    News::Run(entry)
                }
                None => News::Scanned,
            },
        }
    }
}

/// A workbench, and what plays on its Replay screen.
struct Bench<'a> {
    world: &'a World,
    app: App,
    playing: Option<Playing>,
    size: (u16, u16),
    /// Whether the next answer of what may fail is a good one.
    well: bool,
}

impl<'a> Bench<'a> {
    fn open(world: &'a World, run: usize, screen: usize, well: bool) -> Self {
        let mut bench = Self { world, app: app(), playing: None, size: (80, 24), well };
        bench.app.shared.now = "2026-11-25T08:00:00Z".parse().unwrap();
        for one in &world.news {
            bench.update(Msg::News(one.clone()));
        }
        bench.update(Msg::News(News::Scanned));
        bench.app.watch(world.runs[run % world.runs.len()].clone());
        let digit = char::from(b'1' + (screen % ScreenId::ALL.len()) as u8);
        bench.update(Msg::Key(Key::plain(KeyCode::Char(digit))));
        bench
    }

    /// Takes a message in, and does what is asked for.
    fn update(&mut self, msg: Msg) {
        if let Msg::Resize { width, height } = msg {
            self.size = (width, height);
        }
        let mut commands = self.app.update(msg);
        // A model that always asks is not waited for.
        for _ in 0..8 {
            let told: Vec<News> = commands.into_iter().flat_map(|one| self.obey(one)).collect();
            commands = told.into_iter().flat_map(|news| self.app.update(Msg::News(news))).collect();
        }
    }

    fn obey(&mut self, command: Cmd) -> Vec<News> {
        let Cmd::Work(work) = command else { return Vec::new() };
        match work {
            Work::Watch(runs) => {
                let open = |run: RunId| {
                    let known = Box::new(self.world.open.get(&run)?.clone());
                    Some(News::Open(run, known))
                };
                runs.into_iter().filter_map(open).collect()
            }
            Work::Results(session) => {
                let known = self.world.results.get(&session).cloned().unwrap_or_default();
                vec![News::Results(session, known)]
            }
            Work::Reel(order) => vec![News::Reel(self.reel(&order))],
            Work::Pictures(session, keys, graphics, cell) => {
                let keys = keys.into_iter().take(2).collect();
                make_pictures(
                    self.world.folder.path(),
                    &Work::Pictures(session, keys, graphics, cell),
                )
            }
            Work::Ask { question, .. } => {
                let mut answer = self.world.inspected.clone();
                answer["id"] = question["id"].clone();
                vec![News::Answered(answer)]
            }
            Work::Job(id, _) => vec![
                News::JobSaid(id, "half\u{1b}[2J".to_owned()),
                News::JobEnded(id, Err("no\nroom".to_owned())),
            ],
            Work::Look(id, _) => {
                let good = || LookShown::read(document(b"png")).unwrap().0;
                let bad = "it has no\u{1b}[2J weights".to_owned();
                let answer = if self.goes_well() { Ok(Box::new(good())) } else { Err(bad) };
                vec![News::Looked(id, answer)]
            }
            Work::Launch { what, .. } => vec![News::Said(what)],
            Work::Send(run, command) => vec![News::Sent { run, command, id: "1".to_owned() }],
            Work::Estimate(asked) => {
                let good = || serde_json::from_value(estimate(&asked[1])).unwrap();
                let bad = "no such\u{1b}[2J data".to_owned();
                let answer = if self.goes_well() { Ok(Box::new(good())) } else { Err(bad) };
                vec![News::Estimated(asked, answer)]
            }
            Work::Join(parts) => {
                let bad = "no such\u{1b}[2J result".to_owned();
                let table = if self.goes_well() { self.world.join(&parts) } else { Err(bad) };
                vec![News::Joined(parts, table)]
            }
            Work::Sample(_)
            | Work::Record(..)
            | Work::Begin(_)
            | Work::Theme(_)
            | Work::Forget(_) => Vec::new(),
        }
    }

    /// Whether this answer is a good one.
    fn goes_well(&mut self) -> bool {
        let well = self.well;
        self.well = !well;
        well
    }

    fn reel(&mut self, order: &ReelOrder) -> Option<Box<Reel>> {
        match order {
            ReelOrder::Close => self.playing = None,
            ReelOrder::Open(session) => {
                self.playing = Playing::open(self.world.folder.path(), session).ok();
            }
            order => {
                if let Some(playing) = &mut self.playing {
                    // What it cannot do it refuses.
                    let _ = playing.obey(order);
                }
            }
        }
        self.playing.as_mut().map(|playing| Box::new(playing.picture()))
    }

    /// Draws the screen, here as its signs; what would steer a terminal is in no cell.
    fn draw(&self) -> String {
        let area = Rect::new(0, 0, self.size.0, self.size.1);
        let mut buffer = Buffer::empty(area);
        self.app.view(area, &mut buffer);
        for cell in buffer.content() {
            assert!(!cell.symbol().chars().any(crate::shown::steers), "{:?}", cell.symbol());
        }
        buffer.content().iter().map(ratatui::buffer::Cell::symbol).collect()
    }
}

fn key() -> impl Strategy<Value = Msg> {
    let mut all: Vec<Key> = TABLE.iter().flat_map(super::super::keys::Entry::keys).collect();
    all.extend("abcxyz:/ 0<>=-,@#é".chars().map(|c| Key::plain(KeyCode::Char(c))));
    prop::sample::select(all).prop_map(Msg::Key)
}

fn paste() -> impl Strategy<Value = Msg> {
    let texts = [
        "a red kite",
        "a cat, a dog",
        "mine.png",
        "recipe:clip state:done",
        "\u{1b}[2J\u{202e}\r\n\t\0",
        "얼굴 👩‍🚀 e\u{301}",
        "-1",
        "",
    ];
    prop::sample::select(texts.to_vec()).prop_map(|text| Msg::Paste(text.to_owned()))
}

#[derive(Clone, Debug)]
enum Step {
    Msg(Msg),
    /// Odd news, which.
    News(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![30 => message().prop_map(Step::Msg), 1 => (0usize..1000).prop_map(Step::News)]
}

fn message() -> impl Strategy<Value = Msg> {
    let place = || (0u16..200, 0u16..60);
    let way = prop::sample::select(vec![
        Graphics::Off,
        Graphics::Halfblocks,
        Graphics::Kitty,
        Graphics::Sixel,
    ]);
    prop_oneof![
        30 => key(),
        4 => place().prop_map(|(column, row)| Msg::Click { column, row }),
        3 => (place(), any::<i8>()).prop_map(|((column, row), lines)| Msg::Wheel { column, row, lines }),
        3 => paste(),
        3 => (0u16..160, 0u16..55).prop_map(|(width, height)| Msg::Resize { width, height }),
        1 => way.prop_map(|graphics| Msg::Graphics { graphics, cell: (8, 16) }),
        1 => (0i64..4_000_000_000_000).prop_map(|at| Msg::Time(Time::from_millis(at).unwrap())),
    ]
}

#[test]
fn the_world_has_what_it_is_to_have() {
    let world = World::read();
    let odd = &world.open[&world.runs[0]];
    assert_eq!(odd.status, RunStatus::Failed);
    assert!(odd.oddities != crate::session::tail::Oddities::default());
    assert_eq!(odd.state.started.as_ref().map(|start| start.segment), Some(2));
    let sets = |session: &str| {
        let results = &world.results[&session.parse::<SessionId>().unwrap()];
        (results.len(), results.iter().filter(|result| result.content.is_err()).count())
    };
    assert_eq!((sets(ODD), sets(SEEDS)), ((8, 1), (1, 0)));
    let mut bench = Bench::open(&world, 1, 3, true);
    assert_eq!(bench.app.screen(), ScreenId::Inspect);
    for key in ['d', 'd', 'd', 'A', 'k'] {
        bench.update(Msg::Key(Key::plain(KeyCode::Char(key))));
    }
    bench.update(Msg::Key(Key::plain(KeyCode::Enter)));
    assert!(bench.app.shared.asked.iter().any(|asked| asked.document().is_some()));
    bench.update(Msg::Key(Key::plain(KeyCode::Char('5'))));
    assert!(bench.app.shared.library.reel.as_ref().is_some_and(|reel| !reel.runs.is_empty()));
}

#[test]
fn what_may_fail_is_answered_well_and_badly_and_drawn_both_ways() {
    let world = World::read();
    for well in [true, false] {
        // The odd run's results: two of them may share one table.
        let mut bench = Bench::open(&world, 0, 2, well);
        bench.update(Msg::Resize { width: 120, height: 50 });
        let mut does = |keys: &str| {
            bench.well = well;
            for key in keys.split(' ') {
                bench.update(Msg::Key(Key::parse(key).unwrap()));
            }
            bench.draw()
        };
        let table = does("J");
        assert_eq!(table.contains("caption-1 + caption-4"), well, "{table}");
        assert_eq!(table.contains("no such\\u{1b}[2J result"), !well, "{table}");
        let look = does("e ctrl-u a enter");
        assert_eq!(look.contains("tokens, pooled by"), well, "{look}");
        assert_eq!(look.contains("it has no\\u{1b}[2J weights"), !well, "{look}");
        let form = does("esc 1 n");
        assert_eq!(form.contains("no GPU is\\u{1b}[2J here"), well, "{form}");
        assert_eq!(form.contains("no such\\u{1b}[2J data"), !well, "{form}");
    }
}

#[test]
fn nothing_that_happens_to_a_full_workbench_panics() {
    let world = World::read();
    let config = ProptestConfig {
        cases: 64,
        failure_persistence: None,
        max_shrink_iters: 200,
        ..ProptestConfig::default()
    };
    let days = (0usize..5, 0usize..7, any::<bool>(), prop::collection::vec(step(), 1..60));
    let day = |(run, screen, well, steps): (usize, usize, bool, Vec<Step>)| {
        let mut bench = Bench::open(&world, run, screen, well);
        bench.draw();
        for step in steps {
            match step {
                Step::Msg(msg) => bench.update(msg),
                Step::News(which) => bench.update(Msg::News(world.odd_news(which))),
            }
            bench.draw();
        }
        Ok(())
    };
    let ran = TestRunner::new(config).run(&days, day);
    assert!(ran.is_ok(), "{}", ran.unwrap_err());
}
