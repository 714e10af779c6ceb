//! Charts as they are drawn.

use super::*;
use crate::tui::app::tests::app;
use crate::tui::data::curve::Point;
use crate::tui::glyphs::Glyphs;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

fn look(marker: Marker) -> Look {
    Look {
        log_y: false,
        log_x: false,
        x: XKind::Step,
        window: None,
        smoothing: 0.0,
        middle: false,
        marker,
        crosshair: None,
        superseded: true,
    }
}

fn curve(number: usize, sparse: bool, values: &[(f64, f64)]) -> Curve {
    let point = |(x, value): &(f64, f64)| Point {
        x: *x,
        min: *value,
        max: *value,
        first: *value,
        last: *value,
        mean: *value,
        count: 1,
        after_gap: false,
    };
    let points: Vec<Point> = values.iter().map(point).collect();
    let pieces = vec![Piece { points, superseded: false, within: (0.0, 1e9) }];
    Curve { name: String::new(), number, pieces, sparse, exact: false, gaps: Vec::new() }
}

fn drawn(chart: &Chart, ascii: bool) -> Vec<String> {
    let marker = if ascii { Marker::Ascii } else { Marker::Braille };
    drawn_in(chart, &look(marker), (50, 12), ascii)
}

fn drawn_in(chart: &Chart, look: &Look, (width, height): (u16, u16), ascii: bool) -> Vec<String> {
    let mut app = app();
    app.shared.glyphs = Glyphs { ascii };
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    draw(&app.shared, chart, look, area, &mut buffer);
    let row = |y| (0..area.width).map(|x| buffer[(x, y)].symbol()).collect();
    (0..area.height).map(row).collect()
}

fn chart(curves: Vec<Curve>) -> Chart {
    Chart {
        title: String::new(),
        legend: String::new(),
        curves,
        marks: Vec::new(),
        references: Vec::new(),
        span: (0.0, 10.0),
        first: 1.0,
    }
}

#[test]
fn single_values_of_runs_laid_over_each_other_are_told_without_colour() {
    let values = |by: f64| [(2.0, 1.0 + by), (5.0, 2.0 + by), (8.0, 1.0 + by)];
    let curves = |count: usize| (0..count).map(|n| curve(n, true, &values(n as f64 * 3.0)));
    let text = drawn(&chart(curves(4).collect()), false).concat();
    for (sign, letter) in [('◆', 'a'), ('●', 'b'), ('▲', 'c'), ('■', 'd')] {
        assert_eq!(text.matches(sign).count(), 3, "{sign} in {text}");
        assert_eq!(text.matches(letter).count(), 1, "{letter} in {text}");
    }
    let text = drawn(&chart(curves(4).collect()), true).concat();
    for letter in ['a', 'b', 'c', 'd'] {
        assert!(text.matches(letter).count() >= 3, "{letter} in {text}");
    }
    // One run's stay as they were, beside its loss too.
    let loss = curve(0, false, &values(0.0));
    let text = drawn(&chart(vec![loss, curve(1, true, &values(2.0))]), false).concat();
    assert_eq!((text.matches('◆').count(), text.matches('●').count()), (3, 0));
}

#[test]
fn the_words_of_a_line_across_stand_where_no_curve_is() {
    // The curve lies on the line in its right half, and a value stands there.
    let mut chart = chart(vec![
        curve(0, false, &[(0.0, 8.0), (4.0, 4.0), (10.0, 4.0)]),
        curve(1, true, &[(7.0, 4.0)]),
    ]);
    chart.references.push(Reference { y: 4.0, x: (0.0, 10.0), label: "chance ln 128".to_owned() });
    for ascii in [false, true] {
        let rows = drawn(&chart, ascii);
        let text = rows.join("\n");
        let row = rows.iter().find(|row| row.contains("chance ln 128")).expect(&text);
        let (before, after) = row.split_once("chance ln 128").unwrap();
        for beside in [before.chars().next_back(), after.chars().next()].into_iter().flatten() {
            assert!([' ', '┈', '-'].contains(&beside), "{text}");
        }
    }
}

#[test]
fn that_a_chart_is_cut_off_logarithmic_or_hides_values_is_never_left_out() {
    let values = |at: f64| (at / 40.0, if at < 20.0 { -1.0 } else { at });
    let values: Vec<(f64, f64)> = (0..400).map(|at| values(f64::from(at))).collect();
    let mut chart = chart(vec![curve(0, false, &values), curve(1, false, &values)]);
    chart.title = "loss".to_owned();
    chart.legend = ": a simcse-of-a-long-name-1, b simcse-of-a-long-name-2".to_owned();
    let look = Look { log_y: true, middle: true, smoothing: 0.9, ..look(Marker::Braille) };
    for size in [(80, 12), (51, 12), (30, 12), (30, 7), (70, 3)] {
        let text = drawn_in(&chart, &look, size, false).join("\n");
        for fact in ["log", " above", "40 not above 0 hidden"] {
            assert!(text.contains(fact), "{size:?} {fact}: {text}");
        }
        assert!(text.contains("loss"), "{text}");
    }
    for size in [(0, 0), (1, 1), (2, 5), (8, 4), (9, 9)] {
        drawn_in(&chart, &look, size, false);
    }
}

#[test]
fn a_logarithmic_axis_begins_where_values_do_and_says_that_it_is_one() {
    let values: Vec<(f64, f64)> = (1..200).map(f64::from).map(|at| (at * 64.0, at)).collect();
    let mut chart = chart(vec![curve(0, false, &values), curve(0, true, &[(0.0, 3.0)])]);
    (chart.span, chart.first) = ((0.0, 200.0 * 64.0), 64.0);
    let linear = Look { x: XKind::Samples, ..look(Marker::Braille) };
    let log = Look { log_x: true, log_y: true, ..linear.clone() };
    let first_column = |rows: &[String]| {
        let first = |row: &String| row.chars().skip_while(|sign| !"│┤".contains(*sign)).nth(1);
        rows.iter().filter_map(first).any(|sign| ('\u{2801}'..='\u{28ff}').contains(&sign))
    };
    let rows = drawn_in(&chart, &log, (80, 12), false);
    assert!(first_column(&rows), "{rows:#?}");
    assert!(rows[11].contains("log samples"), "{rows:#?}");
    assert!(rows.iter().any(|row| row.contains("log│")), "{rows:#?}");
    assert!(rows[0].contains("1 left of the axis hidden"), "{rows:#?}");
    let rows = drawn_in(&chart, &linear, (80, 12), false);
    assert!(!rows.concat().contains("log") && rows[11].contains(" samples"), "{rows:#?}");
    assert!(!rows[0].contains("hidden"), "{rows:#?}");
    // The clock has no logarithm.
    let clock = Look { x: XKind::Clock, log_x: true, ..linear };
    assert!(!drawn_in(&chart, &clock, (80, 12), false)[11].contains("log"));
}

#[test]
fn the_crosshair_says_where_it_stands() {
    let values: Vec<(f64, f64)> = (1..=200).map(|at| (f64::from(at), 1.0)).collect();
    let mut chart = chart(vec![curve(0, false, &values)]);
    chart.span = (0.0, 200.0);
    for (at, place) in [(0.3, " 0 "), (100.2, " 100 "), (200.0, " 200 ")] {
        let look = Look { crosshair: Some(at), ..look(Marker::Braille) };
        for size in [(80, 12), (24, 8)] {
            let rows = drawn_in(&chart, &look, size, false);
            assert!(rows[usize::from(size.1) - 1].contains(place), "{rows:#?}");
        }
    }
}

#[test]
fn every_boundary_has_its_word_where_no_curve_is_or_else_over_one() {
    // The last stage's curve fills the upper rows, and the one before it all of them.
    let up_and_down: Vec<(f64, f64)> =
        (20..=60).map(|at| (f64::from(at) / 10.0, f64::from(at % 2) * 9.0)).collect();
    let high: Vec<(f64, f64)> = (60..=100).map(|at| (f64::from(at) / 10.0, 9.0)).collect();
    let mut chart = chart(vec![curve(0, false, &up_and_down), curve(0, false, &high)]);
    let mark = |x: f64, label: &str| Mark { x, label: label.to_owned(), kind: MarkKind::Stage };
    chart.marks = vec![mark(2.0, "clip"), mark(6.0, "llm2clip")];
    for ascii in [false, true] {
        let text = drawn(&chart, ascii).join("\n");
        assert!(text.contains("clip") && text.contains("llm2clip"), "{text}");
    }
}
