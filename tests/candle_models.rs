//! candle-transformers' inference models as a second, independent check: loaded with the same
//! weights, their forward equals ours. They are never trained: most of their ops have no backward.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod model_goldens;

use candle_core::{DType, Device, IndexOp as _, Module as _, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::{clip, llama};
use llm2clip::model::{Clip, ClipConfig, Ctx, LOGIT_SCALE_INIT, LlamaConfig, Trunk};
use llm2clip::nn::{Builder, Mask, Packing};
use llm2clip::rng::Key;
use model_goldens::{Golden, Kind, Tensors, load, patches};

fn candle_vars(tensors: &Tensors) -> VarBuilder<'static> {
    let tensors = tensors.iter().map(|(name, tensor)| (name.clone(), tensor.clone()));
    VarBuilder::from_tensors(tensors.collect(), DType::F32, &Device::Cpu)
}

/// candle's last-position logits of one text.
fn candle_logits(model: &llama::Llama, config: &llama::Config, ids: &[u32]) -> Tensor {
    let mut cache = llama::Cache::new(false, DType::F32, config, &Device::Cpu).unwrap();
    let ids = Tensor::new(ids, &Device::Cpu).unwrap().unsqueeze(0).unwrap();
    model.forward(&ids, 0, &mut cache).unwrap()
}

/// Every position's logits: candle answers for the last one, so it is asked every prefix.
fn same_llama(weights: &Tensors, candle: &llama::Config, texts: &[Vec<u32>], golden: &Golden) {
    let config = LlamaConfig::from(candle);
    let builder = load(weights.clone());
    let trunk = Trunk::with_head(&config, &builder).unwrap();
    builder.finish().unwrap();
    let theirs = llama::Llama::load(candle_vars(weights), candle).unwrap();
    let lengths: Vec<usize> = texts.iter().map(Vec::len).collect();
    let packing = Packing::from_lengths(&lengths);
    let states = trunk.hidden(&texts.concat(), &packing, Mask::Causal, &Ctx::eval()).unwrap();
    let ours = trunk.head_logits(&states).unwrap();
    let wanted: Vec<Tensor> = texts
        .iter()
        .flat_map(|text| (1..=text.len()).map(|end| candle_logits(&theirs, candle, &text[..end])))
        .collect();
    golden.check("candle.logits", Kind::Model, &ours, &Tensor::cat(&wanted, 0).unwrap());
}

fn texts(seed: u64, vocab: usize) -> Vec<Vec<u32>> {
    let mut stream = Key::new(seed).stream();
    [1, 9, 20].map(|n| (0..n).map(|_| stream.below(vocab) as u32).collect()).to_vec()
}

#[test]
fn candles_llama_with_scaled_rope_equals_ours() {
    let golden = Golden::open("llama_causal_tied_llama3");
    // What we write is a file that candle reads, and both readers make the same of it.
    let json = LlamaConfig::from_hf(&golden.config).unwrap().to_hf();
    let read: llama::LlamaConfig = serde_json::from_value(json).unwrap();
    assert_eq!(LlamaConfig::from(read.clone()), LlamaConfig::from_hf(&golden.config).unwrap());
    let config = read.into_config(false);
    same_llama(&golden.weights(), &config, &texts(1, config.vocab_size), &golden);
}

#[test]
fn candles_untied_llama_equals_ours_on_fresh_weights() {
    let config = llama::Config {
        hidden_size: 24,
        intermediate_size: 40,
        vocab_size: 50,
        num_hidden_layers: 3,
        num_attention_heads: 3,
        num_key_value_heads: 1,
        rms_norm_eps: 1e-6,
        rope_theta: 500_000.0,
        max_position_embeddings: 32,
        ..llama::Config::config_7b_v2(false)
    };
    let builder = Builder::init(Key::new(3), &Device::Cpu);
    Trunk::with_head(&LlamaConfig::from(&config), &builder).unwrap();
    let weights = builder.finish().unwrap().tensors();
    let mut golden = Golden::open("llama_causal_untied");
    "llama_fresh_untied".clone_into(&mut golden.case);
    same_llama(&weights, &config, &texts(2, 50), &golden);
}

#[test]
fn candles_clip_equals_ours() {
    let golden = Golden::open("clip_quick_gelu");
    let config = ClipConfig::from_hf(&golden.config).unwrap();
    let (vision, text) = (&config.vision, &config.text);
    let activation = clip::text_model::Activation::QuickGelu;
    let candle = clip::ClipConfig {
        text_config: clip::text_model::ClipTextConfig {
            vocab_size: text.vocab,
            embed_dim: text.width,
            activation,
            intermediate_size: text.mlp,
            max_position_embeddings: text.positions,
            pad_with: None,
            num_hidden_layers: text.layers,
            num_attention_heads: text.heads,
            projection_dim: text.projection,
        },
        vision_config: clip::vision_model::ClipVisionConfig {
            embed_dim: vision.width,
            activation,
            intermediate_size: vision.mlp,
            num_hidden_layers: vision.layers,
            num_attention_heads: vision.heads,
            projection_dim: vision.projection,
            num_channels: 3,
            image_size: vision.image_size,
            patch_size: vision.patch,
        },
        logit_scale_init_value: config.logit_scale_init,
        image_size: vision.image_size,
    };
    assert_eq!(ClipConfig::from(&candle), config);
    let theirs = clip::ClipModel::new(candle_vars(&golden.weights()), &candle).unwrap();
    let builder = load(golden.weights());
    let ours = Clip::new(&config, &builder).unwrap();
    builder.finish().unwrap();

    let pixels = golden.get("input.pixels");
    let wanted = theirs.get_image_features(&pixels).unwrap();
    let rows = patches(&pixels, vision.patch);
    let features = ours.image_features(&rows, 3, &Ctx::eval()).unwrap();
    golden.check("candle.image_features", Kind::Model, &features, &wanted);

    let ids = golden.get("input.ids").to_dtype(DType::U32).unwrap();
    let wanted = theirs.get_text_features(&ids).unwrap();
    let ids = golden.ids(model_goldens::Padding::Right);
    let features = ours.text_features(&ids, &golden.packing(), &Ctx::eval()).unwrap();
    golden.check("candle.text_features", Kind::Model, &features, &wanted);
}

#[test]
fn candles_vision_layers_equal_ours_on_fresh_weights() {
    let candle = clip::vision_model::ClipVisionConfig {
        embed_dim: 32,
        intermediate_size: 48,
        num_hidden_layers: 3,
        num_attention_heads: 4,
        projection_dim: 8,
        image_size: 24,
        patch_size: 8,
        ..clip::vision_model::ClipVisionConfig::vit_base_patch32()
    };
    let config = llm2clip::model::VitConfig::from(&candle);
    let builder = Builder::init(Key::new(5), &Device::Cpu);
    let vit = llm2clip::model::Vit::new(&config, &builder).unwrap();
    let weights = builder.finish().unwrap().tensors();
    let vars = candle_vars(&weights);
    let theirs =
        clip::vision_model::ClipVisionTransformer::new(vars.pp("vision_model"), &candle).unwrap();
    let mut stream = Key::new(6).stream();
    let pixels: Vec<f32> = (0..2 * 3 * 24 * 24).map(|_| stream.normal()).collect();
    let pixels = Tensor::from_vec(pixels, (2, 3, 24, 24), &Device::Cpu).unwrap();
    let wanted = theirs.forward(&pixels).unwrap();
    let ours = vit.class_states(&patches(&pixels, 8), 2, &Ctx::eval()).unwrap();
    let mut golden = Golden::open("clip_quick_gelu");
    "vit_fresh".clone_into(&mut golden.case);
    golden.check("candle.class_states", Kind::Model, &ours, &wanted);
    let layers = theirs.output_hidden_states(&pixels).unwrap();
    let hidden = vit.hidden_layers(&patches(&pixels, 8), 2, &Ctx::eval()).unwrap();
    // candle lists every block's output, and then the normed class states.
    for (i, wanted) in layers.iter().take(3).enumerate() {
        let wanted = wanted.i(..).unwrap().flatten(0, 1).unwrap();
        golden.check(&format!("candle.hidden.{}", i + 1), Kind::Model, &hidden[i + 1], &wanted);
    }
    assert!((f64::from(LOGIT_SCALE_INIT) - (1.0f64 / 0.07).ln()).abs() < 1e-6);
}
