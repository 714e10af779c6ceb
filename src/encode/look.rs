//! An encoder looked into: a text's tokens with both masks and their weights, a picture as the tower
//! sees it.

use super::card::AttentionKind;
use super::image::ModelImageEncoder;
use super::text::ModelTextEncoder;
use super::{EncodeError, TextEncoder};
use crate::data::corpus::Picture;
use crate::data::normalise::planes;
use crate::data::picture::Rgb8;
use crate::data::text::text_row;
use crate::model::Pooling;
use serde::Serialize;

/// One token of a text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TokenLook {
    /// Its place, from 0.
    pub at: usize,
    /// Its id.
    pub id: u32,
    /// As the vocabulary spells it.
    pub token: String,
    /// How many tokens it attends to: the attention mask's row.
    pub attends: usize,
    /// Whether it may be pooled: the embed mask.
    pub embed: bool,
    /// Its share of the text's row; all shares add up to 1.
    pub weight: f64,
}

/// A text as an encoder reads it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TextLook {
    /// The text.
    pub text: String,
    /// Which tokens see which.
    pub attention: AttentionKind,
    /// How states become a row.
    pub pooling: String,
    /// Its tokens, in order.
    pub tokens: Vec<TokenLook>,
    /// Whether something was cut.
    pub truncated: bool,
}

/// The tokens of a text with attention mask, embed mask and pooling weights.
///
/// # Errors
/// The tokenizer's.
pub fn look_at_text(encoder: &ModelTextEncoder, text: &str) -> Result<TextLook, EncodeError> {
    let row = text_row(encoder.tokenizer(), text, encoder.spec())?;
    let count = row.ids.len();
    let how = encoder.card().text.clone();
    let attention = how.as_ref().map_or(AttentionKind::Causal, |how| how.attention);
    let embed: Vec<bool> = (0..count).map(|at| at + row.pooled >= count).collect();
    let weights = match &how {
        Some(how) => weights(how.pooling, &embed),
        // CLIP reads its end token, which its tokenisation puts last.
        None => weights(Pooling::Last, &embed),
    };
    let tokens = row
        .ids
        .iter()
        .enumerate()
        .map(|(at, &id)| TokenLook {
            at,
            id,
            token: encoder.tokenizer().token(id).unwrap_or_default(),
            attends: match attention {
                AttentionKind::Causal => at + 1,
                AttentionKind::Bidirectional => count,
            },
            embed: embed[at],
            weight: weights[at],
        })
        .collect();
    Ok(TextLook {
        text: text.to_owned(),
        attention,
        pooling: how.map_or_else(|| "end token".to_owned(), |how| how.pooling.to_string()),
        tokens,
        truncated: row.truncated,
    })
}

/// Each token's share of a text's row.
fn weights(pooling: Pooling, embed: &[bool]) -> Vec<f64> {
    let count = embed.iter().filter(|&&embed| embed).count();
    let last = embed.iter().rposition(|&embed| embed);
    let mut place = 0;
    embed
        .iter()
        .enumerate()
        .map(|(at, &embed)| {
            place += usize::from(embed);
            match pooling {
                Pooling::Cls => f64::from(u8::from(at == 0)),
                Pooling::Last | Pooling::Eos => f64::from(u8::from(Some(at) == last)),
                Pooling::Mean if embed => 1.0 / count as f64,
                Pooling::WeightedMean if embed => 2.0 * place as f64 / (count * (count + 1)) as f64,
                Pooling::Mean | Pooling::WeightedMean => 0.0,
            }
        })
        .collect()
}

/// A picture as a tower sees it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PictureLook {
    /// Its size in pixels, width first.
    pub size: [usize; 2],
    /// Pixels an edge that the tower reads.
    pub edge: usize,
    /// Patches the tower cuts it into.
    pub patches: usize,
    /// Of each channel, after normalising: least value, mean, greatest.
    pub channels: [[f32; 3]; 3],
    /// The pixels, not normalised.
    #[serde(skip)]
    pub pixels: Rgb8,
}

/// A picture after preprocessing.
///
/// # Errors
/// A picture that cannot be read or is too small.
pub fn look_at_picture(
    encoder: &ModelImageEncoder,
    picture: &Picture,
) -> Result<PictureLook, EncodeError> {
    let (pixels, (width, height)) = encoder.seen(picture)?;
    let (processor, vit) = encoder.parts();
    let planes = planes(&pixels, &processor.normalise.table());
    let plane = pixels.width * pixels.height;
    let channels = std::array::from_fn(|channel| {
        let values = &planes[channel * plane..(channel + 1) * plane];
        let sum: f64 = values.iter().map(|&x| f64::from(x)).sum();
        [
            values.iter().copied().fold(f32::INFINITY, f32::min),
            (sum / plane.max(1) as f64) as f32,
            values.iter().copied().fold(f32::NEG_INFINITY, f32::max),
        ]
    });
    let patches = vit.config().patches();
    Ok(PictureLook { size: [width, height], edge: pixels.width, patches, channels, pixels })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_follow_the_pooling_and_add_up_to_one() {
        let embed = [false, true, true, true];
        assert_eq!(weights(Pooling::Cls, &embed), [1.0, 0.0, 0.0, 0.0]);
        assert_eq!(weights(Pooling::Last, &embed), [0.0, 0.0, 0.0, 1.0]);
        assert_eq!(weights(Pooling::WeightedMean, &embed), [0.0, 1.0 / 6.0, 2.0 / 6.0, 3.0 / 6.0]);
        for pooling in Pooling::ALL {
            let sum: f64 = weights(pooling, &embed).iter().sum();
            assert!((sum - 1.0).abs() < 1e-12, "{pooling}");
        }
    }
}
