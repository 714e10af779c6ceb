//! A CLIP in Hugging Face's layout: a folder that transformers reads as a `CLIPModel`.

use super::export::{tokenizer_file, unfit, write_json};
use super::{EncodeError, Loaded};
use crate::data::{hf_tokenizer, preprocessor};
use crate::files::{self, FileError};
use crate::model::{ClipConfig, EotRule};
use serde_json::json;
use std::fs;
use std::path::Path;

/// Writes a CLIP to `folder` as `config.json`, `model.safetensors` in f32, `tokenizer.json` that puts
/// both ends around a text, and `preprocessor_config.json`: read back it gives the same rows. Returns
/// the bytes of its weights.
///
/// # Errors
/// A model that a `CLIPModel` would read in another way, or a folder that cannot be written.
pub(super) fn export_clip(
    loaded: &Loaded,
    config: &ClipConfig,
    folder: &Path,
) -> Result<u64, EncodeError> {
    let unfit = |what: String| unfit(&loaded.source, &format!("cannot be written as hf: {what}"));
    let tokenizer = &loaded.tokenizer;
    if let Some(why) = read_elsewhere(config.text.eot, tokenizer.eos()) {
        return Err(unfit(format!("{why}; use --format checkpoint, which any llm2clip reads")));
    }
    let processor = loaded.processor.as_ref().ok_or_else(|| {
        unfit("it does not say how pictures are prepared: expected a preprocessor_config.json beside its weights, found none; fetch that file too".to_owned())
    })?;
    let processor = preprocessor::to_hf(processor).ok_or_else(|| {
        unfit("its square is cut from another middle than transformers' CLIPImageProcessor cuts; use --format checkpoint, which any llm2clip reads".to_owned())
    })?;
    let tokenizer_json = hf_tokenizer::with_both_ends(tokenizer_file(loaded), tokenizer)?;
    // Those of transformers that read safetensors look for this before anything else.
    let said = std::iter::once(("format".to_owned(), "pt".to_owned())).collect();
    let weights =
        safetensors::serialize(&loaded.tensors, Some(said)).map_err(candle_core::Error::from)?;

    let mut model = config.to_hf();
    model["torch_dtype"] = json!("float32");
    model["text_config"]["bos_token_id"] = json!(tokenizer.bos());
    // What stands behind the end token is not looked at.
    model["text_config"]["pad_token_id"] = json!(tokenizer.eos());
    let name = |id: Option<u32>| id.and_then(|id| tokenizer.token(id));
    let ends = json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": name(tokenizer.bos()),
        "eos_token": name(tokenizer.eos()),
        "pad_token": name(tokenizer.eos()),
        "model_max_length": config.text.positions,
        "model_input_names": ["input_ids", "attention_mask"],
    });
    fs::create_dir_all(folder).map_err(FileError::at("creating", folder))?;
    files::write_atomic(&folder.join("model.safetensors"), &weights)?;
    files::write_atomic(&folder.join("tokenizer.json"), &tokenizer_json)?;
    write_json(&folder.join("tokenizer_config.json"), &ends)?;
    write_json(&folder.join("preprocessor_config.json"), &processor)?;
    write_json(&folder.join("config.json"), &model)?;
    Ok(weights.len() as u64)
}

/// Why a `CLIPModel` would read a text at another token. It reads at the first `eos_token_id`, except
/// that 2 stands for the first token of the largest id.
fn read_elsewhere(rule: EotRule, eos: Option<u32>) -> Option<String> {
    match (rule, eos) {
        (EotRule::Id(2), _) => Some(
            "its texts are read at their end token, which has the id 2, and eos_token_id 2 has a \
             CLIPModel read them at the token of the largest id"
                .to_owned(),
        ),
        (EotRule::Id(id), Some(eos)) if id != eos => Some(format!(
            "its texts are read at token {id}, and its tokenizer ends them with token {eos}"
        )),
        (EotRule::Id(_) | EotRule::ArgMax, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::export::export_hf;
    use super::super::{
        Config, ImageEncoder, Options, Sources, TextEncoder, image_encoder, text_encoder,
    };
    use super::*;
    use crate::data::corpus::Picture;
    use crate::data::picture::Exif;
    use candle_core::Device;
    use serde_json::Value;
    use std::ops::ControlFlow;
    use std::path::PathBuf;

    const POCKET: &str = "20261124-164003-pocket-1aceb5/pocket-1/clip/step-000300";

    fn root(folder: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)
    }

    fn sources() -> Sources {
        Sources { checkpoints: root("checkpoints"), device: Device::Cpu, weigh: false }
    }

    /// Rows of some texts and pictures, bit for bit.
    fn rows(source: &str) -> [Vec<f32>; 2] {
        let sources = sources();
        let loaded = sources.load(source).unwrap();
        let mut on = |_, _| ControlFlow::Continue(());
        let texts = ["a red apple", "grinning face with big eyes", "ends </s> early", "웃는 얼굴"];
        let encoder = text_encoder(source, loaded.clone(), &Options::default(), &sources).unwrap();
        let texts = encoder.encode(&texts, &mut on).unwrap().rows;
        let pictures = ["jpeg-420-64x48.jpg", "palette-24x24.png", "grey-31x17.png"]
            .map(|name| Picture::File(root("tests/golden/pictures").join(name)));
        let pictures: Vec<&Picture> = pictures.iter().collect();
        let encoder = image_encoder(source, loaded, Exif::Ignored, &Device::Cpu).unwrap();
        let pictures = encoder.encode(&pictures, &mut on).unwrap().rows;
        [texts, pictures].map(|rows| rows.values().to_vec())
    }

    #[test]
    fn a_checkpoint_read_back_gives_the_same_rows_bit_for_bit() {
        let folder = tempfile::tempdir().unwrap();
        let loaded = sources().load(POCKET).unwrap();
        export_hf(&loaded, folder.path()).unwrap();
        let written = folder.path().display().to_string();
        let read = sources().load(&written).unwrap();
        assert_eq!((&read.config, &read.processor), (&loaded.config, &loaded.processor));
        assert_eq!(rows(&written), rows(POCKET));
    }

    #[test]
    fn what_transformers_looks_for_is_there() {
        let folder = tempfile::tempdir().unwrap();
        export_hf(&sources().load(POCKET).unwrap(), folder.path()).unwrap();
        let json = |name: &str| -> Value {
            serde_json::from_slice(&fs::read(folder.path().join(name)).unwrap()).unwrap()
        };
        let config = json("config.json");
        assert_eq!(config["architectures"], json!(["CLIPModel"]));
        assert_eq!(config["text_config"]["hidden_act"], "quick_gelu");
        assert_eq!(config["text_config"]["eos_token_id"], 1);
        assert_eq!(config["text_config"]["bos_token_id"], 0);
        assert_eq!(config["projection_dim"], config["vision_config"]["projection_dim"]);
        assert!(config["logit_scale_init_value"].is_number());
        assert_eq!(json("preprocessor_config.json")["crop_size"]["height"], 64);
        let ends = json("tokenizer_config.json");
        assert_eq!((&ends["bos_token"], &ends["eos_token"]), (&json!("<s>"), &json!("</s>")));
        let tokenizer = hf_tokenizer::read(folder.path()).unwrap();
        assert!(tokenizer.adds_bos && tokenizer.adds_eos, "as a text tower reads texts");
        let bytes = fs::read(folder.path().join("model.safetensors")).unwrap();
        let (_, head) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
        assert_eq!(head.metadata().as_ref().unwrap()["format"], "pt");
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        assert!(file.tensor("logit_scale").unwrap().shape().is_empty());
        for name in [
            "vision_model.pre_layrnorm.weight",
            "vision_model.encoder.layers.2.self_attn.out_proj.bias",
            "text_model.final_layer_norm.weight",
            "text_model.embeddings.position_embedding.weight",
            "visual_projection.weight",
            "text_projection.weight",
        ] {
            assert_eq!(file.tensor(name).unwrap().dtype(), safetensors::Dtype::F32, "{name}");
        }
    }

    #[test]
    fn a_folder_of_transformers_own_keeps_its_way_with_pictures_and_ends() {
        let folder = tempfile::tempdir().unwrap();
        let golden = root("tests/golden/encoders/clip").display().to_string();
        let loaded = sources().load(&golden).unwrap();
        export_hf(&loaded, folder.path()).unwrap();
        let written = folder.path().display().to_string();
        let read = sources().load(&written).unwrap();
        assert_eq!((&read.config, &read.processor), (&loaded.config, &loaded.processor));
        assert_eq!(read.tokenizer.digest(), loaded.tokenizer.digest(), "it adds both ends itself");
        assert_eq!(rows(&written), rows(&golden));
    }

    #[test]
    fn what_a_clip_model_would_read_elsewhere_is_refused_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let mut loaded = sources().load(POCKET).unwrap();
        let Config::Clip(config) = &mut loaded.config else { unreachable!() };
        config.text.eot = EotRule::Id(2);
        let error = export_hf(&loaded, folder.path()).unwrap_err().to_string();
        assert!(error.contains("id 2") && error.contains("largest id"), "{error}");
        let Config::Clip(config) = &mut loaded.config else { unreachable!() };
        config.text.eot = EotRule::Id(7);
        let error = export_hf(&loaded, folder.path()).unwrap_err().to_string();
        assert!(error.contains("token 7") && error.contains("token 1"), "{error}");
        let Config::Clip(config) = &mut loaded.config else { unreachable!() };
        config.text.eot = EotRule::ArgMax;
        export_hf(&loaded, folder.path()).unwrap();
        let source = POCKET.replace("/clip/step-000300", "/llm2clip/step-000150");
        let error = export_hf(&sources().load(&source).unwrap(), folder.path()).unwrap_err();
        assert!(error.to_string().contains("llm2clip"), "{error}");
    }
}
