//! Activation checkpointing (Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost"): a
//! block keeps its input alone and runs a second time in backward.

use super::{NnError, Result, grad};
use candle_core::{
    CpuStorage, CudaStorage, CustomOp2, DType, Layout, Result as CandleResult, Shape, Storage,
    Tensor, Var,
};
use std::sync::{Mutex, PoisonError};

type Block = Box<dyn Fn(&Tensor) -> CandleResult<Tensor> + Send + Sync>;

/// `block` of `x`, keeping nothing of what lies between: [`super::backward`] runs the block again.
/// The block must give the same bits both times (dropout is keyed) and depend on no graph but x's
/// and its own parameters'. Gradients are those of the plain block, bit for bit.
///
/// The result is the plain block's where nothing in it is trained.
///
/// # Errors
/// The block's own; in backward they come as candle's.
pub fn recomputed<E>(
    x: &Tensor,
    block: impl Fn(&Tensor) -> Result<Tensor, E> + Send + Sync + 'static,
) -> Result<Tensor, E>
where
    E: From<NnError> + std::fmt::Display + Send + Sync + 'static,
{
    let y = block(&leaf(x).map_err(NnError::from)?)?;
    if !y.track_op() {
        return Ok(y);
    }
    let block = move |x: &Tensor| block(x).map_err(candle_core::Error::wrap);
    Ok(node(x, &y.detach(), Box::new(block)).map_err(NnError::from)?)
}

/// `y` as what `block` makes of `x`.
fn node(x: &Tensor, y: &Tensor, block: Block) -> CandleResult<Tensor> {
    let y = y.contiguous()?;
    let shape = y.shape().clone();
    let out = Mutex::new(Some(y));
    // Its own variable: a block whose parameters alone are trained must hang in the graph too.
    let anchor = Var::zeros(1, DType::F32, x.device())?;
    x.contiguous()?.apply_op2(anchor.as_tensor(), Recomputed { block, shape, out })
}

/// The numbers of `x` where gradients end, and where they are wanted only if x's are.
fn leaf(x: &Tensor) -> CandleResult<Tensor> {
    let numbers = x.detach();
    if x.track_op() { Ok(Var::from_tensor(&numbers)?.into_inner()) } else { Ok(numbers) }
}

struct Recomputed {
    block: Block,
    shape: Shape,
    /// The result, until candle takes it.
    out: Mutex<Option<Tensor>>,
}

impl Recomputed {
    fn take(&self) -> CandleResult<Tensor> {
        let out = self.out.lock().unwrap_or_else(PoisonError::into_inner).take();
        out.ok_or_else(|| candle_core::Error::msg("a recomputed block: ran twice"))
    }
}

impl CustomOp2 for Recomputed {
    fn name(&self) -> &'static str {
        "recomputed"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> CandleResult<(CpuStorage, Shape)> {
        let out = self.take()?;
        let (storage, layout) = out.storage_and_layout();
        match &*storage {
            Storage::Cpu(CpuStorage::F32(all)) => {
                let (start, end) = layout.contiguous_offsets().unwrap_or((0, all.len()));
                Ok((CpuStorage::F32(all[start..end].to_vec()), self.shape.clone()))
            }
            _ => candle_core::bail!("a recomputed block expects f32 on the processor"),
        }
    }

    fn cuda_fwd(
        &self,
        _: &CudaStorage,
        _: &Layout,
        _: &CudaStorage,
        _: &Layout,
    ) -> CandleResult<(CudaStorage, Shape)> {
        let out = self.take()?;
        let (storage, layout) = out.storage_and_layout();
        match storage.try_clone(layout)? {
            Storage::Cuda(storage) => Ok((storage, self.shape.clone())),
            _ => candle_core::bail!("a recomputed block expects all its tensors on one device"),
        }
    }

    fn bwd(
        &self,
        x: &Tensor,
        _: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> CandleResult<(Option<Tensor>, Option<Tensor>)> {
        let x = leaf(x)?;
        let y = (self.block)(&x)?;
        // The gradient of this sum with respect to y is `gradient`, exactly.
        let ends_here = y.mul(gradient)?.sum_all()?;
        drop(y);
        Ok((grad::through(&ends_here, &x)?, None))
    }
}
