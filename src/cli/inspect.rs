//! `inspect`: the ranked lists of a query, of a typed text or of an own picture; a summary of all
//! queries; or, with `--serve`, one question a line.

use super::dataset::{DataArgs, own_picture};
use super::global::{Global, Refused, say};
use super::text::inspect as text;
use crate::encode::{EncoderSpec, parse_list};
use crate::eval::Direction;
use crate::eval::compare::Slice;
use crate::eval::question::{InspectQuestion, InspectRefusal};
use crate::machine::at_home;
use crate::runner::Narrator;
use crate::runner::evaluate::{
    Ask, Desk, Encoders, InspectRequest, Neighbours, Pair, Qrels, Query, Question,
    inspect as inspect_query, keep_all,
};
use crate::session::results::results_of;
use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser};
use serde_json::Value;
use std::io::{self, BufRead, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// `inspect`
#[derive(Args)]
pub struct Inspect {
    #[command(flatten)]
    data: DataArgs,
    /// Two encoders; with --serve, more: a line says which two it asks, else the first two.
    #[arg(long)]
    encoders: String,
    /// text-to-image, image-to-text, image-to-image or text-to-text; with --serve, the one of lines
    /// that name none.
    #[arg(long, required_unless_present = "serve")]
    direction: Option<Direction>,
    /// One query by its id; without one, a summary of all.
    #[arg(long, value_name = "ID", group = "who")]
    query_id: Option<String>,
    /// A typed text asks.
    #[arg(long, value_name = "TEXT", group = "who")]
    text: Option<String>,
    /// A picture file asks.
    #[arg(long, value_name = "FILE", group = "who", value_parser = PathBufValueParser::new().map(at_home))]
    image: Option<PathBuf>,
    /// Length of the lists.
    #[arg(short, default_value_t = 10)]
    k: usize,
    /// In a summary, list the queries of this slice, those that changed most first.
    #[arg(long, conflicts_with_all = ["who", "serve"])]
    slice: Option<Slice>,
    /// A second set of judgements, whose slices of all queries stand beside the set's own: TREC qrels,
    /// `query 0 item relevance` a line, with the ids that `export` writes.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["who", "serve"])]
    qrels: Option<PathBuf>,
    /// Answer questions from stdin until it ends: a line of JSON each,
    /// {"id","text"|"image"|"query_id","k","direction"}, or {"id","image"|"query_id","candidates"} for
    /// the choice of both encoders among texts; "encoders": two labels, where not the first two.
    #[arg(long, conflicts_with = "who")]
    serve: bool,
    /// With --serve, load and encode only what a line needs, when it comes.
    #[arg(long, requires = "serve")]
    lazy: bool,
}

/// `llm2clip inspect`
pub fn inspect(global: &Global, args: &Inspect) -> anyhow::Result<ExitCode> {
    let refused = |error: &dyn std::fmt::Display| Refused(error.to_string());
    let specs = parse_list(&args.encoders).map_err(|error| refused(&error))?;
    let found = specs.len();
    if found < 2 || (found > 2 && !args.serve) {
        return Err(Refused(format!("--encoders: expected two, found {found}")).into());
    }
    if args.k == 0 {
        return Err(Refused("-k: expected at least 1, found 0".to_owned()).into());
    }
    if let Some(file) = &args.image {
        own_picture(file)?;
    }
    let qrels = args.qrels.as_deref().map(Qrels::open).transpose()?;
    if global.session.is_some() {
        global.may_write()?;
    }
    let workspace = global.workspace(None)?;
    let encoders = Encoders { workspace: &workspace, exif: args.data.exif() };
    if !args.lazy {
        encoders.check(&specs)?;
    }
    let decoded = global.decoded()?;
    let probe = args.data.gallery(args.direction, &decoded).or_else(|error| {
        if !args.lazy {
            return Err(error);
        }
        // Captions can still be asked where too many pictures are missing.
        say(&format!("warning: {error}"));
        args.data.gallery(Some(Direction::TextToText), &decoded)
    })?;
    let mut narrator = Narrator::new(None, global.voice());
    let Some(direction) = args.direction.filter(|_| !args.serve) else {
        let mut desk = Desk::new(&encoders, specs, &probe);
        match args.direction {
            _ if args.lazy => {}
            Some(direction) => desk.prepare(FIRST, direction, &mut narrator)?,
            None => {
                for direction in desk.directions(FIRST)? {
                    desk.prepare(FIRST, direction, &mut narrator)?;
                }
            }
        }
        let server = Server { desk, direction: args.direction, k: args.k, narrator };
        server.serve(io::stdin().lock(), io::stdout().lock())?;
        return Ok(ExitCode::SUCCESS);
    };
    let (places, askers) = (probe.judgements(direction).0, probe.askers(direction));
    let counted = |id: &str| places.iter().any(|&place| askers[place].0 == id);
    let ask = match (&args.query_id, &args.text, &args.image) {
        (_, Some(text), _) => Some(Ask::Text(text.clone())),
        (_, _, Some(path)) => Some(Ask::Picture(path.clone())),
        (Some(id), _, _) if !counted(id) => Some(Ask::Id(id.clone())),
        _ => None,
    };
    let (document, neighbours) = if let Some(ask) = ask {
        let question = Question { ask, direction, k: args.k, pair: FIRST };
        let mut desk = Desk::new(&encoders, specs, &probe);
        let mut document = desk.answer(&question, &mut narrator)?;
        document.same_rows = desk.same_rows(FIRST, direction, &mut narrator)?;
        (document, Neighbours::default())
    } else {
        let query = match (&args.query_id, args.slice) {
            (Some(id), _) => Query::Id(id.clone()),
            (None, slice) => Query::All(slice),
        };
        let specs: [EncoderSpec; 2] = specs
            .try_into()
            .map_err(|_| Refused(format!("--encoders: expected two, found {found}")))?;
        let request = InspectRequest { encoders: specs, direction, query, k: args.k, qrels };
        inspect_query(&encoders, &probe, &request, &mut narrator)?
    };
    let kept = (|| {
        let Some(session) = global.named_session(&workspace)? else { return anyhow::Ok(()) };
        let results = results_of(session.folder());
        let id = results.free_id("inspect")?;
        keep_all(session.folder(), &results, &id, &probe, &neighbours, encoders.exif)?;
        results.write(&id, &document)?;
        Ok(())
    })();
    // What was found is told also where it cannot be kept.
    global.print(&document, text)?;
    kept?;
    Ok(ExitCode::SUCCESS)
}

/// Whom a question asks that names nobody.
const FIRST: Pair = [0, 1];

/// Longest line that is read.
const LONGEST: u64 = 1 << 20;

/// Answers line after line.
struct Server<'a> {
    desk: Desk<'a>,
    direction: Option<Direction>,
    k: usize,
    narrator: Narrator,
}

impl Server<'_> {
    /// Reads questions until the input ends or nobody reads the answers any more.
    fn serve(mut self, mut input: impl BufRead, mut output: impl Write) -> io::Result<()> {
        let mut line = Vec::new();
        loop {
            line.clear();
            if input.by_ref().take(LONGEST).read_until(b'\n', &mut line)? == 0 {
                return Ok(());
            }
            let whole = line.ends_with(b"\n") || (line.len() as u64) < LONGEST;
            if !whole {
                input.skip_until(b'\n')?;
            }
            let text = line.trim_ascii();
            if text.is_empty() {
                continue;
            }
            let answer = if whole {
                self.line(text)
            } else {
                refusal(Value::Null, format!("expected a line of at most {LONGEST} bytes"))
            };
            let written = serde_json::to_string(&answer)
                .map_err(io::Error::from)
                .and_then(|text| writeln!(output, "{text}"))
                .and_then(|()| output.flush());
            match written {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                written => written?,
            }
        }
    }

    fn line(&mut self, text: &[u8]) -> Value {
        let value: Value = match serde_json::from_slice(text) {
            Ok(value) => value,
            Err(error) => return refusal(Value::Null, format!("expected a line of JSON: {error}")),
        };
        if !value.is_object() {
            return refusal(
                Value::Null,
                format!("not a question: expected an object, found {value}"),
            );
        }
        let id = value.get("id").cloned().unwrap_or(Value::Null);
        let question = match serde_json::from_value::<InspectQuestion>(value) {
            Ok(question) => question,
            Err(error) => return refusal(id, format!("not a question: {error}")),
        };
        let written = |error: serde_json::Error| error.to_string();
        let answered = if let Some(candidates) = question.candidates.clone() {
            ask_of(&question)
                .and_then(|ask| Ok((ask, self.pair(&question)?)))
                .and_then(|(ask, pair)| {
                    self.desk.choose(pair, &ask, &candidates).map_err(|error| causes(&error))
                })
                .and_then(|document| serde_json::to_value(document).map_err(written))
        } else {
            self.question(&question)
                .and_then(|question| {
                    self.desk.answer(&question, &mut self.narrator).map_err(|error| causes(&error))
                })
                .and_then(|document| serde_json::to_value(document).map_err(written))
        };
        match answered {
            Err(error) => refusal(id, error),
            Ok(mut document) => {
                document["id"] = id;
                document
            }
        }
    }

    fn question(&self, asked: &InspectQuestion) -> Result<Question, String> {
        let ask = ask_of(asked)?;
        let direction = asked.direction.or(self.direction).ok_or(
            "expected a direction: text-to-image, image-to-text, image-to-image or text-to-text",
        )?;
        let pair = self.pair(asked)?;
        Ok(Question { ask, direction, k: asked.k.unwrap_or(self.k), pair })
    }

    /// Whom it asks.
    fn pair(&self, asked: &InspectQuestion) -> Result<Pair, String> {
        let Some(labels) = &asked.encoders else { return Ok(FIRST) };
        self.desk.pair(labels).map_err(|error| causes(&error))
    }
}

/// Who asks.
fn ask_of(asked: &InspectQuestion) -> Result<Ask, String> {
    match (&asked.text, &asked.image, &asked.query_id) {
        (Some(text), None, None) => Ok(Ask::Text(text.clone())),
        (None, Some(path), None) => Ok(Ask::Picture(at_home(PathBuf::from(path)))),
        (None, None, Some(id)) => Ok(Ask::Id(id.clone())),
        _ => Err("expected exactly one of text, image and query_id".to_owned()),
    }
}

fn refusal(id: Value, error: String) -> Value {
    let refusal = InspectRefusal { id, error };
    serde_json::json!({"id": refusal.id, "error": refusal.error})
}

/// An error and its causes in one line, each said once.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        cause = error.source();
    }
    text
}
