//! Which measures of a stage share a chart.

use super::NamedSeries;
use super::chart::{COLOURS, Line, LineChart};

/// Share of the past in the moving average of a chart's bright line.
const SMOOTHING: f64 = 0.9;

/// Whether a measure spans orders of magnitude by its nature.
fn logarithmic(name: &str) -> bool {
    name.starts_with("gradient_norm") || name == "perplexity"
}

/// The chart a measure belongs on, and which of its parts it is; none for the time that passed, which
/// is an axis.
fn part(name: &str) -> Option<(String, &str)> {
    let whole = |name: &str| (name.to_owned(), "");
    Some(match name.split_once('/') {
        None if name == "elapsed" => return None,
        None => whole(name),
        Some((group @ ("gradient_norm" | "milliseconds"), part)) => (group.to_owned(), part),
        Some(("contrast", part @ ("positive" | "hardest_negative"))) => {
            ("contrast/cosine".to_owned(), part)
        }
        Some(("validation", "loss")) => ("loss".to_owned(), "validation"),
        Some(("validation", rest)) => match rest.rsplit_once('/') {
            Some((direction, metric)) => (format!("validation/{metric}"), direction),
            None => whole(name),
        },
        Some(_) => whole(name),
    })
}

/// The measures of one stage that share a chart.
struct Group<'a> {
    stage: &'a str,
    name: String,
    members: Vec<(&'a str, &'a NamedSeries)>,
}

impl Group<'_> {
    /// One chart while every line has a colour of its own; else one a measure.
    fn charts(self) -> Vec<(String, LineChart)> {
        let Self { stage, name, members } = self;
        if members.len() <= COLOURS.len() {
            return vec![chart(stage, &name, &members)];
        }
        let mut names: Vec<&str> = Vec::new();
        for (_, one) in &members {
            if !names.contains(&one.name.as_str()) {
                names.push(&one.name);
            }
        }
        let alone = |name: &&str| -> (String, LineChart) {
            let own = members.iter().filter(|(_, one)| one.name == *name);
            let own: Vec<(&str, &NamedSeries)> = own.map(|&(_, one)| ("", one)).collect();
            chart(stage, name, &own)
        };
        names.iter().map(alone).collect()
    }
}

fn chart(stage: &str, name: &str, members: &[(&str, &NamedSeries)]) -> (String, LineChart) {
    let line = |&(part, one): &(&str, &NamedSeries)| Line {
        name: format!("{} {part}", one.run).trim_end().to_owned(),
        points: one.points.clone(),
    };
    let chart = LineChart {
        title: format!("{name}, stage {stage}"),
        value: name.to_owned(),
        log: logarithmic(name),
        smoothing: Some(SMOOTHING),
        lines: members.iter().map(line).collect(),
    };
    (format!("{stage}-{name}"), chart)
}

/// The charts of every stage: measures of one kind share one, and so do the lines of several runs.
pub fn series_charts(series: &[NamedSeries]) -> Vec<(String, LineChart)> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for one in series.iter().filter(|one| !one.points.is_empty()) {
        let Some((name, part)) = part(&one.name) else { continue };
        let known = groups.iter_mut().find(|group| group.stage == one.stage && group.name == name);
        match known {
            Some(group) => group.members.push((part, one)),
            None => groups.push(Group { stage: &one.stage, name, members: vec![(part, one)] }),
        }
    }
    groups.into_iter().flat_map(Group::charts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::charts::tests::noisy;

    #[test]
    fn measures_of_one_kind_share_a_chart_while_their_lines_can_be_told_apart() {
        let names = [
            "elapsed",
            "gradient_norm/all",
            "gradient_norm/tower",
            "loss",
            "contrast/alignment",
            "validation/loss",
            "validation/recall@1",
            "validation/text-to-image/recall@1",
            "validation/text-to-image/mrr",
        ];
        let of = |runs: usize| -> Vec<NamedSeries> {
            let run = |run| names.map(|name| noisy(&format!("clip-{run}"), name, 0.0));
            (1..=runs).flat_map(run).collect()
        };
        let one = series_charts(&of(1));
        let all: Vec<(&str, Vec<&str>)> = one
            .iter()
            .map(|(name, chart)| {
                let lines = chart.lines.iter().map(|line| line.name.as_str());
                (name.as_str(), lines.collect())
            })
            .collect();
        let wanted = [
            ("llm2clip-gradient_norm", vec!["clip-1 all", "clip-1 tower"]),
            ("llm2clip-loss", vec!["clip-1", "clip-1 validation"]),
            ("llm2clip-contrast/alignment", vec!["clip-1"]),
            ("llm2clip-validation/recall@1", vec!["clip-1", "clip-1 text-to-image"]),
            ("llm2clip-validation/mrr", vec!["clip-1 text-to-image"]),
        ];
        assert_eq!(all, wanted);
        assert!(one[0].1.log && !one[1].1.log);
        assert_eq!(series_charts(&of(4)).len(), 5);
        // Ten lines have no ten colours: all measures but the time have a chart of their own.
        let five = series_charts(&of(5));
        assert_eq!(five.len(), names.len() - 1);
        assert!(five.iter().all(|(_, chart)| chart.lines.len() == 5));
        assert!(five.iter().any(|(name, _)| name == "llm2clip-validation/loss"));
    }
}
