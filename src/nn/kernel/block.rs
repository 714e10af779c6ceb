//! Whole sub-layers as one node: what lies between norm and residual never becomes a tensor.

use super::activation::{self, SiluGate};
use super::attention::Attend;
use super::linear::{Bound, Plan};
use super::node::Kernel;
use super::norm::Norm;
use super::rope::Rope;
use crate::nn::Activation;
use std::sync::{Mutex, PoisonError};

/// What forward leaves for backward, which takes it: memory is freed as backward goes.
struct Kept<T>(Mutex<Option<T>>);

impl<T> Kept<T> {
    fn new() -> Self {
        Self(Mutex::new(None))
    }

    fn put(&self, value: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
    }

    /// What was put, or the same made again (a second backward).
    fn take_or(&self, make: impl FnOnce() -> T) -> T {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_else(make)
    }
}

/// The norm's arguments at the front: x, weight and layer norm's bias.
fn normed<'a>(
    norm: Norm,
    args: &'a [&'a [f32]],
    needs: &'a [bool],
) -> (Vec<f32>, &'a [&'a [f32]], &'a [bool]) {
    let count = front(norm);
    let h = norm.run(args[0], args[1], (!norm.rms).then(|| args[2]));
    (h, &args[count..], &needs[count.min(needs.len())..])
}

fn front(norm: Norm) -> usize {
    if norm.rms { 2 } else { 3 }
}

/// The gradients of the norm's arguments from its result's and the residual's.
fn norm_back(
    norm: Norm,
    args: &[&[f32]],
    needs: &[bool],
    dh: &[f32],
    grad: &[f32],
) -> Vec<Option<Vec<f32>>> {
    let count = front(norm);
    if !needs[..count].contains(&true) {
        return vec![None; count];
    }
    let mut dx = grad.to_vec();
    let (dw, db) = norm.back(args[0], args[1], dh, &mut dx);
    let found = [dx, dw, db].into_iter().zip(&needs[..count]);
    found.map(|(found, &needed)| needed.then_some(found)).collect()
}

fn fresh(bound: &Bound<'_>, x: &[f32], g: &[f32], out: &mut Vec<Option<Vec<f32>>>) -> Vec<f32> {
    let mut dx = vec![0.0; x.len()];
    bound.backward(x, g, Some((&mut dx, false)), out);
    dx
}

/// `x + second(activation(first(norm(x))))`. Arguments x, the norm's, first's, second's.
pub(in super::super) struct Mlp {
    norm: Norm,
    first: Plan,
    kind: Activation,
    second: Plan,
    kept: Kept<(Vec<f32>, Vec<f32>)>,
}

impl Mlp {
    pub fn new(norm: Norm, first: Plan, kind: Activation, second: Plan) -> Self {
        Self { norm, first, kind, second, kept: Kept::new() }
    }
}

impl Kernel for Mlp {
    fn name(&self) -> &'static str {
        "mlp"
    }

    fn forward(&self, args: &[&[f32]], train: bool) -> Vec<f32> {
        let (h, mut rest, mut needs) = normed(self.norm, args, &[]);
        let u = self.first.bind(&mut rest, &mut needs).forward(&h, None);
        let second = self.second.bind(&mut rest, &mut needs);
        let y = second.forward(&activation::run(&u, self.kind), Some(args[0]));
        if train {
            self.kept.put((h, u));
        }
        y
    }

    fn backward(
        &self,
        args: &[&[f32]],
        needs: &[bool],
        _: &[f32],
        grad: &[f32],
    ) -> Vec<Option<Vec<f32>>> {
        let count = front(self.norm);
        let (mut rest, mut rest_needs) = (&args[count..], &needs[count..]);
        let first = self.first.bind(&mut rest, &mut rest_needs);
        let second = self.second.bind(&mut rest, &mut rest_needs);
        let (h, u) = self.kept.take_or(|| {
            let h = normed(self.norm, args, &[]).0;
            let u = first.forward(&h, None);
            (h, u)
        });
        let (mut firsts, mut seconds) = (Vec::new(), Vec::new());
        let mut du = fresh(&second, &activation::run(&u, self.kind), grad, &mut seconds);
        activation::back(&u, &mut du, self.kind);
        let dh = fresh(&first, &h, &du, &mut firsts);
        let mut found = norm_back(self.norm, args, needs, &dh, grad);
        found.append(&mut firsts);
        found.append(&mut seconds);
        found
    }
}

/// `x + down(silu(gate(norm(x))) * up(norm(x)))`. Arguments x, the norm's, gate's, up's, down's.
pub(in super::super) struct Gated {
    norm: Norm,
    gate: Plan,
    up: Plan,
    down: Plan,
    kept: Kept<(Vec<f32>, Vec<f32>, Vec<f32>)>,
}

impl Gated {
    pub fn new(norm: Norm, gate: Plan, up: Plan, down: Plan) -> Self {
        Self { norm, gate, up, down, kept: Kept::new() }
    }
}

impl Kernel for Gated {
    fn name(&self) -> &'static str {
        "gated_mlp"
    }

    fn forward(&self, args: &[&[f32]], train: bool) -> Vec<f32> {
        let (h, mut rest, mut needs) = normed(self.norm, args, &[]);
        let gate = self.gate.bind(&mut rest, &mut needs).forward(&h, None);
        let up = self.up.bind(&mut rest, &mut needs).forward(&h, None);
        let down = self.down.bind(&mut rest, &mut needs);
        let y = down.forward(&SiluGate::run(&gate, &up), Some(args[0]));
        if train {
            self.kept.put((h, gate, up));
        }
        y
    }

    fn backward(
        &self,
        args: &[&[f32]],
        needs: &[bool],
        _: &[f32],
        grad: &[f32],
    ) -> Vec<Option<Vec<f32>>> {
        let count = front(self.norm);
        let (mut rest, mut rest_needs) = (&args[count..], &needs[count..]);
        let gate = self.gate.bind(&mut rest, &mut rest_needs);
        let up = self.up.bind(&mut rest, &mut rest_needs);
        let down = self.down.bind(&mut rest, &mut rest_needs);
        let (h, gate_out, up_out) = self.kept.take_or(|| {
            let h = normed(self.norm, args, &[]).0;
            let (gate, up) = (gate.forward(&h, None), up.forward(&h, None));
            (h, gate, up)
        });
        let (mut firsts, mut downs) = (Vec::new(), Vec::new());
        let dgated = fresh(&down, &SiluGate::run(&gate_out, &up_out), grad, &mut downs);
        let (dgate, dup) = SiluGate::back(&gate_out, &up_out, dgated);
        let mut dh = fresh(&gate, &h, &dgate, &mut firsts);
        up.backward(&h, &dup, Some((&mut dh, true)), &mut firsts);
        let mut found = norm_back(self.norm, args, needs, &dh, grad);
        found.append(&mut firsts);
        found.append(&mut downs);
        found
    }
}

/// `x + o(attention(q(norm(x)), k(norm(x)), v(norm(x))))`, rotated where there are ropes.
/// Arguments x, the norm's, then q's, k's, v's and o's.
pub(in super::super) struct SelfAttention {
    norm: Norm,
    plans: [Plan; 4],
    attend: Attend,
    ropes: Option<(Rope, Rope)>,
    kept: Kept<Inside>,
}

struct Inside {
    h: Vec<f32>,
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    a: Vec<f32>,
}

impl SelfAttention {
    pub fn new(norm: Norm, plans: [Plan; 4], attend: Attend, ropes: Option<(Rope, Rope)>) -> Self {
        Self { norm, plans, attend, ropes, kept: Kept::new() }
    }

    fn inside(&self, args: &[&[f32]], [q, k, v]: [&Bound<'_>; 3]) -> Inside {
        let h = normed(self.norm, args, &[]).0;
        let (mut q, mut k) = (q.forward(&h, None), k.forward(&h, None));
        let v = v.forward(&h, None);
        if let Some((q_rope, k_rope)) = &self.ropes {
            q_rope.rotate(&mut q, 1.0);
            k_rope.rotate(&mut k, 1.0);
        }
        let a = self.attend.run(&q, &k, &v);
        Inside { h, q, k, v, a }
    }
}

impl Kernel for SelfAttention {
    fn name(&self) -> &'static str {
        "self_attention"
    }

    fn forward(&self, args: &[&[f32]], train: bool) -> Vec<f32> {
        let (mut rest, mut needs) = (&args[front(self.norm)..], [].as_slice());
        let [q, k, v, o] = self.plans.each_ref().map(|plan| plan.bind(&mut rest, &mut needs));
        let inside = self.inside(args, [&q, &k, &v]);
        let y = o.forward(&inside.a, Some(args[0]));
        if train {
            self.kept.put(inside);
        }
        y
    }

    fn backward(
        &self,
        args: &[&[f32]],
        needs: &[bool],
        _: &[f32],
        grad: &[f32],
    ) -> Vec<Option<Vec<f32>>> {
        let count = front(self.norm);
        let (mut rest, mut rest_needs) = (&args[count..], &needs[count..]);
        let [q, k, v, o] = self.plans.each_ref().map(|plan| plan.bind(&mut rest, &mut rest_needs));
        let inside = self.kept.take_or(|| self.inside(args, [&q, &k, &v]));
        let (mut firsts, mut outs) = (Vec::new(), Vec::new());
        let da = fresh(&o, &inside.a, grad, &mut outs);
        let (mut dq, mut dk, dv) = self.attend.back(&inside.q, &inside.k, &inside.v, &da);
        if let Some((q_rope, k_rope)) = &self.ropes {
            q_rope.rotate(&mut dq, -1.0);
            k_rope.rotate(&mut dk, -1.0);
        }
        let mut dh = fresh(&q, &inside.h, &dq, &mut firsts);
        k.backward(&inside.h, &dk, Some((&mut dh, true)), &mut firsts);
        v.backward(&inside.h, &dv, Some((&mut dh, true)), &mut firsts);
        let mut found = norm_back(self.norm, args, needs, &dh, grad);
        found.append(&mut firsts);
        found.append(&mut outs);
        found
    }
}
