//! Comma-separated values (RFC 4180, lines ended by LF).

use super::NamedSeries;
use super::judged::{header, judged};
use super::papers;
use crate::eval::{CompareDocument, Difference, Metric};
use std::fmt::Write as _;

/// A cell, quoted where it must be.
pub(super) fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// A number that may be missing or not finite: then the cell is empty.
pub(super) fn number(value: Option<f64>) -> String {
    value.filter(|value| value.is_finite()).map_or_else(String::new, |value| value.to_string())
}

/// A table from its lines of cells, already quoted.
pub(super) fn lines(rows: impl IntoIterator<Item = Vec<String>>) -> String {
    rows.into_iter().fold(String::new(), |mut text, row| {
        let _ = writeln!(text, "{}", row.join(","));
        text
    })
}

/// Every layer and pooling that was tried, of comparisons by their ids.
#[must_use]
pub fn sweep_rows(documents: &[(String, CompareDocument)]) -> String {
    let mut header: Vec<String> =
        ["result", "role", "layer", "pooling", "bos"].map(str::to_owned).into();
    header.extend(Metric::ALL.map(|metric| metric.to_string()));
    header.extend(["tied_share", "mean_cosine"].map(str::to_owned));
    let rows = documents.iter().flat_map(|(id, document)| {
        document.sweep.iter().flat_map(|sweep| &sweep.rows).map(|row| {
            let mut cells = vec![
                cell(id),
                cell(&row.role),
                row.layer.to_string(),
                cell(&row.pooling),
                row.bos.to_string(),
            ];
            cells.extend(Metric::ALL.map(|metric| number(Some(*row.metrics.get(metric)))));
            cells.extend([number(Some(row.tied_share)), number(Some(row.mean_cosine))]);
            cells
        })
    });
    lines(std::iter::once(header).chain(rows))
}

/// Tables of fewer bits, in the order of their columns.
const STORED: [&str; 2] = ["f16", "int8"];

/// What came to a line later stands behind what was there: columns keep their places.
const LATER: [&str; 5] =
    ["search_ms_per_query", "alignment", "uniformity", "effective_rank", "hub_skewness"];

/// The rows of comparisons, those of a second set of judgements too: every metric with the ends of its interval, then what else a row says.
/// Below them what papers report of the same.
#[must_use]
pub fn compare_rows(documents: &[(String, CompareDocument)]) -> String {
    let mut header = header(&["role", "direction"]);
    for metric in Metric::ALL {
        header.extend(["", "_low", "_high"].map(|end| format!("{metric}{end}")));
    }
    header.extend(
        [
            "tied_share",
            "mean_cosine",
            "items",
            "queries",
            "units",
            "ms_per_item",
            "ms_per_query",
            "index_ms",
            "bytes_per_item",
            "truncated",
        ]
        .map(str::to_owned),
    );
    for dtype in STORED {
        header.extend(
            ["bytes_per_item", "lost_recall@1", "kept@10"].map(|what| format!("{dtype}_{what}")),
        );
    }
    header.extend(LATER.map(str::to_owned));
    for dtype in STORED {
        header.extend(
            ["index_ms", "ms_per_query", "search_ms_per_query"]
                .map(|what| format!("{dtype}_{what}")),
        );
    }
    header.extend(papers::COLUMNS.map(str::to_owned));
    let columns = header.len();
    let rows = judged(documents).flat_map(|judged| {
        let measured = judged.rows.iter().map(move |row| {
            let mut cells = judged.identity();
            cells.extend([cell(&row.role), row.direction.to_string()]);
            for metric in Metric::ALL {
                let [low, high] = *row.ci95.get(metric);
                let values = [*row.metrics.get(metric), low, high];
                cells.extend(values.map(|value| number(Some(value))));
            }
            cells.extend([number(Some(row.tied_share)), number(row.mean_cosine)]);
            cells.extend([row.items, row.queries, row.units].map(|count| count.to_string()));
            let costs = [row.ms_per_item, row.ms_per_query, row.index_ms, row.bytes_per_item];
            cells.extend(costs.map(number));
            cells.push(row.truncated.to_string());
            for dtype in STORED {
                let stored = row.quantised.iter().find(|stored| stored.dtype == dtype);
                cells.extend([
                    number(stored.map(|stored| stored.bytes_per_item)),
                    number(stored.map(|stored| stored.lost_recall_1)),
                    number(stored.map(|stored| stored.kept_10)),
                ]);
            }
            let geometry = row.geometry.as_ref();
            cells.extend([
                number(row.search_ms_per_query),
                number(geometry.and_then(|geometry| geometry.alignment)),
                number(geometry.map(|geometry| geometry.uniformity)),
                number(geometry.map(|geometry| geometry.effective_rank)),
                number(row.hub_skewness),
            ]);
            for dtype in STORED {
                let stored = row.quantised.iter().find(|stored| stored.dtype == dtype);
                cells.extend([
                    number(stored.map(|stored| stored.index_ms)),
                    number(stored.and_then(|stored| stored.ms_per_query)),
                    number(stored.and_then(|stored| stored.search_ms_per_query)),
                ]);
            }
            cells.resize(columns, String::new());
            cells
        });
        measured.chain(papers::rows(&judged, columns))
    });
    lines(std::iter::once(header).chain(rows))
}

/// A difference from its delta on: interval, test, p as it is and corrected, and units.
pub(super) fn measured<Of>(difference: &Difference<Of>) -> [String; 7] {
    [
        number(Some(difference.delta)),
        number(Some(difference.ci95[0])),
        number(Some(difference.ci95[1])),
        difference.test.map_or("", |test| test.name()).to_owned(),
        number(difference.p),
        number(difference.p_holm),
        difference.n.to_string(),
    ]
}

/// The differences of comparisons: those of the table, then replicates of two names number by number,
/// whose tests are a family of their own.
#[must_use]
pub fn compare_differences(documents: &[(String, CompareDocument)]) -> String {
    let columns = [
        "a",
        "b",
        "direction",
        "metric",
        "delta",
        "low",
        "high",
        "test",
        "p",
        "p_holm",
        "n",
        "family",
    ];
    let rows = judged(documents).flat_map(|judged| {
        let pairs = judged.replicate_differences.iter().flat_map(|one| &one.pairs);
        let pairs = pairs.map(|pair| (pair, "replicates"));
        let table = judged.differences.iter().map(|difference| (difference, "table"));
        table.chain(pairs).map(move |(difference, family)| {
            let mut cells = judged.identity();
            cells.extend([
                cell(&difference.a),
                cell(&difference.b),
                difference.of.direction.to_string(),
                difference.of.metric.to_string(),
            ]);
            cells.extend(measured(difference));
            cells.push(family.to_owned());
            cells
        })
    });
    lines(std::iter::once(header(&columns)).chain(rows))
}

/// Series in long form, one value a line; a gap is an empty value.
#[must_use]
pub fn series(series: &[NamedSeries]) -> String {
    let header = ["run", "stage", "series", "step", "value"].map(str::to_owned).into();
    let rows = series.iter().flat_map(|one| {
        one.points.iter().map(|&(step, value)| {
            let names = [&one.run, &one.stage, &one.name].map(|name| cell(name));
            let mut cells: Vec<String> = names.into();
            cells.extend([step.to_string(), number(Some(value))]);
            cells
        })
    });
    lines(std::iter::once(header).chain(rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::geometry::Geometry;
    use crate::eval::quantised::QuantisedRow;
    use crate::export::charts::tests::sample;

    /// Separators outside quotes.
    fn separators(line: &str) -> usize {
        line.split('"').step_by(2).map(|plain| plain.matches(',').count()).sum()
    }

    #[test]
    fn every_line_has_the_headers_cells() {
        let documents = [("image-1".to_owned(), sample())];
        let (rows, differences) = (compare_rows(&documents), compare_differences(&documents));
        for text in [&rows, &differences] {
            let mut lines = text.lines();
            let width = separators(lines.next().unwrap());
            for line in lines {
                assert_eq!(separators(line), width, "{line}");
            }
        }
        assert_eq!(rows.lines().count(), 1 + documents[0].1.rows.len());
    }

    #[test]
    fn a_row_says_how_its_rows_lie_and_how_long_a_search_takes() {
        let mut document = sample();
        let row = &mut document.rows[0];
        row.geometry = Some(Geometry {
            mean_cosine: 0.25,
            uniformity: -2.5,
            effective_rank: 41.5,
            alignment: Some(0.75),
        });
        (row.search_ms_per_query, row.hub_skewness) = (Some(0.125), Some(3.5));
        row.quantised.push(QuantisedRow {
            dtype: "int8".to_owned(),
            bytes_per_item: 196.0,
            index_ms: 4.5,
            ms_per_query: Some(1.5),
            search_ms_per_query: Some(0.5),
            metrics: row.metrics,
            lost_recall_1: 0.0,
            kept_10: 1.0,
        });
        let text = compare_rows(&[("image-1".to_owned(), document)]);
        let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let (header, first, second) =
            (lines.next().unwrap(), lines.next().unwrap(), lines.next().unwrap());
        let cells = |name: &str| {
            let at = header.iter().position(|column| *column == name).unwrap();
            (first[at], second[at])
        };
        for (name, value) in [
            ("search_ms_per_query", "0.125"),
            ("alignment", "0.75"),
            ("uniformity", "-2.5"),
            ("effective_rank", "41.5"),
            ("hub_skewness", "3.5"),
            ("int8_index_ms", "4.5"),
            ("int8_ms_per_query", "1.5"),
            ("int8_search_ms_per_query", "0.5"),
        ] {
            assert_eq!(cells(name), (value, ""), "{name}");
        }
        assert_eq!(cells("f16_index_ms"), ("", ""));
    }

    #[test]
    fn lines_of_differing_protocols_say_in_what_they_differ() {
        let (whole, mut small) = (sample(), sample());
        small.protocol.pool = Some(50);
        small.protocol.query_language = Some("ko".into());
        let documents = [("image-1".to_owned(), whole), ("image-2".to_owned(), small)];
        for text in [compare_rows(&documents), compare_differences(&documents)] {
            let wanted = "result,task,dataset,split,split_digest,pool,captions,query_language,gallery_language,judgements,rules,";
            assert!(text.starts_with(wanted), "{text}");
            let has = |start: &str| text.lines().any(|line| line.starts_with(start));
            assert!(has("image-1,image,emoji,test,00,,any,,,own,1,"), "{text}");
            assert!(has("image-2,image,emoji,test,00,50,any,ko,,own,1,"), "{text}");
        }
    }

    #[test]
    fn a_second_set_of_judgements_has_lines_of_its_own() {
        let mut document = sample();
        let mut protocol = document.protocol.clone();
        protocol.judgements = "more.qrels sha256:00".into();
        document.qrels = Some(crate::eval::second::SecondJudgements {
            protocol,
            read: crate::eval::second::QrelsRead::default(),
            rows: document.rows[..2].to_vec(),
            differences: document.differences[..1].to_vec(),
            family: String::new(),
            replicates: Vec::new(),
            replicate_differences: Vec::new(),
        });
        let documents = [("image-1".to_owned(), document)];
        let (rows, differences) = (compare_rows(&documents), compare_differences(&documents));
        let named = |text: &str| text.lines().filter(|line| line.contains("more.qrels")).count();
        assert_eq!((named(&rows), named(&differences)), (2, 1));
        assert_eq!(rows.lines().count(), 1 + documents[0].1.rows.len() + 2);
    }

    #[test]
    fn cells_that_would_break_a_line_are_quoted() {
        assert_eq!(cell("plain"), "plain");
        assert_eq!(cell("a,b"), "\"a,b\"");
        assert_eq!(cell("say \"a\"\n"), "\"say \"\"a\"\"\n\"");
    }

    #[test]
    fn a_gap_is_an_empty_value() {
        let one = NamedSeries {
            run: "clip-1".into(),
            stage: "clip".into(),
            name: "loss".into(),
            points: vec![(1, 0.5), (2, f64::NAN)],
        };
        let want = "run,stage,series,step,value\nclip-1,clip,loss,1,0.5\nclip-1,clip,loss,2,\n";
        assert_eq!(series(&[one]), want);
    }
}
