//! All charts of a session as files.

use super::chart::{BarChart, DifferenceChart, HeatMap, RankScatter, ScoreChart};
use super::measures::series_charts;
use super::{ExportError, Folder, NamedSeries};
use crate::eval::classify::ClassifyDocument;
use crate::eval::{CompareDocument, Direction, Metric};
use crate::session::neighbours::NeighbourSet;

/// Writes every chart of some series and comparisons. `documents` come with the id of the result each
/// is, which names its files.
///
/// # Errors
/// A chart that cannot be drawn, a folder that cannot be written.
pub fn charts(
    folder: &mut Folder<'_>,
    series: &[NamedSeries],
    documents: &[(String, CompareDocument)],
) -> Result<(), ExportError> {
    for (name, chart) in series_charts(series) {
        folder.chart(&name, &chart)?;
    }
    for (id, document) in documents {
        for metric in Metric::ALL {
            folder.chart(&format!("{id}-{metric}"), &BarChart::new(document, metric))?;
        }
        if let Some(chart) = DifferenceChart::new(document, Metric::Recall1) {
            folder.chart(&format!("{id}-differences"), &chart)?;
        }
        if let Some(chart) = DifferenceChart::of_replicates(document, Metric::Recall1) {
            folder.chart(&format!("{id}-replicates"), &chart)?;
        }
        for direction in Direction::ALL {
            if let Some(chart) = ScoreChart::new(document, direction) {
                folder.chart(&format!("{id}-scores-{direction}"), &chart)?;
            }
        }
        if let Some(sweep) = &document.sweep {
            for chosen in &sweep.chosen {
                if let Some(chart) = HeatMap::new(sweep, &chosen.role) {
                    folder.chart(&format!("{id}-sweep-{}", chosen.role), &chart)?;
                }
            }
        }
    }
    Ok(())
}

/// Writes the shares of every classification that counted something.
///
/// # Errors
/// As [`charts`].
pub fn class_charts(
    folder: &mut Folder<'_>,
    documents: &[(String, ClassifyDocument)],
) -> Result<(), ExportError> {
    for (id, document) in documents {
        if let Some(chart) = BarChart::of_classes(document) {
            folder.chart(&format!("{id}-top"), &chart)?;
        }
    }
    Ok(())
}

/// Writes for every direction of a result the ranks under its first encoder against those under
/// each other one.
///
/// # Errors
/// As [`charts`].
pub fn rank_charts(
    folder: &mut Folder<'_>,
    id: &str,
    sets: &[NeighbourSet],
) -> Result<(), ExportError> {
    let mut firsts: Vec<&NeighbourSet> = Vec::new();
    for set in sets {
        let Some(first) = firsts.iter().find(|first| first.direction == set.direction) else {
            firsts.push(set);
            continue;
        };
        if let Some(chart) = RankScatter::new(first, set) {
            let name = format!("{id}-ranks-{}-{}-{}", set.direction, first.role, set.role);
            folder.chart(&name, &chart)?;
        }
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::eval::document::COMPARE_FORMAT;
    use crate::eval::histogram::ScoreHistogram;
    use crate::eval::replicates::{replicates, with_pairs};
    use crate::eval::sweep::{Sweep, SweepChoice, SweepRow};
    use crate::eval::{
        CompareRow, Direction, Intervals, Metrics, Protocol, RankedRow, Task, table,
    };
    use crate::export::Format;
    use crate::export::chart::{Line, LineChart, png, svg};
    use crate::export::folder::Written;
    use crate::rng::Key;
    use std::path::Path;

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
                result: None,
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
                search_ms_per_query: None,
                index_ms: Some(0.1),
                bytes_per_item: Some(768.0),
                truncated: 0,
                geometry: None,
                hub_skewness: None,
                scores: None,
                quantised: Vec::new(),
            }
        };
        CompareDocument {
            format: COMPARE_FORMAT.to_owned(),
            task: Task::Image,
            protocol: Protocol::new("emoji", Some("test"), "00", "any"),
            given: None,
            rows: (0..rows.len()).map(row).collect(),
            differences: numbers.differences.clone(),
            family: numbers.family.clone(),
            replicates: Vec::new(),
            replicate_differences: Vec::new(),
            same_rows: Vec::new(),
            qrels: None,
            published: Vec::new(),
            sweep: None,
            left_out: None,
            joined: None,
            resamples: 500,
            seed: 0,
            program: String::new(),
        }
    }

    /// A classification by one encoder.
    pub fn classified() -> ClassifyDocument {
        let text = r#"{"format":"llm2clip.classify/1","protocol":{"dataset":"pets","split":null,
            "split_digest":"00","pool":null,"tie_rule":"","rules":1},"candidates":["cat","dog"],
            "texts":["a, cat","dog"],"templates":["a {}","the {}"],"rows":[{"role":"clip",
            "encoder":{},"text_encoder":{},"scale":100.0,"scale_from":"model",
            "metrics":{"top-1":0.5,"top-5":1.0},"ci95":{"top-1":[0.25,0.75],"top-5":[1.0,1.0]},
            "tied_share":0.0,"ms_per_item":8.5,"ms_per_candidate":2.25,"truncated":0}],
            "differences":[{"a":"llm2clip","b":"clip","metric":"top-1","delta":0.5,
            "ci95":[0.0,1.0],"test":"mcnemar","p":1.0,"p_holm":1.0,"n":2}],"family":"",
            "labelled":{"pictures":4,"units":2,"without":0,"unknown":0,"unknown_labels":[]},
            "pictures":[],"resamples":0,"seed":0,"program":""}"#;
        serde_json::from_str(text).unwrap()
    }

    /// A falling series with a gap.
    pub fn noisy(run: &str, name: &str, shift: f64) -> NamedSeries {
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

    /// Ranks of one encoder for the same queries.
    fn set(role: &str, reach: usize) -> NeighbourSet {
        let mut stream = Key::new(3).named(role).stream();
        let ranks: Vec<u32> = (0..300).map(|_| 1 + stream.below(reach) as u32).collect();
        NeighbourSet {
            role: role.to_owned(),
            direction: "text-to-image".to_owned(),
            queries: (0..300).map(|n| format!("{n}#0")).collect(),
            units: Vec::new(),
            gallery: Vec::new(),
            k: 0,
            rank_low: ranks.clone(),
            rank_high: ranks,
            margin: vec![0.0; 300],
            top_items: Vec::new(),
            top_scores: Vec::new(),
        }
    }

    /// A comparison with histograms and a sweep.
    fn looked_into() -> CompareDocument {
        let mut document = sample();
        for (at, row) in document.rows.iter_mut().enumerate() {
            let bump = |middle: f64| -> Vec<u64> {
                (0..80)
                    .map(|bin| (1e3 * (-(f64::from(bin) - middle).powi(2) / 60.0).exp()) as u64)
                    .collect()
            };
            let (relevant, others) = (bump(50.0 + at as f64), bump(30.0));
            row.scores = Some(ScoreHistogram { low: -0.2, high: 0.9, relevant, others });
        }
        let mut rows = Vec::new();
        for layer in 0..7 {
            for (at, pooling) in ["mean", "weighted_mean", "last"].into_iter().enumerate() {
                let recall_1 = 0.02 * (layer + at) as f64;
                let metrics = Metrics { recall_1, ..Metrics::default() };
                let (role, pooling) = ("llama".to_owned(), pooling.to_owned());
                let (tied_share, mean_cosine) = (0.0, 0.5);
                rows.push(SweepRow {
                    role,
                    layer,
                    pooling,
                    bos: true,
                    metrics,
                    tied_share,
                    mean_cosine,
                });
            }
        }
        document.sweep = Some(Sweep {
            over: "layers".into(),
            protocol: Protocol::new("emoji", Some("validation"), "00", "first-two"),
            rule: String::new(),
            dropped: 0,
            rows,
            chosen: vec![SweepChoice {
                role: "llama".into(),
                label: "llama-best".into(),
                layer: 6,
                pooling: "last".into(),
                bos: true,
            }],
        });
        document
    }

    #[test]
    fn scores_sweeps_and_ranks_are_drawn_alike_every_time() {
        let document = [("image-1".to_owned(), looked_into())];
        let sets = [set("clip", 40), set("llm2clip", 12), set("a/b", 90)];
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let draw = |path: &Path| -> Written {
            let mut folder = Folder::new(path, &Format::ALL);
            charts(&mut folder, &[], &document).unwrap();
            rank_charts(&mut folder, "image-1", &sets).unwrap();
            folder.into_written()
        };
        let [one, two] = [0, 1].map(|at| draw(folders[at].path()));
        // Five metrics, differences, four directions of scores, one sweep, two pairs of ranks.
        assert_eq!(one.len(), 2 * (5 + 1 + 4 + 1 + 2));
        for (a, b) in one.iter().zip(&two) {
            assert_eq!(a.file_name(), b.file_name());
            assert_eq!(std::fs::read(a).unwrap(), std::fs::read(b).unwrap(), "{a:?}");
        }
        let text = |name: &str| std::fs::read_to_string(folders[0].path().join(name)).unwrap();
        let heat = text("image-1-sweep-llama.svg");
        for part in ["layer 6", "weighted_mean", "0.160", "validation"] {
            assert!(heat.contains(part), "{part}");
        }
        let ranks = text("image-1-ranks-text-to-image-clip-llm2clip.svg");
        assert!(
            ranks.contains("300 queries") && ranks.contains("better under llm2clip")
                || ranks.contains("under llm2clip")
        );
        assert!(folders[0].path().join("image-1-ranks-text-to-image-clip-a-b.png").exists());
        let scores = text("image-1-scores-image-to-text.svg");
        assert!(scores.contains("relevant") && scores.contains("clip-continued"));
        if let Some(keep) = std::env::var_os("LLM2CLIP_KEEP_CHARTS") {
            draw(Path::new(&keep));
        }
    }

    fn everything() -> (Vec<NamedSeries>, Vec<(String, CompareDocument)>) {
        let series = vec![
            noisy("llm2clip-1", "loss", 0.0),
            noisy("llm2clip-2 with a name that goes on and on, and on", "loss", 0.7),
            noisy("llm2clip-3", "loss", 1.4),
            noisy("llm2clip-4 which also has a rather long name", "loss", 2.1),
            noisy("llm2clip-1", "gradient_norm/tower", 0.0),
        ];
        (series, vec![("compare-image-1".to_owned(), sample())])
    }

    #[test]
    fn the_same_charts_have_the_same_bytes_and_every_chart_has_two_files() {
        let (series, documents) = everything();
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let draw = |path: &Path| -> Written {
            let mut folder = Folder::new(path, &Format::ALL);
            charts(&mut folder, &series, &documents).unwrap();
            folder.into_written()
        };
        let [one, two] = [0, 1].map(|at| draw(folders[at].path()));
        assert_eq!(one.len(), 2 * (2 + 5 + 1));
        for (a, b) in one.iter().zip(&two) {
            assert_eq!(a.file_name(), b.file_name());
            assert_eq!(std::fs::read(a).unwrap(), std::fs::read(b).unwrap(), "{a:?}");
        }
        if let Some(keep) = std::env::var_os("LLM2CLIP_KEEP_CHARTS") {
            draw(Path::new(&keep));
        }
    }

    #[test]
    fn pairs_of_replicates_have_a_chart_of_their_own() {
        let mut document = sample();
        assert!(DifferenceChart::of_replicates(&document, Metric::Recall1).is_none());
        let metrics = |recall_1| Metrics { recall_1, ..Metrics::default() };
        let direction = document.differences[0].of.direction;
        let rows = [("a#1", 0.1), ("a#2", 0.2), ("b#1", 0.3), ("b#2", 0.3)]
            .map(|(label, recall_1)| (label, direction, metrics(recall_1)));
        let (_, mut differences) = replicates(&rows, None);
        let mut pair = document.differences[0].clone();
        (pair.a, pair.b) = ("b#2".to_owned(), "a#2".to_owned());
        with_pairs(&mut differences, &[pair]);
        document.replicate_differences = differences;
        let chart = DifferenceChart::of_replicates(&document, Metric::Recall1).unwrap();
        let text = svg(&chart).unwrap();
        assert!(text.contains("b#2 less a#2") && text.contains(": 1 tests"));
    }

    #[test]
    fn what_papers_report_has_pale_bars_in_one_metric() {
        let mut document = sample();
        let plain = svg(&BarChart::new(&document, Metric::Recall1)).unwrap();
        assert!(!plain.contains("the paper's") && !plain.contains("the paper&apos;s"));
        document.task = Task::Caption;
        let digest = "163ea5e8131d573c56a3e9f8bcf5e230837256fabac89a433b9d16720f7609eb";
        document.protocol = Protocol::new("captions", None, digest, "first-two");
        let text = svg(&BarChart::new(&document, Metric::Recall1)).unwrap();
        for part in ["CLIP ViT-L/14, text tower", "0.252", "Table A1", "training text"] {
            assert!(text.contains(part), "{part}");
        }
        assert!(png(&BarChart::new(&document, Metric::Recall1)).is_ok());
        let other = svg(&BarChart::new(&document, Metric::Mrr)).unwrap();
        assert!(!other.contains("ViT-L") && !other.contains("Table A1"));
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
    fn a_classification_has_bars_where_something_was_counted() {
        let mut document = classified();
        let text = svg(&BarChart::of_classes(&document).unwrap()).unwrap();
        for part in ["top-1", "top-5", "0.500  [0.250, 0.750]", "clip", "classification of pets"] {
            assert!(text.contains(part), "{part}");
        }
        document.rows[0].metrics = None;
        assert!(BarChart::of_classes(&document).is_none());
    }
}
