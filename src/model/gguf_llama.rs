//! A Llama's tensors as GGUF files name and order them, turned into the ones used here.

use super::names::Tensors;
use super::{LlamaConfig, ModelError};
use candle_core::Tensor;

/// The factors Llama 3.1's rotary frequencies are divided by, where a file has them: no weight.
pub const ROPE_FACTORS: &str = "rope_freqs.weight";

/// The name used here of a GGUF tensor; `None` for what is not a Llama's.
#[must_use]
pub fn name(gguf: &str) -> Option<String> {
    match gguf {
        "token_embd.weight" => return Some("model.embed_tokens.weight".to_owned()),
        "output_norm.weight" => return Some("model.norm.weight".to_owned()),
        "output.weight" => return Some("lm_head.weight".to_owned()),
        _ => {}
    }
    let (layer, rest) = gguf.strip_prefix("blk.")?.split_once('.')?;
    let layer: usize = layer.parse().ok()?;
    let ours = match rest.strip_suffix(".weight")? {
        "attn_norm" => "input_layernorm",
        "attn_q" => "self_attn.q_proj",
        "attn_k" => "self_attn.k_proj",
        "attn_v" => "self_attn.v_proj",
        "attn_output" => "self_attn.o_proj",
        "ffn_norm" => "post_attention_layernorm",
        "ffn_gate" => "mlp.gate_proj",
        "ffn_up" => "mlp.up_proj",
        "ffn_down" => "mlp.down_proj",
        _ => return None,
    };
    Some(format!("model.layers.{layer}.{ours}.weight"))
}

/// All tensors under the names used here. GGUF rotates neighbouring rows of a head together, here
/// a row and the one half a head further: the rows of query and key projections are put in that
/// order. What is no Llama's keeps its name, so that strict loading lists it.
///
/// # Errors
/// A projection that does not divide into the configuration's heads.
pub fn canonical(config: &LlamaConfig, tensors: Tensors) -> Result<Tensors, ModelError> {
    let mut out = Tensors::new();
    for (gguf, tensor) in tensors {
        if gguf == ROPE_FACTORS {
            continue;
        }
        let heads = match gguf.strip_suffix(".weight") {
            Some(path) if path.ends_with(".attn_q") => Some(config.heads),
            Some(path) if path.ends_with(".attn_k") => Some(config.kv_heads),
            _ => None,
        };
        // A tensor of another rank stays as it is: strict loading says what its shape should be.
        let tensor = match heads.filter(|_| tensor.rank() == 2) {
            Some(heads) => half_split(&tensor, heads)?,
            None => tensor,
        };
        out.insert(name(&gguf).unwrap_or(gguf), tensor);
    }
    Ok(out)
}

/// Rows `[heads, pair, of 2]` of a projection `[rows, in]` to rows `[heads, of 2, pair]`.
fn half_split(tensor: &Tensor, heads: usize) -> Result<Tensor, ModelError> {
    let (rows, inputs) = tensor.dims2()?;
    if heads == 0 || !rows.is_multiple_of(2 * heads) {
        let what = "rows of a query or key projection";
        let expected = rows.next_multiple_of(2 * heads.max(1));
        return Err(ModelError::Mismatch { what, expected, found: rows });
    }
    let pairs = tensor.reshape((heads, rows / heads / 2, 2, inputs))?;
    Ok(pairs.transpose(1, 2)?.contiguous()?.reshape((rows, inputs))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn rows_that_rotate_together_stand_half_a_head_apart() {
        // Two heads of four rows; each row holds its own number.
        let rows = Tensor::arange(0f32, 8.0, &Device::Cpu).unwrap().reshape((8, 1)).unwrap();
        let ours = half_split(&rows, 2).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(ours, [0.0, 2.0, 1.0, 3.0, 4.0, 6.0, 5.0, 7.0]);
        assert!(half_split(&rows, 3).is_err());
    }

    #[test]
    fn names_of_a_llama_are_known_and_others_are_not() {
        assert_eq!(
            name("blk.12.ffn_down.weight").as_deref(),
            Some("model.layers.12.mlp.down_proj.weight")
        );
        for foreign in ["blk.0.attn_q.bias", "blk.x.attn_q.weight", "blk.0.ffn_gate_inp.weight"] {
            assert_eq!(name(foreign), None);
        }
    }
}
