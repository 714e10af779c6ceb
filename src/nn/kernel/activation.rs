//! Elementwise non-linearities and Llama's gate.

use super::math::{normal, sigmoid, tanh};
use super::node::Kernel;
use super::rows::PIECE;
use crate::nn::Activation;
use rayon::prelude::*;

/// The slope inside QuickGELU.
const QUICK: f32 = 1.702;
/// `sqrt(2 / pi)` and the cubic term of the tanh formula.
const ROOT: f32 = 0.797_884_6;
const CUBIC: f32 = 0.044_715;

#[inline(always)]
fn quick_gelu(x: f32) -> f32 {
    x * sigmoid(QUICK * x)
}

#[inline(always)]
fn quick_gelu_slope(x: f32) -> f32 {
    let s = sigmoid(QUICK * x);
    s * (1.0 + QUICK * x * (1.0 - s))
}

#[inline(always)]
fn gelu_erf(x: f32) -> f32 {
    x * normal(x).0
}

#[inline(always)]
fn gelu_erf_slope(x: f32) -> f32 {
    let (cumulative, density) = normal(x);
    cumulative + x * density
}

#[inline(always)]
fn gelu_tanh(x: f32) -> f32 {
    0.5 * x * (1.0 + tanh(ROOT * (x + CUBIC * x * x * x)))
}

#[inline(always)]
fn gelu_tanh_slope(x: f32) -> f32 {
    let t = tanh(ROOT * (x + CUBIC * x * x * x));
    0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * ROOT * (1.0 + 3.0 * CUBIC * x * x)
}

#[inline(always)]
fn silu(x: f32) -> f32 {
    x * sigmoid(x)
}

#[inline(always)]
fn silu_slope(x: f32) -> f32 {
    let s = sigmoid(x);
    s * (1.0 + x * (1.0 - s))
}

#[inline(always)]
fn map(x: &[f32], out: &mut [f32], f: impl Fn(f32) -> f32) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = f(x);
    }
}

#[inline(always)]
fn scale(x: &[f32], g: &mut [f32], f: impl Fn(f32) -> f32) {
    for (g, &x) in g.iter_mut().zip(x) {
        *g *= f(x);
    }
}

simd! {
    fn values(x: &[f32], out: &mut [f32], kind: Activation) {
        match kind {
            Activation::QuickGelu => map(x, out, quick_gelu),
            Activation::GeluErf => map(x, out, gelu_erf),
            Activation::GeluTanh => map(x, out, gelu_tanh),
            Activation::Silu => map(x, out, silu),
        }
    }
}

simd! {
    fn slopes(x: &[f32], g: &mut [f32], kind: Activation) {
        match kind {
            Activation::QuickGelu => scale(x, g, quick_gelu_slope),
            Activation::GeluErf => scale(x, g, gelu_erf_slope),
            Activation::GeluTanh => scale(x, g, gelu_tanh_slope),
            Activation::Silu => scale(x, g, silu_slope),
        }
    }
}

/// The non-linearity of every number.
pub(super) fn run(x: &[f32], kind: Activation) -> Vec<f32> {
    let mut out = vec![0.0; x.len()];
    out.par_chunks_mut(PIECE).zip(x.par_chunks(PIECE)).for_each(|(out, x)| values(x, out, kind));
    out
}

/// Multiplies `g` by the slope at `x`.
pub(super) fn back(x: &[f32], g: &mut [f32], kind: Activation) {
    g.par_chunks_mut(PIECE).zip(x.par_chunks(PIECE)).for_each(|(g, x)| slopes(x, g, kind));
}

impl Kernel for Activation {
    fn name(&self) -> &'static str {
        "activation"
    }

    fn forward(&self, args: &[&[f32]], _: bool) -> Vec<f32> {
        run(args[0], *self)
    }

    fn backward(
        &self,
        args: &[&[f32]],
        _: &[bool],
        _: &[f32],
        grad: &[f32],
    ) -> Vec<Option<Vec<f32>>> {
        let mut dx = grad.to_vec();
        back(args[0], &mut dx, *self);
        vec![Some(dx)]
    }
}

simd! {
    fn gate_values(gate: &[f32], up: &[f32], out: &mut [f32]) {
        for ((out, &gate), &up) in out.iter_mut().zip(gate).zip(up) {
            *out = silu(gate) * up;
        }
    }
}

simd! {
    fn gate_slopes(gate: &[f32], up: &[f32], dgate: &mut [f32], dup: &mut [f32]) {
        for ((dgate, dup), (&gate, &up)) in dgate.iter_mut().zip(dup).zip(gate.iter().zip(up)) {
            let (s, g) = (sigmoid(gate), *dup);
            *dgate = g * up * s * (1.0 + gate * (1.0 - s));
            *dup = g * gate * s;
        }
    }
}

/// `silu(gate) * up`.
pub(in super::super) struct SiluGate;

impl SiluGate {
    pub(super) fn run(gate: &[f32], up: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; gate.len()];
        out.par_chunks_mut(PIECE)
            .zip(gate.par_chunks(PIECE).zip(up.par_chunks(PIECE)))
            .for_each(|(out, (gate, up))| gate_values(gate, up, out));
        out
    }

    /// From the result's gradient, those of gate and up.
    pub(super) fn back(gate: &[f32], up: &[f32], g: Vec<f32>) -> (Vec<f32>, Vec<f32>) {
        let (mut dgate, mut dup) = (vec![0.0; gate.len()], g);
        dgate
            .par_chunks_mut(PIECE)
            .zip(dup.par_chunks_mut(PIECE))
            .zip(gate.par_chunks(PIECE).zip(up.par_chunks(PIECE)))
            .for_each(|((dgate, dup), (gate, up))| gate_slopes(gate, up, dgate, dup));
        (dgate, dup)
    }
}

impl Kernel for SiluGate {
    fn name(&self) -> &'static str {
        "silu_gate"
    }

    fn forward(&self, args: &[&[f32]], _: bool) -> Vec<f32> {
        Self::run(args[0], args[1])
    }

    fn backward(
        &self,
        args: &[&[f32]],
        _: &[bool],
        _: &[f32],
        grad: &[f32],
    ) -> Vec<Option<Vec<f32>>> {
        let (dgate, dup) = Self::back(args[0], args[1], grad.to_vec());
        vec![Some(dgate), Some(dup)]
    }
}
