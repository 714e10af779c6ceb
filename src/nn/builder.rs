//! Where a model's tensors come from: a file, strictly, or a key.

use super::{LoadError, Misshapen, NnError, Param, Params, Result};
use crate::rng::Key;
use candle_core::{DType, Device, Tensor, Var};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::rc::Rc;

/// How a fresh tensor is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// All 0.
    Zeros,
    /// All 1.
    Ones,
    /// All this.
    Const(f32),
    /// Normal around 0.
    Normal {
        /// Standard deviation.
        std: f32,
    },
    /// Uniform in -bound..bound.
    Uniform {
        /// The largest magnitude.
        bound: f32,
    },
}

/// Which tensors are trainable. LoRA tensors always are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Every tensor.
    All,
    /// No tensor but LoRA's.
    None,
    /// Tensors whose full name starts with one of these.
    Only(Vec<String>),
}

/// Low-rank weights beside frozen ones (Hu et al. 2021).
#[derive(Clone, Debug, PartialEq)]
pub struct LoraSpec {
    /// The rank.
    pub r: usize,
    /// The update is scaled by `alpha / r`.
    pub alpha: f64,
    /// Dropout on the LoRA branch's input.
    pub dropout: f32,
    /// Last parts of the names of the linears that get one, such as `q_proj`.
    pub targets: Vec<String>,
    /// Blocks below this one get none, so that no gradient is computed there.
    pub from_layer: usize,
}

impl LoraSpec {
    /// Whether the linear of this path gets one.
    fn fits(&self, path: &str) -> bool {
        let last = path.rsplit('.').next().unwrap_or_default();
        let block = path.split('.').skip_while(|part| *part != "layers").nth(1);
        let block = block.and_then(|number| number.parse::<usize>().ok());
        self.targets.iter().any(|target| target == last)
            && block.is_none_or(|block| block >= self.from_layer)
    }
}

struct State {
    device: Device,
    tensors: BTreeMap<String, Tensor>,
    key: Option<Key>,
    fresh: Vec<String>,
    loading: bool,
    lora_loaded: bool,
    rule: Rule,
    frozen: bool,
    lora: Option<(LoraSpec, Key)>,
    built: BTreeMap<String, Param>,
    error: LoadError,
}

/// Hands a model its tensors by name. A path prefix outside, shared state inside: clones and
/// [`Builder::pp`] fill one parameter store, which [`Builder::finish`] returns.
#[derive(Clone)]
pub struct Builder {
    state: Rc<RefCell<State>>,
    prefix: String,
}

impl Builder {
    fn new(tensors: BTreeMap<String, Tensor>, key: Option<Key>, device: &Device) -> Self {
        let lora_loaded = tensors.keys().any(|name| name.contains(".lora_A."));
        let state = State {
            device: device.clone(),
            loading: !tensors.is_empty() || key.is_none(),
            tensors,
            key,
            fresh: Vec::new(),
            lora_loaded,
            rule: Rule::All,
            frozen: false,
            lora: None,
            built: BTreeMap::new(),
            error: LoadError::default(),
        };
        Self { state: Rc::new(RefCell::new(state)), prefix: String::new() }
    }

    /// Fresh weights. A tensor's numbers depend on `key` and its full name alone, never on the
    /// order in which a model asks.
    #[must_use]
    pub fn init(key: Key, device: &Device) -> Self {
        Self::new(BTreeMap::new(), Some(key), device)
    }

    /// Loaded weights, converted to f32. [`Builder::finish`] refuses what does not fit.
    #[must_use]
    pub fn load(tensors: BTreeMap<String, Tensor>, device: &Device) -> Self {
        Self::new(tensors, None, device)
    }

    /// Loaded weights where there are any, and fresh ones below the prefixes of
    /// [`Builder::with_fresh`] where there are none.
    #[must_use]
    pub fn load_or_init(tensors: BTreeMap<String, Tensor>, key: Key, device: &Device) -> Self {
        let builder = Self::new(tensors, Some(key), device);
        builder.state.borrow_mut().loading = true;
        builder
    }

    /// Names that start with one of these may be missing from the file and are then drawn.
    #[must_use]
    pub fn with_fresh(self, prefixes: &[&str]) -> Self {
        self.state.borrow_mut().fresh.extend(prefixes.iter().map(|&prefix| prefix.to_owned()));
        self
    }

    /// Which tensors are trainable from here on (default: all).
    #[must_use]
    pub fn trainable(self, rule: Rule) -> Self {
        self.state.borrow_mut().rule = rule;
        self
    }

    /// No tensor is trainable from here on, LoRA's neither: a model for forward passes alone.
    #[must_use]
    pub fn frozen(self) -> Self {
        self.state.borrow_mut().frozen = true;
        self
    }

    /// LoRA beside the linears that `spec` targets. They are read where the loaded tensors hold
    /// any LoRA, and drawn from `key` otherwise (A Kaiming-uniform with a = sqrt 5, B zero).
    #[must_use]
    pub fn lora(self, spec: Option<LoraSpec>, key: Key) -> Self {
        self.state.borrow_mut().lora = spec.map(|spec| (spec, key));
        self
    }

    /// The builder one path part down.
    #[must_use]
    pub fn pp(&self, part: impl Display) -> Self {
        Self { state: self.state.clone(), prefix: self.full(&part.to_string()) }
    }

    /// The device of the tensors.
    #[must_use]
    pub fn device(&self) -> Device {
        self.state.borrow().device.clone()
    }

    /// The path of this builder, without a trailing dot.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    fn full(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}.{name}", self.prefix) }
    }

    /// Whether the loaded tensors hold `name` below this path, or it was built already.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        let (state, name) = (self.state.borrow(), self.full(name));
        state.tensors.contains_key(&name) || state.built.contains_key(&name)
    }

    /// The tensor `name` of that shape. Asking again gives the same tensor (tied weights). A
    /// tensor that is missing or misshapen is noted and zeros stand in for it until
    /// [`Builder::finish`] refuses, so that one error can list them all.
    pub fn get(&self, name: &str, shape: &[usize], init: Init) -> Result<Tensor> {
        self.get_as(name, shape, init, false)
    }

    fn get_as(&self, name: &str, shape: &[usize], init: Init, lora: bool) -> Result<Tensor> {
        let name = self.full(name);
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        if let Some(param) = state.built.get(&name) {
            if param.tensor.dims() == shape {
                return Ok(param.tensor.clone());
            }
            let (first, second) = (param.tensor.dims().to_vec(), shape.to_vec());
            return Err(NnError::TwoShapes { name, first, second });
        }
        let may_be_fresh = if lora {
            !state.lora_loaded
        } else {
            !state.loading || state.fresh.iter().any(|prefix| name.starts_with(prefix))
        };
        let key = if lora { state.lora.as_ref().map(|(_, key)| *key) } else { state.key };
        let tensor = match (state.tensors.remove(&name), key) {
            (Some(found), _) if found.dims() == shape => {
                found.to_dtype(DType::F32)?.to_device(&state.device)?.contiguous()?
            }
            (Some(found), _) => {
                let (expected, found) = (shape.to_vec(), found.dims().to_vec());
                state.error.misshapen.push(Misshapen { name: name.clone(), expected, found });
                Tensor::zeros(shape, DType::F32, &state.device)?
            }
            (None, Some(key)) if may_be_fresh => {
                draw(key.named(&name), shape, init, &state.device)?
            }
            (None, _) => {
                state.error.missing.push(name.clone());
                Tensor::zeros(shape, DType::F32, &state.device)?
            }
        };
        let ruled = match &state.rule {
            Rule::All => true,
            Rule::None => false,
            Rule::Only(prefixes) => prefixes.iter().any(|prefix| name.starts_with(prefix)),
        };
        let trainable = !state.frozen && (lora || ruled);
        let (tensor, var) = if trainable {
            let var = Var::from_tensor(&tensor)?;
            (var.as_tensor().clone(), Some(var))
        } else {
            (tensor, None)
        };
        state.built.insert(name, Param { tensor: tensor.clone(), var });
        Ok(tensor)
    }

    /// The LoRA of the linear at this path, where the spec targets it: A `[r, inputs]`,
    /// B `[outputs, r]`, the scale `alpha / r` and the dropout.
    pub(super) fn lora_weights(
        &self,
        inputs: usize,
        outputs: usize,
    ) -> Result<Option<(Tensor, Tensor, f64, f32)>> {
        let spec = match &self.state.borrow().lora {
            Some((spec, _)) if spec.fits(&self.prefix) => spec.clone(),
            _ => return Ok(None),
        };
        // PyTorch's kaiming_uniform_ with a = sqrt(5) has bound sqrt(6 / ((1 + 5) fan_in)).
        let bound = 1.0 / (inputs as f32).sqrt();
        let a = Init::Uniform { bound };
        let a = self.get_as("lora_A.weight", &[spec.r, inputs], a, true)?;
        let b = self.get_as("lora_B.weight", &[outputs, spec.r], Init::Zeros, true)?;
        Ok(Some((a, b, spec.alpha / spec.r as f64, spec.dropout)))
    }

    /// The parameters, or everything that did not fit: missing, unexpected and misshapen.
    pub fn finish(self) -> Result<Params, LoadError> {
        let mut state = self.state.borrow_mut();
        let mut error = std::mem::take(&mut state.error);
        error.unexpected = std::mem::take(&mut state.tensors).into_keys().collect();
        error.missing.sort();
        error.misshapen.sort_by(|a, b| a.name.cmp(&b.name));
        error.check()?;
        Ok(Params::new(std::mem::take(&mut state.built)))
    }
}

fn draw(key: Key, shape: &[usize], init: Init, device: &Device) -> Result<Tensor> {
    let count: usize = shape.iter().product();
    let mut stream = key.stream();
    let numbers: Vec<f32> = match init {
        Init::Zeros => vec![0.0; count],
        Init::Ones => vec![1.0; count],
        Init::Const(value) => vec![value; count],
        Init::Normal { std } => (0..count).map(|_| stream.normal() * std).collect(),
        Init::Uniform { bound } => {
            (0..count).map(|_| (2.0 * stream.uniform() - 1.0) * bound).collect()
        }
    };
    Ok(Tensor::from_vec(numbers, shape, device)?)
}
