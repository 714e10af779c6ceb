//! Bytes to the numbers a tower reads, in the order its patch convolution reads them.

use super::error::{DataError, Result};
use super::picture::Rgb8;
use serde::{Deserialize, Serialize};

/// Mean of CLIP's training pictures, by channel, of values from 0 to 1.
pub const CLIP_MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
/// Deviation of CLIP's training pictures, by channel, of values from 0 to 1.
pub const CLIP_STD: [f32; 3] = [0.268_629_54, 0.261_302_6, 0.275_777_1];

/// What is taken off and divided by, by channel, once bytes are scaled to 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Normalise {
    /// Taken off.
    pub mean: [f32; 3],
    /// Divided by.
    pub std: [f32; 3],
}

impl Normalise {
    /// The value of every byte in every channel.
    pub fn table(&self) -> [[f32; 256]; 3] {
        std::array::from_fn(|channel| {
            std::array::from_fn(|byte| {
                (byte as f32 / 255.0 - self.mean[channel]) / self.std[channel]
            })
        })
    }
}

/// How many patches a picture of `edge` x `edge` pixels has, and how many values each:
/// (tokens, 3 * patch * patch). What is left beside whole patches is not looked at, as by a
/// convolution of that stride.
///
/// # Errors
/// No whole patch fits.
pub fn patch_shape(edge: usize, patch: usize) -> Result<(usize, usize)> {
    if patch == 0 || patch > edge {
        return Err(DataError::Range {
            what: "patch size",
            expected: format!("1 to the picture's edge of {edge} pixels"),
            found: patch,
        });
    }
    let side = edge / patch;
    Ok((side * side, 3 * patch * patch))
}

/// Writes a square picture as rows of patches, row by row of the grid from the upper left:
/// `out` is `[tokens, 3 * patch * patch]`, each row in (channel, y, x) order, which is that of a
/// patch convolution's weight `[out, 3, patch, patch]`. `table` is [`Normalise::table`]. Shapes
/// are those of [`patch_shape`]; what of `out` lies beyond is left alone.
pub fn write_patches(picture: &Rgb8, patch: usize, table: &[[f32; 256]; 3], out: &mut [f32]) {
    let (side, area) = (picture.width / patch, patch * patch);
    for (number, row) in out.chunks_exact_mut(3 * area).take(side * side).enumerate() {
        let (top, left) = (number / side * patch, number % side * patch);
        let (red, rest) = row.split_at_mut(area);
        let (green, blue) = rest.split_at_mut(area);
        for y in 0..patch {
            let start = (top + y) * picture.width + left;
            let line = picture.pixels[start * 3..(start + patch) * 3].chunks_exact(3);
            for (at, pixel) in (y * patch..).zip(line) {
                red[at] = table[0][usize::from(pixel[0])];
                green[at] = table[1][usize::from(pixel[1])];
                blue[at] = table[2][usize::from(pixel[2])];
            }
        }
    }
}

/// The same picture as planes, `[3, height, width]`: what a whole-picture convolution and other
/// programs read.
pub fn planes(picture: &Rgb8, table: &[[f32; 256]; 3]) -> Vec<f32> {
    let channel = |channel: usize| {
        picture.pixels.chunks_exact(3).map(move |pixel| table[channel][usize::from(pixel[channel])])
    };
    (0..3).flat_map(channel).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Normalise = Normalise { mean: [0.0; 3], std: [1.0 / 255.0; 3] };

    #[test]
    fn a_patch_row_is_in_the_order_of_a_convolutions_weight() {
        // 5x5: the last column and row hold no whole patch.
        let picture = Rgb8 { width: 5, height: 5, pixels: (0..75).collect() };
        let (tokens, width) = patch_shape(5, 2).unwrap();
        assert_eq!((tokens, width), (4, 12));
        let mut out = vec![-1.0; tokens * width];
        write_patches(&picture, 2, &PLAIN.table(), &mut out);
        let planes = planes(&picture, &PLAIN.table());
        for token in 0..4 {
            for channel in 0..3 {
                for y in 0..2 {
                    for x in 0..2 {
                        let (row, column) = (token / 2 * 2 + y, token % 2 * 2 + x);
                        assert_eq!(
                            out[token * 12 + channel * 4 + y * 2 + x],
                            planes[channel * 25 + row * 5 + column]
                        );
                    }
                }
            }
        }
        assert_eq!(planes[25 + 7].round(), 22.0);
        assert!(patch_shape(5, 6).is_err() && patch_shape(5, 0).is_err());
    }

    #[test]
    fn clips_numbers_take_black_and_white_where_they_should_be() {
        let table = Normalise { mean: CLIP_MEAN, std: CLIP_STD }.table();
        assert!((table[0][0] + 1.792_263).abs() < 1e-5 && (table[2][255] - 2.145_897).abs() < 1e-5);
    }
}
