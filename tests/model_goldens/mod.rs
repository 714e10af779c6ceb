//! Goldens of the published architectures (`scripts/goldens/models.py` makes them), and how close
//! we must come.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(dead_code, reason = "each test file uses its own part")]

use candle_core::{DType, Device, IndexOp as _, Tensor};
use llm2clip::nn::{Builder, Packing, Params};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write as _;

pub type Tensors = BTreeMap<String, Tensor>;

/// One file of tests/golden/models.
pub struct Golden {
    pub case: String,
    pub config: Value,
    tensors: Tensors,
}

impl Golden {
    pub fn open(case: &str) -> Self {
        let root = env!("CARGO_MANIFEST_DIR");
        let path = format!("{root}/tests/golden/models/{case}.safetensors");
        let bytes = std::fs::read(path).unwrap();
        let (_, head) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
        let golden: Value =
            serde_json::from_str(&head.metadata().as_ref().unwrap()["golden"]).unwrap();
        let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).unwrap();
        assert_eq!(golden["case"], case);
        Self {
            case: case.to_owned(),
            config: golden["config"].clone(),
            tensors: tensors.into_iter().collect(),
        }
    }

    /// All tensors of a group, `weight` or `grad`, by their own names.
    pub fn group(&self, group: &str) -> Tensors {
        let prefix = format!("{group}.");
        let members = self.tensors.iter();
        members
            .filter_map(|(name, t)| Some((name.strip_prefix(&prefix)?.to_owned(), t.clone())))
            .collect()
    }

    pub fn weights(&self) -> Tensors {
        self.group("weight")
    }

    pub fn get(&self, name: &str) -> Tensor {
        self.tensors.get(name).unwrap_or_else(|| panic!("{}: no {name}", self.case)).clone()
    }

    pub fn ints(&self, name: &str) -> Vec<u32> {
        let numbers = self.get(name).flatten_all().unwrap();
        numbers.to_dtype(DType::U32).unwrap().to_vec1().unwrap()
    }

    pub fn packing(&self) -> Packing {
        let lengths = self.ints("input.lengths");
        Packing::from_lengths(&lengths.iter().map(|&n| n as usize).collect::<Vec<_>>())
    }

    /// The real rows of padded `[b, t, ..]`, in packed order `[rows, ..]`.
    pub fn unpad(&self, padded: &Tensor, padding: Padding) -> Tensor {
        let t = padded.dim(1).unwrap();
        let rows: Vec<Tensor> = self
            .packing()
            .lengths()
            .enumerate()
            .map(|(s, length)| {
                let start = if padding == Padding::Left { t - length } else { 0 };
                padded.i((s, start..start + length)).unwrap()
            })
            .collect();
        Tensor::cat(&rows, 0).unwrap()
    }

    /// The real token ids, packed.
    pub fn ids(&self, padding: Padding) -> Vec<u32> {
        let ids = self.unpad(&self.get("input.ids"), padding);
        ids.to_dtype(DType::U32).unwrap().to_vec1().unwrap()
    }

    /// Compares with an output of this case, and reports it as `CASE/label`.
    pub fn check(&self, label: &str, kind: Kind, ours: &Tensor, reference: &Tensor) {
        let name = format!("{}/{label}", self.case);
        let difference = difference(ours, reference) / magnitude(reference);
        report(&name, kind, difference);
    }

    /// The same for unit rows, where the difference is absolute.
    pub fn check_unit(&self, label: &str, kind: Kind, ours: &Tensor, reference: &Tensor) {
        report(&format!("{}/{label}", self.case), kind, difference(ours, reference));
    }

    /// Compares the gradients of `loss` with respect to all trainable parameters. A linear's
    /// weight and bias are judged as one: a key projection's bias has gradient zero (softmax does
    /// not see what is added to all scores), so that its own magnitude is rounding alone.
    pub fn check_grads(&self, params: &Params, loss: &Tensor) {
        let grads = llm2clip::nn::backward(loss).unwrap();
        let mut reference = BTreeMap::new();
        for (name, grad) in self.group("grad") {
            reference.insert(llm2clip::model::names::lora(&name).unwrap_or(name), grad);
        }
        let module = |name: &str| {
            let name = name.strip_suffix(".weight").or(name.strip_suffix(".bias")).unwrap_or(name);
            name.to_owned()
        };
        let mut magnitudes: BTreeMap<String, f32> = BTreeMap::new();
        for (name, grad) in &reference {
            let largest = magnitudes.entry(module(name)).or_default();
            *largest = largest.max(magnitude(grad));
        }
        let mut largest = 0f32;
        for (name, var) in params.trainable() {
            let wanted =
                reference.remove(name).unwrap_or_else(|| panic!("no reference for {name}"));
            let ours = grads.get(var).unwrap_or_else(|| panic!("no gradient for {name}"));
            let off = difference(ours, &wanted) / magnitudes[&module(name)];
            let tolerance = Kind::Model.tolerance();
            assert!(f64::from(off) <= tolerance, "{}: gradient of {name} off {off}", self.case);
            largest = largest.max(off);
        }
        let left: Vec<_> = reference.keys().collect();
        assert!(
            left.is_empty(),
            "{}: reference gradients without a parameter: {left:?}",
            self.case
        );
        report(&format!("{}/gradients", self.case), Kind::Model, largest);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    Left,
    Right,
}

#[derive(Clone, Copy)]
pub enum Kind {
    Block,
    Model,
}

impl Kind {
    pub fn tolerance(self) -> f64 {
        match self {
            Self::Block => 1e-5,
            Self::Model => 1e-4,
        }
    }
}

/// Holds a difference to its tolerance, and appends it as one JSON line to the file that
/// `LLM2CLIP_PARITY_REPORT` names, if it names one.
fn report(case: &str, kind: Kind, difference: f32) {
    let difference = f64::from(difference);
    if let Some(path) = std::env::var_os("LLM2CLIP_PARITY_REPORT") {
        let word = match kind {
            Kind::Block => "block",
            Kind::Model => "model",
        };
        let line = serde_json::json!({
            "case": case, "kind": word, "largest_difference": difference,
            "tolerance": kind.tolerance(),
        });
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
    assert!(difference.is_finite() && difference <= kind.tolerance(), "{case}: off {difference}");
}

pub fn difference(a: &Tensor, b: &Tensor) -> f32 {
    assert_eq!(a.dims(), b.dims());
    magnitude(&(a - b).unwrap())
}

/// Largest absolute number; NaN where there is one.
pub fn magnitude(x: &Tensor) -> f32 {
    let numbers = x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    numbers.iter().fold(0.0, |largest, x| if x.is_nan() { f32::NAN } else { x.abs().max(largest) })
}

/// Pictures `[b, 3, s, s]` cut in patch rows `[b * patches, 3 * p * p]`.
pub fn patches(pixels: &Tensor, p: usize) -> Tensor {
    let (b, c, s, _) = pixels.dims4().unwrap();
    let g = s / p;
    let cut = pixels.reshape((b, c, g, p, g, p)).unwrap();
    let cut = cut.permute((0, 2, 4, 1, 3, 5)).unwrap().contiguous().unwrap();
    cut.reshape((b * g * g, c * p * p)).unwrap()
}

pub fn load(weights: Tensors) -> Builder {
    Builder::load(weights, &Device::Cpu)
}

/// The rows of a tensor, `[rows, width]` to its parts by sequence.
pub fn rows_of(x: &Tensor, packing: &Packing, s: usize) -> Tensor {
    let range = packing.range(s);
    x.narrow(0, range.start, range.len()).unwrap()
}
