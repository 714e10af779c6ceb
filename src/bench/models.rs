//! Whole models with random weights, f32; shapes as in the PyTorch reference.

use super::{BenchError, Prepared};
use crate::model::{Ctx, LlamaConfig, Trunk, Vit, VitConfig};
use crate::nn::{self, Activation, Builder, LoraSpec, Mask, Packing, Params, Rule, ops};
use crate::rng::Key;
use crate::train::{AdamW, Group, Hyper, TrainError};
use candle_core::{Device, Tensor};

type CaseOf = (&'static str, fn(&Device) -> Result<Prepared, BenchError>);

pub(super) const CASES: &[CaseOf] = &[
    ("vit-384x12-p16-64px-b32-step", vit_step),
    ("vit-b32-224px-b16-forward", vit_forward),
    ("llama-512x8-b32-s64-forward", llama_forward),
    ("llama-512x8-b32-s64-lora16-step", llama_lora_step),
];

const HYPER: Hyper =
    Hyper { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01, clip_norm: 0.0 };

fn random(shape: (usize, usize), device: &Device) -> Result<Tensor, BenchError> {
    let mut stream = Key::new(1).named("bench").stream();
    let values: Vec<f32> = (0..shape.0 * shape.1).map(|_| stream.normal()).collect();
    Ok(Tensor::from_vec(values, shape, device)?)
}

fn optimizer(params: &Params) -> Result<AdamW, TrainError> {
    AdamW::new(params, HYPER, |_, rank| Group { name: "all", decay: rank > 1, rate: 1.0 })
}

fn update(optimizer: &mut AdamW, loss: &Tensor) -> Result<(), BenchError> {
    let grads = nn::backward(loss)?;
    let norms = optimizer.norms(&grads)?;
    optimizer.update(&grads, &norms, 1e-4)?;
    Ok(())
}

fn vit(
    width: usize,
    heads: usize,
    patch: usize,
    image_size: usize,
    projection: usize,
) -> VitConfig {
    VitConfig {
        image_size,
        patch,
        width,
        layers: 12,
        heads,
        mlp: width * 4,
        activation: Activation::QuickGelu,
        eps: 1e-5,
        projection,
    }
}

fn vit_step(device: &Device) -> Result<Prepared, BenchError> {
    let config = vit(384, 6, 16, 64, 64);
    let batch = 32;
    let builder = Builder::init(Key::new(0), device).trainable(Rule::All);
    let vit = Vit::new(&config, &builder)?;
    let params = builder.finish().map_err(crate::nn::NnError::from)?;
    let mut adam = optimizer(&params)?;
    let patches = random((batch * config.patches(), config.patch_numbers()), device)?;
    let targets: Vec<u32> = (0..batch as u32).collect();
    let work = move || {
        let logits = vit.forward(&patches, batch, &Ctx::eval())?;
        update(&mut adam, &ops::cross_entropy(&logits, &targets)?)
    };
    Ok(Prepared { work: Box::new(work), flops: None })
}

fn vit_forward(device: &Device) -> Result<Prepared, BenchError> {
    let config = vit(768, 12, 32, 224, 512);
    let batch = 16;
    let builder = Builder::init(Key::new(0), device).trainable(Rule::None);
    let vit = Vit::new(&config, &builder)?;
    let patches = random((batch * config.patches(), config.patch_numbers()), device)?;
    let work = move || {
        vit.forward(&patches, batch, &Ctx::eval())?;
        Ok(())
    };
    Ok(Prepared { work: Box::new(work), flops: None })
}

const SEQUENCES: usize = 32;
const TOKENS: usize = 64;

fn llama(device: &Device, lora: bool) -> Result<(Trunk, Params, Vec<u32>, Packing), BenchError> {
    let config = LlamaConfig {
        vocab: 8192,
        width: 512,
        mlp: 1408,
        layers: 8,
        heads: 8,
        kv_heads: 8,
        head_dim: 64,
        eps: 1e-5,
        rope_theta: 10_000.0,
        rope_scaling: None,
        positions: TOKENS,
        tied: true,
    };
    let targets = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];
    let spec = lora.then(|| LoraSpec {
        r: 16,
        alpha: 32.0,
        dropout: 0.0,
        targets: targets.map(str::to_owned).to_vec(),
        from_layer: 0,
    });
    let builder = Builder::init(Key::new(0), device).trainable(Rule::None).lora(spec, Key::new(1));
    let trunk = Trunk::new(&config, &builder)?;
    let params = builder.finish().map_err(crate::nn::NnError::from)?;
    let ids = (0..(SEQUENCES * TOKENS) as u32).map(|at| at * 7919 % 8192).collect();
    Ok((trunk, params, ids, Packing::uniform(SEQUENCES, TOKENS)))
}

fn llama_forward(device: &Device) -> Result<Prepared, BenchError> {
    let (trunk, _, ids, packing) = llama(device, false)?;
    let work = move || {
        trunk.hidden(&ids, &packing, Mask::Bidirectional, &Ctx::eval())?;
        Ok(())
    };
    Ok(Prepared { work: Box::new(work), flops: None })
}

fn llama_lora_step(device: &Device) -> Result<Prepared, BenchError> {
    let (trunk, params, ids, packing) = llama(device, true)?;
    let mut adam = optimizer(&params)?;
    let embed = vec![true; ids.len()];
    let work = move || {
        let hidden = trunk.hidden(&ids, &packing, Mask::Bidirectional, &Ctx::eval())?;
        let pooled = ops::pool(&hidden, &packing, &embed, nn::Pooling::Mean)?;
        update(&mut adam, &pooled.sqr()?.mean_all()?)
    };
    Ok(Prepared { work: Box::new(work), flops: None })
}
