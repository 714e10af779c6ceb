//! From a picture of any size to the square a tower reads: as the model's files name it, or with
//! the random crop of training.

use super::error::{DataError, Result};
use super::normalise::{CLIP_MEAN, CLIP_STD, Normalise};
use super::picture::Rgb8;
use super::resize::{Filter, resize};
use crate::rng::Key;
use serde::{Deserialize, Serialize};

/// The size a picture is brought to before it is cropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resize {
    /// The shorter edge to so many pixels, the longer in proportion, cut to a whole number: both
    /// torchvision's and Hugging Face's rule.
    ShortestEdge(usize),
    /// Both edges to so many pixels, whatever the proportion.
    Squash(usize),
}

/// Where the centre lies when an odd number of pixels has to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Centre {
    /// Halves are cut: Hugging Face's processors.
    #[default]
    Floor,
    /// Halves go to the even number: torchvision, so OpenAI's CLIP and `open_clip`.
    HalfEven,
}

/// How a picture becomes a tower's square input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Processor {
    /// First, the size.
    pub resize: Resize,
    /// Then the square cut from the middle, pixels an edge: what the tower reads.
    pub crop: usize,
    /// Where the middle is.
    pub centre: Centre,
    /// How pixels between pixels are found.
    pub filter: Filter,
    /// Last, mean and deviation.
    pub normalise: Normalise,
}

/// Training's random crop: `RandomResizedCrop` of torchvision.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RandomCrop {
    /// The least and greatest share of the area that is kept.
    pub scale: (f32, f32),
    /// The least and greatest width over height, drawn evenly in the logarithm.
    pub ratio: (f32, f32),
}

impl Default for RandomCrop {
    /// CLIP's training: nine tenths of the area or more; no flip, no colour change.
    fn default() -> Self {
        Self { scale: (0.9, 1.0), ratio: (3.0 / 4.0, 4.0 / 3.0) }
    }
}

impl Processor {
    /// CLIP's at this many pixels an edge, with Hugging Face's centre.
    pub fn clip(size: usize) -> Self {
        Self {
            resize: Resize::ShortestEdge(size),
            crop: size,
            centre: Centre::Floor,
            filter: Filter::Bicubic,
            normalise: Normalise { mean: CLIP_MEAN, std: CLIP_STD },
        }
    }

    /// The square of the picture's middle, `crop` pixels an edge.
    ///
    /// # Errors
    /// The resized picture is smaller than the crop.
    pub fn square(&self, picture: &Rgb8) -> Result<Rgb8> {
        let (width, height) = match self.resize {
            Resize::ShortestEdge(size) => shortest_edge(picture.width, picture.height, size),
            Resize::Squash(size) => (size, size),
        };
        let resized = resize(picture, width, height, self.filter);
        if (width, height) == (self.crop, self.crop) {
            return Ok(resized);
        }
        if width < self.crop || height < self.crop {
            return Err(DataError::PictureSize {
                expected: format!("at least the crop of {0}x{0}", self.crop),
                width,
                height,
            });
        }
        let left = self.centre.offset(width - self.crop);
        let top = self.centre.offset(height - self.crop);
        resized.crop(left, top, self.crop, self.crop)
    }

    /// A random part of the picture, `crop` pixels an edge. Equal keys, equal parts.
    pub fn random_square(&self, picture: &Rgb8, random: RandomCrop, key: Key) -> Result<Rgb8> {
        let (left, top, width, height) = random.draw(picture.width, picture.height, key);
        let part = picture.crop(left, top, width, height)?;
        Ok(resize(&part, self.crop, self.crop, self.filter))
    }
}

/// (width, height) with the shorter edge at `size`.
fn shortest_edge(width: usize, height: usize, size: usize) -> (usize, usize) {
    if width <= height {
        (size, (size * height / width).max(1))
    } else {
        ((size * width / height).max(1), size)
    }
}

impl Centre {
    fn offset(self, over: usize) -> usize {
        match self {
            Self::Floor => over / 2,
            Self::HalfEven => over / 2 + usize::from(over % 4 == 3),
        }
    }
}

impl RandomCrop {
    /// (left, top, width, height) of a part of a picture of that size. Ten tries, then the
    /// largest part in the middle whose proportion is allowed.
    fn draw(&self, width: usize, height: usize, key: Key) -> (usize, usize, usize, usize) {
        let mut stream = key.stream();
        let area = (width * height) as f64;
        let between = |(low, high): (f64, f64), share: f32| low + (high - low) * f64::from(share);
        let scale = (f64::from(self.scale.0), f64::from(self.scale.1));
        let ratio = (f64::from(self.ratio.0), f64::from(self.ratio.1));
        for _ in 0..10 {
            let target = area * between(scale, stream.uniform());
            let proportion = between((ratio.0.ln(), ratio.1.ln()), stream.uniform()).exp();
            let wide = (target * proportion).sqrt().round_ties_even() as usize;
            let high = (target / proportion).sqrt().round_ties_even() as usize;
            if (1..=width).contains(&wide) && (1..=height).contains(&high) {
                let top = stream.below(height - high + 1);
                let left = stream.below(width - wide + 1);
                return (left, top, wide, high);
            }
        }
        let proportion = width as f64 / height as f64;
        let (wide, high) = if proportion < ratio.0 {
            (width, ((width as f64 / ratio.0).round_ties_even() as usize).clamp(1, height))
        } else if proportion > ratio.1 {
            (((height as f64 * ratio.1).round_ties_even() as usize).clamp(1, width), height)
        } else {
            (width, height)
        };
        ((width - wide) / 2, (height - high) / 2, wide, high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn picture(width: usize, height: usize) -> Rgb8 {
        let pixels = (0..width * height * 3).map(|n| (n * 37 % 251) as u8).collect();
        Rgb8 { width, height, pixels }
    }

    #[test]
    fn the_longer_edge_is_cut_to_a_whole_number() {
        assert_eq!(shortest_edge(640, 427, 224), (335, 224));
        assert_eq!(shortest_edge(427, 640, 224), (224, 335));
        assert_eq!(shortest_edge(64, 64, 64), (64, 64));
    }

    #[test]
    fn the_two_centres_differ_where_three_of_four_pixels_are_over() {
        let offsets = |centre: Centre| [0, 1, 2, 3, 4, 5, 6, 7].map(|over| centre.offset(over));
        assert_eq!(offsets(Centre::Floor), [0, 0, 1, 1, 2, 2, 3, 3]);
        assert_eq!(offsets(Centre::HalfEven), [0, 0, 1, 2, 2, 2, 3, 4]);
    }

    #[test]
    fn a_square_has_the_towers_size() {
        let processor = Processor::clip(32);
        for (width, height) in [(64, 64), (33, 90), (200, 31), (1, 1), (32, 32)] {
            let square = processor.square(&picture(width, height)).unwrap();
            assert_eq!((square.width, square.height), (32, 32));
        }
        assert_eq!(processor.square(&picture(32, 32)).unwrap(), picture(32, 32));
        let small = Processor { resize: Resize::ShortestEdge(16), ..processor };
        assert!(small.square(&picture(20, 20)).is_err());
    }

    proptest! {
        #[test]
        fn a_random_part_lies_in_the_picture_and_keeps_most_of_it(
            width in 1usize..90, height in 1usize..90, seed: u64,
        ) {
            let crop = RandomCrop::default();
            let (left, top, wide, high) = crop.draw(width, height, Key::new(seed));
            prop_assert!(wide > 0 && high > 0 && left + wide <= width && top + high <= height);
            if width == height && width > 8 {
                prop_assert!((wide * high) as f64 >= 0.85 * (width * height) as f64);
            }
        }
    }

    #[test]
    fn equal_keys_give_equal_parts() {
        let (processor, crop) = (Processor::clip(16), RandomCrop::default());
        let draw = |key| processor.random_square(&picture(64, 64), crop, Key::new(key)).unwrap();
        assert_eq!(draw(1), draw(1));
        assert!((2..20).any(|key| draw(key) != draw(1)));
    }
}
