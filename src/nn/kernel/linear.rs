//! Linear layers: `base + x Wᵀ + scale * dropout(x) Aᵀ Bᵀ`, where base is the bias, a residual,
//! both or nothing.

use super::node::Kernel;
use super::product::{Spread, View, produced, product, turned};
use super::rows::{add_to, column_sums, dropped, filled};
use crate::nn::{Dropout, Packing};

/// Rows from which on turning a weight for the gradient of the input pays.
const WORTH_TURNING: usize = 64;

/// What a linear is, without its numbers: which arguments it takes from a kernel's list.
#[derive(Clone)]
pub(in super::super) struct Plan {
    pub inputs: usize,
    pub outputs: usize,
    pub weight: bool,
    pub bias: bool,
    pub lora: Option<LoraPlan>,
}

#[derive(Clone)]
pub(in super::super) struct LoraPlan {
    pub rank: usize,
    pub scale: f32,
    pub drop: Option<(Dropout, Packing)>,
}

/// A linear's numbers: W, b, A, B as far as the plan has them, in that order.
pub(super) struct Bound<'a> {
    plan: &'a Plan,
    w: Option<&'a [f32]>,
    b: Option<&'a [f32]>,
    lora: Option<(&'a LoraPlan, &'a [f32], &'a [f32])>,
    needs: &'a [bool],
}

/// The gradients of a linear's arguments, in the order of the arguments.
pub(super) type Gradients = Vec<Option<Vec<f32>>>;

impl Plan {
    /// How many arguments.
    pub fn count(&self) -> usize {
        usize::from(self.weight) + usize::from(self.bias) + 2 * usize::from(self.lora.is_some())
    }

    /// Takes this linear's arguments off the front of `args`, and what they need off `needs`
    /// (which may be empty in forward).
    pub(super) fn bind<'a>(
        &'a self,
        args: &mut &'a [&'a [f32]],
        needs: &mut &'a [bool],
    ) -> Bound<'a> {
        let (mine, rest) = args.split_at(self.count());
        *args = rest;
        let (mine_needs, rest) = needs.split_at(self.count().min(needs.len()));
        *needs = rest;
        let mut mine = mine.iter().copied();
        let w = if self.weight { mine.next() } else { None };
        let b = if self.bias { mine.next() } else { None };
        let lora = self.lora.as_ref().and_then(|plan| Some((plan, mine.next()?, mine.next()?)));
        Bound { plan: self, w, b, lora, needs: mine_needs }
    }
}

impl Bound<'_> {
    /// `residual + bias + x Wᵀ + LoRA`: x `[rows, inputs]`, to `[rows, outputs]`.
    pub fn forward(&self, x: &[f32], residual: Option<&[f32]>) -> Vec<f32> {
        let (inputs, outputs) = (self.plan.inputs, self.plan.outputs);
        let rows = x.len() / inputs;
        let sizes = (rows, outputs, inputs);
        let factors = self.w.map(|w| (View::rows(x, inputs), View::transposed(w, inputs)));
        let mut y = match factors {
            Some((a, b)) if self.b.is_none() && residual.is_none() => produced(sizes, a, b, 1.0),
            _ => {
                let mut y = filled(rows, outputs, self.b, residual);
                if let Some((a, b)) = factors {
                    product(sizes, a, b, 1.0, (&mut y, outputs), true, Spread::Threads);
                }
                y
            }
        };
        if let Some((plan, _, up)) = &self.lora {
            let (low, _) = self.low(x, rows);
            let (a, b) = (View::rows(&low, plan.rank), View::transposed(up, plan.rank));
            let sizes = (rows, outputs, plan.rank);
            product(sizes, a, b, plan.scale, (&mut y, outputs), true, Spread::Threads);
        }
        y
    }

    /// `dropout(x) Aᵀ` `[rows, rank]`, and `dropout(x)` where it drops.
    fn low(&self, x: &[f32], rows: usize) -> (Vec<f32>, Option<Vec<f32>>) {
        let Some((plan, down, _)) = self.lora else { return (Vec::new(), None) };
        let inputs = self.plan.inputs;
        let kept = plan.drop.as_ref().map(|(drop, packing)| dropped(x, inputs, drop, packing));
        let a = View::rows(kept.as_deref().unwrap_or(x), inputs);
        let sizes = (rows, plan.rank, inputs);
        (produced(sizes, a, View::transposed(down, inputs), 1.0), kept)
    }

    /// Pushes the gradients of this linear's arguments to `out` and adds x's to `dx`, which
    /// starts as anything (`dx_set` says that it holds something to add to).
    pub fn backward(
        &self,
        x: &[f32],
        g: &[f32],
        dx: Option<(&mut [f32], bool)>,
        out: &mut Gradients,
    ) {
        let (inputs, outputs) = (self.plan.inputs, self.plan.outputs);
        let rows = x.len() / inputs;
        let mut needs = self.needs.iter().copied();
        if self.w.is_some() {
            out.push(needs.next().unwrap_or(false).then(|| {
                let (a, b) = (View::transposed(g, outputs), View::rows(x, inputs));
                produced((outputs, inputs, rows), a, b, 1.0)
            }));
        }
        if self.b.is_some() {
            let needed = needs.next().unwrap_or(false);
            out.push(needed.then(|| column_sums(g, outputs)));
        }
        let mut dx = dx;
        if let (Some(w), Some((dx, set))) = (self.w, &mut dx) {
            let sizes = (rows, inputs, outputs);
            let turned = (rows >= WORTH_TURNING).then(|| turned(w, inputs));
            let b = match &turned {
                Some(turned) => View::transposed(turned, outputs),
                None => View::rows(w, inputs),
            };
            let a = View::rows(g, outputs);
            product(sizes, a, b, 1.0, (dx, inputs), *set, Spread::Threads);
            *set = true;
        }
        let needs = (needs.next().unwrap_or(false), needs.next().unwrap_or(false));
        self.lora_backward(x, g, dx, needs, out);
    }

    fn lora_backward(
        &self,
        x: &[f32],
        g: &[f32],
        dx: Option<(&mut [f32], bool)>,
        (need_down, need_up): (bool, bool),
        out: &mut Gradients,
    ) {
        let Some((plan, down, up)) = self.lora else { return };
        let (inputs, outputs, rank) = (self.plan.inputs, self.plan.outputs, plan.rank);
        let rows = x.len() / inputs;
        let dlow = if need_down || dx.is_some() {
            let (a, b) = (View::rows(g, outputs), View::rows(up, rank));
            produced((rows, rank, outputs), a, b, plan.scale)
        } else {
            Vec::new()
        };
        if need_down || need_up {
            let (low, kept) = self.low(x, rows);
            out.push(need_down.then(|| {
                let a = View::transposed(&dlow, rank);
                let b = View::rows(kept.as_deref().unwrap_or(x), inputs);
                produced((rank, inputs, rows), a, b, 1.0)
            }));
            out.push(need_up.then(|| {
                let (a, b) = (View::transposed(g, outputs), View::rows(&low, rank));
                produced((outputs, rank, rows), a, b, plan.scale)
            }));
        } else {
            out.extend([None, None]);
        }
        let Some((dx, set)) = dx else { return };
        let (sizes, a, b) =
            ((rows, inputs, rank), View::rows(&dlow, rank), View::rows(down, inputs));
        match &plan.drop {
            None => product(sizes, a, b, 1.0, (dx, inputs), set, Spread::Threads),
            Some((drop, packing)) => {
                let part = dropped(&produced(sizes, a, b, 1.0), inputs, drop, packing);
                if set { add_to(dx, &part) } else { dx.copy_from_slice(&part) }
            }
        }
    }
}

/// One linear as a node: arguments x, the linear's, and the residual where there is one.
pub(in super::super) struct Linear {
    pub plan: Plan,
    pub residual: bool,
}

impl Kernel for Linear {
    fn name(&self) -> &'static str {
        "linear"
    }

    fn forward(&self, args: &[&[f32]], _: bool) -> Vec<f32> {
        let mut rest = &args[1..];
        let bound = self.plan.bind(&mut rest, &mut [].as_slice());
        bound.forward(args[0], self.residual.then(|| rest[0]))
    }

    fn backward(
        &self,
        args: &[&[f32]],
        needs: &[bool],
        _: &[f32],
        grad: &[f32],
    ) -> Vec<Option<Vec<f32>>> {
        let (mut rest, mut rest_needs) = (&args[1..], &needs[1..]);
        let bound = self.plan.bind(&mut rest, &mut rest_needs);
        let mut dx = needs[0].then(|| vec![0.0; args[0].len()]);
        let mut found = vec![None];
        bound.backward(args[0], grad, dx.as_deref_mut().map(|dx| (dx, false)), &mut found);
        found[0] = dx;
        if self.residual {
            found.push(rest_needs[0].then(|| grad.to_vec()));
        }
        found
    }
}
