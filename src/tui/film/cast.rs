//! A replay as an asciicast, version 2: what the terminal would have been sent.

use super::{Film, FilmError};
use crate::tui::painter::{Painter, Sent};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Seconds the last frame stays.
const HOLD: f64 = 2.0;

/// Plays a session at a speed, from its moment or from the beginning, into an asciicast. Returns how
/// many seconds it takes.
pub fn cast(
    film: &mut Film,
    speed: f64,
    rewind: bool,
    out: &mut impl Write,
) -> Result<f64, FilmError> {
    let (width, height) = film.size;
    let (start, _) = film.playing.span();
    let header = json!({
        "version": 2,
        "width": width,
        "height": height,
        "timestamp": start.millis().div_euclid(1000),
        "title": format!("llm2clip: {}", film.session),
        "env": {"TERM": "xterm-256color"},
    });
    writeln!(out, "{header}")?;
    let sent = Sent::default();
    let mut painter = Painter::new(sent.clone());
    event(out, 0.0, "\x1b[?25l")?;
    let seconds = film.play(speed, rewind, |seconds, frame| {
        painter.paint(frame)?;
        let bytes = sent.take();
        if bytes.is_empty() {
            return Ok(());
        }
        event(out, seconds, &String::from_utf8_lossy(&bytes))
    })?;
    event(out, seconds + HOLD, "\x1b[?25h")?;
    Ok(seconds + HOLD)
}

fn event(out: &mut impl Write, seconds: f64, text: &str) -> io::Result<()> {
    let line =
        Value::Array(vec![((seconds * 1000.0).round() / 1000.0).into(), "o".into(), text.into()]);
    writeln!(out, "{line}")
}
