//! A model folder's `preprocessor_config.json`: how its pictures become a square.

use super::error::{DataError, Result};
use super::normalise::Normalise;
use super::processor::{Centre, Processor, Resize};
use super::resize::Filter;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// The fields that change pixels, with the defaults of transformers' `CLIPImageProcessor`.
#[derive(Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "the file has them")]
struct Hf {
    do_resize: bool,
    size: Value,
    resample: u32,
    do_center_crop: bool,
    crop_size: Value,
    do_rescale: bool,
    rescale_factor: f64,
    do_normalize: bool,
    image_mean: [f32; 3],
    image_std: [f32; 3],
}

impl Default for Hf {
    fn default() -> Self {
        let Normalise { mean, std } = Processor::clip(224).normalise;
        Self {
            do_resize: true,
            size: json!({"shortest_edge": 224}),
            resample: 3,
            do_center_crop: true,
            crop_size: json!(224),
            do_rescale: true,
            rescale_factor: 1.0 / 255.0,
            do_normalize: true,
            image_mean: mean,
            image_std: std,
        }
    }
}

/// A field with something that is not done here.
fn unfit(path: &Path, expected: &'static str, found: impl std::fmt::Display) -> DataError {
    DataError::Line { path: path.to_owned(), line: 1, expected, found: found.to_string() }
}

/// Reads a folder's `preprocessor_config.json`, else the picture's part of its
/// `processor_config.json`; none where it has neither.
///
/// # Errors
/// A file that is no JSON, or asks for something that is not done here.
pub fn read(folder: &Path) -> Result<Option<Processor>> {
    let Some((path, json)) = find(folder)? else { return Ok(None) };
    let hf = Hf::deserialize(&json)
        .map_err(|source| DataError::Document { path: path.clone(), source })?;
    let edge = |value: &Value| value.as_u64().map(|edge| edge as usize);
    let square = |value: &Value| {
        let (height, width) = (edge(&value["height"]), edge(&value["width"]));
        height.filter(|_| height == width)
    };
    if !hf.do_resize || !hf.do_rescale || (hf.rescale_factor * 255.0 - 1.0).abs() > 1e-6 {
        let found = "do_resize, do_rescale or rescale_factor otherwise";
        return Err(unfit(&path, "pictures resized, and their bytes divided by 255", found));
    }
    let resize = edge(&hf.size).or_else(|| edge(&hf.size["shortest_edge"]));
    let resize = match (resize, square(&hf.size)) {
        (Some(size), _) => Resize::ShortestEdge(size),
        (None, Some(size)) => Resize::Squash(size),
        (None, None) => {
            let expected = "a size with shortest_edge, or with equal height and width";
            return Err(unfit(&path, expected, &hf.size));
        }
    };
    let crop = match (hf.do_center_crop, resize) {
        (true, _) => edge(&hf.crop_size).or_else(|| square(&hf.crop_size)),
        (false, Resize::Squash(size)) => Some(size),
        (false, Resize::ShortestEdge(_)) => None,
    };
    let crop = crop.ok_or_else(|| unfit(&path, "a square crop_size", &hf.crop_size))?;
    let filter = match hf.resample {
        2 => Filter::Bilinear,
        3 => Filter::Bicubic,
        other => return Err(unfit(&path, "resample 2 (bilinear) or 3 (bicubic)", other)),
    };
    let normalise = if hf.do_normalize {
        Normalise { mean: hf.image_mean, std: hf.image_std }
    } else {
        Normalise { mean: [0.0; 3], std: [1.0; 3] }
    };
    Ok(Some(Processor { resize, crop, centre: Centre::Floor, filter, normalise }))
}

/// What goes into a `preprocessor_config.json` that [`read`] reads as this processor, and transformers
/// as a `CLIPImageProcessor`. None for one that cuts where that class does not.
#[must_use]
pub fn to_hf(processor: &Processor) -> Option<Value> {
    if processor.centre != Centre::Floor {
        return None;
    }
    let square = |edge: usize| json!({"height": edge, "width": edge});
    let (size, crops) = match processor.resize {
        Resize::ShortestEdge(edge) => (json!({"shortest_edge": edge}), true),
        Resize::Squash(edge) => (square(edge), edge != processor.crop),
    };
    let Normalise { mean, std } = processor.normalise;
    Some(json!({
        "image_processor_type": "CLIPImageProcessor",
        "do_convert_rgb": true,
        "do_resize": true,
        "size": size,
        "resample": match processor.filter {
            Filter::Bilinear => 2,
            Filter::Bicubic => 3,
        },
        "do_center_crop": crops,
        "crop_size": square(processor.crop),
        "do_rescale": true,
        "rescale_factor": 1.0 / 255.0,
        "do_normalize": true,
        "image_mean": mean.map(written),
        "image_std": std.map(written),
    }))
}

/// A number as short as it reads back: 0.4 and not 0.4000000059604645.
fn written(number: f32) -> f64 {
    let short = number.to_string().parse().unwrap_or(f64::from(number));
    if short as f32 == number { short } else { f64::from(number) }
}

fn find(folder: &Path) -> Result<Option<(PathBuf, Value)>> {
    for (name, inside) in
        [("preprocessor_config.json", None), ("processor_config.json", Some("image_processor"))]
    {
        let path = folder.join(name);
        if !path.is_file() {
            continue;
        }
        let bytes = std::fs::read(&path).map_err(DataError::read(&path))?;
        let json: Value = serde_json::from_slice(&bytes)
            .map_err(|source| DataError::Document { path: path.clone(), source })?;
        let json = inside.map_or(json.clone(), |key| json[key].clone());
        if !json.is_null() {
            return Ok(Some((path, json)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Option<Processor>> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("preprocessor_config.json"), text).unwrap();
        read(folder.path())
    }

    #[test]
    fn both_spellings_of_clips_file_are_clips_processor() {
        let clip = Processor::clip(224);
        let old = r#"{"crop_size": 224, "size": 224, "resample": 3, "do_resize": true}"#;
        let new = r#"{"crop_size": {"height": 224, "width": 224}, "size": {"shortest_edge": 224}}"#;
        for text in [old, new] {
            assert_eq!(read_text(text).unwrap(), Some(clip.clone()), "{text}");
        }
        let squash = r#"{"size": {"height": 384, "width": 384}, "do_center_crop": false,
            "resample": 2, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}"#;
        let read = read_text(squash).unwrap().unwrap();
        assert_eq!((read.resize, read.crop), (Resize::Squash(384), 384));
        assert_eq!((read.filter, read.normalise.mean), (Filter::Bilinear, [0.5; 3]));
    }

    #[test]
    fn what_is_written_is_read_as_the_same() {
        let odd = Normalise { mean: [0.4, 0.1 + 0.2, 1e-7], std: [1.0 / 3.0, 0.25, 1.0] };
        let clip = Processor::clip(224);
        for processor in [
            clip.clone(),
            Processor { resize: Resize::ShortestEdge(256), normalise: odd, ..clip.clone() },
            Processor { resize: Resize::Squash(224), filter: Filter::Bilinear, ..clip.clone() },
            Processor { resize: Resize::Squash(256), ..clip.clone() },
        ] {
            let text = to_hf(&processor).unwrap().to_string();
            assert_eq!(read_text(&text).unwrap(), Some(processor), "{text}");
        }
        let text = to_hf(&clip).unwrap().to_string();
        assert!(text.contains("0.48145467,") && !text.contains("0.481454670"), "{text}");
        assert_eq!(to_hf(&Processor { centre: Centre::HalfEven, ..clip }), None);
    }

    #[test]
    fn what_is_not_done_here_is_refused_by_name() {
        for (text, part) in [
            (r#"{"resample": 1}"#, "resample"),
            (r#"{"do_rescale": false}"#, "do_rescale"),
            (r#"{"do_center_crop": false}"#, "crop_size"),
            (r#"{"size": {"longest_edge": 3}}"#, "shortest_edge"),
        ] {
            let error = read_text(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
        assert_eq!(read(Path::new("no-such-folder")).unwrap(), None);
    }
}
