//! Every block and loss equals its PyTorch reference, on the fused path and on the composed one. Goldens: `scripts/goldens/`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod parity;

use candle_core::{Device, Tensor};
use llm2clip::nn::block::{self as sublayer, GatedMlp, Projections};
use llm2clip::nn::{
    Activation, Attention, LayerNorm, Linear, Lora, Mask, Packing, Pooling, RmsNorm, RopeStyle,
    RopeTable, ops,
};
use parity::{Golden, block};

#[test]
fn linears_equal_the_reference() {
    block("linear", |g| {
        Ok(vec![("y", ops::linear(g.input("x"), g.input("w"), Some(g.input("b")))?)])
    });
    block("linear_without_bias", |g| {
        Ok(vec![("y", ops::linear(g.input("x"), g.input("w"), None)?)])
    });
    block("embedding", |g| Ok(vec![("y", ops::embedding(g.input("table"), &g.ids("ids"))?)]));
}

#[test]
fn lora_scales_by_alpha_over_r() {
    block("lora_linear", |g| {
        let scale = g.number("alpha") / g.number("r");
        let (w, b) = (g.input("w"), Some(g.input("b")));
        let (lora_a, lora_b) = (g.input("lora_a"), g.input("lora_b"));
        Ok(vec![("y", ops::lora_linear(g.input("x"), w, b, lora_a, lora_b, scale, None)?)])
    });
}

#[test]
fn norms_equal_the_reference() {
    block("layer_norm", |g| {
        let y = ops::layer_norm(g.input("x"), g.input("w"), g.input("b"), g.number("eps"))?;
        Ok(vec![("y", y)])
    });
    block("rms_norm", |g| {
        Ok(vec![("y", ops::rms_norm(g.input("x"), g.input("w"), g.number("eps"))?)])
    });
    block("normalize", |g| Ok(vec![("y", ops::normalize(g.input("x"))?)]));
}

#[test]
fn activations_equal_the_reference_out_to_saturation() {
    for (case, kind) in [
        ("quick_gelu", Activation::QuickGelu),
        ("gelu_erf", Activation::GeluErf),
        ("gelu_tanh", Activation::GeluTanh),
        ("silu", Activation::Silu),
    ] {
        block(case, |g| Ok(vec![("y", ops::activation(g.input("x"), kind)?)]));
    }
    block("silu_gate", |g| Ok(vec![("y", ops::silu_gate(g.input("x"), g.input("up"))?)]));
}

fn packing(g: &Golden) -> Packing {
    Packing::from_lengths(&g.counts("lengths"))
}

#[test]
fn rope_equals_the_reference_plain_and_scaled() {
    for case in ["rope", "rope_llama3_scaling"] {
        block(case, |g| {
            let (heads, packing) = (g.count("heads"), packing(g));
            let dim = g.input("x").dim(1)? / heads;
            let scaling = g.constant("scaling");
            let plain = (0..dim / 2)
                .map(|i| g.number("theta").powf(-(2.0 * i as f64) / dim as f64))
                .collect::<Vec<f64>>();
            let frequencies = match scaling.as_object() {
                Some(_) => llama3(&plain, scaling),
                None => plain,
            };
            let table = RopeTable::from_frequencies(&frequencies, packing.longest());
            let y = ops::rope(g.input("x"), &packing, &table, heads, RopeStyle::Half)?;
            let frequencies: Vec<f32> = frequencies.into_iter().map(|f| f as f32).collect();
            let frequencies = Tensor::new(frequencies, &Device::Cpu)?;
            Ok(vec![("y", y), ("inverse_frequencies", frequencies)])
        });
    }
}

/// Llama 3's stretching of slow frequencies, restated here: the model's own is held to whole
/// models.
fn llama3(plain: &[f64], scaling: &serde_json::Value) -> Vec<f64> {
    let number = |name: &str| scaling[name].as_f64().unwrap();
    let (factor, original) = (number("factor"), number("original_max_position_embeddings"));
    let (low, high) = (number("low_freq_factor"), number("high_freq_factor"));
    let scale = |f: f64| {
        let wavelength = 2.0 * std::f64::consts::PI / f;
        let smooth = ((original / wavelength - low) / (high - low)).clamp(0.0, 1.0);
        (1.0 - smooth) * f / factor + smooth * f
    };
    plain.iter().copied().map(scale).collect()
}

fn how(g: &Golden) -> Attention {
    let causal = g.constant("causal").as_bool().unwrap();
    Attention {
        heads: g.count("heads"),
        kv_heads: g.count("kv_heads"),
        packing: packing(g),
        mask: if causal { Mask::Causal } else { Mask::Bidirectional },
        dropout: None,
    }
}

fn attention(case: &str) {
    block(case, |g| {
        let (q, k, v) = (g.input("q"), g.input("k"), g.input("v"));
        Ok(vec![("y", ops::attention(q, k, v, &how(g))?)])
    });
}

#[test]
fn causal_attention_equals_the_reference() {
    attention("attention_causal");
    attention("attention_ragged_causal");
    attention("attention_grouped_causal");
    attention("attention_long_causal");
}

#[test]
fn bidirectional_attention_equals_the_reference() {
    attention("attention_bidirectional");
    attention("attention_ragged_bidirectional");
    attention("attention_grouped_bidirectional");
    attention("attention_long_bidirectional");
}

/// The linear below `path`, with its low-rank weights where the file has some.
fn linear(g: &Golden, path: &str) -> Linear {
    let at = |part: &str| g.maybe(&format!("{path}.{part}")).cloned();
    let lora = at("lora_A.weight").zip(at("lora_B.weight")).map(|(a, b)| {
        let scale = g.number("alpha") / g.number("r");
        Lora { a, b, scale, dropout: 0.0 }
    });
    Linear { weight: at("weight").unwrap(), bias: at("bias"), lora }
}

fn projections(g: &Golden, out: &str) -> Projections {
    let [q, k, v, o] =
        ["q_proj", "k_proj", "v_proj", out].map(|name| linear(g, &format!("attention.{name}")));
    Projections { q, k, v, o }
}

fn layer_norm(g: &Golden) -> LayerNorm {
    let (weight, bias) = (g.input("norm.weight").clone(), g.input("norm.bias").clone());
    LayerNorm { weight, bias, eps: g.number("eps") }
}

fn rms_norm(g: &Golden) -> RmsNorm {
    RmsNorm { weight: g.input("norm.weight").clone(), eps: g.number("eps") }
}

#[test]
fn clips_sublayers_equal_the_reference() {
    for case in ["sublayer_clip_attention_bidirectional", "sublayer_clip_attention_causal"] {
        block(case, |g| {
            let projections = projections(g, "out_proj");
            let y = sublayer::attention(g.input("x"), &layer_norm(g), &projections, &how(g), None)?;
            Ok(vec![("y", y)])
        });
    }
    block("sublayer_clip_mlp", |g| {
        let (first, second) = (linear(g, "mlp.fc1"), linear(g, "mlp.fc2"));
        let (x, norm) = (g.input("x"), layer_norm(g));
        let y = sublayer::mlp(x, &norm, &first, Activation::QuickGelu, &second, None)?;
        Ok(vec![("y", y)])
    });
}

#[test]
fn llamas_sublayers_equal_the_reference_whole_and_with_lora() {
    for case in ["sublayer_llama_attention_causal", "sublayer_llama_attention_bidirectional_lora"] {
        block(case, |g| {
            let (projections, how) = (projections(g, "o_proj"), how(g));
            let dim = projections.q.outputs() / how.heads;
            let table = RopeTable::new(dim, g.number("theta"), how.packing.longest());
            let (x, norm) = (g.input("x"), rms_norm(g));
            let y = sublayer::rotary_attention(x, &norm, &projections, &table, &how, None)?;
            Ok(vec![("y", y)])
        });
    }
    for case in ["sublayer_llama_mlp", "sublayer_llama_mlp_lora"] {
        block(case, |g| {
            let [gate, up, down] =
                ["gate_proj", "up_proj", "down_proj"].map(|name| linear(g, &format!("mlp.{name}")));
            let mlp = GatedMlp { gate, up, down };
            Ok(vec![("y", sublayer::gated_mlp(g.input("x"), &rms_norm(g), &mlp, None)?)])
        });
    }
}

#[test]
fn poolings_count_embedded_tokens_only() {
    for (case, pooling) in [
        ("pooling_mean", Pooling::Mean),
        ("pooling_weighted_mean", Pooling::WeightedMean),
        ("pooling_last", Pooling::Last),
        ("pooling_eos", Pooling::Last),
        ("pooling_cls", Pooling::Cls),
    ] {
        block(case, |g| {
            Ok(vec![("y", ops::pool(g.input("hidden"), &packing(g), &g.mask("embed"), pooling)?)])
        });
    }
}

#[test]
fn cross_entropy_equals_the_reference() {
    block("cross_entropy", |g| {
        Ok(vec![("loss", ops::cross_entropy(g.input("logits"), &g.ids("targets"))?)])
    });
    block("linear_cross_entropy", |g| {
        let rows = ops::select_rows(g.input("hidden"), &g.ids("rows"))?;
        let logits = ops::linear(&rows, g.input("head"), None)?;
        Ok(vec![("loss", ops::cross_entropy(&logits, &g.ids("targets"))?)])
    });
}

#[test]
fn contrastive_losses_equal_the_reference() {
    block("clip_loss", |g| {
        let (a, b) = (ops::normalize(g.input("a"))?, ops::normalize(g.input("b"))?);
        Ok(vec![("loss", ops::contrastive(&a, &b, &g.input("log_scale").exp()?)?)])
    });
    block("siglip_loss", |g| {
        let (a, b) = (ops::normalize(g.input("a"))?, ops::normalize(g.input("b"))?);
        let scale = g.input("log_scale").exp()?;
        Ok(vec![("loss", ops::sigmoid_loss(&a, &b, &scale, g.input("bias"))?)])
    });
    for case in [
        "info_nce_scale_20",
        "info_nce_scale_20_hard_negatives",
        "info_nce_scale_50",
        "info_nce_scale_50_hard_negatives",
    ] {
        block(case, |g| {
            let (q, docs) = (ops::normalize(g.input("a"))?, ops::normalize(g.input("b"))?);
            Ok(vec![("loss", ops::info_nce(&q, &docs, g.number("scale"))?)])
        });
    }
}
