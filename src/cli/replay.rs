//! `replay`: a session as it happened, as lines at their recorded pace, or as the workbench's screens in
//! a file.

use super::global::{Global, Refused};
use super::text::safe;
use crate::session::replay::{Entries, Player, Timeline, line};
use crate::session::{Finite, Session, Time};
use crate::tui::film::{Film, FilmError, Look, Moment, cast, svg, text as film_text};
use crate::tui::keys::Key;
use crate::tui::screen::ScreenId;
use clap::Args;
use serde::Serialize;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
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
    /// Write the replay as the workbench shows it into an asciicast (version 2).
    #[arg(long, value_name = "FILE", conflicts_with = "frame")]
    asciicast: Option<PathBuf>,
    /// Write one screen, at `--from` or at the end, as .svg or .txt.
    #[arg(long, value_name = "FILE")]
    frame: Option<PathBuf>,
    /// Columns and rows of the screen.
    #[arg(long, value_name = "WxH", default_value = "120x36", value_parser = size)]
    size: (u16, u16),
    /// runs, train, compare, inspect, replay, system or log.
    #[arg(long, value_name = "NAME", default_value = "replay", value_parser = screen)]
    screen: ScreenId,
    /// Keys pressed on that screen first, with spaces between, such as "y i right".
    #[arg(long, value_name = "KEYS", default_value = "")]
    keys: String,
}

fn size(text: &str) -> Result<(u16, u16), String> {
    let parts = text.split_once('x').map(|(columns, rows)| (columns.parse(), rows.parse()));
    match parts {
        Some((Ok(columns @ 1..=500), Ok(rows @ 1..=200))) => Ok((columns, rows)),
        _ => Err(format!(
            "expected columns and rows such as 120x36, at most 500x200, found {text:?}"
        )),
    }
}

fn screen(text: &str) -> Result<ScreenId, String> {
    let known = ScreenId::ALL.into_iter().find(|screen| screen.name().eq_ignore_ascii_case(text));
    known.ok_or_else(|| {
        format!("expected runs, train, compare, inspect, replay, system or log, found {text:?}")
    })
}

impl Replay {
    fn moment(&self) -> anyhow::Result<Option<Moment>> {
        let Some(from) = &self.from else { return Ok(None) };
        if let Ok(step) = from.parse() {
            return Ok(Some(Moment::Step(step)));
        }
        let time = from.parse::<Time>().map_err(|error| Refused(format!("--from: {error}")))?;
        Ok(Some(Moment::Time(time)))
    }

    /// Writes screens into a file.
    fn film(&self, global: &Global, session: &Session, file: &Path) -> anyhow::Result<ExitCode> {
        let unknown = |key: &str| Refused(format!("--keys: no key is called {key:?}"));
        let keys = self.keys.split_whitespace();
        let keys: Result<Vec<Key>, Refused> =
            keys.map(|key| Key::parse(key).ok_or_else(|| unknown(key))).collect();
        let at = self.moment()?;
        let look = Look {
            theme: global.theme.clone(),
            ascii: global.ascii,
            size: self.size,
            screen: self.screen,
            at,
            keys: keys?,
        };
        let refused = |error: FilmError| match error {
            FilmError::Theme(_) | FilmError::Step { .. } => Refused(error.to_string()).into(),
            error => anyhow::Error::from(error),
        };
        let sessions = session.folder().parent().unwrap_or(Path::new("."));
        let mut film = Film::open(sessions, session.id(), &look).map_err(refused)?;
        let ending = file.extension().and_then(std::ffi::OsStr::to_str).unwrap_or_default();
        let mut bytes = Vec::new();
        if self.asciicast.is_some() {
            if self.speed.is_infinite() {
                return Err(Refused("--asciicast: --speed takes a number".to_owned()).into());
            }
            cast(&mut film, self.speed, at.is_none(), &mut bytes).map_err(refused)?;
        } else if ending == "svg" {
            let title = format!("llm2clip: {}", self.screen.name());
            bytes = svg(&film.frame(), film.ground(), &title).into_bytes();
        } else if ending == "txt" {
            bytes = film_text(&film.frame()).into_bytes();
        } else {
            let found = file.display();
            return Err(Refused(format!("--frame: expected a .svg or .txt, found {found}")).into());
        }
        crate::files::write_atomic(file, &bytes)?;
        let document = Written {
            format: "llm2clip.screen/1",
            session: session.id().as_str(),
            screen: self.screen.name(),
            bytes: bytes.len(),
            out: file,
        };
        global.print(&document, |written| {
            format!("{}: {} bytes\n", written.out.display(), written.bytes)
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// `llm2clip.screen/1`
#[derive(Serialize)]
struct Written<'a> {
    format: &'a str,
    session: &'a str,
    screen: &'a str,
    bytes: usize,
    out: &'a Path,
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
    if let Some(file) = args.asciicast.as_ref().or(args.frame.as_ref()) {
        global.may_write()?;
        return args.film(global, &session, file);
    }
    let timeline = Timeline::open(session.folder())?;
    let bad_lines = timeline.bad_lines();
    let mut player = Player::new(timeline);
    match args.moment()? {
        None => {}
        Some(Moment::Time(time)) => player.seek_time(time),
        Some(Moment::Step(step)) => {
            if !player.seek_step(None, None, step) {
                let id = session.id();
                return Err(Refused(format!("--from {step}: no run of {id} made that step")).into());
            }
            player.step_back();
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
