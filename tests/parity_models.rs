//! Our models against PyTorch, transformers and PEFT: weights, inputs, outputs and gradients of
//! tiny models are committed, and `scripts/goldens/models.py` made them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod model_goldens;

use candle_core::{Device, Tensor};
use llm2clip::model::names::{self, Source};
use llm2clip::model::{
    AdapterConfig, Clip, ClipConfig, Ctx, LlamaConfig, Pooling, TextAdapter, Trunk,
};
use llm2clip::nn::{LoraSpec, Mask, Packing, Rule, merge, ops};
use llm2clip::rng::Key;
use model_goldens::{Golden, Kind, Padding, load, patches};

fn clip(case: &str) {
    let golden = Golden::open(case);
    let config = ClipConfig::from_hf(&golden.config).unwrap();
    let builder = load(names::canonical(Source::HfClip, golden.weights()).unwrap());
    let model = Clip::new(&config, &builder).unwrap();
    let params = builder.finish().unwrap();
    let ctx = Ctx::eval();

    let pixels = golden.get("input.pixels");
    let (pixels, b) = (patches(&pixels, config.vision.patch), pixels.dim(0).unwrap());
    let image = model.image_features(&pixels, b, &ctx).unwrap();
    golden.check("image_features", Kind::Model, &image, &golden.get("output.image_features"));

    let (ids, packing) = (golden.ids(Padding::Right), golden.packing());
    let text = model.text_features(&ids, &packing, &ctx).unwrap();
    golden.check("text_features", Kind::Model, &text, &golden.get("output.text_features"));

    let hidden = model.vision().hidden_layers(&pixels, b, &ctx).unwrap();
    let wanted = |i: usize| {
        let padded = golden.get(&format!("output.vision_hidden.{i}"));
        padded.flatten(0, 1).unwrap()
    };
    golden.check("vision_embeddings", Kind::Block, &hidden[0], &wanted(0));
    for (i, block) in model.vision().blocks().iter().enumerate() {
        golden.check(
            &format!("vision_hidden.{}", i + 1),
            Kind::Model,
            &hidden[i + 1],
            &wanted(i + 1),
        );
        let all = model.vision().packing(b);
        let out = block.forward(&wanted(i), &all, Mask::Bidirectional, &ctx).unwrap();
        golden.check(&format!("vision_block.{i}"), Kind::Block, &out, &wanted(i + 1));
    }
    let hidden = model.text().hidden_layers(&ids, &packing, &ctx).unwrap();
    let wanted =
        |i: usize| golden.unpad(&golden.get(&format!("output.text_hidden.{i}")), Padding::Right);
    golden.check("text_embeddings", Kind::Block, &hidden[0], &wanted(0));
    for (i, block) in model.text().blocks().iter().enumerate() {
        golden.check(
            &format!("text_hidden.{}", i + 1),
            Kind::Model,
            &hidden[i + 1],
            &wanted(i + 1),
        );
        let out = block.forward(&wanted(i), &packing, Mask::Causal, &ctx).unwrap();
        golden.check(&format!("text_block.{i}"), Kind::Block, &out, &wanted(i + 1));
    }

    let (a, b) = (ops::normalize(&image).unwrap(), ops::normalize(&text).unwrap());
    let scale = model.logit_scale().scale().unwrap();
    let loss = ops::contrastive(&a, &b, &scale).unwrap();
    golden.check("loss", Kind::Model, &loss.reshape(1).unwrap(), &golden.get("output.loss"));
    golden.check_grads(&params, &loss);
}

#[test]
fn clip_with_quick_gelu_equals_transformers() {
    clip("clip_quick_gelu");
}

#[test]
fn clip_with_exact_gelu_and_an_end_token_by_id_equals_transformers() {
    clip("clip_gelu");
}

#[test]
fn a_clip_in_openais_own_layout_loads_and_equals_it() {
    let golden = Golden::open("clip_openai_names");
    let config = ClipConfig::from_hf(&golden.config).unwrap();
    assert_eq!(Source::of(&golden.weights()), Some(Source::OpenAiClip));
    let builder = load(names::canonical(Source::OpenAiClip, golden.weights()).unwrap());
    let model = Clip::new(&config, &builder).unwrap();
    builder.finish().unwrap();
    let ctx = Ctx::eval();
    let pixels = patches(&golden.get("input.pixels"), config.vision.patch);
    let image = model.image_features(&pixels, 2, &ctx).unwrap();
    golden.check("image_features", Kind::Model, &image, &golden.get("output.image_features"));
    let ids = golden.ids(Padding::Right);
    let text = model.text_features(&ids, &golden.packing(), &ctx).unwrap();
    golden.check("text_features", Kind::Model, &text, &golden.get("output.text_features"));
}

#[test]
fn open_clips_custom_text_prefix_is_the_same_model() {
    let golden = Golden::open("clip_openai_names");
    let plain = names::canonical(Source::OpenAiClip, golden.weights()).unwrap();
    let prefixed = golden.weights().into_iter().map(|(name, tensor)| {
        let visual = name.starts_with("visual.") || name == "logit_scale";
        (if visual { format!("module.{name}") } else { format!("module.text.{name}") }, tensor)
    });
    let prefixed = names::canonical(Source::OpenAiClip, prefixed.collect()).unwrap();
    assert_eq!(plain.keys().collect::<Vec<_>>(), prefixed.keys().collect::<Vec<_>>());
}

/// Hidden states of every layer, whole and block by block.
fn trunk_layers(golden: &Golden, trunk: &Trunk, ids: &[u32], padding: Padding, mask: Mask) {
    let (ctx, packing) = (Ctx::eval(), golden.packing());
    let hidden = trunk.hidden_layers(ids, &packing, mask, &ctx).unwrap();
    let wanted = |i: usize| golden.unpad(&golden.get(&format!("output.hidden.{i}")), padding);
    golden.check("embeddings", Kind::Block, &hidden[0], &wanted(0));
    for (i, ours) in hidden.iter().enumerate().skip(1) {
        golden.check(&format!("hidden.{i}"), Kind::Model, ours, &wanted(i));
        let at = trunk.hidden_at(ids, &packing, mask, &ctx, i).unwrap();
        assert_eq!(model_goldens::difference(&at, ours), 0.0);
    }
    // The last one's reference output stands behind the final norm.
    let table = trunk.rope_table(packing.longest());
    for (i, layer) in trunk.layers().iter().enumerate().take(hidden.len() - 2) {
        let out = layer.forward(&wanted(i), &packing, mask, table, &ctx).unwrap();
        golden.check(&format!("block.{i}"), Kind::Block, &out, &wanted(i + 1));
    }
}

fn llama_causal(case: &str) {
    let golden = Golden::open(case);
    let config = LlamaConfig::from_hf(&golden.config).unwrap();
    let builder = load(names::canonical(Source::HfLlama, golden.weights()).unwrap());
    let trunk = Trunk::with_head(&config, &builder).unwrap();
    let params = builder.finish().unwrap();

    let frequencies: Vec<f32> = config.frequencies().iter().map(|&f| f as f32).collect();
    let frequencies = Tensor::from_vec(frequencies, config.head_dim / 2, &Device::Cpu).unwrap();
    golden.check("frequencies", Kind::Block, &frequencies, &golden.get("output.inv_freq"));

    let (ids, packing) = (golden.ids(Padding::Right), golden.packing());
    trunk_layers(&golden, &trunk, &ids, Padding::Right, Mask::Causal);
    let states = trunk.hidden(&ids, &packing, Mask::Causal, &Ctx::eval()).unwrap();
    let logits = trunk.head_logits(&states).unwrap();
    let wanted = golden.unpad(&golden.get("output.logits"), Padding::Right);
    golden.check("logits", Kind::Model, &logits, &wanted);

    // Every token but a text's first is predicted from the state before it.
    let mut rows = Vec::new();
    for s in 0..packing.sequences() {
        let range = packing.range(s);
        rows.extend((range.start..range.end - 1).map(|row| row as u32));
    }
    let targets: Vec<u32> = rows.iter().map(|&row| ids[row as usize + 1]).collect();
    let asked = trunk.head_logits(&ops::select_rows(&states, &rows).unwrap()).unwrap();
    let loss = ops::cross_entropy(&asked, &targets).unwrap();
    golden.check("loss", Kind::Model, &loss.reshape(1).unwrap(), &golden.get("output.loss"));
    golden.check_grads(&params, &loss);
}

#[test]
fn a_causal_tied_llama_with_grouped_queries_and_scaled_rope_equals_transformers() {
    llama_causal("llama_causal_tied_llama3");
}

#[test]
fn a_causal_untied_llama_with_its_own_head_width_equals_transformers() {
    llama_causal("llama_causal_untied");
}

#[test]
fn a_bidirectional_llama_and_its_poolings_equal_the_left_padded_reference() {
    let golden = Golden::open("llama_bidirectional");
    let config = LlamaConfig::from_hf(&golden.config).unwrap();
    let builder = load(golden.weights());
    let trunk = Trunk::new(&config, &builder).unwrap();
    let params = builder.finish().unwrap();
    let (ids, packing) = (golden.ids(Padding::Left), golden.packing());
    trunk_layers(&golden, &trunk, &ids, Padding::Left, Mask::Bidirectional);

    let states = trunk.hidden(&ids, &packing, Mask::Bidirectional, &Ctx::eval()).unwrap();
    let embed = golden.unpad(&golden.get("input.embed"), Padding::Left).to_vec1::<i64>().unwrap();
    let embed: Vec<bool> = embed.iter().map(|&e| e != 0).collect();
    for pooling in Pooling::ALL {
        let pooled = pooling.pool(&states, &packing, &embed).unwrap();
        let name = if pooling == Pooling::Eos { "last" } else { pooling.name() };
        let wanted = golden.get(&format!("output.pool.{name}"));
        golden.check(&format!("pooling.{pooling}"), Kind::Model, &pooled, &wanted);
    }
    let unit = Pooling::Mean.pool(&states, &packing, &embed).unwrap();
    let unit = ops::normalize(&unit).unwrap();
    golden.check_unit("unit_mean", Kind::Model, &unit, &golden.get("output.unit_mean"));
    let loss = unit.mul(&golden.get("input.cotangent")).unwrap().sum_all().unwrap();
    golden.check("loss", Kind::Model, &loss.reshape(1).unwrap(), &golden.get("output.loss"));
    golden.check_grads(&params, &loss);
}

#[test]
fn lora_beside_the_weights_and_merged_into_them_equals_peft() {
    let golden = Golden::open("llama_lora");
    let config = LlamaConfig::from_hf(&golden.config).unwrap();
    let targets: Vec<String> =
        serde_json::from_value(golden.config["lora"]["targets"].clone()).unwrap();
    let spec = LoraSpec { r: 3, alpha: 6.0, dropout: 0.0, targets, from_layer: 0 };
    let (lora, base): (model_goldens::Tensors, model_goldens::Tensors) =
        golden.weights().into_iter().partition(|(name, _)| name.contains("lora_"));
    let lora = names::lora_tensors(lora).unwrap();
    let mut all = base.clone();
    all.extend(lora.clone());
    let builder = load(all).trainable(Rule::None).lora(Some(spec), Key::new(0));
    let trunk = Trunk::new(&config, &builder).unwrap();
    let params = builder.finish().unwrap();
    let (ids, packing) = (golden.ids(Padding::Left), golden.packing());
    let states = trunk.hidden(&ids, &packing, Mask::Bidirectional, &Ctx::eval()).unwrap();
    let wanted = golden.unpad(&golden.get("output.hidden"), Padding::Left);
    golden.check("hidden", Kind::Model, &states, &wanted);
    let cotangent = golden.unpad(&golden.get("input.cotangent"), Padding::Left);
    let loss = states.mul(&cotangent).unwrap().sum_all().unwrap();
    let loss = (loss / packing.rows() as f64).unwrap();
    golden.check("loss", Kind::Model, &loss.reshape(1).unwrap(), &golden.get("output.loss"));
    golden.check_grads(&params, &loss);

    let mut merged = base;
    merge(&mut merged, &lora, 2.0).unwrap();
    for (name, wanted) in golden.group("output.merged") {
        golden.check(&format!("merged.{name}"), Kind::Block, &merged[&name], &wanted);
    }
    let builder = load(merged);
    let trunk = Trunk::new(&config, &builder).unwrap();
    builder.finish().unwrap();
    let states = trunk.hidden(&ids, &packing, Mask::Bidirectional, &Ctx::eval()).unwrap();
    let wanted = golden.unpad(&golden.get("output.merged_hidden"), Padding::Left);
    golden.check("merged_hidden", Kind::Model, &states, &wanted);
}

#[test]
fn the_adapter_equals_its_description_in_pytorch() {
    let golden = Golden::open("llm2clip_adapter");
    let width = golden.config["width"].as_u64().unwrap() as usize;
    let projection = golden.config["projection"].as_u64().unwrap() as usize;
    let config = AdapterConfig { width, blocks: 4, projection, normalise: true };
    let builder = load(golden.weights());
    let adapter = TextAdapter::new(&config, &builder).unwrap();
    let live = TextAdapter::new(&AdapterConfig { normalise: false, ..config }, &builder).unwrap();
    let params = builder.finish().unwrap();
    let rows = golden.get("input.rows");
    for (i, ours) in adapter.layers(&rows).unwrap().iter().enumerate() {
        let wanted = golden.get(&format!("output.block.{i}"));
        golden.check(&format!("layer.{i}"), Kind::Block, ours, &wanted);
    }
    let features = adapter.forward(&rows).unwrap();
    golden.check("features", Kind::Model, &features, &golden.get("output.features"));
    let other = live.forward(&rows).unwrap();
    golden.check("live_rows", Kind::Model, &other, &golden.get("output.live"));
    let unit = ops::normalize(&features).unwrap();
    let loss = unit.mul(&golden.get("input.cotangent")).unwrap().sum_all().unwrap();
    golden.check("loss", Kind::Model, &loss.reshape(1).unwrap(), &golden.get("output.loss"));
    golden.check_grads(&params, &loss);
}

#[test]
fn padding_behind_the_end_token_changes_no_feature() {
    let golden = Golden::open("clip_quick_gelu");
    let config = ClipConfig::from_hf(&golden.config).unwrap();
    let builder = load(golden.weights());
    let model = Clip::new(&config, &builder).unwrap();
    let padded = golden.ints("input.ids");
    let ctx = Ctx::eval();
    let all = model.text_features(&padded, &Packing::uniform(3, 10), &ctx).unwrap();
    golden.check("padded_features", Kind::Model, &all, &golden.get("output.text_features"));
}
