//! Every op and sub-layer at random places.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use candle_core::{Device, Tensor};
use llm2clip::nn::{
    Activation, Attention, DropAt, DropKeys, Dropout, LayerNorm, Linear, Lora, Mask, Packing,
    Pooling, Result, RmsNorm, RopeStyle, RopeTable, block, ops,
};
use llm2clip::rng::{Key, Stream};

type Function = Box<dyn Fn(&[Tensor]) -> Result<Tensor> + Send + Sync>;

/// A differentiable function of some tensors, with a place to try it at.
pub struct Case {
    pub name: String,
    pub inputs: Vec<Tensor>,
    pub f: Function,
}

/// Random numbers by shape.
pub struct Draw(Stream);

impl Draw {
    pub fn new(seed: u64) -> Self {
        Self(Key::new(seed).stream())
    }

    pub fn normal(&mut self, shape: &[usize]) -> Tensor {
        let count = shape.iter().product();
        let numbers: Vec<f64> = (0..count).map(|_| f64::from(self.0.normal())).collect();
        Tensor::from_vec(numbers, shape, &Device::Cpu).unwrap()
    }

    /// Around `centre`, such as norms' weights around one.
    fn near(&mut self, centre: f64, shape: &[usize]) -> Tensor {
        ((self.normal(shape) * 0.2).unwrap() + centre).unwrap()
    }

    fn below(&mut self, n: usize) -> usize {
        self.0.below(n)
    }

    fn lengths(&mut self, sequences: usize, longest: usize) -> Packing {
        let lengths: Vec<usize> = (0..sequences).map(|_| 1 + self.below(longest)).collect();
        Packing::from_lengths(&lengths)
    }

    fn keys(&mut self, sequences: usize) -> DropKeys {
        DropKeys::new((0..sequences).map(|_| Key::new(self.0.bits())).collect())
    }
}

/// A case by its parts.
pub fn case(
    name: impl Into<String>,
    inputs: Vec<Tensor>,
    f: impl Fn(&[Tensor]) -> Result<Tensor> + Send + Sync + 'static,
) -> Case {
    Case { name: name.into(), inputs, f: Box::new(f) }
}

/// Sizes of a problem.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    pub seed: u64,
    pub rows: usize,
    pub width: usize,
    pub other: usize,
}

fn linear(s: Sizes) -> Vec<Case> {
    let mut d = Draw::new(s.seed);
    let (x, w) = (d.normal(&[s.rows, s.width]), d.normal(&[s.other, s.width]));
    let (b, r) = (d.normal(&[s.other]), d.normal(&[s.rows, s.other]));
    vec![
        case("linear", vec![x.clone(), w.clone()], |a| ops::linear(&a[0], &a[1], None)),
        case("linear with bias", vec![x.clone(), w.clone(), b.clone()], |a| {
            ops::linear(&a[0], &a[1], Some(&a[2]))
        }),
        case("linear with residual", vec![x.clone(), w.clone(), b, r.clone()], |a| {
            ops::linear_residual(&a[0], &a[1], Some(&a[2]), &a[3])
        }),
        case("linear with residual alone", vec![x, w, r], |a| {
            ops::linear_residual(&a[0], &a[1], None, &a[2])
        }),
    ]
}

fn lora(s: Sizes) -> Vec<Case> {
    let mut d = Draw::new(s.seed);
    let packing = d.lengths(3, s.rows.div_ceil(2));
    let rows = packing.rows();
    let drop = Dropout { p: 0.3, keys: d.keys(3), site: 5 };
    let rank = 1 + d.below(4);
    let x = d.normal(&[rows, s.width]);
    let (w, b) = (d.normal(&[s.other, s.width]), d.normal(&[s.other]));
    let (low, up) = (d.normal(&[rank, s.width]), d.normal(&[s.other, rank]));
    let frozen = move |x: &Tensor, y: &Tensor| x.to_dtype(y.dtype());
    let (w1, b1, w2) = (w.clone(), b.clone(), w.clone());
    let (drop2, packing2) = (drop.clone(), packing.clone());
    vec![
        case("lora linear", vec![x.clone(), low.clone(), up.clone()], move |a| {
            let (w, b) = (frozen(&w1, &a[0])?, frozen(&b1, &a[0])?);
            ops::lora_linear(&a[0], &w, Some(&b), &a[1], &a[2], 2.0, None)
        }),
        case("lora linear with dropout", vec![x.clone(), low.clone(), up.clone()], move |a| {
            let (w, drop) = (frozen(&w2, &a[0])?, Some((&drop, &packing)));
            ops::lora_linear(&a[0], &w, None, &a[1], &a[2], 0.5, drop)
        }),
        case("lora branch", vec![x.clone(), low.clone(), up.clone()], move |a| {
            ops::lora_branch(&a[0], &a[1], &a[2], 1.5, Some((&drop2, &packing2)))
        }),
        case("linear and its lora, all trained", vec![x, w, b, low, up], |a| {
            let lora = Lora { a: a[3].clone(), b: a[4].clone(), scale: 2.0, dropout: 0.0 };
            let (weight, bias) = (a[1].clone(), Some(a[2].clone()));
            Linear { weight, bias, lora: Some(lora) }.forward(&a[0], None)
        }),
    ]
}

fn norms(s: Sizes) -> Vec<Case> {
    let mut d = Draw::new(s.seed);
    // A row of one number has no variance, and its gradient is rounding alone.
    let width = s.width + 1;
    let (x, w) = (d.normal(&[s.rows, width]), d.near(1.0, &[width]));
    let b = d.near(0.0, &[width]);
    vec![
        case("layer norm", vec![x.clone(), w.clone(), b], |a| {
            ops::layer_norm(&a[0], &a[1], &a[2], 1e-2)
        }),
        case("rms norm", vec![x, w], |a| ops::rms_norm(&a[0], &a[1], 1e-5)),
    ]
}

fn elementwise(s: Sizes) -> Vec<Case> {
    let mut d = Draw::new(s.seed);
    let x = (d.normal(&[s.rows, s.width]) * 2.0).unwrap();
    let y = d.normal(&[s.rows, s.width]);
    let kinds =
        [Activation::QuickGelu, Activation::GeluErf, Activation::GeluTanh, Activation::Silu];
    let mut cases: Vec<Case> = kinds
        .into_iter()
        .map(|kind| {
            case(format!("{kind:?}"), vec![x.clone()], move |a| ops::activation(&a[0], kind))
        })
        .collect();
    cases.push(case("silu gate", vec![x.clone(), y.clone()], |a| ops::silu_gate(&a[0], &a[1])));
    cases.push(case("add", vec![x.clone(), y], |a| ops::add(&a[0], &a[1])));
    cases.push(case("add itself", vec![x.clone()], |a| ops::add(&a[0], &a[0])));
    // A row of one number has a gradient of exactly zero, which has a test of its own.
    if s.width > 1 {
        cases.push(case("normalize", vec![x], |a| ops::normalize(&a[0])));
    }
    cases
}

fn rotary(s: Sizes) -> Vec<Case> {
    let mut d = Draw::new(s.seed);
    let packing = d.lengths(3, s.rows);
    let (half, heads) = (1 + s.width / 4, 1 + d.below(3));
    let x = d.normal(&[packing.rows(), heads * half * 2]);
    let table = RopeTable::new(half * 2, 10_000.0, s.rows);
    [RopeStyle::Half, RopeStyle::Pairs]
        .into_iter()
        .map(|style| {
            let (packing, table) = (packing.clone(), table.clone());
            case(format!("rope {style:?}"), vec![x.clone()], move |a| {
                ops::rope(&a[0], &packing, &table, heads, style)
            })
        })
        .collect()
}

fn how(d: &mut Draw, packing: &Packing, heads: (usize, usize), mask: Mask, p: f32) -> Attention {
    let dropout = (p > 0.0).then(|| Dropout { p, keys: d.keys(packing.sequences()), site: 3 });
    Attention { heads: heads.0, kv_heads: heads.1, packing: packing.clone(), mask, dropout }
}

/// Every mask, heads that share keys, dropout.
pub fn attention(s: Sizes) -> Vec<Case> {
    let mut d = Draw::new(s.seed);
    let mut cases = Vec::new();
    for (mask, p) in [(Mask::Causal, 0.0), (Mask::Bidirectional, 0.0), (Mask::Causal, 0.4)] {
        let packing = d.lengths(1 + s.rows % 4, s.rows);
        let (kv_heads, group) = (1 + d.below(2), 1 + d.below(3));
        let (heads, dim) = (kv_heads * group, 1 + s.width / 4);
        let how = how(&mut d, &packing, (heads, kv_heads), mask, p);
        let rows = packing.rows();
        let inputs = vec![
            d.normal(&[rows, heads * dim]),
            d.normal(&[rows, kv_heads * dim]),
            d.normal(&[rows, kv_heads * dim]),
        ];
        let name = format!("attention {mask:?}, {heads} heads over {kv_heads}, dropout {p}");
        cases.push(case(name, inputs, move |a| ops::attention(&a[0], &a[1], &a[2], &how)));
    }
    cases
}

fn losses(s: Sizes) -> Vec<Case> {
    let mut d = Draw::new(s.seed);
    let (n, width) = (s.rows, s.width);
    let classes = s.other + 1;
    let targets: Vec<u32> = (0..n).map(|_| d.below(classes) as u32).collect();
    let logits = (d.normal(&[n, classes]) * 3.0).unwrap();
    let (a, b) = (d.normal(&[n, width]), d.normal(&[n, width]));
    let docs = d.normal(&[n + s.other, width]);
    let (scale, bias) = (d.near(2.0, &[]), d.near(-1.0, &[1]));
    vec![
        case("cross entropy", vec![logits], move |a| ops::cross_entropy(&a[0], &targets)),
        case("contrastive", vec![a.clone(), b.clone(), scale.clone()], |a| {
            ops::contrastive(&a[0], &a[1], &a[2])
        }),
        case("info nce", vec![a.clone(), docs], |a| ops::info_nce(&a[0], &a[1], 0.7)),
        case("sigmoid loss", vec![a, b, scale, bias], |a| {
            ops::sigmoid_loss(&a[0], &a[1], &a[2], &a[3])
        }),
    ]
}

fn rows(s: Sizes) -> Vec<Case> {
    let mut d = Draw::new(s.seed);
    let table = d.normal(&[s.other, s.width]);
    let ids: Vec<u32> = (0..s.rows).map(|_| d.below(s.other) as u32).collect();
    let mut cases = vec![case("embedding", vec![table], move |a| ops::embedding(&a[0], &ids))];
    let packing = d.lengths(3, s.rows);
    let hidden = d.normal(&[packing.rows(), s.width]);
    let mut embed: Vec<bool> = (0..packing.rows()).map(|_| d.below(3) > 0).collect();
    (0..3).for_each(|s| embed[packing.range(s).start] = true);
    for pooling in [Pooling::Mean, Pooling::WeightedMean, Pooling::Last, Pooling::Cls] {
        let (packing, embed) = (packing.clone(), embed.clone());
        cases.push(case(format!("pool {pooling:?}"), vec![hidden.clone()], move |a| {
            ops::pool(&a[0], &packing, &embed, pooling)
        }));
    }
    cases
}

/// Linears with LoRA and without out of one list of arguments, in the order of `take`.
struct Take<'a>(std::slice::Iter<'a, Tensor>);

impl Take<'_> {
    fn next(&mut self) -> Tensor {
        self.0.next().expect("enough arguments").clone()
    }

    fn linear(&mut self, bias: bool, lora: Option<f32>) -> Linear {
        let (weight, bias) = (self.next(), bias.then(|| self.next()));
        let lora = lora.map(|dropout| Lora { a: self.next(), b: self.next(), scale: 2.0, dropout });
        Linear { weight, bias, lora }
    }

    fn layer_norm(&mut self) -> LayerNorm {
        LayerNorm { weight: self.next(), bias: self.next(), eps: 1e-2 }
    }

    fn projections(&mut self, bias: bool, lora: Option<f32>) -> block::Projections {
        block::Projections {
            q: self.linear(bias, lora),
            k: self.linear(bias, lora),
            v: self.linear(bias, lora),
            o: self.linear(bias, lora),
        }
    }
}

fn give(d: &mut Draw, out: usize, inputs: usize, bias: bool, lora: bool) -> Vec<Tensor> {
    let small = 1.0 / (inputs as f64).sqrt();
    let mut found = vec![(d.normal(&[out, inputs]) * small).unwrap()];
    if bias {
        found.push(d.near(0.0, &[out]));
    }
    if lora {
        found.push((d.normal(&[2, inputs]) * small).unwrap());
        found.push(d.near(0.0, &[out, 2]));
    }
    found
}

fn blocks(s: Sizes) -> Vec<Case> {
    let mut d = Draw::new(s.seed);
    let packing = d.lengths(2, s.rows);
    let (kv_heads, group, half) = (1 + d.below(2), 1 + d.below(2), 1 + s.width / 8);
    let (heads, dim) = (kv_heads * group, 2 * half);
    let (width, inner, rows) = (s.width + 1, s.other, packing.rows());
    let keys = d.keys(2);
    let mut cases = Vec::new();
    for (lora, dropout) in [(None, 0.0), (Some(0.0), 0.0), (Some(0.25), 0.2)] {
        let l = lora.is_some();
        let x = d.normal(&[rows, width]);
        let (w, b) = (d.near(1.0, &[width]), d.near(0.0, &[width]));
        let (keys, packing) = (keys.clone(), packing.clone());
        let how = how(&mut d, &packing, (heads, kv_heads), Mask::Causal, dropout);

        let mut inputs = vec![x.clone(), w.clone(), b.clone()];
        inputs.extend(give(&mut d, inner, width, true, l));
        inputs.extend(give(&mut d, width, inner, true, l));
        let (k, p) = (keys.clone(), packing.clone());
        cases.push(case(format!("mlp block, lora {lora:?}"), inputs, move |a| {
            let mut take = Take(a[1..].iter());
            let (norm, first) = (take.layer_norm(), take.linear(true, lora));
            let drop = lora.map(|_| DropAt { keys: &k, site: 8, packing: &p });
            let second = take.linear(true, lora);
            block::mlp(&a[0], &norm, &first, Activation::GeluErf, &second, drop)
        }));

        let mut inputs = vec![x.clone(), w.clone()];
        inputs.extend(give(&mut d, inner, width, false, l));
        inputs.extend(give(&mut d, inner, width, false, l));
        inputs.extend(give(&mut d, width, inner, false, l));
        let (k, p) = (keys.clone(), packing.clone());
        cases.push(case(format!("gated mlp block, lora {lora:?}"), inputs, move |a| {
            let mut take = Take(a[1..].iter());
            let norm = RmsNorm { weight: take.next(), eps: 1e-5 };
            let (gate, up) = (take.linear(false, lora), take.linear(false, lora));
            let mlp = block::GatedMlp { gate, up, down: take.linear(false, lora) };
            let drop = lora.map(|_| DropAt { keys: &k, site: 20, packing: &p });
            block::gated_mlp(&a[0], &norm, &mlp, drop)
        }));

        let projections = |d: &mut Draw, bias: bool| {
            let mut found = give(d, heads * dim, width, bias, l);
            found.extend(give(d, kv_heads * dim, width, bias, l));
            found.extend(give(d, kv_heads * dim, width, bias, l));
            found.extend(give(d, width, heads * dim, bias, l));
            found
        };
        let mut inputs = vec![x.clone(), w.clone(), b];
        inputs.extend(projections(&mut d, true));
        let (k, p, attention) = (keys.clone(), packing.clone(), how.clone());
        cases.push(case(format!("attention block, lora {lora:?}"), inputs, move |a| {
            let mut take = Take(a[1..].iter());
            let (norm, projections) = (take.layer_norm(), take.projections(true, lora));
            let drop = lora.map(|_| DropAt { keys: &k, site: 30, packing: &p });
            block::attention(&a[0], &norm, &projections, &attention, drop)
        }));

        let mut inputs = vec![x, w];
        inputs.extend(projections(&mut d, false));
        let table = RopeTable::new(dim, 100.0, s.rows);
        cases.push(case(format!("rotary attention block, lora {lora:?}"), inputs, move |a| {
            let mut take = Take(a[1..].iter());
            let norm = RmsNorm { weight: take.next(), eps: 1e-5 };
            let projections = take.projections(false, lora);
            let drop = lora.map(|_| DropAt { keys: &keys, site: 40, packing: &packing });
            block::rotary_attention(&a[0], &norm, &projections, &table, &how, drop)
        }));
    }
    cases
}

/// Every op and sub-layer.
pub const FAMILIES: [fn(Sizes) -> Vec<Case>; 9] =
    [linear, lora, norms, elementwise, rotary, attention, losses, rows, blocks];
