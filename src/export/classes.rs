//! Classifications as comma-separated values.

use super::csv::{cell, lines, measured, number};
use crate::eval::classify::{ClassifyDocument, TopShares};
use crate::ids::Digest;

/// Which result a line is of, and what two lines must share to be set side by side.
const IDENTITY: [&str; 9] = [
    "result",
    "dataset",
    "split",
    "split_digest",
    "pool",
    "classes",
    "classes_digest",
    "templates",
    "rules",
];

fn identity(result: &str, document: &ClassifyDocument) -> Vec<String> {
    let protocol = &document.protocol;
    let text = |text: &Option<String>| cell(text.as_deref().unwrap_or_default());
    let classes = document.candidates.iter().zip(&document.texts);
    let classes: Vec<String> = classes.map(|(name, text)| format!("{name}\t{text}")).collect();
    vec![
        cell(result),
        cell(&protocol.dataset),
        text(&protocol.split),
        text(&protocol.split_digest),
        protocol.pool.map_or_else(String::new, |pool| pool.to_string()),
        document.candidates.len().to_string(),
        Digest::of(classes.join("\n").as_bytes()).to_string(),
        cell(&document.templates.join(" | ")),
        protocol.rules.to_string(),
    ]
}

fn header(columns: &[&str]) -> Vec<String> {
    IDENTITY.iter().chain(columns).map(|&name| name.to_owned()).collect()
}

/// The rows of classifications by their ids; shares are empty where nothing was counted.
#[must_use]
pub fn class_rows(documents: &[(String, ClassifyDocument)]) -> String {
    let columns = [
        "role",
        "top-1",
        "top-1_low",
        "top-1_high",
        "top-5",
        "top-5_low",
        "top-5_high",
        "tied_share",
        "pictures",
        "labelled",
        "units",
        "scale",
        "scale_from",
        "ms_per_item",
        "ms_per_candidate",
        "truncated",
    ];
    let rows = documents.iter().flat_map(|(id, document)| {
        document.rows.iter().map(move |row| {
            let mut cells = identity(id, document);
            cells.push(cell(&row.role));
            let both = row.metrics.zip(row.ci95);
            let mut share =
                |of: fn(&TopShares<f64>) -> f64, ends: fn(&TopShares<[f64; 2]>) -> [f64; 2]| {
                    cells.push(number(both.map(|(shares, _)| of(&shares))));
                    cells.push(number(both.map(|(_, ci95)| ends(&ci95)[0])));
                    cells.push(number(both.map(|(_, ci95)| ends(&ci95)[1])));
                };
            share(|shares| shares.top_1, |ends| ends.top_1);
            share(|shares| shares.top_5, |ends| ends.top_5);
            cells.push(number(Some(row.tied_share)));
            let counts =
                [document.pictures.len(), document.labelled.pictures, document.labelled.units];
            cells.extend(counts.map(|count| count.to_string()));
            cells.extend([number(Some(row.scale)), cell(&row.scale_from)]);
            cells.extend([row.ms_per_item, row.ms_per_candidate].map(|ms| number(Some(ms))));
            cells.push(row.truncated.to_string());
            cells
        })
    });
    lines(std::iter::once(header(&columns)).chain(rows))
}

/// The differences of classifications.
#[must_use]
pub fn class_differences(documents: &[(String, ClassifyDocument)]) -> String {
    let columns = ["a", "b", "metric", "delta", "low", "high", "test", "p", "p_holm", "n"];
    let rows = documents.iter().flat_map(|(id, document)| {
        document.differences.iter().map(move |difference| {
            let mut cells = identity(id, document);
            cells.extend([cell(&difference.a), cell(&difference.b), cell(&difference.of.metric)]);
            cells.extend(measured(difference));
            cells
        })
    });
    lines(std::iter::once(header(&columns)).chain(rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::charts::tests::classified;

    #[test]
    fn a_classification_has_a_line_an_encoder_and_a_line_a_difference() {
        let mut document = classified();
        let documents = [("classify-1".to_owned(), document.clone())];
        let text = class_rows(&documents);
        assert!(text.starts_with("result,dataset,split,split_digest,pool,classes,classes_digest,"));
        assert!(text.contains("\nclassify-1,pets,,00,,2,"), "{text}");
        let wanted = ",a {} | the {},1,clip,0.5,0.25,0.75,1,1,1,0,0,4,2,100,model,8.5,2.25,0\n";
        assert!(text.ends_with(wanted), "{text}");
        let text = class_differences(&documents);
        assert!(text.ends_with(",1,llm2clip,clip,top-1,0.5,0,1,mcnemar,1,1,2\n"), "{text}");
        // Nothing counted, and other classes.
        (document.rows[0].metrics, document.rows[0].ci95) = (None, None);
        document.texts[0] = "cat".to_owned();
        let bare = class_rows(&[("classify-2".to_owned(), document)]);
        assert!(bare.contains(",1,clip,,,,,,,0,"), "{bare}");
        let digest = |text: &str| text.lines().nth(1).unwrap().split(',').nth(6).map(str::to_owned);
        assert_ne!(digest(&bare), digest(&class_rows(&documents)));
    }
}
