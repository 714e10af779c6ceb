//! `embed`: texts or pictures to an embedding table.

use super::dataset::{Pictures, open};
use super::global::{Global, Refused};
use crate::data::corpus::Picture;
use crate::data::decoded::Decoded;
use crate::data::picture::Exif;
use crate::encode::{
    EncoderCard, EncoderSpec, ImageEncoder, Table, TableDtype, TextEncoder, image_encoder, parse,
    text_encoder,
};
use crate::eval::quantised::neighbours_kept;
use crate::runner::evaluate::{clocked_pictures, clocked_texts};
use crate::runner::{Narrator, Workspace};
use clap::Args;
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;

/// `embed`
#[derive(Args)]
pub struct Embed {
    /// The encoder.
    #[arg(long, value_name = "E")]
    encoder: String,
    /// A file of texts, one a line.
    #[arg(long, value_name = "FILE", group = "input")]
    texts: Option<PathBuf>,
    /// A folder of pictures, by file name.
    #[arg(long, value_name = "DIR", group = "input")]
    images: Option<PathBuf>,
    /// A data set: its captions, or with an encoder [tower=image] its pictures.
    #[arg(long, value_name = "D", group = "input")]
    dataset: Option<String>,
    /// The table to write.
    #[arg(long, value_name = "FILE.safetensors")]
    out: PathBuf,
    /// f32, f16 or int8.
    #[arg(long, default_value = "f32")]
    dtype: TableDtype,
}

/// `llm2clip.embed/1`
#[derive(Serialize)]
struct EmbedDocument {
    format: &'static str,
    encoder: EncoderCard,
    rows: usize,
    dim: usize,
    tokens: usize,
    truncated: usize,
    ms_per_item: f64,
    dtype: &'static str,
    /// Share of the exact ten nearest neighbours that the stored rows still find; null for f32.
    #[serde(rename = "kept@10")]
    kept: Option<f64>,
    out: String,
}

enum Input {
    Texts(Vec<String>),
    Pictures(Vec<Picture>),
}

/// `llm2clip embed`
pub fn embed(global: &Global, args: &Embed) -> anyhow::Result<ExitCode> {
    global.may_write()?;
    let spec = parse(&args.encoder).map_err(|error| Refused(error.to_string()))?;
    let image = spec.options.tower == Some(crate::encode::Tower::Image);
    fits(&spec, image || args.images.is_some())?;
    // First: it may start this program anew, and what is wrong with the data is said once.
    let workspace = global.workspace(None)?;
    let input = input(args, image, &global.decoded()?)?;
    let mut narrator = Narrator::new(None, global.voice());
    let Made { table, tokens, truncated, ms_per_item } =
        encode(&workspace, &spec, &input, args, &mut narrator)?;
    table.save(&args.out, args.dtype)?;
    let kept = kept(&table, args)?;
    let document = EmbedDocument {
        format: "llm2clip.embed/1",
        encoder: table.card,
        rows: table.rows.rows(),
        dim: table.rows.dim(),
        tokens,
        truncated,
        ms_per_item,
        dtype: args.dtype.name(),
        kept,
        out: args.out.display().to_string(),
    };
    global.print(&document, |document| {
        let kept = document.kept.map_or_else(String::new, |kept| {
            format!("{}: {:.1} % of the exact ten neighbours kept\n", document.dtype, kept * 100.0)
        });
        format!(
            "{} rows of {} to {}  ({} tokens, {} texts cut, {:.3} ms an item)\n{kept}",
            document.rows,
            document.dim,
            document.out,
            document.tokens,
            document.truncated,
            document.ms_per_item
        )
    })?;
    Ok(ExitCode::SUCCESS)
}

/// What the stored form costs: the file is read again and both are searched.
fn kept(table: &Table, args: &Embed) -> anyhow::Result<Option<f64>> {
    if args.dtype == TableDtype::F32 {
        return Ok(None);
    }
    let stored = Table::open(&args.out)?;
    let (exact, stored) = (table.rows.values(), stored.rows.values());
    Ok(Some(neighbours_kept(exact, stored, table.rows.dim(), 10)?))
}

fn input(args: &Embed, image: bool, decoded: &Decoded) -> anyhow::Result<Input> {
    if let Some(path) = &args.texts {
        let bytes = std::fs::read(path)
            .map_err(|error| Refused(format!("--texts {}: {error}", path.display())))?;
        if bytes.is_empty() {
            let message = format!(
                "--texts {}: expected a text a line, found an empty file; write at least one line",
                path.display()
            );
            return Err(Refused(message).into());
        }
        return Ok(Input::Texts(lines(&bytes)));
    }
    let set = match (&args.images, &args.dataset) {
        (Some(folder), _) => folder.display().to_string(),
        (None, Some(set)) => set.clone(),
        (None, None) => {
            return Err(
                Refused("name what to encode: --texts, --images or --dataset".into()).into()
            );
        }
    };
    let pictures = image || args.images.is_some();
    let all = Pictures { split: None, pool: None, decoded };
    let corpus = open(&set, None, pictures.then_some(all))?;
    Ok(if pictures {
        Input::Pictures(corpus.items.into_iter().flat_map(|item| item.pictures).collect())
    } else {
        let captions = corpus.items.into_iter().flat_map(|item| item.captions);
        Input::Texts(captions.map(|caption| caption.text).collect())
    })
}

/// Lines as texts: an empty one is an empty text, and the last needs no newline. A file of bytes may not
/// be UTF-8: what is not is replaced, the line stays.
fn lines(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_suffix('\n').unwrap_or(&text);
    text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line).to_owned()).collect()
}

/// Refuses what cannot encode, and options that would change nothing.
fn fits(spec: &EncoderSpec, pictures: bool) -> Result<(), Refused> {
    let what = match &spec.source {
        bm25 if bm25 == "bm25" => "bm25 compares words and makes no embeddings",
        table if table.starts_with("table:") => "a table holds embeddings that were made before",
        _ if pictures => {
            let fit = spec.options.fit_pictures(&spec.source);
            return fit.map_err(|error| Refused(error.to_string()));
        }
        _ => return Ok(()),
    };
    Err(Refused(format!(
        "--encoder {}: expected a model, found none: {what}; name a model, such as builtin:llama or RUN/STAGE",
        spec.source
    )))
}

/// A table and what making it took.
struct Made {
    table: Table,
    tokens: usize,
    truncated: usize,
    ms_per_item: f64,
}

fn encode(
    workspace: &Workspace,
    spec: &EncoderSpec,
    input: &Input,
    args: &Embed,
    narrator: &mut Narrator,
) -> anyhow::Result<Made> {
    let sources = workspace.sources();
    let loaded = sources.load(&spec.source)?;
    let made = match input {
        Input::Texts(texts) => {
            let encoder = text_encoder(&spec.source, loaded, &spec.options, &sources)?;
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let (made, ms_per_item) = clocked_texts(&encoder, &texts, "encoding", narrator)?;
            let table = Table { rows: made.rows, card: encoder.card().clone() };
            Made { table, tokens: made.tokens, truncated: made.truncated, ms_per_item }
        }
        Input::Pictures(pictures) => {
            let exif = if args.images.is_some() { Exif::Applied } else { Exif::Ignored };
            let encoder = image_encoder(&spec.source, loaded, exif, &workspace.device)?;
            let pictures: Vec<&Picture> = pictures.iter().collect();
            let (made, ms_per_item) = clocked_pictures(&encoder, &pictures, "encoding", narrator)?;
            let table = Table { rows: made.rows, card: encoder.card().clone() };
            Made { table, tokens: made.patches, truncated: 0, ms_per_item }
        }
    };
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_text_the_empty_and_the_last_too() {
        assert_eq!(lines(b"one\n\ntwo"), ["one", "", "two"]);
        assert_eq!(lines(b"one\r\ntwo\n"), ["one", "two"]);
        assert_eq!(lines(b"\n"), [""]);
        assert_eq!(lines(b"\xff"), ["\u{fffd}"]);
    }

    #[test]
    fn what_makes_no_embeddings_is_refused_with_what_does() {
        for text in ["bm25", "table:x.safetensors"] {
            let error = fits(&parse(text).unwrap(), false).unwrap_err().to_string();
            assert!(
                error.contains("expected a model") && error.contains("builtin:llama"),
                "{error}"
            );
        }
        assert!(fits(&parse("a/clip[tower=image,pooling=mean]").unwrap(), true).is_err());
        assert!(fits(&parse("a/clip[tower=image]").unwrap(), true).is_ok());
    }
}
