//! Tensor names of other sources, turned into the ones used here (Hugging Face's).

use super::ModelError;
use candle_core::{IndexOp as _, Tensor};
use std::collections::BTreeMap;

/// Named tensors of a file.
pub type Tensors = BTreeMap<String, Tensor>;

/// Where a file's names come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Hugging Face's `CLIPModel` and LLM2CLIP's released halves.
    HfClip,
    /// OpenAI's and `open_clip`'s: stacked attention projections, transposed output projections.
    OpenAiClip,
    /// Hugging Face's Llama, with or without the `model.` of the language model.
    HfLlama,
}

impl Source {
    /// Guesses from the names.
    #[must_use]
    pub fn of(tensors: &Tensors) -> Option<Self> {
        let has = |part: &str| tensors.keys().any(|name| name.contains(part));
        if has("vision_model.") || has("text_model.") {
            Some(Self::HfClip)
        } else if has("resblocks.") && has("in_proj_weight") {
            Some(Self::OpenAiClip)
        } else if has("embed_tokens.weight") {
            Some(Self::HfLlama)
        } else {
            None
        }
    }
}

/// All tensors under the names used here. What holds no weight (`position_ids`, rotary tables,
/// attention masks, OpenAI's three integers) is dropped; what is unknown keeps its name, so that
/// strict loading lists it.
///
/// # Errors
/// A stacked projection that cannot be split in three.
pub fn canonical(source: Source, tensors: Tensors) -> Result<Tensors, ModelError> {
    let mut out = Tensors::new();
    for (name, tensor) in tensors {
        let name = name.strip_prefix("module.").unwrap_or(&name);
        match source {
            Source::HfClip => hf_clip(name, tensor, &mut out),
            Source::OpenAiClip => openai(name, tensor, &mut out)?,
            Source::HfLlama => hf_llama(name, tensor, &mut out),
        }
    }
    Ok(out)
}

fn hf_clip(name: &str, tensor: Tensor, out: &mut Tensors) {
    if name.ends_with("embeddings.position_ids") {
        return;
    }
    // The research code's name for what the release calls text_adapter.adaptor.
    let name = match name.strip_prefix("text.text_adaptor.") {
        Some(rest) => format!("text_adapter.adaptor.{rest}"),
        None => name.to_owned(),
    };
    // Old files store the scale as one number in a row.
    let scalar = matches!(name.as_str(), "logit_scale" | "logit_bias") && tensor.dims() == [1];
    let tensor = if scalar { tensor.i(0).unwrap_or(tensor) } else { tensor };
    out.insert(name, tensor);
}

fn hf_llama(name: &str, tensor: Tensor, out: &mut Tensors) {
    if name.ends_with("rotary_emb.inv_freq") {
        return;
    }
    let bare = ["layers.", "embed_tokens.", "norm."].iter().any(|part| name.starts_with(part));
    out.insert(if bare { format!("model.{name}") } else { name.to_owned() }, tensor);
}

/// Drops the language-model head: for a trunk alone, and for a tied model, which some files store
/// with its embedding a second time under this name.
pub fn drop_head(tensors: &mut Tensors) {
    tensors.remove("lm_head.weight");
}

fn openai(name: &str, tensor: Tensor, out: &mut Tensors) -> Result<(), ModelError> {
    if matches!(name, "input_resolution" | "context_length" | "vocab_size")
        || name.ends_with("attn_mask")
    {
        return Ok(());
    }
    // "CustomText" models keep the text tower below `text.`.
    let name = name.strip_prefix("text.").unwrap_or(name);
    let (tower, rest) = match name.strip_prefix("visual.") {
        Some(rest) => ("vision_model", rest),
        None => ("text_model", name),
    };
    let vision = tower == "vision_model";
    let moved = match rest {
        "proj" if vision => return transposed("visual_projection.weight", &tensor, out),
        "text_projection" | "text_projection.weight" if !vision => {
            // A bare tensor is stored [width, projection]; a linear's weight already is ours.
            if rest == "text_projection" {
                return transposed("text_projection.weight", &tensor, out);
            }
            "text_projection.weight".to_owned()
        }
        "conv1.weight" if vision => format!("{tower}.embeddings.patch_embedding.weight"),
        "class_embedding" if vision => format!("{tower}.embeddings.class_embedding"),
        "positional_embedding" => format!("{tower}.embeddings.position_embedding.weight"),
        "token_embedding.weight" if !vision => {
            format!("{tower}.embeddings.token_embedding.weight")
        }
        _ => match rest.strip_prefix("transformer.resblocks.") {
            Some(block) => return resblock(tower, block, &tensor, out),
            None => normed(tower, rest).unwrap_or_else(|| name.to_owned()),
        },
    };
    out.insert(moved, tensor);
    Ok(())
}

/// The norms outside the blocks.
fn normed(tower: &str, rest: &str) -> Option<String> {
    let (norm, field) = rest.split_once('.')?;
    let norm = match (tower, norm) {
        ("vision_model", "ln_pre") => "pre_layrnorm",
        ("vision_model", "ln_post") => "post_layernorm",
        ("text_model", "ln_final") => "final_layer_norm",
        _ => return None,
    };
    Some(format!("{tower}.{norm}.{field}"))
}

/// One tensor of a residual block; `block` is `N.rest`.
fn resblock(
    tower: &str,
    block: &str,
    tensor: &Tensor,
    out: &mut Tensors,
) -> Result<(), ModelError> {
    let (n, rest) = block.split_once('.').unwrap_or((block, ""));
    let path = format!("{tower}.encoder.layers.{n}");
    if let Some(field) = rest.strip_prefix("attn.in_proj_") {
        let rows = tensor.dims().first().copied().unwrap_or(0);
        if rows == 0 || rows % 3 != 0 {
            let what = "rows of a stacked query, key and value projection";
            return Err(ModelError::Mismatch { what, expected: rows.div_ceil(3) * 3, found: rows });
        }
        for (part, third) in ["q", "k", "v"].iter().enumerate().map(|(i, p)| (p, i * rows / 3)) {
            let split = tensor.narrow(0, third, rows / 3)?.contiguous()?;
            out.insert(format!("{path}.self_attn.{part}_proj.{field}"), split);
        }
        return Ok(());
    }
    let renamed = [
        ("attn.out_proj.", "self_attn.out_proj."),
        ("ln_1.", "layer_norm1."),
        ("ln_2.", "layer_norm2."),
        ("mlp.c_fc.", "mlp.fc1."),
        ("mlp.c_proj.", "mlp.fc2."),
    ];
    let found = renamed
        .iter()
        .find_map(|(theirs, ours)| Some(format!("{ours}{}", rest.strip_prefix(theirs)?)));
    out.insert(format!("{path}.{}", found.unwrap_or_else(|| rest.to_owned())), tensor.clone());
    Ok(())
}

fn transposed(name: &str, tensor: &Tensor, out: &mut Tensors) -> Result<(), ModelError> {
    out.insert(name.to_owned(), tensor.t()?.contiguous()?);
    Ok(())
}

/// A LoRA tensor's name here: `model.layers.N.….lora_A.weight`. PEFT wraps the inner model
/// (`base_model.model.layers…`) or the language model (`base_model.model.model.layers…`), and
/// in-memory dumps put `.default` before `.weight`. `None` for what is no LoRA tensor.
#[must_use]
pub fn lora(name: &str) -> Option<String> {
    let name = name.strip_prefix("base_model.model.").unwrap_or(name);
    let (path, matrix) = ["lora_A", "lora_B"].iter().find_map(|matrix| {
        let rest = name.strip_suffix(".weight")?;
        let rest = rest.strip_suffix(".default").unwrap_or(rest);
        Some((rest.strip_suffix(matrix)?.strip_suffix('.')?, *matrix))
    })?;
    let path = if path.starts_with("layers.") { format!("model.{path}") } else { path.to_owned() };
    Some(format!("{path}.{matrix}.weight"))
}

/// Every LoRA tensor of a file under the names used here.
///
/// # Errors
/// The names that are no LoRA's, or that two forms of one name collide.
pub fn lora_tensors(tensors: Tensors) -> Result<Tensors, UnknownLora> {
    let mut out = Tensors::new();
    let mut unknown = Vec::new();
    for (name, tensor) in tensors {
        match lora(&name) {
            Some(ours) if !out.contains_key(&ours) => {
                out.insert(ours, tensor);
            }
            _ => unknown.push(name),
        }
    }
    if unknown.is_empty() { Ok(out) } else { Err(UnknownLora { names: unknown }) }
}

/// Tensors of a LoRA file that are no low-rank weights, or are there twice.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "not a LoRA file: expected names that end in lora_A.weight or lora_B.weight, each once, found \
     {}; other PEFT methods are not supported", names.join(", ")
)]
pub struct UnknownLora {
    /// Their names.
    pub names: Vec<String>,
}

/// The width of the language model's rows that a file's adapter takes.
#[must_use]
pub fn adapter_width(tensors: &Tensors) -> Option<usize> {
    tensors.get("text_adapter.adaptor.0.ln.weight")?.dims().first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    #[test]
    fn all_three_forms_of_a_lora_name_are_one() {
        let ours = "model.layers.3.self_attn.q_proj.lora_A.weight";
        for form in [
            "base_model.model.layers.3.self_attn.q_proj.lora_A.weight",
            "base_model.model.model.layers.3.self_attn.q_proj.lora_A.weight",
            "base_model.model.layers.3.self_attn.q_proj.lora_A.default.weight",
            "base_model.model.model.layers.3.self_attn.q_proj.lora_A.default.weight",
            ours,
        ] {
            assert_eq!(lora(form).as_deref(), Some(ours), "{form}");
        }
        assert_eq!(lora("base_model.model.layers.3.self_attn.q_proj.weight"), None);
    }

    #[test]
    fn a_lora_file_with_something_else_in_it_is_refused_by_name() {
        let zero = Tensor::zeros((2, 2), DType::F32, &Device::Cpu).unwrap();
        let names = ["layers.0.q_proj.lora_A.weight", "layers.0.q_proj.lora_magnitude_vector"];
        let tensors = names.iter().map(|name| ((*name).to_owned(), zero.clone())).collect();
        assert_eq!(lora_tensors(tensors).unwrap_err().names, [names[1]]);
    }

    #[test]
    fn a_bare_llama_gets_its_prefix_and_loses_its_buffers() {
        let zero = Tensor::zeros(2, DType::F32, &Device::Cpu).unwrap();
        let names = ["layers.0.mlp.up_proj.weight", "norm.weight", "rotary_emb.inv_freq"];
        let tensors = names.iter().map(|name| ((*name).to_owned(), zero.clone())).collect();
        let ours = canonical(Source::HfLlama, tensors).unwrap();
        let found: Vec<_> = ours.keys().map(String::as_str).collect();
        assert_eq!(found, ["model.layers.0.mlp.up_proj.weight", "model.norm.weight"]);
    }
}
