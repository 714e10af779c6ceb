//! Gradients of a scalar.

use super::Result;
use candle_core::{Result as CandleResult, Tensor, TensorId, backprop::GradStore};
use std::cell::RefCell;

thread_local! {
    static SINK: RefCell<Option<Vec<(TensorId, Tensor)>>> = const { RefCell::new(None) };
}

/// The gradient of `loss` (a scalar) with respect to every variable it depends on.
///
/// The same gradients as `Tensor::backward`, without its detour for parameters: candle adds every
/// gradient to a fresh zero on one thread, here the fused kernels put a parameter's gradient
/// where it belongs.
pub fn backward(loss: &Tensor) -> Result<GradStore> {
    struct Close;
    impl Drop for Close {
        fn drop(&mut self) {
            SINK.set(None);
        }
    }
    SINK.set(Some(Vec::new()));
    let _close = Close;
    let mut grads = loss.backward()?;
    for (id, gradient) in SINK.take().unwrap_or_default() {
        // A parameter may also have gone through candle's own ops.
        let total = match grads.get_id(id) {
            Some(other) => (other + gradient)?,
            None => gradient,
        };
        grads.insert_id(id, total);
    }
    Ok(grads)
}

/// Takes a gradient of `arg` where [`backward`] listens and `arg` is a variable; else it goes
/// back, for candle.
pub(super) fn give(arg: &Tensor, gradient: Tensor) -> CandleResult<Option<Tensor>> {
    SINK.with_borrow_mut(|sink| match sink {
        Some(sink) if arg.is_variable() => {
            match sink.iter_mut().find(|(id, _)| *id == arg.id()) {
                Some((_, sum)) => *sum = (&*sum + gradient)?,
                None => sink.push((arg.id(), gradient)),
            }
            Ok(None)
        }
        _ => Ok(Some(gradient)),
    })
}

/// Walks back from `end`, a scalar on a graph of its own, within a [`backward`] that is under way:
/// the variables' gradients go where that one collects them, and that of the leaf `x` comes back
/// (none where it is no variable).
pub(super) fn through(end: &Tensor, x: &Tensor) -> CandleResult<Option<Tensor>> {
    if SINK.with_borrow(Option::is_none) {
        candle_core::bail!("a recomputed block was walked by candle alone: call nn::backward")
    }
    let mut grads = end.backward()?;
    let mut found = grads.remove(x);
    SINK.with_borrow_mut(|sink| -> CandleResult<()> {
        let Some(sink) = sink else { return Ok(()) };
        if let Some(at) = sink.iter().position(|(id, _)| *id == x.id()) {
            let gradient = sink.remove(at).1;
            found = Some(match found.take() {
                Some(other) => (other + gradient)?,
                None => gradient,
            });
        }
        // What went through candle's own ops. Its store keeps no order, so none may matter: each
        // goes to its own variable.
        let ids: Vec<TensorId> = grads.get_ids().copied().collect();
        for id in ids {
            let Some(gradient) = grads.get_id(id).cloned() else { continue };
            match sink.iter_mut().find(|(known, _)| *known == id) {
                Some((_, sum)) => *sum = (&*sum + gradient)?,
                None => sink.push((id, gradient)),
            }
        }
        Ok(())
    })?;
    Ok(found)
}
