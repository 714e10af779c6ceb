//! Which curves a chart of the Train screen holds, and what stands around them.

use super::TrainScreen;
use crate::session::Time;
use crate::session::fold::RunState;
use crate::session::names::RunId;
use crate::session::sitting::Place;
use crate::tui::app::Shared;
use crate::tui::data::alerts::Alert;
use crate::tui::data::curve::{Ruler, XKind};
use crate::tui::data::learning::candidates;
use crate::tui::data::library::OpenRun;
use crate::tui::widget::chart::{Chart, Curve, Mark, MarkKind, Reference, letter, single};

/// Measures in the order they matter; others follow by name.
const ORDER: [&str; 12] = [
    "loss",
    "validation/loss",
    "validation/recall@1",
    "gradient_norm/all",
    "learning_rate",
    "logit_scale",
    "contrast/positive",
    "contrast/hardest_negative",
    "contrast/uniformity",
    "contrast/effective_rank",
    "examples_per_second",
    "tokens_per_second",
];

/// Measures that the recipe or the model sets, step by step.
const EXACT: [&str; 2] = ["learning_rate", "logit_scale"];

/// The largest logit scale that training allows (CLIP clips its logarithm at ln 100).
const LOGIT_CEILING: f64 = 100.0;

/// The measures a run has, those that matter first.
pub fn measures(state: &RunState, only: Option<usize>) -> Vec<String> {
    let stages =
        state.stages.iter().enumerate().filter(|(at, _)| only.is_none_or(|only| only == *at));
    let mut names: Vec<String> = stages
        .flat_map(|(_, stage)| stage.tracks.keys().cloned())
        .filter(|name| name != "elapsed")
        .collect();
    names.sort_by_key(|name| {
        (ORDER.iter().position(|known| known == name).unwrap_or(ORDER.len()), name.clone())
    });
    names.dedup();
    names
}

/// The runs shown, the one in focus first, as far as they are read.
pub fn runs<'a>(screen: &'a TrainScreen, shared: &'a Shared) -> Vec<(&'a RunId, &'a OpenRun)> {
    let open = screen.open(shared);
    shared.shown().into_iter().filter_map(|id| Some((id, open.get(id)?))).collect()
}

/// Where a stage's own values begin: of one that was taken over from another run, and of one without
/// values, nowhere.
fn begins(state: &RunState, ruler: &Ruler<'_>, stage: usize) -> Option<f64> {
    let tracks = state.stages[stage].tracks("loss").iter();
    let first = tracks
        .filter_map(|track| track.series.buckets().first())
        .map(|bucket| bucket.first_step)
        .min()?;
    let before = first.saturating_sub(1);
    ruler.place(stage, None, before).or_else(|| ruler.place(stage, None, first))
}

/// All of the axis below: from the beginning to the newest value of the stages shown.
pub fn span(screen: &TrainScreen, runs: &[(&RunId, &OpenRun)]) -> (f64, f64) {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for (_, run) in runs {
        let ruler = Ruler::new(&run.state, screen.look.x, screen.stage);
        for stage in ruler.stages().filter(|at| run.state.stages[*at].step > 0) {
            let Some(first) = begins(&run.state, &ruler, stage) else { continue };
            let last = ruler.place(stage, None, furthest(&run.state, stage));
            for place in [first].into_iter().chain(last) {
                low = low.min(place);
                high = high.max(place);
            }
        }
    }
    if low.is_finite() && high > low { (low, high) } else { (0.0, 1.0) }
}

/// Where values begin, above 0: there a logarithmic axis begins, the same in all charts.
pub fn first(screen: &TrainScreen, runs: &[(&RunId, &OpenRun)]) -> f64 {
    let mut first = f64::INFINITY;
    for (_, run) in runs {
        let ruler = Ruler::new(&run.state, screen.look.x, screen.stage);
        for stage in ruler.stages().filter(|at| run.state.stages[*at].step > 0) {
            let tracks = run.state.stages[stage].tracks("loss").iter();
            let buckets = tracks.filter_map(|track| track.series.buckets().first());
            let step = buckets.map(|bucket| bucket.first_step).min().unwrap_or(1).max(1);
            let place = ruler.place(stage, None, step).filter(|place| *place > 0.0);
            first = place.map_or(first, |place| first.min(place));
        }
    }
    if first.is_finite() { first } else { 1.0 }
}

/// The furthest step a stage has reached in any segment.
fn furthest(state: &RunState, stage: usize) -> u64 {
    let stage = &state.stages[stage];
    let tracks = stage.tracks("loss").iter();
    let last = tracks
        .filter_map(|track| track.series.buckets().last())
        .map(|bucket| bucket.last_step)
        .max();
    last.unwrap_or(0).max(stage.step)
}

/// Where the newest value lies.
pub fn newest(screen: &TrainScreen, shared: &Shared) -> f64 {
    let window = screen.window(shared);
    let place = screen.run(shared).and_then(|(_, run)| {
        let ruler = Ruler::new(&run.state, screen.look.x, screen.stage);
        let stage = screen.stage.or(run.state.current)?;
        ruler.place(stage, None, run.state.stages.get(stage)?.step)
    });
    place.unwrap_or(window.1).clamp(window.0, window.1)
}

/// The step at a place of the axis below: the run's stage, and when it was made.
pub fn moment(screen: &TrainScreen, id: &RunId, run: &OpenRun, at: f64) -> Option<Place> {
    let ruler = Ruler::new(&run.state, screen.look.x, screen.stage);
    // Between two steps the crosshair stands at the nearest one.
    let at = if screen.look.x == XKind::Step { at.round() } else { at };
    let (stage, step) = ruler.step_at(at)?;
    let clock = Ruler::new(&run.state, XKind::Clock, None).place(stage, None, step)?;
    Some(Place {
        time: Time::from_millis((clock * 1000.0).round() as i64)?,
        run: Some(id.run.clone()),
        stage: Some(run.state.stages.get(stage)?.stage.clone()),
        step: Some(step),
    })
}

/// Whether a segment began again from before steps of an earlier one.
pub fn went_back(state: &RunState) -> bool {
    let mut tracks = state.stages.iter().flat_map(|stage| stage.tracks("loss"));
    tracks.any(|track| track.superseded_after.is_some())
}

/// Where an alert lies on the axis below.
pub fn place_of(screen: &TrainScreen, run: &OpenRun, alert: &Alert) -> Option<f64> {
    let (name, step) = alert.place.as_ref()?;
    let stage = run.state.stages.iter().position(|stage| stage.stage == *name)?;
    if screen.stage.is_some_and(|only| only != stage) {
        return None;
    }
    Ruler::new(&run.state, screen.look.x, screen.stage).place(stage, None, *step)
}

/// The chart of a measure.
pub fn chart(
    screen: &TrainScreen,
    shared: &Shared,
    runs: &[(&RunId, &OpenRun)],
    measure: &str,
) -> Chart {
    let mut chart = Chart {
        title: measure.to_owned(),
        legend: String::new(),
        curves: Vec::new(),
        marks: Vec::new(),
        references: Vec::new(),
        span: span(screen, runs),
        first: first(screen, runs),
    };
    for (number, (id, run)) in runs.iter().enumerate() {
        let ruler = Ruler::new(&run.state, screen.look.x, screen.stage);
        let gaps_of = |stage: usize| -> Vec<u64> {
            let name = &run.state.stages[stage].stage;
            let gaps = run.alerts.gaps.iter().filter(|gap| gap.0 == *name);
            let mut gaps: Vec<u64> = gaps.map(|gap| gap.1).collect();
            // Steps that were done again come again.
            gaps.sort_unstable();
            gaps.dedup();
            gaps
        };
        let curve = |measure: &str, name: String, number: usize, sparse: bool| {
            let pieces = ruler.pieces(measure, &gaps_of);
            let places = |stage: usize| {
                let ruler = &ruler;
                gaps_of(stage)
                    .into_iter()
                    .filter_map(move |gap| ruler.place(stage, None, gap))
                    .collect::<Vec<f64>>()
            };
            let gaps = if sparse { Vec::new() } else { ruler.stages().flat_map(places).collect() };
            let exact = EXACT.contains(&measure);
            Curve { name, number, pieces, sparse, exact, gaps }
        };
        let name = if runs.len() > 1 {
            format!("{} {}", letter(number), shared.library.name(id))
        } else {
            measure.to_owned()
        };
        let sparse = measure.starts_with("validation/");
        chart.curves.push(curve(measure, name, number, sparse));
        if measure == "loss" {
            let validation = curve("validation/loss", "validation".to_owned(), number + 1, true);
            if !validation.pieces.is_empty() && runs.len() == 1 {
                chart.curves.push(validation);
            }
        }
    }
    if let Some((_, run)) = runs.first() {
        surroundings(screen, run, measure, &mut chart);
    }
    if runs.len() > 1 {
        let names: Vec<String> = runs
            .iter()
            .enumerate()
            .map(|(at, (id, _))| {
                let sign = if measure.starts_with("validation/") && !shared.glyphs.ascii {
                    single(at, true, false)
                } else {
                    String::new()
                };
                format!("{sign}{} {}", letter(at), shared.library.name(id))
            })
            .collect();
        chart.legend = format!(": {}", names.join(", "));
    } else if chart.curves.len() > 1 {
        let sign = single(1, false, shared.glyphs.ascii);
        chart.legend = format!(", {sign} validation");
    }
    chart
}

/// Stages, resumptions, alerts and reference lines of the run in focus.
fn surroundings(screen: &TrainScreen, run: &OpenRun, measure: &str, chart: &mut Chart) {
    let state = &run.state;
    let ruler = Ruler::new(state, screen.look.x, screen.stage);
    let several = state.stages.len() > 1 && screen.stage.is_none();
    for stage in ruler.stages().filter(|at| state.stages[*at].step > 0) {
        if several && let Some(x) = begins(state, &ruler, stage) {
            let label = state.stages[stage].stage.to_string();
            chart.marks.push(Mark { x, label, kind: MarkKind::Stage });
        }
    }
    for segment in &state.segments {
        let Some(from) = &segment.resumed_from else { continue };
        let at = from.index as usize;
        if screen.stage.is_none_or(|only| only == at)
            && let Some(x) = ruler.place(at, None, from.step)
        {
            let forked = segment.segment == 1;
            let word = if forked { "forked" } else { "resumed" };
            let label = format!("{word} @{}", from.step);
            // A stage that begins just there has the same line.
            match chart.marks.iter_mut().find(|mark| mark.x == x) {
                Some(mark) => mark.label.push_str(&format!(", {label}")),
                None => chart.marks.push(Mark { x, label, kind: MarkKind::Resume }),
            }
        }
    }
    if let Some(alert) = screen.below.alert.and_then(|at| run.alerts.kept.get(at))
        && let Some(x) = place_of(screen, run, alert)
    {
        chart.marks.push(Mark { x, label: String::new(), kind: MarkKind::Alert });
    }
    for stage in ruler.stages().filter(|at| state.stages[*at].step > 0) {
        let reference = match measure {
            "loss" => chance(state, stage),
            "logit_scale" => Some((LOGIT_CEILING, "ceiling 100".to_owned())),
            _ => None,
        };
        let from = begins(state, &ruler, stage);
        let to = ruler.place(stage, None, state.stages[stage].step);
        if let (Some((y, label)), Some(from), Some(to)) = (reference, from, to) {
            chart.references.push(Reference { y, x: (from, to), label });
        }
    }
}

/// The loss of guessing, where the objective tells an answer from the others of its batch.
fn chance(state: &RunState, stage: usize) -> Option<(f64, String)> {
    let recipe = state.started.as_ref()?.recipe.get("stages")?.get(stage)?;
    let count = candidates(state.stages.get(stage)?.objective.as_str(), recipe)?;
    Some(((count as f64).ln(), format!("chance ln {count}")))
}
