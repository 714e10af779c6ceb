//! What the ops ask of their arguments. Everything is checked here, so kernels need not.

use super::super::{Attention, Dropout, NnError, Packing, Result, RopeTable};
use candle_core::Tensor;

pub(in super::super) fn rows_of(op: &'static str, x: &Tensor, width: usize) -> Result<usize> {
    match x.dims() {
        [rows, found] if *found == width => Ok(*rows),
        found => Err(NnError::shape(op, format!("[rows, {width}]"), found)),
    }
}

pub(in super::super) fn vector(op: &'static str, x: &Tensor, width: usize) -> Result<()> {
    if x.dims() == [width] {
        return Ok(());
    }
    Err(NnError::shape(op, format!("[{width}]"), x.dims()))
}

pub(in super::super) fn width_of(op: &'static str, x: &Tensor) -> Result<usize> {
    match x.dims() {
        [_, width] if *width > 0 => Ok(*width),
        found => Err(NnError::shape(op, "[rows, width] with a width", found)),
    }
}

pub(in super::super) fn same(op: &'static str, x: &Tensor, y: &Tensor) -> Result<()> {
    if x.dims() == y.dims() {
        return Ok(());
    }
    Err(NnError::shape(op, format!("{:?} like the first", x.dims()), y.dims()))
}

pub(in super::super) fn check_drop(
    op: &'static str,
    drop: &Dropout,
    packing: &Packing,
) -> Result<()> {
    if !(0.0..1.0).contains(&drop.p) {
        return Err(NnError::shape(op, "a dropout probability in 0..1", drop.p));
    }
    if drop.keys.len() != packing.sequences() {
        let expected = format!("a dropout key for each of {} sequences", packing.sequences());
        return Err(NnError::shape(op, expected, drop.keys.len()));
    }
    Ok(())
}

pub(in super::super) fn check_packing(
    op: &'static str,
    packing: &Packing,
    rows: usize,
) -> Result<()> {
    if packing.rows() == rows {
        return Ok(());
    }
    Err(NnError::shape(op, format!("a packing of {rows} rows"), packing.rows()))
}

pub(in super::super) fn check_linear(
    x: &Tensor,
    w: &Tensor,
    b: Option<&Tensor>,
) -> Result<(usize, usize)> {
    let inputs = width_of("linear", w)?;
    rows_of("linear", x, inputs)?;
    Ok((inputs, check_weight(w, b, inputs)?))
}

/// The number of outputs of a linear that takes `inputs`.
pub(in super::super) fn check_weight(
    w: &Tensor,
    b: Option<&Tensor>,
    inputs: usize,
) -> Result<usize> {
    let outputs = rows_of("linear weight", w, inputs)?;
    if outputs == 0 {
        return Err(NnError::shape("linear weight", "at least one output", w.dims()));
    }
    if let Some(b) = b {
        vector("linear bias", b, outputs)?;
    }
    Ok(outputs)
}

pub(in super::super) fn check_lora(
    rows: usize,
    (a, b): (&Tensor, &Tensor),
    (inputs, outputs): (usize, usize),
    drop: Option<(&Dropout, &Packing)>,
) -> Result<()> {
    let rank = rows_of("lora A", a, inputs)?;
    if b.dims() != [outputs, rank] {
        return Err(NnError::shape("lora B", format!("[{outputs}, {rank}]"), b.dims()));
    }
    if let Some((drop, packing)) = drop {
        check_packing("lora", packing, rows)?;
        check_drop("lora", drop, packing)?;
    }
    Ok(())
}

pub(in super::super) fn check_norm(
    op: &'static str,
    x: &Tensor,
    vectors: &[&Tensor],
) -> Result<()> {
    let width = width_of(op, x)?;
    vectors.iter().try_for_each(|x| vector(op, x, width))
}

pub(in super::super) fn check_rope(
    rows: usize,
    packing: &Packing,
    table: &RopeTable,
) -> Result<()> {
    check_packing("rope", packing, rows)?;
    if table.half() == 0 || packing.longest() > table.positions() {
        let expected = format!("sequences of at most {} rows", table.positions());
        return Err(NnError::shape("rope", expected, packing.longest()));
    }
    Ok(())
}

/// The width of a head of queries `[rows, width]`.
pub(in super::super) fn check_attention(
    rows: usize,
    width: usize,
    how: &Attention,
) -> Result<usize> {
    if how.heads == 0 || how.kv_heads == 0 || !how.heads.is_multiple_of(how.kv_heads) {
        let found = (how.heads, how.kv_heads);
        return Err(NnError::shape("attention", "heads a multiple of kv_heads", found));
    }
    if !width.is_multiple_of(how.heads) {
        return Err(NnError::shape("attention", format!("{} heads", how.heads), width));
    }
    check_packing("attention", &how.packing, rows)?;
    if let Some(drop) = &how.dropout {
        check_drop("attention", drop, &how.packing)?;
    }
    Ok(width / how.heads)
}
