//! Ties a kernel into candle's graph.

use super::super::{NnError, Result, grad};
use candle_core::{
    CpuStorage, CustomOp1, CustomOp2, CustomOp3, DType, Device, Layout, Result as CandleResult,
    Shape, Storage, Tensor,
};
use std::sync::{Arc, Mutex, PoisonError};

/// Arithmetic on contiguous f32 slices: a forward and its backward.
pub(in super::super) trait Kernel: Send + Sync {
    /// A name for errors.
    fn name(&self) -> &'static str;

    /// The result. `train` says that backward will be asked, for kernels that keep something.
    fn forward(&self, args: &[&[f32]], train: bool) -> Vec<f32>;

    /// A gradient for each argument that `needs` one, in the order of the arguments.
    fn backward(
        &self,
        args: &[&[f32]],
        needs: &[bool],
        result: &[f32],
        grad: &[f32],
    ) -> Vec<Option<Vec<f32>>>;
}

/// Whether the fused path may take these: f32 on the processor.
pub(in super::super) fn takes(args: &[&Tensor]) -> bool {
    let fits = |x: &&Tensor| x.dtype() == DType::F32 && x.device().is_cpu();
    args.iter().all(fits)
}

struct Inner {
    kernel: Box<dyn Kernel>,
    args: Vec<Tensor>,
    needs: Vec<bool>,
    /// Arguments that are candle's arguments of this node.
    direct: Vec<usize>,
    /// Arguments behind the witness.
    others: Vec<usize>,
    shape: Shape,
    out: Mutex<Option<Vec<f32>>>,
    stash: Stash,
}

type Stash = Arc<Mutex<Vec<Option<Tensor>>>>;
struct Node(Inner);

/// The result of `kernel` on `args`, of shape `shape`, as a node of the graph where an argument
/// is tracked. [`takes`] must have said yes.
///
/// candle's nodes have at most three arguments. A kernel with more tracked ones gets a witness: a
/// one-number node that depends on the rest. Backward of the kernel runs first and leaves their
/// gradients in a stash; backward of the witness, which candle runs after it, hands them on.
pub(in super::super) fn apply(
    kernel: impl Kernel + 'static,
    args: &[&Tensor],
    shape: &[usize],
) -> Result<Tensor> {
    let args: Vec<Tensor> = args.iter().map(|x| x.contiguous()).collect::<CandleResult<_>>()?;
    let needs: Vec<bool> = args.iter().map(Tensor::track_op).collect();
    let train = needs.contains(&true);
    let out = slices(&args, |slices| kernel.forward(slices, train))?;
    let shape = Shape::from(shape);
    if !train {
        return Ok(Tensor::from_vec(out, shape, &Device::Cpu)?);
    }
    let tracked: Vec<usize> = (0..args.len()).filter(|&i| needs[i]).collect();
    let direct = if tracked.len() > 3 { 2 } else { tracked.len() };
    let (direct, others) = tracked.split_at(direct);
    let stash = Stash::default();
    let mut nodes: Vec<Tensor> = direct.iter().map(|&i| args[i].clone()).collect();
    if !others.is_empty() {
        nodes.push(witness(&args, others, &stash)?);
    }
    let (direct, others) = (direct.to_vec(), others.to_vec());
    let out = Mutex::new(Some(out));
    let kernel = Box::new(kernel);
    let node = Node(Inner { kernel, args, needs, direct, others, shape, out, stash });
    Ok(match nodes.as_slice() {
        [a] => a.apply_op1(node)?,
        [a, b] => a.apply_op2(b, node)?,
        [a, b, c] => a.apply_op3(b, c, node)?,
        _ => return Err(NnError::shape("node", "one to three nodes", nodes.len())),
    })
}

/// Runs `work` on the arguments' numbers.
pub(in super::super) fn slices<R>(
    args: &[Tensor],
    work: impl FnOnce(&[&[f32]]) -> R,
) -> CandleResult<R> {
    let held: Vec<_> = args.iter().map(Tensor::storage_and_layout).collect();
    let slices: Vec<&[f32]> =
        held.iter().map(|(storage, layout)| slice(storage, layout)).collect::<CandleResult<_>>()?;
    Ok(work(&slices))
}

fn slice<'a>(storage: &'a Storage, layout: &Layout) -> CandleResult<&'a [f32]> {
    let Storage::Cpu(CpuStorage::F32(all)) = storage else {
        candle_core::bail!("a fused kernel expects f32 on the processor")
    };
    let Some((start, end)) = layout.contiguous_offsets() else {
        candle_core::bail!("a fused kernel expects contiguous tensors, found {layout:?}")
    };
    Ok(&all[start..end])
}

impl Inner {
    fn take(&self) -> CandleResult<(CpuStorage, Shape)> {
        let out = self.out.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(out) = out else { candle_core::bail!("{}: ran twice", self.kernel.name()) };
        Ok((CpuStorage::F32(out), self.shape.clone()))
    }

    /// The gradients of candle's own arguments of this node; those of the others go to the stash.
    fn back(&self, result: &Tensor, gradient: &Tensor) -> CandleResult<Vec<Option<Tensor>>> {
        let ends = [result.clone(), gradient.contiguous()?];
        let found = slices(&self.args, |args| {
            slices(&ends, |ends| self.kernel.backward(args, &self.needs, ends[0], ends[1]))
        })??;
        let mut tensors = Vec::with_capacity(found.len());
        for ((arg, found), &needed) in self.args.iter().zip(found).zip(&self.needs) {
            tensors.push(match found {
                Some(found) if needed => Some(Tensor::from_vec(found, arg.shape(), &Device::Cpu)?),
                None if needed => candle_core::bail!("{}: gradient missing", self.kernel.name()),
                _ => None,
            });
        }
        let mut take = |i: usize| tensors.get_mut(i).and_then(Option::take);
        let mut stash = self.stash.lock().unwrap_or_else(PoisonError::into_inner);
        *stash = self.others.iter().map(|&i| take(i)).collect();
        let mut direct = Vec::with_capacity(3);
        for &i in &self.direct {
            direct.push(match take(i) {
                Some(gradient) => grad::give(&self.args[i], gradient)?,
                None => None,
            });
        }
        if !self.others.is_empty() {
            direct.push(Some(Tensor::zeros(1, DType::F32, &Device::Cpu)?));
        }
        direct.resize(3, None);
        Ok(direct)
    }
}

impl CustomOp1 for Node {
    fn name(&self) -> &'static str {
        self.0.kernel.name()
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> CandleResult<(CpuStorage, Shape)> {
        self.0.take()
    }

    fn bwd(&self, _: &Tensor, result: &Tensor, grad: &Tensor) -> CandleResult<Option<Tensor>> {
        let mut found = self.0.back(result, grad)?;
        Ok(found[0].take())
    }
}

impl CustomOp2 for Node {
    fn name(&self) -> &'static str {
        self.0.kernel.name()
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> CandleResult<(CpuStorage, Shape)> {
        self.0.take()
    }

    fn bwd(
        &self,
        _: &Tensor,
        _: &Tensor,
        result: &Tensor,
        grad: &Tensor,
    ) -> CandleResult<(Option<Tensor>, Option<Tensor>)> {
        let mut found = self.0.back(result, grad)?;
        Ok((found[0].take(), found[1].take()))
    }
}

impl CustomOp3 for Node {
    fn name(&self) -> &'static str {
        self.0.kernel.name()
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> CandleResult<(CpuStorage, Shape)> {
        self.0.take()
    }

    fn bwd(
        &self,
        _: &Tensor,
        _: &Tensor,
        _: &Tensor,
        result: &Tensor,
        grad: &Tensor,
    ) -> CandleResult<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let mut found = self.0.back(result, grad)?;
        Ok((found[0].take(), found[1].take(), found[2].take()))
    }
}

/// A one-number node that depends on `args[others]`: a chain of [`Link`]s of up to two each.
fn witness(args: &[Tensor], others: &[usize], stash: &Stash) -> Result<Tensor> {
    let mut chain = Tensor::zeros(1, DType::F32, &Device::Cpu)?;
    for (link, pair) in others.chunks(2).enumerate() {
        let op = Link { stash: stash.clone(), first: link * 2, chained: chain.track_op() };
        chain = match *pair {
            [a, b] => chain.apply_op3(&args[a], &args[b], op)?,
            [a] => chain.apply_op2(&args[a], op)?,
            _ => chain,
        };
    }
    Ok(chain)
}

struct Link {
    stash: Stash,
    first: usize,
    chained: bool,
}

impl Link {
    fn hand_on(&self, nth: usize, arg: &Tensor) -> CandleResult<Option<Tensor>> {
        let mut stash = self.stash.lock().unwrap_or_else(PoisonError::into_inner);
        match stash.get_mut(self.first + nth).and_then(Option::take) {
            Some(gradient) => grad::give(arg, gradient),
            None => candle_core::bail!("a fused kernel's gradient was not left for its argument"),
        }
    }

    fn chain(&self) -> CandleResult<Option<Tensor>> {
        self.chained.then(|| Tensor::zeros(1, DType::F32, &Device::Cpu)).transpose()
    }
}

impl CustomOp2 for Link {
    fn name(&self) -> &'static str {
        "witness"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> CandleResult<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(vec![0.0]), Shape::from(1)))
    }

    fn bwd(
        &self,
        _: &Tensor,
        a: &Tensor,
        _: &Tensor,
        _: &Tensor,
    ) -> CandleResult<(Option<Tensor>, Option<Tensor>)> {
        Ok((self.chain()?, self.hand_on(0, a)?))
    }
}

impl CustomOp3 for Link {
    fn name(&self) -> &'static str {
        "witness"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> CandleResult<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(vec![0.0]), Shape::from(1)))
    }

    fn bwd(
        &self,
        _: &Tensor,
        a: &Tensor,
        b: &Tensor,
        _: &Tensor,
        _: &Tensor,
    ) -> CandleResult<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        Ok((self.chain()?, self.hand_on(0, a)?, self.hand_on(1, b)?))
    }
}
