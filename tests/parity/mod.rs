//! Reading golden files and holding results to them. The format stands in
//! `scripts/goldens/README.md`.

#![allow(dead_code, reason = "each file of tests uses its part")]

use candle_core::{Device, Result, Tensor, Var};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;

/// Names the file that receives one JSON line a case, for `scripts/parity.sh`.
const REPORT: &str = "LLM2CLIP_PARITY_REPORT";

/// Of the largest magnitude of each of the reference's tensors.
pub const TOLERANCE: f64 = 1e-5;

/// What a reference was given and what it answered.
pub struct Golden {
    about: Value,
    tensors: BTreeMap<String, Tensor>,
    inputs: BTreeMap<String, Input>,
}

enum Input {
    /// Has a gradient in the file.
    Differentiated(Var),
    Fixed(Tensor),
}

impl Golden {
    pub fn read(case: &str) -> Self {
        let path = format!("{}/tests/golden/blocks/{case}.safetensors", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let about = &header.metadata().as_ref().unwrap()["golden"];
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let tensors: BTreeMap<String, Tensor> =
            file.iter().map(|(name, view)| (name.to_string(), tensor(&view))).collect();
        let inputs = tensors.iter().filter_map(|(name, tensor)| {
            let name = name.strip_prefix("in.")?;
            let input = if tensors.contains_key(&format!("grad.{name}")) {
                Input::Differentiated(Var::from_tensor(tensor).unwrap())
            } else {
                Input::Fixed(tensor.clone())
            };
            Some((name.to_string(), input))
        });
        let inputs = inputs.collect();
        Self { about: serde_json::from_str(about).unwrap(), tensors, inputs }
    }

    /// Input `name`; gradients are taken where the file has one.
    pub fn input(&self, name: &str) -> &Tensor {
        match &self.inputs[name] {
            Input::Differentiated(var) => var.as_tensor(),
            Input::Fixed(tensor) => tensor,
        }
    }

    /// Input `name`, if the file has it.
    pub fn maybe(&self, name: &str) -> Option<&Tensor> {
        self.inputs.contains_key(name).then(|| self.input(name))
    }

    /// Input `name` as token ids, rows or classes.
    pub fn ids(&self, name: &str) -> Vec<u32> {
        let ids = self.input(name).to_vec1::<i64>().unwrap();
        ids.into_iter().map(|id| u32::try_from(id).unwrap()).collect()
    }

    /// Input `name` as a mask.
    pub fn mask(&self, name: &str) -> Vec<bool> {
        self.input(name).to_vec1::<u8>().unwrap().into_iter().map(|bit| bit != 0).collect()
    }

    /// Constant `name` as a number.
    pub fn number(&self, name: &str) -> f64 {
        self.constant(name).as_f64().unwrap_or_else(|| panic!("constant {name} is no number"))
    }

    /// Constant `name` as numbers.
    pub fn numbers(&self, name: &str) -> Vec<f64> {
        self.constant(name).as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
    }

    /// Constant `name` as a count.
    pub fn count(&self, name: &str) -> usize {
        self.constant(name).as_u64().unwrap() as usize
    }

    /// Constant `name` as counts.
    pub fn counts(&self, name: &str) -> Vec<usize> {
        self.numbers(name).into_iter().map(|x| x as usize).collect()
    }

    /// Constant `name`.
    pub fn constant(&self, name: &str) -> &Value {
        &self.about["constants"][name]
    }

    fn magnitude(&self, name: &str) -> f32 {
        let numbers = self.tensors[name].flatten_all().unwrap().to_vec1::<f32>().unwrap();
        numbers.iter().fold(0f32, |most, x| most.max(x.abs()))
    }

    /// The largest magnitude among outputs, or among gradients, whichever `name` is.
    fn largest(&self, name: &str) -> f32 {
        let kind = name.split('.').next().unwrap();
        let alike = self.tensors.keys().filter(|other| other.split('.').next() == Some(kind));
        alike.fold(0f32, |most, name| most.max(self.magnitude(name)))
    }

    fn text(&self, name: &str) -> &str {
        self.about[name].as_str().unwrap()
    }
}

fn tensor(view: &TensorView<'_>) -> Tensor {
    let (shape, data) = (view.shape(), view.data());
    let made = match view.dtype() {
        Dtype::F32 => Tensor::from_vec(words(data, f32::from_le_bytes), shape, &Device::Cpu),
        Dtype::I64 => Tensor::from_vec(words(data, i64::from_le_bytes), shape, &Device::Cpu),
        Dtype::U8 => Tensor::from_slice(data, shape, &Device::Cpu),
        other => panic!("golden files hold no {other:?}"),
    };
    made.unwrap()
}

fn words<const N: usize, T>(data: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
    data.as_chunks::<N>().0.iter().map(|word| read(*word)).collect()
}

/// The differences of one case on one path.
pub struct Comparison<'a> {
    golden: &'a Golden,
    path: &'static str,
    largest: f64,
    worst: String,
}

impl<'a> Comparison<'a> {
    pub fn new(golden: &'a Golden, path: &'static str) -> Self {
        Self { golden, path, largest: 0.0, worst: String::new() }
    }

    /// Holds `found` against the file's tensor `name` (`out.y`, `grad.x`).
    pub fn hold(&mut self, name: &str, found: &Tensor) {
        let case = self.golden.text("case");
        let expected = &self.golden.tensors[name];
        assert_eq!(found.dims(), expected.dims(), "{case}: the shape of {name}");
        let numbers = |x: &Tensor| x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let (found, expected) = (numbers(found), numbers(expected));
        let mut magnitude = self.golden.magnitude(name);
        let largest = self.golden.largest(name);
        // A key's bias shifts all scores of a row alike: its gradient is zero but for rounding.
        if magnitude < 1e-5 * largest {
            magnitude = largest;
        }
        for (found, expected) in found.into_iter().zip(expected) {
            let difference = f64::from((found - expected).abs()) / f64::from(magnitude.max(1e-30));
            // A difference that is not a number is larger than any.
            if difference > self.largest || !difference.is_finite() {
                self.largest = if difference.is_finite() { difference } else { f64::INFINITY };
                self.worst = name.to_string();
            }
        }
    }

    /// Reports, and fails where a difference is too large.
    pub fn finish(self) {
        let case = self.golden.text("case");
        if let Some(report) = std::env::var_os(REPORT) {
            let line = json!({
                "case": case, "kind": self.golden.text("kind"), "path": self.path,
                "largest_difference": self.largest, "tolerance": TOLERANCE,
                "reference": self.golden.text("reference"),
            });
            // One write a line: tests append from many threads.
            let mut file =
                std::fs::OpenOptions::new().create(true).append(true).open(report).unwrap();
            file.write_all(format!("{line}\n").as_bytes()).unwrap();
        }
        let (largest, worst, path) = (self.largest, self.worst, self.path);
        assert!(largest <= TOLERANCE, "{case} ({path}): {worst} differs by {largest:.2e}");
    }
}

/// Runs a block on both paths and holds its outputs and the gradients of all inputs to the file's.
pub fn block(
    case: &str,
    run: impl Fn(&Golden) -> llm2clip::nn::Result<Vec<(&'static str, Tensor)>>,
) {
    for path in ["fused", "composed"] {
        let golden = Golden::read(case);
        let outputs = match path {
            "composed" => llm2clip::nn::ops::with_composed(|| run(&golden)),
            _ => run(&golden),
        }
        .unwrap();
        let mut comparison = Comparison::new(&golden, path);
        let mut weighed: Option<Tensor> = None;
        for (name, output) in &outputs {
            comparison.hold(&format!("out.{name}"), output);
            if let Some(up) = golden.tensors.get(&format!("up.{name}")) {
                let sum = weigh(output, up).unwrap();
                weighed = Some(match weighed {
                    Some(before) => (before + sum).unwrap(),
                    None => sum,
                });
            }
        }
        if let Some(loss) = weighed {
            let gradients = llm2clip::nn::backward(&loss).unwrap();
            for (name, input) in &golden.inputs {
                if let Input::Differentiated(var) = input {
                    let found = gradients.get(var);
                    let found =
                        found.unwrap_or_else(|| panic!("{case} ({path}): {name} has no gradient"));
                    comparison.hold(&format!("grad.{name}"), found);
                }
            }
        }
        comparison.finish();
    }
}

/// A scalar whose gradient with respect to `output` is `up`.
fn weigh(output: &Tensor, up: &Tensor) -> Result<Tensor> {
    output.mul(up)?.sum_all()
}
