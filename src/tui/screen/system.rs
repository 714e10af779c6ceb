//! System: the machine, its disks, and the runners at work on it.
//!
//! | file | holds |
//! |---|---|
//! | `history.rs` | what the machine of the chosen run did meanwhile |
//! | `runner.rs` | a run with its process and its lock, on one line |

mod history;
mod runner;

use super::{Screen, commands};
use crate::session::RunStatus;
use crate::session::names::RunId;
use crate::tui::app::{Effect, Shared};
use crate::tui::data::library::{MachineSample, OpenRun, RunEntry};
use crate::tui::format;
use crate::tui::keys::Action;
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::cut;
use crate::tui::widget::list::Cursor;
use crate::tui::widget::paint::{pieces, put, section, top};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::{Map, Value};

/// The screen.
#[derive(Debug, Default)]
pub struct SystemScreen {
    cursor: Cursor,
    /// The run under the cursor, which stays there when others come and go.
    on: Option<RunId>,
    /// Whether it shows how things were, as they were recorded.
    past: bool,
}

impl SystemScreen {
    /// The run under the cursor: its machine is shown.
    #[must_use]
    pub fn looks_at(&self) -> Option<&RunId> {
        self.on.as_ref()
    }
}

/// The runs a runner works for, and the one in focus: its lock and its process are known too.
fn listed(shared: &Shared) -> Vec<&RunEntry> {
    let focus = shared.focus.as_ref().and_then(|run| shared.library.run(run));
    let over = focus.filter(|run| !run.row.state.has_runner());
    shared.library.live().chain(over).collect()
}

impl Screen for SystemScreen {
    fn act(&mut self, action: Action, shared: &Shared) -> Vec<Effect> {
        let live: Vec<_> = listed(shared).into_iter().map(|run| run.id.clone()).collect();
        if self.cursor.act(action, live.len()) {
            self.on = live.get(self.cursor.at).cloned();
            return Vec::new();
        }
        let selected = live.get(self.cursor.at).cloned();
        match action {
            Action::Checkpoint | Action::Pause | Action::Stop | Action::Resume => {
                selected.map(|run| Effect::Command(run, action)).into_iter().collect()
            }
            Action::Open => selected.map_or_else(Vec::new, |run| {
                vec![Effect::Focus(run), Effect::Go(super::ScreenId::Train)]
            }),
            _ => Vec::new(),
        }
    }

    fn looked_at(&self, shared: &Shared) -> Map<String, Value> {
        let mut with = Map::new();
        if let Some(run) = listed(shared).get(self.cursor.at) {
            with.insert("selected".to_owned(), run.id.to_string().into());
        }
        with
    }

    fn restore(&mut self, with: &Map<String, Value>, shared: &Shared) {
        let selected = with.get("selected").and_then(Value::as_str);
        let is_selected = |run: &&RunEntry| Some(run.id.to_string().as_str()) == selected;
        let in_focus = |run: &&RunEntry| Some(&run.id) == shared.focus.as_ref();
        let listed = listed(shared);
        let at = listed.iter().position(is_selected);
        let at = at.or_else(|| listed.iter().position(in_focus)).unwrap_or(0);
        *self = Self { cursor: Cursor { at }, on: None, past: true };
    }

    fn entered(&mut self, shared: &Shared) -> Vec<Effect> {
        self.on.clone_from(&shared.focus);
        self.refresh(shared);
        Vec::new()
    }

    fn refresh(&mut self, shared: &Shared) {
        let listed = listed(shared);
        let on = self.on.as_ref();
        let kept = on.and_then(|on| listed.iter().position(|run| run.id == *on));
        self.cursor.at = kept.unwrap_or(self.cursor.at).min(listed.len().saturating_sub(1));
        self.on = listed.get(self.cursor.at).map(|run| run.id.clone());
    }

    fn view(&self, shared: &Shared, area: Rect, buffer: &mut Buffer) {
        let Some(sample) = shared.library.machine.back() else {
            put(
                buffer,
                area,
                area.x + 2,
                area.y + 1,
                "Looking at the machine...",
                shared.theme.style(Role::Dim),
            );
            return;
        };
        let gauges = gauges(sample);
        let cores = gauges.len().div_ceil(2).clamp(1, 8) as u16;
        let (machine, rest) = top(area, cores + 3 + 2 * sample.gpus.len().min(4) as u16);
        let title = format!(
            "{} {} {}",
            text::safe(&sample.host),
            shared.glyphs.dot(),
            text::safe(&sample.processor)
        );
        let note = match sample.time {
            Some(time) if self.past => {
                format!("sampled {} UTC", format::moment(time, shared.now))
            }
            Some(time) => format!("{} UTC", format::clock_seconds(time)),
            None => String::new(),
        };
        let inner = section(shared, buffer, machine, &title, &note);
        let half = inner.width / 2;
        if gauges.is_empty() && self.past {
            let words = "not sampled yet";
            put(buffer, inner, inner.x + 1, inner.y, words, shared.theme.style(Role::Dim));
        }
        for (at, (name, share)) in gauges.iter().enumerate().take(usize::from(cores) * 2) {
            let place = Rect {
                x: inner.x + (at as u16 % 2) * half,
                y: inner.y + at as u16 / 2,
                width: half,
                height: 1,
            }
            .intersection(inner);
            let share = if sample.first { 0.0 } else { *share };
            let bar = shared.glyphs.gauge(share, usize::from(half.saturating_sub(18)));
            let percent = if sample.first {
                format!(" {:>3}", shared.glyphs.none())
            } else {
                format!(" {:>3.0} %", share * 100.0)
            };
            pieces(
                shared,
                buffer,
                place,
                place.x + 1,
                place.y,
                &[
                    (Role::Dim, &format!("{name:<8} ")),
                    (Role::Curve(0), &bar),
                    (Role::Text, &percent),
                ],
            );
        }
        let mut y = inner.y + cores;
        let (used, total) = sample.memory;
        let mut x = inner.x;
        if total > 0 {
            let bar = shared
                .glyphs
                .gauge(used as f64 / total as f64, usize::from(half.saturating_sub(18)));
            x = pieces(
                shared,
                buffer,
                inner,
                inner.x + 1,
                y,
                &[
                    (Role::Dim, "memory   "),
                    (Role::Curve(1), &bar),
                    (Role::Text, &format!(" {} of {}", format::bytes(used), format::bytes(total))),
                ],
            );
        }
        // That there is none is known too.
        if sample.gpus.is_empty() && !gauges.is_empty() {
            let words = if self.past { "none sampled" } else { "none found" };
            let parts = [(Role::Dim, "gpu  "), (Role::Text, words)];
            pieces(shared, buffer, inner, (x + 3).max(inner.x + half + 1), y, &parts);
        }
        y += 1;
        for (at, gpu) in sample.gpus.iter().enumerate().take(4) {
            let bar = shared
                .glyphs
                .gauge(gpu.utilisation.unwrap_or(0.0), usize::from(half.saturating_sub(18)));
            let percent = gpu
                .utilisation
                .map_or_else(String::new, |share| format!(" {:>3.0} %", share * 100.0));
            pieces(
                shared,
                buffer,
                inner,
                inner.x + 1,
                y,
                &[
                    (Role::Dim, &format!("gpu {at:<4} ")),
                    (Role::Curve(2), &bar),
                    (Role::Text, &percent),
                ],
            );
            let mut about = vec![text::safe(&gpu.name)];
            about.extend(gpu.memory.map(|(used, total)| {
                format!("{} of {}", format::bytes(used), format::bytes(total))
            }));
            about.extend(gpu.watts.map(|watts| format!("{watts:.0} W")));
            about.extend(gpu.celsius.map(|degrees| format!("{degrees:.0} C")));
            let about = about.join("  ");
            cut::words(shared, buffer, inner, (inner.x + 10, y + 1), (Role::Dim, &about));
            y += 2;
        }
        let (disks, rest) = top(rest, sample.disks.len() as u16 + 2);
        let inner = section(shared, buffer, disks, "disk", "");
        let need = next_checkpoint(shared);
        for (at, (name, free, all)) in sample.disks.iter().enumerate() {
            let used = if *all > 0 { 1.0 - *free as f64 / *all as f64 } else { 0.0 };
            let of = if *all > 0 { format!(" of {}", format::bytes(*all)) } else { String::new() };
            let mut words = format!(" {} free{of}", format::bytes(*free));
            let mut role = Role::Text;
            if name == "checkpoints" && need > 0 {
                words.push_str(&format!("; next checkpoint {}", format::bytes(need)));
                if *free < 2 * need {
                    role = Role::Bad;
                    words.push_str(": no room for two");
                }
            }
            // The numbers matter more than the bar.
            let left = usize::from(inner.width).saturating_sub(14 + text::width(&words));
            let cells = left.min(usize::from(half.saturating_sub(22)));
            let bar = if *all > 0 { shared.glyphs.gauge(used, cells) } else { String::new() };
            let name = format!("{name:<12} ");
            let parts = [
                (Role::Dim, name.as_str()),
                (Role::Curve(3), bar.as_str()),
                (role, words.as_str()),
            ];
            cut::pieces(shared, buffer, inner, (inner.x + 1, inner.y + at as u16), &parts);
        }
        let runs = listed(shared);
        let rest = history::draw(shared, runs.get(self.cursor.at).copied(), rest, buffer);
        let sent = if self.past {
            String::new()
        } else {
            format!("{} sent to this terminal", format::bytes(shared.sent))
        };
        let inner = section(shared, buffer, rest, "runners", &sent);
        if runs.is_empty() {
            put(buffer, inner, inner.x + 1, inner.y, "none at work", shared.theme.style(Role::Dim));
        }
        let height = usize::from(inner.height);
        let first = self.cursor.first(runs.len(), height);
        for (at, run) in runs.iter().enumerate().skip(first).take(height) {
            let chosen = at == self.cursor.at;
            runner::draw(shared, run, chosen, inner, inner.y + (at - first) as u16, buffer);
        }
    }

    fn commanded(&self, shared: &Shared) -> Option<RunStatus> {
        listed(shared).get(self.cursor.at).map(|run| run.row.state)
    }

    fn hints(&self, shared: &Shared) -> Vec<Action> {
        let status = self.commanded(shared);
        let open = status.map(|_| Action::Open);
        let may = status.filter(|_| !shared.readonly);
        open.into_iter().chain(commands(may).iter().copied()).collect()
    }
}

/// What stands on the bars of the processor: each core, or all and the busiest where nothing else is
/// kept.
fn gauges(sample: &MachineSample) -> Vec<(String, f64)> {
    let core = |(at, share): (usize, &f64)| (format!("core {at}"), *share);
    let together = sample.load.map(|load| {
        [(format!("{} cores", load.cores), load.used), ("busiest".to_owned(), load.busiest)]
    });
    sample.cores.iter().enumerate().map(core).chain(together.into_iter().flatten()).collect()
}

/// What the next checkpoint will take: as much as the newest of the runs at work and of those looked at.
fn next_checkpoint(shared: &Shared) -> u64 {
    let newest = |run: &OpenRun| {
        let saved = run.state.stages.iter().rev().find_map(|stage| stage.checkpoints.last());
        saved.map(|saved| saved.bytes)
    };
    let looked_at = shared.library.open.values().filter_map(newest);
    listed(shared).into_iter().map(|run| run.checkpoint).chain(looked_at).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use crate::session::names::RunId;
    use crate::session::state::LogLock;
    use crate::session::{RunStatus, Time};
    use crate::tui::app::tests::{app, entry, press, shows};
    use crate::tui::data::library::{MachineSample, RunEntry};
    use crate::tui::msg::{Cmd, Msg, News, Work};

    const NIGHT: &str = "20261124-100000-night-bbbbbb/simcse-1";

    #[test]
    fn a_small_terminal_shows_each_runs_process_lock_and_queue() {
        let mut app = app();
        let mut after = entry("20261124-100000-night-bbbbbb/clip-12", 2);
        (after.row.state, after.row.eta_s) = (RunStatus::Queued, None);
        after.runner.after = Some(NIGHT.to_owned());
        let mut over = entry("20261124-100000-night-bbbbbb/llm2clip-3", 1);
        over.row.state = RunStatus::Crashed;
        over.runner.lock = Some(LogLock::Free);
        app.shared.focus = Some(over.id.clone());
        for run in [entry(NIGHT, 5), after, over] {
            app.update(Msg::News(News::Run(Box::new(run))));
        }
        app.update(Msg::Time(Time::from_millis(345_000).unwrap()));
        press(&mut app, "6");
        let sample = MachineSample {
            host: "here".to_owned(),
            cores: vec![0.5; 2],
            memory: (1, 4),
            disks: vec![("checkpoints".to_owned(), 12_000_000_000, 100_000_000_000)],
            ..MachineSample::default()
        };
        app.update(Msg::News(News::Machine(Box::new(sample))));
        let text = shows(&app, 80, 24);
        let line = |name: &str| text.lines().find(|line| line.contains(name)).unwrap().to_owned();
        let live = line("simcse-1 pid");
        assert!(live.starts_with(" ● live    "), "{text}");
        assert!(live.contains("pid 4242    lock held") && live.contains("75 s left, silent 15 s"));
        assert!(line("clip-12 ").contains("lock held after simcse-1, "), "{text}");
        let over = line("llm2clip-3 ");
        assert!(
            over.starts_with("▌✗ crashed ") && over.contains("lock free cpu on here"),
            "{text}"
        );
        assert!(line("12 GB free").contains("12 GB free of 100 GB"), "{text}");
        // What is no longer at work has no process to look for.
        assert!(over.contains("was 4242 ") && text.contains("gpu  none found"), "{text}");
    }

    #[test]
    fn what_a_run_waits_for_is_told_at_any_width() {
        let mut app = app();
        let mut waits = entry("20261124-100000-night-bbbbbb/clip-12", 2);
        (waits.row.state, waits.row.eta_s) = (RunStatus::Queued, None);
        waits.runner.after = Some("20261124-090000-day-aaaaaa/demo-1".to_owned());
        app.update(Msg::News(News::Run(Box::new(waits))));
        press(&mut app, "6");
        app.update(Msg::News(News::Machine(Box::default())));
        for width in [60, 72, 80, 120] {
            let text = shows(&app, width, 24);
            let line = text.lines().find(|line| line.contains("after ")).unwrap();
            assert!(line.contains("/demo-1"), "{text}");
        }
    }

    #[test]
    fn the_machine_shown_is_that_of_the_chosen_run_which_is_the_one_in_focus_at_first() {
        let mut app = app();
        for at in 1..=3 {
            let run = entry(&format!("20261124-100000-night-bbbbbb/clip-{at}"), at);
            app.update(Msg::News(News::Run(Box::new(run))));
        }
        let run = |at| entry(&format!("20261124-100000-night-bbbbbb/clip-{at}"), at).id;
        app.shared.focus = Some(run(1));
        app.update(Msg::News(News::Machine(Box::default())));
        press(&mut app, "6");
        let watches = |commands: &[Cmd], run: &RunId| {
            let of = |command: &Cmd| matches!(command, Cmd::Work(Work::Watch(runs)) if runs.contains(run));
            commands.iter().any(of)
        };
        let text = shows(&app, 100, 30);
        let chosen = text.lines().find(|line| line.starts_with('▌')).unwrap();
        assert!(chosen.contains("clip-1 "), "{text}");
        let asked = press(&mut app, "k");
        assert!(watches(&asked, &run(2)), "{asked:?}");
    }

    #[test]
    fn the_chosen_run_stays_chosen_when_a_newer_one_begins() {
        let mut app = app();
        let session = "20261124-100000-night-bbbbbb";
        for at in 1..=2 {
            let run = entry(&format!("{session}/clip-{at}"), at);
            app.shared.focus = Some(run.id.clone());
            app.update(Msg::News(News::Run(Box::new(run))));
        }
        press(&mut app, "6 g");
        app.update(Msg::News(News::Machine(Box::default())));
        let chosen = |app: &crate::tui::app::App| {
            let text = shows(app, 100, 30);
            text.lines().find(|line| line.starts_with('▌')).map(str::to_owned).unwrap()
        };
        assert!(chosen(&app).contains("clip-2 "));
        press(&mut app, "j");
        assert!(chosen(&app).contains("clip-1 "), "{}", chosen(&app));
        let newer = entry(&format!("{session}/clip-3"), 3);
        app.update(Msg::News(News::Run(Box::new(newer))));
        assert!(chosen(&app).contains("clip-1 "), "{}", chosen(&app));
        // It is over, and so no longer there.
        let mut over = entry(&format!("{session}/clip-1"), 1);
        over.row.state = RunStatus::Done;
        app.update(Msg::News(News::Run(Box::new(over))));
        assert!(!chosen(&app).contains("clip-1 "), "{}", chosen(&app));
    }

    #[test]
    fn what_the_cores_do_is_not_said_before_it_is_known() {
        let mut app = app();
        press(&mut app, "6");
        let look = |first| MachineSample { cores: vec![0.0; 2], first, ..MachineSample::default() };
        app.update(Msg::News(News::Machine(Box::new(look(true)))));
        let text = shows(&app, 80, 24);
        let line = text.lines().find(|line| line.contains("core 0")).unwrap();
        assert!(line.contains(" –") && !line.contains('%'), "{text}");
        app.update(Msg::News(News::Machine(Box::new(look(false)))));
        let text = shows(&app, 80, 24);
        assert!(text.lines().any(|line| line.contains("core 0") && line.contains("0 %")), "{text}");
    }

    #[test]
    fn what_the_next_checkpoint_takes_fits_beside_the_bar() {
        for (all, free) in [(100_000_000_000, 80_000_000_000), (990_000_000_000, 1_000_000)] {
            let mut app = app();
            // One at work that nobody looks at.
            let run = RunEntry { checkpoint: 67_000_000, ..entry(NIGHT, 5) };
            app.update(Msg::News(News::Run(Box::new(run))));
            press(&mut app, "6");
            let disks = vec![("checkpoints".to_owned(), free, all)];
            let sample = MachineSample { disks, ..MachineSample::default() };
            app.update(Msg::News(News::Machine(Box::new(sample))));
            let text = shows(&app, 80, 24);
            let line = text.lines().find(|line| line.contains("checkpoints")).unwrap();
            assert!(line.contains("; next checkpoint 67 MB"), "{text}");
            assert_eq!(line.contains("no room for two"), free < 134_000_000, "{text}");
            let narrow = shows(&app, 44, 24);
            let line = narrow.lines().find(|line| line.contains("checkpoints")).unwrap();
            assert!(line.trim_end().ends_with('…'), "{narrow}");
        }
    }
}
