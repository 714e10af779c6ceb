//! Merging low-rank weights into the weights they stand beside.

use super::{LoadError, Misshapen, Result};
use candle_core::{DType, Tensor};
use std::collections::BTreeMap;

/// `W += scale * B A` for every `<path>.lora_A.weight` `[r, in]` and `<path>.lora_B.weight`
/// `[out, r]` of `lora`, where W is `base`'s `<path>.weight` `[out, in]`. Strict: every tensor of
/// `lora` must have its partner and its weight, else everything that does not fit is listed and
/// `base` is left as it was.
pub fn merge(
    base: &mut BTreeMap<String, Tensor>,
    lora: &BTreeMap<String, Tensor>,
    scale: f64,
) -> Result<()> {
    let mut error = LoadError::default();
    let mut merged = Vec::new();
    for (name, b) in lora {
        if let Some(path) = name.strip_suffix(".lora_A.weight") {
            let partner = format!("{path}.lora_B.weight");
            if !lora.contains_key(&partner) {
                error.missing.push(partner);
            }
            continue;
        }
        let Some(path) = name.strip_suffix(".lora_B.weight") else {
            error.unexpected.push(name.clone());
            continue;
        };
        let (a_name, w_name) = (format!("{path}.lora_A.weight"), format!("{path}.weight"));
        let (Some(a), Some(w)) = (lora.get(&a_name), base.get(&w_name)) else {
            let absent = if lora.contains_key(&a_name) { w_name } else { a_name };
            error.missing.push(absent);
            continue;
        };
        let (Ok((r, inputs)), Ok((outputs, rank))) = (a.dims2(), b.dims2()) else {
            error.unexpected.push(name.clone());
            continue;
        };
        if r != rank || w.dims() != [outputs, inputs] {
            let found = vec![outputs, rank, r, inputs];
            let expected = w.dims().to_vec();
            error.misshapen.push(Misshapen { name: path.to_owned(), expected, found });
            continue;
        }
        merged.push((w_name, a, b));
    }
    error.check()?;
    for (name, a, b) in merged {
        let Some(w) = base.get_mut(&name) else { continue };
        let (a, b) = (a.to_dtype(DType::F32)?, b.to_dtype(DType::F32)?);
        let update = (b.matmul(&a)? * scale)?;
        *w = (w.to_dtype(DType::F32)? + update)?.to_dtype(w.dtype())?;
    }
    Ok(())
}
