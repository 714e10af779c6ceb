//! Pillow's antialiased resize on 8-bit RGB, to the bit.
//!
//! Two passes, across and then down, each a weighted sum in fixed point with a rounding to 8 bits
//! behind it; a pass that would change nothing is left out. When shrinking, the filter is widened
//! by the scale, which is what "antialiased" means. Source: the behaviour of `Image.resize` up to
//! Pillow 12, against which `tests/pictures.rs` holds this. Pillow 13 goes down before across
//! where that is cheaper, which differs by a rounding; what is published was made across first.

use super::picture::Rgb8;
use serde::{Deserialize, Serialize};

/// Bits behind the point of a weight: 8 bits of pixel and 2 of overshoot fit above them in 32.
const PRECISION: u32 = 32 - 8 - 2;

/// How pixels between pixels are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// Cubic convolution with a = -0.5 over four pixels (Keys 1981): CLIP's.
    #[default]
    Bicubic,
    /// Straight lines over two pixels: SigLIP's and many others'.
    Bilinear,
}

impl Filter {
    fn support(self) -> f64 {
        match self {
            Self::Bicubic => 2.0,
            Self::Bilinear => 1.0,
        }
    }

    fn weight(self, x: f64) -> f64 {
        const A: f64 = -0.5;
        let x = x.abs();
        match self {
            Self::Bicubic if x < 1.0 => ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0,
            Self::Bicubic if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * A,
            Self::Bilinear if x < 1.0 => 1.0 - x,
            Self::Bicubic | Self::Bilinear => 0.0,
        }
    }
}

/// The pixels one output pixel is made of.
struct Taps {
    first: usize,
    weights: Vec<i32>,
}

/// The taps of every output pixel of one axis. Casts cut towards zero, as C's do.
fn taps(from: usize, to: usize, filter: Filter) -> Vec<Taps> {
    let scale = from as f64 / to as f64;
    let widen = scale.max(1.0);
    let support = filter.support() * widen;
    let narrow = 1.0 / widen;
    (0..to)
        .map(|at| {
            let centre = (at as f64 + 0.5) * scale;
            let first = (centre - support + 0.5).max(0.0) as usize;
            let end = ((centre + support + 0.5) as usize).min(from);
            let weights: Vec<f64> =
                (first..end).map(|x| filter.weight((x as f64 - centre + 0.5) * narrow)).collect();
            let total: f64 = weights.iter().sum();
            let weights = weights.into_iter().map(|weight| {
                let weight = if total == 0.0 { weight } else { weight / total };
                let fixed = weight * f64::from(1u32 << PRECISION);
                (fixed + if weight < 0.0 { -0.5 } else { 0.5 }) as i32
            });
            Taps { first, weights: weights.collect() }
        })
        .collect()
}

#[inline(always)]
fn rounded(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

const HALF: i32 = 1 << (PRECISION - 1);

/// Resizes to exactly `width` x `height` pixels, both at least 1.
#[must_use]
pub fn resize(picture: &Rgb8, width: usize, height: usize, filter: Filter) -> Rgb8 {
    // Whole numbers only, so the widest instructions there are change nothing but time.
    let arch = pulp::Arch::new();
    let (width, height) = (width.max(1), height.max(1));
    let wide = (width != picture.width).then(|| {
        let taps = taps(picture.width, width, filter);
        arch.dispatch(Across { picture, taps: &taps })
    });
    let picture = wide.as_ref().unwrap_or(picture);
    if height == picture.height {
        return picture.clone();
    }
    let taps = taps(picture.height, height, filter);
    arch.dispatch(Down { picture, taps: &taps })
}

struct Across<'a> {
    picture: &'a Rgb8,
    taps: &'a [Taps],
}

impl pulp::WithSimd for Across<'_> {
    type Output = Rgb8;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> Rgb8 {
        let (width, height) = (self.taps.len(), self.picture.height);
        let mut pixels = vec![0; width * height * 3];
        // A fourth lane that is thrown away makes a pixel one vector.
        let mut lanes = vec![[0i32; 4]; self.picture.width];
        let rows = self.picture.pixels.chunks_exact(self.picture.width * 3);
        for (row, out) in rows.zip(pixels.chunks_exact_mut(width * 3)) {
            for (lane, pixel) in lanes.iter_mut().zip(row.chunks_exact(3)) {
                *lane = [pixel[0].into(), pixel[1].into(), pixel[2].into(), 0];
            }
            for (tap, out) in self.taps.iter().zip(out.chunks_exact_mut(3)) {
                let mut sums = [HALF; 4];
                for (pixel, &weight) in lanes[tap.first..].iter().zip(&tap.weights) {
                    for (sum, &value) in sums.iter_mut().zip(pixel) {
                        *sum += value * weight;
                    }
                }
                for (out, sum) in out.iter_mut().zip(sums) {
                    *out = rounded(sum);
                }
            }
        }
        Rgb8 { width, height, pixels }
    }
}

struct Down<'a> {
    picture: &'a Rgb8,
    taps: &'a [Taps],
}

impl pulp::WithSimd for Down<'_> {
    type Output = Rgb8;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> Rgb8 {
        let (width, height) = (self.picture.width, self.taps.len());
        let stride = width * 3;
        let mut pixels = vec![0; stride * height];
        let mut sums = vec![HALF; stride];
        for (tap, out) in self.taps.iter().zip(pixels.chunks_exact_mut(stride)) {
            sums.fill(HALF);
            let source = self.picture.pixels[tap.first * stride..].chunks_exact(stride);
            for (row, &weight) in source.zip(&tap.weights) {
                for (sum, &value) in sums.iter_mut().zip(row) {
                    *sum += i32::from(value) * weight;
                }
            }
            for (out, &sum) in out.iter_mut().zip(&sums) {
                *out = rounded(sum);
            }
        }
        Rgb8 { width, height, pixels }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn one_colour_stays_that_colour_at_any_size(
            colour: [u8; 3], from in (1usize..40, 1usize..40), to in (1usize..40, 1usize..40),
        ) {
            let picture =
                Rgb8 { width: from.0, height: from.1, pixels: colour.repeat(from.0 * from.1) };
            for filter in [Filter::Bicubic, Filter::Bilinear] {
                let resized = resize(&picture, to.0, to.1, filter);
                prop_assert_eq!(resized.pixels, colour.repeat(to.0 * to.1));
            }
        }
    }

    #[test]
    fn the_same_size_changes_nothing() {
        let pixels: Vec<u8> = (0..5 * 7 * 3).map(|n| (n * 37 % 256) as u8).collect();
        let picture = Rgb8 { width: 5, height: 7, pixels };
        assert_eq!(resize(&picture, 5, 7, Filter::Bicubic), picture);
    }

    #[test]
    fn halving_a_bilinear_row_is_the_widened_triangle() {
        // Four pixels to two: the triangle of half-width 2 around 1.0 weighs 3, 3, 1 of 7.
        let pixels = [0u8, 0, 0, 140, 140, 140, 70, 70, 70, 210, 210, 210];
        let picture = Rgb8 { width: 4, height: 1, pixels: pixels.to_vec() };
        let half = resize(&picture, 2, 1, Filter::Bilinear);
        assert_eq!(half.pixels[0], 70);
    }
}
