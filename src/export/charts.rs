//! All charts of a session as files.

use super::chart::{BarChart, Chart, DifferenceChart, Line, LineChart, png, svg};
use super::{ExportError, NamedSeries};
use crate::eval::{CompareDocument, Metric};
use crate::files::{FileError, write_atomic};
use std::path::{Path, PathBuf};

/// Share of the past in the moving average of a chart's bright line.
const SMOOTHING: f64 = 0.9;

/// Files written, in the order of writing.
pub type Written = Vec<PathBuf>;

/// Writes `text` as a file below `folder`, whole or not at all.
pub fn write_text(folder: &Path, name: &str, text: &str) -> Result<PathBuf, ExportError> {
    write(folder, name, text.as_bytes())
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, ExportError> {
    let path = folder.join(name);
    let fail = |source| ExportError::Write { path: path.clone(), source };
    std::fs::create_dir_all(folder).map_err(fail)?;
    write_atomic(&path, bytes).map_err(FileError::into_cause).map_err(fail)?;
    Ok(path)
}

/// A name that every file system takes.
fn file_name(name: &str) -> String {
    let kept = |letter: char| letter.is_ascii_alphanumeric() || "-_.@".contains(letter);
    name.chars().map(|letter| if kept(letter) { letter } else { '-' }).collect()
}

fn write_chart(folder: &Path, name: &str, chart: &dyn Chart) -> Result<Written, ExportError> {
    let name = file_name(name);
    Ok(vec![
        write(folder, &format!("{name}.svg"), svg(chart)?.as_bytes())?,
        write(folder, &format!("{name}.png"), &png(chart)?)?,
    ])
}

/// Whether a measure spans orders of magnitude by its nature.
fn logarithmic(name: &str) -> bool {
    name.starts_with("grad_norm") || name == "perplexity"
}

/// One chart for every measure of every stage, the lines of several runs together.
fn series_charts(series: &[NamedSeries]) -> Vec<(String, LineChart)> {
    let mut charts: Vec<(String, LineChart)> = Vec::new();
    for one in series.iter().filter(|one| !one.points.is_empty()) {
        let name = format!("{}-{}", one.stage, one.name);
        let line = Line { name: one.run.clone(), points: one.points.clone() };
        if let Some((_, chart)) = charts.iter_mut().find(|(other, _)| *other == name) {
            chart.lines.push(line);
            continue;
        }
        let chart = LineChart {
            title: format!("{}, stage {}", one.name, one.stage),
            value: one.name.clone(),
            log: logarithmic(&one.name),
            smoothing: Some(SMOOTHING),
            lines: vec![line],
        };
        charts.push((name, chart));
    }
    charts
}

/// Writes every chart of some series and comparisons into `folder`, each as SVG and PNG, and
/// returns the files. Files of those names are replaced, others left alone. `documents` come with
/// the id of the result each is, which names its files.
pub fn charts(
    folder: &Path,
    series: &[NamedSeries],
    documents: &[(String, CompareDocument)],
) -> Result<Written, ExportError> {
    let mut written = Written::new();
    for (name, chart) in series_charts(series) {
        written.extend(write_chart(folder, &name, &chart)?);
    }
    for (id, document) in documents {
        for metric in Metric::ALL {
            let bars = BarChart::new(document, metric);
            written.extend(write_chart(folder, &format!("{id}-{metric}"), &bars)?);
        }
        if let Some(chart) = DifferenceChart::new(document, Metric::Recall1) {
            written.extend(write_chart(folder, &format!("{id}-differences"), &chart)?);
        }
    }
    Ok(written)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::eval::document::COMPARE_FORMAT;
    use crate::eval::{
        CompareRow, Direction, Intervals, Metrics, Protocol, RankedRow, Task, table,
    };
    use crate::rng::Key;

    /// A comparison of three encoders in four directions, with real intervals and tests.
    pub fn sample() -> CompareDocument {
        let roles =
            ["clip", "clip-continued", "llm2clip after caption contrast, rank 16 everywhere"];
        let units: Vec<u32> = (0..200).collect();
        let mut stream = Key::new(1).stream();
        let mut ranked = Vec::new();
        for (place, direction) in Direction::ALL.into_iter().enumerate() {
            for (at, role) in roles.iter().enumerate() {
                let reach = 4 + 6 * place + 8 * (2 - at);
                let ranks: Vec<u32> =
                    units.iter().map(|_| 1 + stream.below(reach) as u32).collect();
                ranked.push((*role, direction, ranks));
            }
        }
        let rows: Vec<RankedRow<'_>> = ranked
            .iter()
            .map(|(role, direction, ranks)| RankedRow {
                role,
                direction: *direction,
                ranks,
                units: &units,
            })
            .collect();
        let numbers = table(&rows, None, 500, 0).unwrap();
        let row = |at: usize| -> CompareRow {
            let (metrics, ci95): (Metrics, Intervals) =
                (numbers.metrics[at], numbers.intervals[at]);
            CompareRow {
                role: rows[at].role.to_owned(),
                encoder: serde_json::Value::Null,
                direction: rows[at].direction,
                metrics,
                ci95,
                tied_share: 0.0,
                mean_cosine: Some(0.25),
                items: 200,
                queries: 200,
                units: 200,
                ms_per_item: Some(1.5),
                ms_per_query: None,
                index_ms: Some(0.1),
                bytes_per_item: Some(768.0),
                truncated: 0,
                geometry: None,
                hub_skewness: None,
            }
        };
        CompareDocument {
            format: COMPARE_FORMAT.to_owned(),
            task: Task::Image,
            protocol: Protocol::new("emoji", Some("test"), "00", "any"),
            rows: (0..rows.len()).map(row).collect(),
            differences: numbers.differences.clone(),
            family: numbers.family.clone(),
            resamples: 500,
            seed: 0,
            program: String::new(),
        }
    }

    fn noisy(run: &str, name: &str, shift: f64) -> NamedSeries {
        let mut stream = Key::new(2).named(run).stream();
        let value = |step: u64| {
            if (230..260).contains(&step) {
                return f64::NAN;
            }
            2.0 + shift + 4.0 * (-(step as f64) / 150.0).exp() + 0.25 * f64::from(stream.normal())
        };
        let points = (1..=600).map(|step| (step, 0.0)).collect::<Vec<_>>();
        let mut value = value;
        let points = points.into_iter().map(|(step, _)| (step, value(step))).collect();
        NamedSeries { run: run.into(), stage: "llm2clip".into(), name: name.into(), points }
    }

    fn everything() -> (Vec<NamedSeries>, Vec<(String, CompareDocument)>) {
        let series = vec![
            noisy("llm2clip-1", "loss", 0.0),
            noisy("llm2clip-2 with a name that goes on and on, and on", "loss", 0.7),
            noisy("llm2clip-3", "loss", 1.4),
            noisy("llm2clip-4 which also has a rather long name", "loss", 2.1),
            noisy("llm2clip-1", "grad_norm/tower", 0.0),
        ];
        (series, vec![("compare-image-1".to_owned(), sample())])
    }

    #[test]
    fn the_same_charts_have_the_same_bytes_and_every_chart_has_two_files() {
        let (series, documents) = everything();
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let [one, two] = [0, 1].map(|at| charts(folders[at].path(), &series, &documents).unwrap());
        assert_eq!(one.len(), 2 * (2 + 5 + 1));
        for (a, b) in one.iter().zip(&two) {
            assert_eq!(a.file_name(), b.file_name());
            assert_eq!(std::fs::read(a).unwrap(), std::fs::read(b).unwrap(), "{a:?}");
        }
        if let Some(keep) = std::env::var_os("LLM2CLIP_KEEP_CHARTS") {
            charts(Path::new(&keep), &series, &documents).unwrap();
        }
    }

    #[test]
    fn no_text_of_a_chart_is_cut() {
        let document = sample();
        let chart = BarChart::new(&document, Metric::Recall1);
        let text = svg(&chart).unwrap();
        for row in &document.rows {
            assert!(text.contains(&row.role), "{}", row.role);
        }
        assert!(text.contains("font-family=\"sans-serif\""));
        assert!(text.contains("text-to-image") && text.contains("image-to-image"));
    }

    #[test]
    fn charts_of_nothing_and_of_constants_are_drawn_too() {
        let empty = CompareDocument { rows: vec![], differences: vec![], ..sample() };
        assert!(DifferenceChart::new(&empty, Metric::Recall1).is_none());
        assert!(png(&BarChart::new(&empty, Metric::Mrr)).is_ok());
        let one = |points| LineChart {
            lines: vec![Line { name: "a".into(), points }],
            log: true,
            ..LineChart::default()
        };
        for points in
            [vec![], vec![(3, 1.0)], vec![(1, 2.0), (2, 2.0)], vec![(1, f64::NAN), (2, -1.0)]]
        {
            assert!(svg(&one(points.clone())).is_ok(), "{points:?}");
            assert!(png(&one(points)).is_ok());
        }
    }

    #[test]
    fn names_of_files_hold_no_separators() {
        assert_eq!(file_name("clip-grad_norm/tower"), "clip-grad_norm-tower");
        assert_eq!(file_name("c-recall@1"), "c-recall@1");
    }
}
