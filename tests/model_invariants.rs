//! What must hold of every architecture, whatever its weights: a batch changes nothing, every
//! trainable tensor learns and no frozen one does, and the mask is the one that was asked for.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod model_goldens;

use candle_core::{Device, Tensor};
use llm2clip::model::{
    AdapterConfig, Clip, ClipConfig, ClipTextConfig, Ctx, EotRule, LOGIT_SCALE_INIT, LlamaConfig,
    Llm2Clip, Llm2ClipConfig, ModelError, Pooling, Trunk, VitConfig,
};
use llm2clip::nn::{
    Activation, Builder, DropKeys, LoraSpec, Mask, Packing, Params, Rule, backward, ops,
};
use llm2clip::rng::Key;
use model_goldens::{difference, magnitude, rows_of};

const LENGTHS: [usize; 4] = [1, 6, 2, 9];

fn clip_config() -> ClipConfig {
    ClipConfig {
        vision: VitConfig {
            image_size: 12,
            patch: 4,
            width: 24,
            layers: 2,
            heads: 3,
            mlp: 32,
            activation: Activation::QuickGelu,
            eps: 1e-5,
            projection: 10,
        },
        text: ClipTextConfig {
            vocab: 40,
            positions: 9,
            width: 16,
            layers: 2,
            heads: 2,
            mlp: 24,
            activation: Activation::GeluErf,
            eps: 1e-5,
            projection: 10,
            eot: EotRule::ArgMax,
        },
        logit_scale_init: LOGIT_SCALE_INIT,
        logit_bias_init: Some(-10.0),
    }
}

fn llama_config() -> LlamaConfig {
    LlamaConfig {
        vocab: 30,
        width: 24,
        mlp: 32,
        layers: 3,
        heads: 4,
        kv_heads: 2,
        head_dim: 6,
        eps: 1e-5,
        rope_theta: 10_000.0,
        rope_scaling: None,
        positions: 16,
        tied: false,
    }
}

fn init(seed: u64) -> Builder {
    Builder::init(Key::new(seed), &Device::Cpu)
}

fn normals(seed: u64, shape: (usize, usize)) -> Tensor {
    let mut stream = Key::new(seed).stream();
    let numbers: Vec<f32> = (0..shape.0 * shape.1).map(|_| stream.normal()).collect();
    Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap()
}

fn tokens(seed: u64, count: usize, vocab: usize) -> Vec<u32> {
    let mut stream = Key::new(seed).stream();
    (0..count).map(|_| stream.below(vocab) as u32).collect()
}

/// Weights far from where they start, so that nothing is small because it is fresh.
fn shake(params: &Params) {
    for (name, var) in params.trainable() {
        let mut stream = Key::new(77).named(name).stream();
        let noise: Vec<f32> = (0..var.elem_count()).map(|_| 0.2 * stream.normal()).collect();
        let noise = Tensor::from_vec(noise, var.shape(), &Device::Cpu).unwrap();
        var.set(&(var.as_tensor() + noise).unwrap()).unwrap();
    }
}

/// Every trainable tensor has a finite gradient that is not zero, and no frozen one has any. A key
/// projection's bias has gradient zero but for rounding (softmax does not see it), so that its
/// presence counts.
fn covered(params: &Params, loss: &Tensor) {
    let grads = backward(loss).unwrap();
    let mut count = 0;
    for (name, var) in params.trainable() {
        let grad = grads.get(var).unwrap_or_else(|| panic!("{name} has no gradient"));
        let largest = magnitude(grad);
        assert!(largest.is_finite(), "{name}: {largest}");
        assert!(largest > 0.0 || name.ends_with("k_proj.bias"), "{name}: gradient is zero");
        count += 1;
    }
    assert!(count > 0, "nothing is trainable");
    for (name, tensor) in params.frozen() {
        assert!(grads.get(tensor).is_none(), "{name} is frozen and has a gradient");
    }
}

fn close(ours: &Tensor, other: &Tensor) {
    let off = difference(ours, other);
    assert!(off <= 1e-5 * magnitude(other).max(1.0), "off {off}");
}

fn weighted(x: &Tensor, seed: u64) -> Tensor {
    x.mul(&normals(seed, x.dims2().unwrap())).unwrap().mean_all().unwrap()
}

#[test]
fn a_picture_alone_equals_it_in_a_batch() {
    let builder = init(1);
    let model = Clip::new(&clip_config(), &builder).unwrap();
    shake(&builder.finish().unwrap());
    let patches = normals(2, (3 * 9, 48));
    let all = model.image_features(&patches, 3, &Ctx::eval()).unwrap();
    let hidden = model.vision().hidden_layers(&patches, 3, &Ctx::eval()).unwrap();
    for s in 0..3 {
        let one = patches.narrow(0, s * 9, 9).unwrap();
        let alone = model.image_features(&one, 1, &Ctx::eval()).unwrap();
        close(&all.narrow(0, s, 1).unwrap(), &alone);
        let layers = model.vision().hidden_layers(&one, 1, &Ctx::eval()).unwrap();
        for (batch, alone) in hidden.iter().zip(&layers) {
            close(&batch.narrow(0, s * 10, 10).unwrap(), alone);
        }
    }
    assert!(matches!(
        model.image_features(&patches, 2, &Ctx::eval()),
        Err(ModelError::Rows { expected: 18, found: 27, .. })
    ));
}

#[test]
fn a_caption_alone_equals_it_in_a_packed_batch() {
    let builder = init(3);
    let model = Clip::new(&clip_config(), &builder).unwrap();
    shake(&builder.finish().unwrap());
    let packing = Packing::from_lengths(&LENGTHS);
    let ids = tokens(4, packing.rows(), 40);
    let all = model.text_features(&ids, &packing, &Ctx::eval()).unwrap();
    for s in 0..packing.sequences() {
        let own = &ids[packing.range(s)];
        let alone = model.text_features(own, &Packing::uniform(1, own.len()), &Ctx::eval());
        close(&all.narrow(0, s, 1).unwrap(), &alone.unwrap());
    }
}

#[test]
fn a_text_alone_equals_it_in_a_packed_batch_under_both_masks() {
    let builder = init(5);
    let trunk = Trunk::new(&llama_config(), &builder).unwrap();
    shake(&builder.finish().unwrap());
    let packing = Packing::from_lengths(&LENGTHS);
    let ids = tokens(6, packing.rows(), 30);
    let embed = vec![true; ids.len()];
    for mask in [Mask::Causal, Mask::Bidirectional] {
        let all = trunk.hidden(&ids, &packing, mask, &Ctx::eval()).unwrap();
        for s in 0..packing.sequences() {
            let own = &ids[packing.range(s)];
            let one = Packing::uniform(1, own.len());
            let alone = trunk.hidden(own, &one, mask, &Ctx::eval()).unwrap();
            close(&rows_of(&all, &packing, s), &alone);
            for pooling in Pooling::ALL {
                let batch = pooling.pool(&all, &packing, &embed).unwrap();
                let row = pooling.pool(&alone, &one, &embed[packing.range(s)]).unwrap();
                close(&batch.narrow(0, s, 1).unwrap(), &row);
            }
        }
    }
}

#[test]
fn changing_the_last_token_moves_the_first_state_exactly_when_the_mask_is_bidirectional() {
    let builder = init(7);
    let trunk = Trunk::new(&llama_config(), &builder).unwrap();
    builder.finish().unwrap();
    let packing = Packing::from_lengths(&[6, 4]);
    let ids = tokens(8, 10, 30);
    let mut changed = ids.clone();
    changed[5] = (ids[5] + 1) % 30;
    for mask in [Mask::Causal, Mask::Bidirectional] {
        let before = trunk.hidden(&ids, &packing, mask, &Ctx::eval()).unwrap();
        let after = trunk.hidden(&changed, &packing, mask, &Ctx::eval()).unwrap();
        let first = |x: &Tensor| x.narrow(0, 0, 1).unwrap();
        let moved = difference(&first(&before), &first(&after));
        assert_eq!(moved > 0.0, mask == Mask::Bidirectional, "{mask:?}: {moved}");
        // The other sequence never moves.
        let other = difference(&rows_of(&before, &packing, 1), &rows_of(&after, &packing, 1));
        assert_eq!(other, 0.0, "{mask:?}");
    }
}

#[test]
fn the_composed_path_gives_the_same_features() {
    let builder = init(9);
    let model = Clip::new(&clip_config(), &builder).unwrap();
    let trunk = Trunk::new(&llama_config(), &builder).unwrap();
    shake(&builder.finish().unwrap());
    let packing = Packing::from_lengths(&LENGTHS);
    let (ids, patches) = (tokens(10, packing.rows(), 30), normals(11, (18, 48)));
    let run = || {
        let image = model.image_features(&patches, 2, &Ctx::eval()).unwrap();
        let text = model.text_features(&ids, &packing, &Ctx::eval()).unwrap();
        (image, text, trunk.hidden(&ids, &packing, Mask::Bidirectional, &Ctx::eval()).unwrap())
    };
    let (fused, composed) = (run(), ops::with_composed(run));
    close(&fused.0, &composed.0);
    close(&fused.1, &composed.1);
    close(&fused.2, &composed.2);
}

#[test]
fn all_of_clip_learns_under_both_losses() {
    let builder = init(12);
    let model = Clip::new(&clip_config(), &builder).unwrap();
    let params = builder.finish().unwrap();
    let packing = Packing::from_lengths(&LENGTHS);
    let ids = tokens(13, packing.rows(), 40);
    let image = model.image_features(&normals(14, (4 * 9, 48)), 4, &Ctx::eval()).unwrap();
    let text = model.text_features(&ids, &packing, &Ctx::eval()).unwrap();
    let (image, text) = (ops::normalize(&image).unwrap(), ops::normalize(&text).unwrap());
    let (scale, bias) = (model.logit_scale().scale().unwrap(), model.logit_scale().bias().unwrap());
    covered(&params, &ops::sigmoid_loss(&image, &text, &scale, bias).unwrap());

    let builder = init(12);
    let model =
        Clip::new(&ClipConfig { logit_bias_init: None, ..clip_config() }, &builder).unwrap();
    let params = builder.finish().unwrap();
    let image = model.image_features(&normals(14, (4 * 9, 48)), 4, &Ctx::eval()).unwrap();
    let text = model.text_features(&ids, &packing, &Ctx::eval()).unwrap();
    let (image, text) = (ops::normalize(&image).unwrap(), ops::normalize(&text).unwrap());
    let scale = model.logit_scale().scale().unwrap();
    covered(&params, &ops::contrastive(&image, &text, &scale).unwrap());
}

#[test]
fn all_of_a_language_model_learns_tied_or_not() {
    for tied in [false, true] {
        let builder = init(15);
        let trunk = Trunk::with_head(&LlamaConfig { tied, ..llama_config() }, &builder).unwrap();
        let params = builder.finish().unwrap();
        assert_eq!(params.get("lm_head.weight").is_some(), !tied);
        let ids = tokens(16, 12, 30);
        let packing = Packing::from_lengths(&[12]);
        let states = trunk.hidden(&ids, &packing, Mask::Causal, &Ctx::eval()).unwrap();
        let states = states.narrow(0, 0, 11).unwrap();
        let loss = ops::cross_entropy(&trunk.head_logits(&states).unwrap(), &ids[1..]).unwrap();
        covered(&params, &loss);
    }
}

fn lora_spec(dropout: f32, targets: &[&str]) -> LoraSpec {
    let targets = targets.iter().map(|&target| target.to_owned()).collect();
    LoraSpec { r: 2, alpha: 4.0, dropout, targets, from_layer: 0 }
}

const LLAMA_TARGETS: [&str; 7] =
    ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

fn llama_with_lora(dropout: f32) -> (Trunk, Params) {
    let spec = lora_spec(dropout, &LLAMA_TARGETS);
    let builder = init(17).trainable(Rule::None).lora(Some(spec), Key::new(18));
    let trunk = Trunk::new(&llama_config(), &builder).unwrap();
    (trunk, builder.finish().unwrap())
}

#[test]
fn only_lora_learns_beside_a_frozen_llama() {
    let (trunk, params) = llama_with_lora(0.05);
    assert_eq!(params.trainable().count(), 3 * 7 * 2);
    let packing = Packing::from_lengths(&LENGTHS);
    let ids = tokens(19, packing.rows(), 30);
    let keys = (0..4).map(|s| Key::new(20).child(s)).collect();
    let ctx = Ctx::train(DropKeys::new(keys), 0.1);
    // B starts at zero, and A's gradient with it.
    shake(&params);
    let states = trunk.hidden(&ids, &packing, Mask::Bidirectional, &ctx).unwrap();
    let unit = ops::normalize(&states).unwrap();
    covered(&params, &weighted(&unit, 21));
}

#[test]
fn fresh_lora_changes_nothing() {
    let (trunk, params) = llama_with_lora(0.0);
    let frozen = params.frozen().map(|(name, tensor)| (name.to_owned(), tensor.clone())).collect();
    let builder = model_goldens::load(frozen);
    let plain = Trunk::new(&llama_config(), &builder).unwrap();
    builder.finish().unwrap();
    let (ids, packing) = (tokens(22, 8, 30), Packing::from_lengths(&[8]));
    let run = |trunk: &Trunk| trunk.hidden(&ids, &packing, Mask::Causal, &Ctx::eval()).unwrap();
    close(&run(&trunk), &run(&plain));
}

#[test]
fn dropout_is_keyed_by_item_and_absent_from_evaluation() {
    let (trunk, params) = llama_with_lora(0.2);
    shake(&params);
    let packing = Packing::from_lengths(&LENGTHS);
    let ids = tokens(23, packing.rows(), 30);
    let key = |s: usize| Key::new(24).child(s as u64);
    let run = |ids: &[u32], packing: &Packing, ctx: &Ctx| {
        trunk.hidden(ids, packing, Mask::Bidirectional, ctx).unwrap()
    };
    let eval = run(&ids, &packing, &Ctx::eval());
    let idle = Ctx { attention_dropout: 0.5, ..Ctx::eval() };
    assert_eq!(difference(&run(&ids, &packing, &idle), &eval), 0.0);
    for attention_dropout in [0.0, 0.3] {
        let keys = DropKeys::new((0..4).map(key).collect());
        let ctx = Ctx::train(keys, attention_dropout);
        let dropped = run(&ids, &packing, &ctx);
        assert!(difference(&dropped, &eval) > 1e-3);
        assert_eq!(difference(&run(&ids, &packing, &ctx), &dropped), 0.0);
        for s in 0..packing.sequences() {
            let own = &ids[packing.range(s)];
            let ctx = Ctx::train(DropKeys::new(vec![key(s)]), attention_dropout);
            let alone = run(own, &Packing::uniform(1, own.len()), &ctx);
            close(&rows_of(&dropped, &packing, s), &alone);
        }
    }
}

fn llm2clip_config() -> Llm2ClipConfig {
    let vision = VitConfig { projection: 14, ..clip_config().vision };
    let adapter = AdapterConfig { width: 20, blocks: 4, projection: 14, normalise: true };
    Llm2ClipConfig { vision, adapter, logit_scale_init: LOGIT_SCALE_INIT }
}

#[test]
fn llm2clip_learns_what_its_rule_says() {
    let tower = lora_spec(0.0, &["q_proj", "k_proj", "v_proj"]);
    let adapter_only = || Rule::Only(vec!["text_adapter.".into(), "logit_scale".into()]);
    let beside_lora =
        Rule::Only(vec!["text_adapter.".into(), "logit_scale".into(), "visual_projection.".into()]);
    for (rule, lora) in [(Rule::All, None), (adapter_only(), None), (beside_lora, Some(tower))] {
        let builder = init(25).trainable(rule.clone()).lora(lora, Key::new(26));
        let model = Llm2Clip::new(&llm2clip_config(), &builder).unwrap();
        let params = builder.finish().unwrap();
        shake(&params);
        let image = model.image_features(&normals(27, (4 * 9, 48)), 4, &Ctx::eval()).unwrap();
        let text = model.text_features(&normals(28, (4, 20))).unwrap();
        let (image, text) = (ops::normalize(&image).unwrap(), ops::normalize(&text).unwrap());
        let scale = model.logit_scale().scale().unwrap();
        covered(&params, &ops::contrastive(&image, &text, &scale).unwrap());
    }
}

#[test]
fn llm2clip_goes_on_from_a_clip_checkpoint() {
    let builder = init(29);
    Clip::new(&ClipConfig { logit_bias_init: None, ..clip_config() }, &builder).unwrap();
    let clip = builder.finish().unwrap();
    shake(&clip);
    let builder =
        Builder::load_or_init(Llm2Clip::from_clip(clip.tensors()), Key::new(30), &Device::Cpu)
            .with_fresh(&Llm2Clip::FRESH);
    Llm2Clip::new(&llm2clip_config(), &builder).unwrap();
    let params = builder.finish().unwrap();
    for name in ["logit_scale", "vision_model.encoder.layers.1.mlp.fc2.weight"] {
        assert_eq!(difference(params.get(name).unwrap(), clip.get(name).unwrap()), 0.0, "{name}");
    }
    // The adapter's biases are drawn, as PyTorch's are.
    let bias = params.get("text_adapter.adaptor.5.bias").unwrap();
    assert!(magnitude(bias) > 0.0 && magnitude(bias) <= 1.0 / 20f32.sqrt());
}

#[test]
fn what_a_file_lacks_and_what_it_has_too_much_is_listed_at_once() {
    let builder = init(31);
    Trunk::with_head(&llama_config(), &builder).unwrap();
    let mut tensors = builder.finish().unwrap().tensors();
    tensors.remove("model.norm.weight");
    tensors.remove("model.layers.1.mlp.up_proj.weight");
    tensors.insert("model.layers.0.self_attn.q_proj.bias".into(), normals(32, (1, 24)));
    tensors.insert("model.layers.2.self_attn.o_proj.weight".into(), normals(33, (4, 4)));
    let builder = model_goldens::load(tensors);
    Trunk::with_head(&llama_config(), &builder).unwrap();
    let message = builder.finish().unwrap_err().to_string();
    for name in
        ["model.norm.weight", "1.mlp.up_proj", "0.self_attn.q_proj.bias", "2.self_attn.o_proj"]
    {
        assert!(message.contains(name), "{message}");
    }
}

#[test]
fn inputs_that_do_not_fit_are_refused_with_their_place() {
    let builder = init(34);
    let clip = Clip::new(&clip_config(), &builder).unwrap();
    let trunk = Trunk::new(&llama_config(), &builder).unwrap();
    builder.finish().unwrap();
    let two = Packing::from_lengths(&[2, 10]);
    let ctx = Ctx::eval();
    let long = clip.text_features(&tokens(35, 12, 40), &two, &ctx);
    assert!(matches!(long, Err(ModelError::TooLong { sequence: 1, positions: 9, found: 10 })));
    let unknown = trunk.hidden(&[3, 30], &Packing::uniform(1, 2), Mask::Causal, &ctx);
    assert!(matches!(unknown, Err(ModelError::Token { id: 30, vocab: 30 })));
    let deep = trunk.hidden_at(&[3], &Packing::uniform(1, 1), Mask::Causal, &ctx, 4);
    assert!(matches!(deep, Err(ModelError::Layer { found: 4, layers: 3 })));
    assert!(matches!(trunk.head_logits(&normals(36, (1, 24))), Err(ModelError::NoHead)));
    let by_id = ClipTextConfig { eot: EotRule::Id(39), ..clip_config().text };
    let builder = init(37);
    let text = llm2clip::model::ClipText::new(&by_id, &builder).unwrap();
    let endless = text.forward(&[1, 39, 2, 3], &Packing::uniform(2, 2), &ctx);
    assert!(matches!(endless, Err(ModelError::NoEnd { sequence: 1, id: 39 })));
}
