//! Where parameters come from, what ops refuse, and the optimizer's arithmetic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use candle_core::{DType, Device, Tensor, Var};
use llm2clip::nn::{
    AdamW, Attention, Builder, DropAt, DropKeys, Dropout, Init, Linear, LoadError, LoraSpec, Mask,
    Misshapen, NnError, Packing, Pooling, Rule, backward, merge, ops, sum_of_squares,
};
use llm2clip::rng::Key;
use std::collections::BTreeMap;

const CPU: Device = Device::Cpu;
const DRAWN: Init = Init::Normal { std: 0.5 };

fn tensor(shape: &[usize], seed: u64) -> Tensor {
    let mut stream = Key::new(seed).stream();
    let numbers: Vec<f32> = (0..shape.iter().product()).map(|_| stream.normal()).collect();
    Tensor::from_vec(numbers, shape, &CPU).unwrap()
}

fn numbers(x: &Tensor) -> Vec<f32> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

fn named(shapes: &[(&str, &[usize])]) -> BTreeMap<String, Tensor> {
    let each = shapes.iter().zip(1..);
    each.map(|((name, shape), seed)| ((*name).to_owned(), tensor(shape, seed))).collect()
}

fn spec(targets: &[&str]) -> LoraSpec {
    let targets = targets.iter().map(|&target| target.to_owned()).collect();
    LoraSpec { r: 2, alpha: 4.0, dropout: 0.0, targets, from_layer: 0 }
}

#[test]
fn everything_that_does_not_fit_is_listed_at_once() {
    let file = named(&[("a.weight", &[2, 3]), ("b.weight", &[4]), ("left.over", &[1])]);
    let builder = Builder::load(file, &CPU);
    builder.pp("a").get("weight", &[3, 2], Init::Zeros).unwrap();
    builder.pp("b").get("weight", &[4], Init::Zeros).unwrap();
    builder.pp("c").get("weight", &[1], Init::Ones).unwrap();
    builder.pp("c").get("bias", &[1], Init::Ones).unwrap();
    let error = builder.finish().unwrap_err();
    let (name, expected, found) = ("a.weight".to_owned(), vec![3, 2], vec![2, 3]);
    let all = LoadError {
        missing: vec!["c.bias".into(), "c.weight".into()],
        unexpected: vec!["left.over".into()],
        misshapen: vec![Misshapen { name, expected, found }],
    };
    assert_eq!(error, all);
    let text = error.to_string();
    assert!(["c.bias", "left.over", "[3, 2]", "[2, 3]"].iter().all(|part| text.contains(part)));
}

#[test]
fn fresh_numbers_depend_on_key_and_name_not_on_order() {
    let build = |names: &[&str], key| {
        let builder = Builder::init(Key::new(key), &CPU);
        for name in names {
            builder.pp("layer").get(name, &[3, 4], DRAWN).unwrap();
        }
        builder.finish().unwrap().tensors()
    };
    let (one, other) = (build(&["a", "b"], 1), build(&["b", "c", "a"], 1));
    assert_eq!(numbers(&one["layer.a"]), numbers(&other["layer.a"]));
    assert_eq!(numbers(&one["layer.b"]), numbers(&other["layer.b"]));
    assert_ne!(numbers(&one["layer.a"]), numbers(&one["layer.b"]));
    assert_ne!(numbers(&one["layer.a"]), numbers(&build(&["a"], 2)["layer.a"]));
}

#[test]
fn only_named_prefixes_may_be_fresh() {
    let build = |prefixes: &[&str]| {
        let file = named(&[("trunk.weight", &[2])]);
        let builder = Builder::load_or_init(file, Key::new(1), &CPU).with_fresh(prefixes);
        builder.pp("trunk").get("weight", &[2], DRAWN).unwrap();
        builder.pp("head").get("weight", &[2], DRAWN).unwrap();
        builder.finish()
    };
    assert!(build(&["head."]).is_ok());
    assert_eq!(build(&["tail."]).unwrap_err().missing, ["head.weight"]);
}

#[test]
fn a_tensor_asked_for_twice_is_tied_and_keeps_its_shape() {
    let builder = Builder::init(Key::new(1), &CPU);
    let first = builder.get("weight", &[2, 3], DRAWN).unwrap();
    assert_eq!(builder.get("weight", &[2, 3], Init::Zeros).unwrap().id(), first.id());
    let error = builder.get("weight", &[3, 2], DRAWN).unwrap_err();
    assert!(matches!(error, NnError::TwoShapes { .. }));
}

#[test]
fn rules_say_what_is_trainable_and_lora_always_is() {
    let names = |rule, lora| {
        let builder = Builder::init(Key::new(1), &CPU).trainable(rule).lora(lora, Key::new(2));
        Linear::new(&builder.pp("x.q_proj"), 3, 4, true, DRAWN).unwrap();
        Linear::new(&builder.pp("x.fc"), 3, 4, false, DRAWN).unwrap();
        let params = builder.finish().unwrap();
        params.trainable().map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(Rule::All, None), ["x.fc.weight", "x.q_proj.bias", "x.q_proj.weight"]);
    assert!(names(Rule::None, None).is_empty());
    assert_eq!(names(Rule::Only(vec!["x.fc".into()]), None), ["x.fc.weight"]);
    let lora = ["x.q_proj.lora_A.weight", "x.q_proj.lora_B.weight"];
    assert_eq!(names(Rule::None, Some(spec(&["q_proj"]))), lora);
}

#[test]
fn fresh_lora_changes_nothing_and_a_file_with_some_must_have_all() {
    let build = |file| {
        let builder = Builder::load(file, &CPU).lora(Some(spec(&["q"])), Key::new(2));
        let linear = Linear::new(&builder.pp("q"), 3, 4, false, DRAWN).unwrap();
        (linear, builder.finish())
    };
    let (linear, params) = build(named(&[("q.weight", &[4, 3])]));
    let x = tensor(&[5, 3], 9);
    let plain = ops::linear(&x, &linear.weight, None).unwrap();
    assert_eq!(numbers(&linear.forward(&x, None).unwrap()), numbers(&plain));
    assert!(numbers(params.unwrap().get("q.lora_A.weight").unwrap()).iter().all(|&a| a != 0.0));
    let some = named(&[("q.weight", &[4, 3]), ("q.lora_A.weight", &[2, 3])]);
    assert_eq!(build(some).1.unwrap_err().missing, ["q.lora_B.weight"]);
}

#[test]
fn merged_lora_computes_what_lora_beside_computes() {
    let mut base = named(&[("q.weight", &[4, 3]), ("k.weight", &[4, 3])]);
    let lora = named(&[("q.lora_A.weight", &[2, 3]), ("q.lora_B.weight", &[4, 2])]);
    let x = tensor(&[5, 3], 9);
    let (a, b) = (&lora["q.lora_A.weight"], &lora["q.lora_B.weight"]);
    let beside = ops::lora_linear(&x, &base["q.weight"], None, a, b, 1.5, None).unwrap();
    let untouched = numbers(&base["k.weight"]);
    merge(&mut base, &lora, 1.5).unwrap();
    let merged = ops::linear(&x, &base["q.weight"], None).unwrap();
    for (merged, beside) in numbers(&merged).iter().zip(numbers(&beside)) {
        assert!((merged - beside).abs() < 1e-5);
    }
    assert_eq!(numbers(&base["k.weight"]), untouched);
}

#[test]
fn merging_refuses_everything_that_does_not_fit_and_changes_nothing() {
    let mut base = named(&[("q.weight", &[4, 3]), ("v.weight", &[4, 3])]);
    let before = numbers(&base["q.weight"]);
    let lora = named(&[
        ("q.lora_A.weight", &[2, 3]),
        ("q.lora_B.weight", &[4, 2]),
        ("v.lora_A.weight", &[2, 3]),
        ("v.lora_B.weight", &[5, 2]),
        ("w.lora_A.weight", &[2, 3]),
        ("w.lora_B.weight", &[4, 2]),
        ("z.lora_A.weight", &[2, 3]),
        ("q.magnitude", &[4]),
    ]);
    let NnError::Load(error) = merge(&mut base, &lora, 1.0).unwrap_err() else {
        panic!("not a load error")
    };
    assert_eq!(error.missing, ["w.weight", "z.lora_B.weight"]);
    assert_eq!(error.unexpected, ["q.magnitude"]);
    assert_eq!(error.misshapen.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(), ["v"]);
    assert_eq!(numbers(&base["q.weight"]), before);
}

#[test]
fn trainable_tensors_come_back_as_they_were_or_not_at_all() {
    let builder = Builder::init(Key::new(1), &CPU).trainable(Rule::Only(vec!["a".into()]));
    let a = builder.get("a", &[3], DRAWN).unwrap();
    builder.get("b", &[3], DRAWN).unwrap();
    let params = builder.finish().unwrap();
    assert_eq!(params.count(), (6, 3));
    let mut other = BTreeMap::from([("a".to_owned(), tensor(&[3], 5))]);
    params.load_trainable(other.clone()).unwrap();
    assert_eq!(numbers(&a), numbers(&other["a"]), "the model computes with the new numbers");
    other.insert("b".into(), tensor(&[3], 6));
    other.insert("a".into(), tensor(&[2], 6));
    let NnError::Load(error) = params.load_trainable(other).unwrap_err() else {
        panic!("not a load error")
    };
    assert_eq!((error.unexpected.len(), error.misshapen.len()), (1, 1));
}

fn attend(packing: Packing, mask: Mask) -> Attention {
    Attention { heads: 2, kv_heads: 1, packing, mask, dropout: None }
}

#[test]
fn a_sequence_alone_and_in_a_pack_gives_the_same_rows() {
    let lengths = [3, 0, 5, 1];
    let (q, k, v) = (tensor(&[9, 8], 1), tensor(&[9, 4], 2), tensor(&[9, 4], 3));
    for mask in [Mask::Causal, Mask::Bidirectional] {
        let packing = Packing::from_lengths(&lengths);
        let packed = ops::attention(&q, &k, &v, &attend(packing.clone(), mask)).unwrap();
        assert!(numbers(&packed).iter().all(|x| x.is_finite()));
        for s in [0, 2, 3] {
            let range = packing.range(s);
            let part = |x: &Tensor| x.narrow(0, range.start, range.len()).unwrap();
            let how = attend(Packing::from_lengths(&[range.len()]), mask);
            let alone = ops::attention(&part(&q), &part(&k), &part(&v), &how).unwrap();
            assert_eq!(numbers(&alone), numbers(&part(&packed)));
        }
    }
}

#[test]
fn blocks_below_the_first_asked_for_get_no_lora() {
    let builder = Builder::init(Key::new(1), &CPU).trainable(Rule::None);
    let builder = builder.lora(Some(LoraSpec { from_layer: 2, ..spec(&["q"]) }), Key::new(2));
    for path in ["model.layers.1.q", "model.layers.2.q", "model.layers.10.q", "head.q"] {
        let linear = Linear::new(&builder.pp(path), 3, 4, false, DRAWN).unwrap();
        assert_eq!(linear.lora.is_some(), path != "model.layers.1.q", "{path}");
    }
}

#[test]
fn dropout_of_an_item_does_not_depend_on_the_batch_around_it() {
    let keys = [Key::new(1), Key::new(2), Key::new(3)];
    let x = tensor(&[6, 4], 1);
    let (a, b) = (tensor(&[2, 4], 2), tensor(&[3, 2], 3));
    let run = |keys: &[Key], lengths: &[usize], x: &Tensor| {
        let drop = Dropout { p: 0.5, keys: DropKeys::new(keys.to_vec()), site: 7 };
        let packing = Packing::from_lengths(lengths);
        numbers(&ops::lora_branch(x, &a, &b, 1.0, Some((&drop, &packing))).unwrap())
    };
    let whole = run(&keys, &[1, 3, 2], &x);
    let second = run(&keys[1..2], &[3], &x.narrow(0, 1, 3).unwrap());
    assert_eq!(whole[3..12], second);
}

#[test]
fn evaluation_and_p_zero_drop_nothing() {
    let builder = Builder::init(Key::new(1), &CPU);
    let builder = builder.lora(Some(LoraSpec { dropout: 0.9, ..spec(&["q"]) }), Key::new(2));
    let mut linear = Linear::new(&builder.pp("q"), 3, 4, false, DRAWN).unwrap();
    let (x, packing) = (tensor(&[2, 3], 4), Packing::uniform(2, 1));
    let keys = DropKeys::new(vec![Key::new(5); 2]);
    let at = DropAt { keys: &keys, site: 1, packing: &packing };
    let lora = linear.lora.as_mut().unwrap();
    lora.b = tensor(&[4, 2], 6);
    let kept = numbers(&linear.forward(&x, None).unwrap());
    assert_ne!(numbers(&linear.forward(&x, Some(at)).unwrap()), kept);
    linear.lora.as_mut().unwrap().dropout = 0.0;
    assert_eq!(numbers(&linear.forward(&x, Some(at)).unwrap()), kept);
}

#[test]
fn ops_refuse_what_does_not_fit_instead_of_computing_something() {
    let (x, w) = (tensor(&[4, 3], 1), tensor(&[5, 3], 2));
    let short = Packing::from_lengths(&[3]);
    let embed = [true, true, false, false];
    let two = Packing::uniform(2, 2);
    let drop = |p| Dropout { p, keys: DropKeys::new(vec![Key::new(1)]), site: 0 };
    let refused = [
        ops::linear(&x, &tensor(&[5, 4], 2), None).is_err(),
        ops::linear(&x, &w, Some(&tensor(&[4], 3))).is_err(),
        ops::linear_residual(&x, &w, None, &x).is_err(),
        ops::layer_norm(&x, &tensor(&[4], 1), &tensor(&[3], 1), 1e-5).is_err(),
        ops::add(&x, &w).is_err(),
        ops::attention(&x, &x, &x, &attend(short.clone(), Mask::Causal)).is_err(),
        ops::pool(&x, &two, &embed, Pooling::Mean).is_err(),
        ops::pool(&x, &two, &embed, Pooling::Last).is_err(),
        ops::cross_entropy(&x, &[0, 1, 2, 3]).is_err(),
        ops::cross_entropy(&x.narrow(0, 0, 0).unwrap(), &[]).is_err(),
        ops::info_nce(&x, &x.narrow(0, 0, 2).unwrap(), 1.0).is_err(),
        ops::embedding(&x, &[4]).is_err(),
        ops::lora_branch(&x, &w, &tensor(&[2, 5], 1), 1.0, Some((&drop(1.0), &short))).is_err(),
        ops::lora_branch(&x, &w, &tensor(&[2, 5], 1), 1.0, Some((&drop(0.5), &two))).is_err(),
    ];
    assert!(refused.iter().all(|&refused| refused), "{refused:?}");
}

#[test]
fn extreme_numbers_give_finite_losses_and_gradients() {
    let x = Var::from_tensor(&(tensor(&[3, 4], 1) * 1e4).unwrap()).unwrap();
    let zero = Var::zeros((3, 4), DType::F32, &CPU).unwrap();
    let loss = ops::cross_entropy(&x, &[0, 1, 2]).unwrap();
    let unit = ops::normalize(&zero).unwrap();
    let scale = Tensor::new(100f32, &CPU).unwrap();
    let both = ops::contrastive(&ops::normalize(&x).unwrap(), &unit, &scale).unwrap();
    for (loss, var) in [(&loss, &x), (&both, &x), (&both, &zero)] {
        let grads = backward(loss).unwrap();
        let grad = grads.get(var.as_tensor()).unwrap();
        assert!(numbers(loss)[0].is_finite() && numbers(grad).iter().all(|x| x.is_finite()));
    }
}

#[test]
fn adamw_fused_is_adamw_composed() {
    let (p, g) = (tensor(&[40_000], 1), tensor(&[40_000], 2));
    let run = || {
        let vars = [&p, &p.zeros_like().unwrap(), &p.zeros_like().unwrap()];
        let [p, m, v] = vars.map(|x| Var::from_tensor(x).unwrap());
        for step in 1..4 {
            let (lr, weight_decay, grad_scale) = (1e-2, 0.1, 0.5);
            let (beta1, beta2, eps) = (0.9, 0.98, 1e-6);
            AdamW { lr, beta1, beta2, eps, weight_decay, step, grad_scale }
                .update(&p, &g, &m, &v)
                .unwrap();
        }
        [p, m, v].map(|x| numbers(&x))
    };
    let (fused, composed) = (run(), ops::with_composed(run));
    for (fused, composed) in fused.iter().flatten().zip(composed.iter().flatten()) {
        assert!((fused - composed).abs() < 1e-6 * (1.0 + composed.abs()), "{fused} {composed}");
    }
    let one = Var::zeros(2, DType::F32, &CPU).unwrap();
    let how = AdamW {
        lr: 0.1,
        beta1: 0.9,
        beta2: 0.9,
        eps: 0.0,
        weight_decay: 0.0,
        step: 1,
        grad_scale: 1.0,
    };
    let grad = Tensor::new(&[2f32, -3.0], &CPU).unwrap();
    assert!(how.update(&one, &grad, &one, &one).is_err(), "moments are other variables");
    let [m, v] = [(); 2].map(|()| Var::zeros(2, DType::F32, &CPU).unwrap());
    how.update(&one, &grad, &m, &v).unwrap();
    let moved = numbers(&one);
    assert!((moved[0] + 0.1).abs() < 1e-6 && (moved[1] - 0.1).abs() < 1e-6, "{moved:?}");
    assert_eq!(sum_of_squares(&grad).unwrap(), 13.0);
}
