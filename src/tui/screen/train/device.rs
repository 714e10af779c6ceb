//! The machine a run is or was at work on: as it is now where that is this one, else as it was
//! recorded beside the run, and said to be.

use super::panel::{Line, Seen, label};
use crate::tui::app::Shared;
use crate::tui::data::history::{Measure, Unit};
use crate::tui::data::library::{MachineSample, OpenRun};
use crate::tui::format;
use crate::tui::text;
use crate::tui::theme::Role;

/// Accelerators shown.
const GPUS: usize = 2;

/// The panel's lines on the machine; none where nothing is known of the run's own.
pub fn lines(shared: &Shared, run: &OpenRun, seen: Seen, width: usize, lines: &mut Vec<Line>) {
    let cells = width.saturating_sub(13);
    if !seen.past && run.status.has_runner() && is_here(shared, run) {
        now(shared, cells, lines);
    } else {
        recorded(shared, run, seen, (width, cells), lines);
    }
}

/// Whether a run's computer is the one this program runs on.
#[must_use]
pub fn is_here(shared: &Shared, run: &OpenRun) -> bool {
    let here = shared.library.machine.back().map(|sample| sample.host.as_str());
    let there = run.state.started.as_ref().map(|started| started.host.as_str());
    here.is_some() && here == there
}

/// The strip's scale is 0 to 1, whatever it holds.
fn strip(shared: &Shared, values: &[Option<f64>]) -> String {
    let mut scaled = vec![Some(0.0), Some(1.0)];
    scaled.extend(values);
    shared.glyphs.spark(&scaled).chars().skip(2).collect()
}

fn now(shared: &Shared, cells: usize, lines: &mut Vec<Line>) {
    let samples = &shared.library.machine;
    let Some(sample) = samples.back() else { return };
    let bars = |value: &dyn Fn(&MachineSample) -> Option<f64>| {
        let values: Vec<Option<f64>> = samples.iter().map(value).collect();
        strip(shared, &values[values.len().saturating_sub(cells)..])
    };
    let percent = |share: Option<f64>| {
        let none = || format!("{:>3}   ", shared.glyphs.none());
        share.map_or_else(none, |share| format!("{:>3.0} % ", share * 100.0))
    };
    if sample.gpus.is_empty() {
        if !sample.cores.is_empty() {
            lines.push(vec![
                label("cpu"),
                (Role::Text, percent(sample.used())),
                (Role::Curve(0), bars(&MachineSample::used)),
            ]);
        }
        let (used, total) = sample.memory;
        if total > 0 {
            lines.push(vec![
                label("ram"),
                (Role::Text, format!("{} of {}", format::bytes(used), format::bytes(total))),
            ]);
        }
    }
    for (at, gpu) in sample.gpus.iter().enumerate().take(GPUS) {
        lines.push(vec![
            label(&format!("gpu {at}")),
            (Role::Text, percent(gpu.utilisation)),
            (Role::Curve(0), bars(&|sample| sample.gpus.get(at)?.utilisation)),
        ]);
        let mut about: Vec<String> = Vec::new();
        about.extend(
            gpu.memory
                .map(|(used, total)| format!("{}/{}", format::bytes(used), format::bytes(total))),
        );
        about.extend(gpu.watts.map(|watts| format!("{watts:.0} W")));
        about.extend(gpu.celsius.map(|degrees| format!("{degrees:.0} C")));
        lines.push(vec![label(""), (Role::Dim, about.join(" "))]);
    }
}

/// What was sampled beside the run: means over all of it where it is over, else the newest values.
fn recorded(
    shared: &Shared,
    run: &OpenRun,
    seen: Seen,
    (width, cells): (usize, usize),
    lines: &mut Vec<Line>,
) {
    let device = &run.device;
    let Some((first, last)) = device.span else { return };
    let find = |name: &str| device.measures.iter().find(|measure| measure.name == name);
    let goes_on = !seen.past && run.status.has_runner();
    let value = |measure: &Measure| if goes_on { measure.last } else { measure.mean() };
    let host =
        run.state.started.as_ref().map_or_else(String::new, |started| text::safe(&started.host));
    let words = if goes_on {
        format!("on {host}")
    } else {
        format!("mean of {} on {host}", format::duration(last.seconds_since(first)))
    };
    let words = text::fit(&words, width.saturating_sub(7), shared.glyphs.cut());
    lines.push(vec![label(if goes_on { "there" } else { "then" }), (Role::Dim, words)]);
    let share = |name: &str, measure: &Measure| {
        vec![
            label(name),
            (Role::Text, format!("{:>3.0} % ", value(measure) * 100.0)),
            (Role::Curve(0), strip(shared, &measure.columns(cells))),
        ]
    };
    let bytes = |measure: &Measure| {
        let all = measure.all.map(|all| format!(" of {}", format::bytes(all as u64)));
        format!("{}{}", format::bytes(value(measure).max(0.0) as u64), all.unwrap_or_default())
    };
    if find("gpu 0").is_none() && find("gpu 0 memory").is_none() {
        lines.extend(find("cpu").map(|measure| share("cpu", measure)));
        let memory = find("memory").filter(|measure| measure.all.is_some());
        lines.extend(memory.map(|measure| vec![label("ram"), (Role::Text, bytes(measure))]));
    }
    for gpu in (0..GPUS).map(|at| format!("gpu {at}")) {
        lines.extend(find(&gpu).map(|measure| share(&gpu, measure)));
        let about: Vec<String> = ["memory", "power", "heat"]
            .iter()
            .filter_map(|what| find(&format!("{gpu} {what}")))
            .map(|measure| match measure.unit {
                Unit::Watts => format!("{:.0} W", value(measure)),
                Unit::Celsius => format!("{:.0} C", value(measure)),
                Unit::Bytes | Unit::Share => bytes(measure).replace(" of ", "/"),
            })
            .collect();
        if !about.is_empty() {
            lines.push(vec![label(""), (Role::Dim, about.join(" "))]);
        }
    }
}
