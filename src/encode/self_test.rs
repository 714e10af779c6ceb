//! Whether an encoder does what its card says: the mask is what it claims, a text alone equals the
//! same text among others, rows have unit length, and the same input gives the same bits.

use super::card::AttentionKind;
use super::{
    EncodeError, ImageEncoder, ModelImageEncoder, ModelTextEncoder, TextEncoder, look_at_text,
};
use crate::data::corpus::Picture;
use crate::data::text::{TextBatch, text_row};
use candle_core::{Device, IndexOp as _, Tensor};
use serde::Serialize;
use std::ops::ControlFlow;

/// What one test found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// What was tried.
    pub test: String,
    /// Whether it came out as it should.
    pub passed: bool,
    /// What should come out.
    pub expected: String,
    /// What came out.
    pub found: String,
}

impl Finding {
    fn below(test: &str, found: f32, most: f32) -> Self {
        Self {
            test: test.to_owned(),
            passed: found <= most,
            expected: format!("at most {most:e}"),
            found: format!("{found:e}"),
        }
    }
}

/// Largest difference that rounding may make.
const ROUNDING: f32 = 1e-5;

/// Texts of other lengths to stand beside the one that is tested.
const OTHERS: [&str; 3] = [
    "x",
    "two dogs",
    "a much longer sentence, with commas, numbers like 1234 and a good many more words than the rest",
];

/// Tests a text encoder with one text.
///
/// # Errors
/// What encoding can refuse.
pub fn test_texts(encoder: &ModelTextEncoder, text: &str) -> Result<Vec<Finding>, EncodeError> {
    let alone = encoder.encode(&[text], &mut |_, _| ControlFlow::Continue(()))?.rows;
    let texts: Vec<&str> = OTHERS.into_iter().chain([text]).collect();
    let together = encoder.encode(&texts, &mut |_, _| ControlFlow::Continue(()))?.rows;
    let again = encoder.encode(&[text], &mut |_, _| ControlFlow::Continue(()))?.rows;
    let mut findings = vec![mask(encoder, text)?];
    let apart = distance(alone.row(0), together.row(OTHERS.len()));
    findings.push(Finding::below("alone equals in a batch", apart, ROUNDING));
    findings.push(Finding::below(
        "rows have unit length",
        off_unit(together.values(), together.dim()),
        ROUNDING,
    ));
    findings.push(Finding::below("the same text twice", distance(alone.row(0), again.row(0)), 0.0));
    let least = OTHERS
        .iter()
        .enumerate()
        .filter(|(_, other)| **other != text)
        .map(|(row, _)| distance(together.row(row), alone.row(0)))
        .fold(f32::INFINITY, f32::min);
    findings.push(Finding {
        test: "other texts give other rows".to_owned(),
        passed: least > ROUNDING,
        expected: format!("more than {ROUNDING:e}"),
        found: format!("{least:e}"),
    });
    let sum: f64 = look_at_text(encoder, text)?.tokens.iter().map(|token| token.weight).sum();
    findings.push(Finding::below("pooling weights add up to 1", (sum - 1.0).abs() as f32, 1e-6));
    Ok(findings)
}

/// Changes the last token: the first one's state must move exactly where the mask lets it see.
fn mask(encoder: &ModelTextEncoder, text: &str) -> Result<Finding, EncodeError> {
    let kind = encoder.card().text.as_ref().map_or(AttentionKind::Causal, |how| how.attention);
    let mut row = text_row(encoder.tokenizer(), text, encoder.spec())?;
    if row.ids.len() < 2 {
        row = text_row(encoder.tokenizer(), OTHERS[1], encoder.spec())?;
    }
    let states = |ids: &[u32]| -> Result<Tensor, EncodeError> {
        let mut batch = TextBatch::default();
        let mut changed = row.clone();
        ids.clone_into(&mut changed.ids);
        batch.push(&changed, 0);
        Ok(encoder.states(&batch)?.to_device(&Device::Cpu)?)
    };
    let before = states(&row.ids)?;
    let mut ids = row.ids.clone();
    if let Some(last) = ids.last_mut() {
        *last = if *last == 0 { 1 } else { *last - 1 };
    }
    let after = states(&ids)?;
    let first = |states: &Tensor| states.i(0)?.to_vec1::<f32>();
    let (one, other) = (first(&before)?, first(&after)?);
    let size = one.iter().fold(0.0f32, |most, x| most.max(x.abs()));
    let moved = distance(&one, &other) / size.max(f32::MIN_POSITIVE);
    let (layer, layers) = encoder.depth();
    let sees = kind == AttentionKind::Bidirectional && layer > 0 && row.ids.len() > 1;
    let word = if kind == AttentionKind::Causal { "causal" } else { "bidirectional" };
    Ok(Finding {
        test: format!("the first token's state when the last token changes ({word})"),
        passed: if sees { moved > 0.0 } else { moved == 0.0 },
        expected: match (sees, layer) {
            (true, _) => "moves".to_owned(),
            (false, 0) => format!("stays: layer 0 of {layers} is before any attention"),
            (false, _) => "stays".to_owned(),
        },
        found: if moved == 0.0 { "stays".to_owned() } else { format!("moves by {moved:e}") },
    })
}

/// Tests an image encoder with one picture.
///
/// # Errors
/// What encoding can refuse.
pub fn test_images(
    encoder: &ModelImageEncoder,
    picture: &Picture,
) -> Result<Vec<Finding>, EncodeError> {
    let others =
        [Picture::Builtin { vendor: 0, index: 0 }, Picture::Builtin { vendor: 1, index: 7 }];
    let alone = encoder.encode(&[picture], &mut |_, _| ControlFlow::Continue(()))?.rows;
    let all: Vec<&Picture> = others.iter().chain([picture]).collect();
    let together = encoder.encode(&all, &mut |_, _| ControlFlow::Continue(()))?.rows;
    let again = encoder.encode(&[picture], &mut |_, _| ControlFlow::Continue(()))?.rows;
    let apart = distance(alone.row(0), together.row(others.len()));
    Ok(vec![
        Finding::below("alone equals in a batch", apart, ROUNDING),
        Finding::below(
            "rows have unit length",
            off_unit(together.values(), together.dim()),
            ROUNDING,
        ),
        Finding::below("the same picture twice", distance(alone.row(0), again.row(0)), 0.0),
    ])
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn off_unit(values: &[f32], dim: usize) -> f32 {
    let lengths = values
        .chunks(dim)
        .map(|row| row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt());
    lengths.map(|length| (length - 1.0).abs() as f32).fold(0.0, f32::max)
}
