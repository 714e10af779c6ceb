//! `encoder`: an encoder's card, a text's tokens or a picture as it reads them, and its self-test.

use super::global::{Global, Refused};
use super::text::safe;
use crate::data::corpus::Picture;
use crate::data::picture::Exif;
use crate::encode::{
    Config, EncoderCard, Finding, ImageEncoder, Loaded, MergedLora, ModelImageEncoder,
    ModelTextEncoder, PictureLook, Sources, TextEncoder, TextLook, Tower, image_encoder,
    look_at_picture, look_at_text, parse, test_images, test_texts, text_encoder,
};
use crate::machine::at_home;
use crate::tui::osc::base64;
use anyhow::Context as _;
use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser};
use serde::Serialize;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// `encoder`
#[derive(Args)]
pub struct Encoder {
    /// The encoder.
    #[arg(value_name = "E")]
    name: String,
    /// A text: its tokens with both masks and pooling weights.
    #[arg(long, conflicts_with = "image")]
    text: Option<String>,
    /// A picture: as the tower sees it.
    #[arg(long, value_name = "FILE", value_parser = PathBufValueParser::new().map(at_home))]
    image: Option<PathBuf>,
    /// Where to write the picture as the tower sees it, as PNG.
    #[arg(long, value_name = "FILE.png", requires = "image")]
    out: Option<PathBuf>,
    /// Whether it does what its card says: mask, batches, unit rows.
    #[arg(long)]
    self_test: bool,
}

/// `llm2clip.encoder/1`
#[derive(Serialize)]
struct EncoderDocument {
    format: &'static str,
    source: String,
    cards: Vec<EncoderCard>,
    model: serde_json::Value,
    loras: Vec<MergedLora>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<TextLook>,
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<PictureShown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    self_test: Option<Vec<Finding>>,
}

/// A picture as the tower sees it, with its pixels.
#[derive(Serialize)]
struct PictureShown {
    #[serde(flatten)]
    look: PictureLook,
    /// The pixels before they are normalised: a PNG, in base64.
    png: String,
}

/// A text to test with where none is given.
const SENTENCE: &str = "a brown dog runs along the beach";

/// `llm2clip encoder`
pub fn encoder(global: &Global, args: &Encoder) -> anyhow::Result<ExitCode> {
    if args.out.is_some() {
        global.may_write()?;
    }
    let spec = parse(&args.name).map_err(|error| Refused(error.to_string()))?;
    if spec.source == "bm25" || spec.source.starts_with("table:") {
        let message = format!("{} has no model to look into", spec.source);
        return Err(Refused(message).into());
    }
    let workspace = global.workspace(None)?;
    let sources = Sources { weigh: true, ..workspace.sources() };
    let loaded = sources.load(&spec.source)?;
    let (texts, pictures) = towers(&loaded, spec.options.tower, args);
    if pictures && !texts {
        spec.options.fit_pictures(&spec.source).map_err(|error| Refused(error.to_string()))?;
    }
    let model = loaded.config.to_json();
    let image = pictures
        .then(|| image_encoder(&spec.source, loaded.clone(), Exif::Applied, &workspace.device))
        .transpose()?;
    let loaded = crate::encode::with_loras(loaded, &spec.options, &sources)?;
    let loras = loaded.loras.clone();
    let plain = crate::encode::Options { lora: Vec::new(), ..spec.options.clone() };
    let text = texts.then(|| text_encoder(&spec.source, loaded, &plain, &sources)).transpose()?;
    let mut document = EncoderDocument {
        format: "llm2clip.encoder/1",
        source: spec.source.clone(),
        cards: text.iter().map(|encoder| encoder.card().clone()).collect(),
        model,
        loras,
        text: None,
        picture: None,
        self_test: None,
    };
    document.cards.extend(image.iter().map(|encoder| encoder.card().clone()));
    look(&mut document, args, text.as_ref(), image.as_ref())?;
    let failed = document.self_test.iter().flatten().any(|finding| !finding.passed);
    global.print(&document, human)?;
    Ok(if failed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// Which towers are asked about: texts, pictures.
fn towers(loaded: &Loaded, tower: Option<Tower>, args: &Encoder) -> (bool, bool) {
    if args.image.is_some() {
        return (false, true);
    }
    if args.text.is_some() {
        return (true, false);
    }
    match (&loaded.config, tower) {
        (_, Some(Tower::Text)) | (Config::Llama(_), None) => (true, false),
        (_, Some(Tower::Image)) => (false, true),
        (Config::Clip(_), None) => (true, true),
        // A released image half does not say whose rows its adapter takes.
        (Config::Llm2clip(_), None) => (loaded.table.is_some(), true),
    }
}

fn look(
    document: &mut EncoderDocument,
    args: &Encoder,
    text: Option<&ModelTextEncoder>,
    image: Option<&ModelImageEncoder>,
) -> anyhow::Result<()> {
    let mut findings = Vec::new();
    if let Some(encoder) = text {
        if let Some(text) = &args.text {
            document.text = Some(look_at_text(encoder, text)?);
        }
        if args.self_test {
            findings.extend(test_texts(encoder, args.text.as_deref().unwrap_or(SENTENCE))?);
        }
    }
    if let Some(encoder) = image {
        let given = args.image.clone().map(Picture::File);
        if let Some(picture) = &given {
            let look = look_at_picture(encoder, picture)?;
            let mut png = std::io::Cursor::new(Vec::new());
            let (width, height) = (look.pixels.width as u32, look.pixels.height as u32);
            image::write_buffer_with_format(
                &mut png,
                &look.pixels.pixels,
                width,
                height,
                image::ColorType::Rgb8,
                image::ImageFormat::Png,
            )?;
            let png = png.into_inner();
            if let Some(out) = &args.out {
                std::fs::write(out, &png)
                    .with_context(|| format!("writing {} failed", out.display()))?;
            }
            document.picture = Some(PictureShown { look, png: base64(&png) });
        }
        if args.self_test {
            let picture = given.unwrap_or(Picture::Builtin { vendor: 0, index: 3 });
            findings.extend(test_images(encoder, &picture)?);
        }
    }
    document.self_test = args.self_test.then_some(findings);
    Ok(())
}

fn human(document: &EncoderDocument) -> String {
    let mut text = format!("encoder    {}\n", safe(&document.source));
    for card in &document.cards {
        let _ =
            writeln!(text, "tower      {}  {}  {} numbers a row", card.tower, card.kind, card.dim);
        if let Some(how) = &card.text {
            let json = serde_json::to_value(how).unwrap_or_default();
            let _ = writeln!(
                text,
                "texts      attention {}  pooling {}  BOS {}  at most {} tokens  template {}",
                json["attention"].as_str().unwrap_or_default(),
                how.pooling,
                if how.bos { "yes" } else { "no" },
                how.max_tokens,
                safe(&json["template"].to_string()),
            );
        }
        if let Some(layer) = card.layer {
            let _ = writeln!(text, "layer      {layer}");
        }
        if let Some(picture) = &card.picture {
            let (size, way) = (picture.size, &picture.resample);
            let (mean, std) = (picture.mean, picture.std);
            let _ = writeln!(text, "pictures   {size} pixels  {way}  mean {mean:?}  std {std:?}");
        }
        if let Some(digest) = &card.weights {
            let _ = writeln!(text, "weights    {digest}");
        }
        for parent in &card.stands_on {
            let _ =
                writeln!(text, "stands on  {}  {}", safe(&parent.source), parent.digest.short());
        }
    }
    for (at, lora) in document.loras.iter().enumerate() {
        lora_lines(&mut text, at, lora);
    }
    if let Some(look) = &document.text {
        token_lines(&mut text, look);
    }
    if let Some(PictureShown { look, .. }) = &document.picture {
        let [width, height] = look.size;
        let _ = writeln!(
            text,
            "\npicture    {width}x{height}, read as {0}x{0} in {1} patches",
            look.edge, look.patches
        );
        for (name, [least, mean, most]) in ["red", "green", "blue"].iter().zip(look.channels) {
            let _ = writeln!(text, "  {name:<6} {least:>8.4} {mean:>8.4} {most:>8.4}");
        }
    }
    for finding in document.self_test.iter().flatten() {
        let _ = writeln!(
            text,
            "{}  {}: {} (expected: {})",
            if finding.passed { "ok    " } else { "FAILED" },
            finding.test,
            finding.found,
            finding.expected
        );
    }
    text
}

/// One LoRA: its scale, and a layer a line with the share of the weights' norm that it added.
fn lora_lines(text: &mut String, at: usize, lora: &MergedLora) {
    let root = if lora.rank_stabilised { "√" } else { "" };
    let _ = writeln!(
        text,
        "\nLoRA {}     {}  r {}  alpha {}  scale alpha/{root}r  {}",
        at + 1,
        safe(&lora.source),
        lora.r,
        lora.alpha,
        lora.digest.short()
    );
    let mut layer = String::new();
    for norm in &lora.norms {
        let (place, linear) = norm.path.rsplit_once('.').unwrap_or(("", &norm.path));
        let place = place.trim_end_matches(".self_attn").trim_end_matches(".mlp");
        if place != layer {
            place.clone_into(&mut layer);
            let _ = write!(
                text,
                "{}  {:<16}",
                if text.ends_with('\n') { "" } else { "\n" },
                safe(place)
            );
        }
        let share = 100.0 * norm.update / norm.weight.max(f64::MIN_POSITIVE);
        let _ = write!(text, " {} {share:.2} %", safe(linear.trim_end_matches("_proj")));
    }
    text.push('\n');
}

fn token_lines(text: &mut String, look: &TextLook) {
    let cut = if look.truncated { "  (cut)" } else { "" };
    let _ = writeln!(text, "\ntext       {}{cut}", safe(&look.text));
    let _ = writeln!(
        text,
        "{:>5} {:>8}  {:<20} {:>8} {:>7} {:>9}",
        "token", "id", "", "attends", "pooled", "weight"
    );
    for token in &look.tokens {
        let _ = writeln!(
            text,
            "{:>5} {:>8}  {:<20} {:>8} {:>7} {:>9.5}",
            token.at,
            token.id,
            safe(&token.token),
            token.attends,
            if token.embed { "yes" } else { "-" },
            token.weight
        );
    }
}
