//! `replay`: a session as it happened, as lines at their recorded pace.

use super::global::{Global, Refused};
use super::text::safe;
use crate::session::replay::{Entries, Player, Timeline, line};
use crate::session::{Finite, Time};
use clap::Args;
use serde::Serialize;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;
use std::time::Duration;

/// `replay`
#[derive(Args)]
pub struct Replay {
    /// A session, by any unambiguous beginning or end of its name.
    session: String,
    /// How many times as fast as it was, or `max`: at once.
    #[arg(long, value_name = "X", default_value = "1", value_parser = speed)]
    speed: f64,
    /// Where to begin: a step's number, or a time such as 2026-11-24T03:50:43Z.
    #[arg(long, value_name = "STEP|TIME")]
    from: Option<String>,
}

fn speed(text: &str) -> Result<f64, String> {
    if text == "max" {
        return Ok(f64::INFINITY);
    }
    let speed = text.parse().ok().filter(|speed: &f64| speed.is_finite() && *speed > 0.0);
    speed.ok_or_else(|| format!("expected a number above 0, or max, found {text:?}"))
}

/// The beginning of `llm2clip.replay/1`; `entries` follows.
#[derive(Serialize)]
struct Head<'a> {
    format: &'a str,
    session: &'a str,
    entries: usize,
    bad_lines: u64,
    start: Time,
    end: Time,
    seconds: Option<Finite>,
    marks: Vec<String>,
}

/// `llm2clip replay`
pub fn replay(global: &Global, args: &Replay) -> anyhow::Result<ExitCode> {
    let session = super::session::named(global, &args.session)?;
    let timeline = Timeline::open(session.folder())?;
    let bad_lines = timeline.bad_lines();
    let mut player = Player::new(timeline);
    if let Some(from) = &args.from {
        if let Ok(step) = from.parse() {
            if !player.seek_step(None, None, step) {
                let id = session.id();
                return Err(Refused(format!("--from {step}: no run of {id} made that step")).into());
            }
            player.step_back();
        } else {
            let time = from.parse::<Time>().map_err(|error| Refused(format!("--from: {error}")))?;
            player.seek_time(time);
        }
    }
    if global.json {
        let (start, end) = (player.start(), player.end());
        let all = player.entries();
        let marks = player.marks().iter().filter(|at| **at >= player.position());
        let document = Head {
            format: "llm2clip.replay/1",
            session: session.id().as_str(),
            entries: all.len() - player.position(),
            bad_lines,
            start,
            end,
            seconds: Finite::new(end.seconds_since(start)),
            marks: marks.filter_map(|at| all.entry(*at)).map(|entry| line(&entry)).collect(),
        };
        global.print(&document, |_| String::new())?;
        return Ok(ExitCode::SUCCESS);
    }
    if bad_lines > 0 {
        eprintln!("warning: {bad_lines} lines are no records and are passed over");
    }
    match play(&mut player, args.speed) {
        // Whoever read has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        done => Ok(done.map(|()| ExitCode::SUCCESS)?),
    }
}

fn play(player: &mut Player<Timeline>, speed: f64) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    if speed.is_infinite() {
        let all = player.entries();
        for entry in (player.position()..all.len()).filter_map(|at| all.entry(at)) {
            writeln!(out, "{}", safe(&line(&entry)))?;
        }
        return out.flush();
    }
    player.set_speed(speed);
    player.play();
    while let Some(milliseconds) = player.until_next() {
        let pause = Duration::from_secs_f64(milliseconds / 1000.0);
        std::thread::sleep(pause);
        // A hair more, so that rounding does not leave the next entry a hair ahead.
        for at in player.advance(pause + Duration::from_micros(1)) {
            if let Some(entry) = player.entries().entry(at) {
                writeln!(out, "{}", safe(&line(&entry)))?;
            }
        }
        out.flush()?;
    }
    Ok(())
}
