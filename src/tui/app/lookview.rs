//! How an encoder that was looked into is shown: its tests first, then tokens with masks and weights,
//! the stack of LoRAs, the card; beside them the picture as the tower sees it.

use super::frame::{inside, sheet_at};
use super::look::LookForm;
use super::{App, Shared};
use crate::tui::data::looked::{LookShown, LoraShown, TextShown};
use crate::tui::text;
use crate::tui::theme::Role;
use crate::tui::widget::cut;
use crate::tui::widget::input::Input;
use crate::tui::widget::paint::{put, right, top};
use crate::tui::widget::picture::picture_in_front;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// Columns before a field's value.
const NAMES: u16 = 9;
/// Columns of the sheet.
pub const WIDTH: u16 = 104;
/// Tokens whose sight is drawn one by one.
const SEEN: usize = 24;

/// A line in pieces.
pub type Line = Vec<(Role, String)>;

/// Where things stand within the sheet.
pub struct Parts {
    /// What is asked, and how far it is.
    pub form: Rect,
    /// The answer.
    pub answer: Rect,
    /// The picture; of no size where there is none.
    pub picture: Rect,
}

/// Lays out the sheet on a terminal of that size.
pub fn parts(size: Rect, has_picture: bool) -> Parts {
    let inner = inside(sheet_at(WIDTH, size.height.saturating_sub(2), size));
    let (form, answer) = top(inner, 5);
    if !has_picture || answer.width < 40 {
        return Parts { form, answer, picture: Rect::ZERO };
    }
    let rows = answer.height.saturating_sub(1).min(20).min(answer.width / 4);
    let (answer, side) = right(answer, rows * 2 + 1);
    let picture = Rect { x: side.x + 1, width: side.width - 1, height: rows, ..side };
    Parts { form, answer, picture }
}

impl App {
    pub(super) fn look_into(&self, form: &LookForm, area: Rect, buffer: &mut Buffer) {
        let shared = &self.shared;
        self.sheet(WIDTH, area.height.saturating_sub(2), "An encoder looked into", area, buffer);
        let (parts, lines) = laid_out(shared, area);
        let answer = shared.look.as_ref().and_then(|look| look.answer.as_ref());
        let seen = answer.and_then(|answer| answer.as_ref().ok()?.picture.as_ref());
        self.look_form(form, parts.form, buffer);
        let height = usize::from(parts.answer.height);
        let first = form.scroll.min(lines.len().saturating_sub(height));
        for (at, line) in lines.iter().skip(first).take(height).enumerate() {
            let line: Vec<(Role, &str)> =
                line.iter().map(|(role, words)| (*role, words.as_str())).collect();
            let (place, y) = (parts.answer, parts.answer.y + at as u16);
            cut::pieces(shared, buffer, place, (place.x, y), &line);
        }
        if let Some(digest) = seen.and_then(|seen| seen.digest.as_ref())
            && !parts.picture.is_empty()
        {
            picture_in_front(shared, buffer, parts.picture, digest);
        }
    }

    fn look_form(&self, form: &LookForm, area: Rect, buffer: &mut Buffer) {
        let shared = &self.shared;
        let style = |role| shared.theme.style(role);
        let mut rest = area;
        let fields: [(&str, &Input, bool); 2] =
            [("text", &form.asked, !form.on_encoder), ("encoder", &form.encoder, form.on_encoder)];
        for (name, input, front) in fields {
            let (line, below) = top(rest, 1);
            rest = below;
            let value = self.field((name, NAMES), front, line, buffer);
            self.value(input, front, value, buffer);
        }
        let (line, rest) = top(rest, 1);
        let place = form.at().map_or_else(String::new, |at| {
            let label = text::safe(&form.known[at].0);
            format!("{label}, {} of {} known", at + 1, form.known.len())
        });
        put(buffer, line, line.x + NAMES, line.y, &place, style(Role::Dim));
        let (line, rest) = top(rest, 1);
        let (role, words) = match (form.arguments(shared.readonly), &shared.look) {
            (Err(why), _) => (Role::Bad, why),
            (Ok(_), None) if form.note.is_some() => {
                (Role::Warn, form.note.clone().unwrap_or_default())
            }
            (Ok(_), None) => (
                Role::Dim,
                "a text, or a picture's path; the text may be empty: then only the tests are made"
                    .to_owned(),
            ),
            (Ok(_), Some(look)) if look.answer.is_some() && !form.is_of(look) => {
                let of = text::safe(&format!("{}, {:?}", look.encoder, look.asked));
                (Role::Warn, format!("enter looks into this; below is still {of}"))
            }
            (Ok(_), Some(look)) => match &look.answer {
                None => (Role::Warn, format!("asked of {}: it is being loaded", look.encoder)),
                Some(Err(_)) => (Role::Bad, "it could not be looked into:".to_owned()),
                Some(Ok(shown)) => {
                    let sign = if shown.self_test.iter().all(|test| test.passed) {
                        (Role::Good, format!("{} its tests hold", shared.glyphs.tick()))
                    } else {
                        (Role::Bad, "a TEST FAILED: it is not what its card says".to_owned())
                    };
                    (sign.0, format!("{}: {}", look.encoder, sign.1))
                }
            },
        };
        self.verdict(role, &words, line, buffer);
        let keys =
            [("enter", "looks"), ("tab", "field"), ("up down", "known"), ("pgup/dn", "scroll")];
        self.last_line(&keys, top(rest, 1).0, buffer);
    }
}

/// Where things stand on a terminal of that size, and the answer's lines there, or the error's.
fn laid_out(shared: &Shared, size: Rect) -> (Parts, Vec<Line>) {
    let answer = shared.look.as_ref().and_then(|look| look.answer.as_ref());
    let seen = matches!(answer, Some(Ok(shown)) if shown.picture.is_some());
    let parts = parts(size, seen);
    let width = usize::from(parts.answer.width);
    let lines = match answer {
        Some(Ok(shown)) => lines(shared, shown, width),
        Some(Err(why)) => {
            let words = text::wrap(&text::safe(why), width.max(8));
            words.into_iter().map(|words| vec![(Role::Bad, words)]).collect()
        }
        None => Vec::new(),
    };
    (parts, lines)
}

/// Lines of the answer beyond those that a terminal of that size shows at once.
pub fn beyond(shared: &Shared, size: Rect) -> usize {
    let (parts, lines) = laid_out(shared, size);
    lines.len().saturating_sub(usize::from(parts.answer.height))
}

/// The answer as lines of a width.
pub fn lines(shared: &Shared, shown: &LookShown, width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    if !shown.self_test.is_empty() {
        lines.push(title("self-test"));
    }
    for test in &shown.self_test {
        let (role, sign) = if test.passed {
            (Role::Good, shared.glyphs.tick().to_owned())
        } else {
            (Role::Bad, "FAILED".to_owned())
        };
        let words = format!(
            "{}: {} (expected: {})",
            text::safe(&test.test),
            text::safe(&test.found),
            text::safe(&test.expected)
        );
        let indent = text::width(&sign) + 1;
        let wrapped = text::wrap(&words, width.saturating_sub(indent).max(8));
        for (at, words) in wrapped.into_iter().enumerate() {
            let sign = if at == 0 { format!("{sign} ") } else { " ".repeat(indent) };
            lines.push(vec![(role, sign), (Role::Text, words)]);
        }
    }
    if let Some(seen) = &shown.picture {
        lines.push(title("picture"));
        let [wide, high] = seen.size;
        let words = format!(
            "{wide}x{high} pixels, read as {0}x{0} in {1} patches",
            seen.edge, seen.patches
        );
        lines.push(vec![(Role::Text, words)]);
        let head = format!("{:<8}{:>8}{:>8}{:>8}", "", "least", "mean", "most");
        lines.push(vec![(Role::Dim, head)]);
        for (name, [least, mean, most]) in ["red", "green", "blue"].iter().zip(seen.channels) {
            let words = format!("{name:<8}{least:>8.3}{mean:>8.3}{most:>8.3}");
            lines.push(vec![(Role::Text, words)]);
        }
    }
    if let Some(read) = &shown.text {
        tokens(shared, read, width, &mut lines);
    }
    for (at, lora) in shown.loras.iter().enumerate() {
        stack(at, lora, &mut lines);
    }
    for card in &shown.cards {
        self::card(card, &mut lines);
    }
    lines
}

fn title(words: &str) -> Line {
    vec![(Role::Title, words.to_owned())]
}

/// A token a line: what it sees, whether it is pooled, its weight.
fn tokens(shared: &Shared, read: &TextShown, width: usize, lines: &mut Vec<Line>) {
    let cut = if read.truncated { ", cut at its limit" } else { "" };
    let count = read.tokens.len();
    let attention = match read.attention.as_str() {
        "causal" => "causal: a token sees itself and those before it",
        "bidirectional" => "bidirectional: every token sees every token",
        other => other,
    };
    lines.push(title(&format!("{count} tokens{cut}, pooled by {}", text::safe(&read.pooling))));
    let attention = format!("attention is {}", text::safe(attention));
    let attention = text::wrap(&attention, width.max(8));
    lines.extend(attention.into_iter().map(|words| vec![(Role::Dim, words)]));
    // Where there is room each token's row of the mask is drawn.
    let drawn = if width >= 62 + count.min(SEEN) { count.min(SEEN) } else { 0 };
    let room = width.saturating_sub(46 + if drawn > 0 { drawn + 2 } else { 0 }).clamp(6, 24);
    let name = text::left("token", room, "");
    let mask = if drawn > 0 { text::left("attention", drawn + 2, "") } else { String::new() };
    let head = format!("{:>4}{:>8}  {name} {:>8} {mask} pooled  weight", "at", "id", "sees");
    lines.push(vec![(Role::Dim, head)]);
    let most = read.tokens.iter().map(|token| token.weight).fold(f64::MIN_POSITIVE, f64::max);
    for token in &read.tokens {
        let sees = match token.attends {
            0 => "none".to_owned(),
            1 => "0".to_owned(),
            all => format!("0 to {}", all - 1),
        };
        let row = (0..drawn).map(|at| if at < token.attends { 'x' } else { '.' });
        let mut row: String = row.collect();
        if drawn > 0 {
            row.push_str(if count > drawn { "+ " } else { "  " });
        }
        let name = text::left(&text::safe(&token.token), room, shared.glyphs.cut());
        lines.push(vec![
            (Role::Dim, format!("{:>4}{:>8}  ", token.at, token.id)),
            (if token.embed { Role::Title } else { Role::Text }, name),
            (Role::Text, format!(" {sees:>8} ")),
            (Role::Accent, row),
            (if token.embed { Role::Good } else { Role::Dim }, yes_or_no(token.embed)),
            (Role::Curve(0), format!(" {}", shared.glyphs.gauge(token.weight / most, 6))),
            (Role::Text, format!(" {:.4}", token.weight)),
        ]);
    }
}

fn yes_or_no(yes: bool) -> String {
    if yes { " yes   ".to_owned() } else { " -     ".to_owned() }
}

/// One LoRA of the stack: a layer a line.
fn stack(at: usize, lora: &LoraShown, lines: &mut Vec<Line>) {
    let [update, weight] = lora.whole();
    let share = 100.0 * update / weight.max(f64::MIN_POSITIVE);
    lines.push(title(&format!(
        "LoRA {}: {}  r {}, alpha {}",
        at + 1,
        text::safe(&lora.source),
        lora.r,
        lora.alpha
    )));
    let words =
        format!("added {update:.3} to weights of norm {weight:.3}: {share:.2} %; by layer:");
    lines.push(vec![(Role::Dim, words)]);
    for (layer, weights) in lora.layers() {
        let mut line = vec![(Role::Dim, format!("{:<18}", text::safe(&layer)))];
        for (name, share) in weights {
            line.push((Role::Dim, format!(" {}", text::safe(&name))));
            line.push((Role::Text, format!(" {:.2} %", 100.0 * share)));
        }
        lines.push(line);
    }
}

fn card(card: &serde_json::Value, lines: &mut Vec<Line>) {
    let word = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text::safe(text),
        other => text::safe(&other.to_string()),
    };
    let line =
        |name: &str, words: String| vec![(Role::Dim, format!("{name:<12}")), (Role::Text, words)];
    lines.push(title(&format!("{} tower", word(&card["tower"]))));
    lines.push(line("model", format!("{}, {} numbers a row", word(&card["kind"]), card["dim"])));
    if let Some(how) = card["text"].as_object() {
        for key in ["attention", "pooling", "template", "bos", "max_tokens"] {
            lines.extend(how.get(key).map(|value| line(key, word(value))));
        }
    }
    if let Some(how) = card["picture"].as_object() {
        for key in ["size", "resample", "mean", "std"] {
            lines.extend(how.get(key).map(|value| line(key, word(value))));
        }
    }
    for key in ["layer", "weights"] {
        if !card[key].is_null() {
            lines.push(line(key, word(&card[key])));
        }
    }
    for parent in card["stands_on"].as_array().into_iter().flatten() {
        lines.push(line("stands on", word(&parent["source"])));
    }
}
