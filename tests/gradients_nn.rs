//! Every op and sub-layer: the fused kernel against its composed twin and the twin against finite
//! differences, forward and every gradient; frozen arguments; numbers of threads.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "gradients_nn/cases.rs"]
mod cases;

use candle_core::{DType, Device, Result as CandleResult, Tensor, Var, backprop::GradStore};
use cases::{Case, Draw, FAMILIES, Sizes, attention, case};
use llm2clip::nn::{backward, ops};
use proptest::prelude::*;

fn at(inputs: &[Tensor], dtype: DType, frozen: Option<usize>) -> (Vec<Tensor>, Vec<Option<Var>>) {
    let each = inputs.iter().enumerate().map(|(i, x)| {
        let x = x.to_dtype(dtype).unwrap();
        if frozen == Some(i) {
            return (x, None);
        }
        let var = Var::from_tensor(&x).unwrap();
        (var.as_tensor().clone(), Some(var))
    });
    each.unzip()
}

/// The sum of `y` under fixed weights, so that every number of `y` has its own gradient.
fn scalar(y: &Tensor) -> CandleResult<Tensor> {
    let mut draw = Draw::new(99);
    let weights = draw.normal(y.dims()).to_dtype(y.dtype())?;
    (y * weights)?.sum_all()
}

fn numbers(x: &Tensor) -> Vec<f64> {
    x.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1().unwrap()
}

type Found = (Vec<f64>, Vec<Option<Vec<f64>>>);

fn run(case: &Case, dtype: DType, frozen: Option<usize>, sink: bool) -> Found {
    let (inputs, vars) = at(&case.inputs, dtype, frozen);
    let y = (case.f)(&inputs).unwrap();
    let loss = scalar(&y).unwrap();
    let grads: GradStore = if sink { backward(&loss).unwrap() } else { loss.backward().unwrap() };
    let grad = |var: &Option<Var>| Some(numbers(grads.get(var.as_ref()?.as_tensor())?));
    for x in &inputs {
        assert!(x.is_variable() || grads.get(x).is_none(), "{}: gradient of a frozen", case.name);
    }
    (numbers(&y), vars.iter().map(grad).collect())
}

fn largest(x: &[f64]) -> f64 {
    x.iter().fold(1e-3f64, |top, x| top.max(x.abs()))
}

/// Within `tolerance` of the largest number, or of `scale` where that is larger: a gradient that
/// is exactly zero (a bias before a softmax) comes out as the rounding of its neighbours.
fn close(what: &str, found: &[f64], expected: &[f64], tolerance: f64, scale: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let top = largest(expected).max(scale);
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() <= tolerance * top,
            "{what}[{i}]: {found}, expected {expected} (largest {top})"
        );
    }
}

fn agree(case: &Case) {
    let name = &case.name;
    let (y, grads) = run(case, DType::F32, None, true);
    let (twin_y, twin_grads) = ops::with_composed(|| run(case, DType::F32, None, false));
    let (exact_y, exact_grads) = run(case, DType::F64, None, false);
    close(&format!("{name}: twin"), &twin_y, &exact_y, 3e-5, 0.0);
    close(name, &y, &exact_y, 1e-5, 0.0);
    let scale = exact_grads.iter().flatten().map(|x| largest(x)).fold(0.0, f64::max) * 0.1;
    let all = grads.iter().zip(&twin_grads).zip(&exact_grads).enumerate();
    for (i, ((fused, twin), exact)) in all {
        let what = format!("{name}: gradient of argument {i}");
        let exact = exact.as_ref().unwrap_or_else(|| panic!("{what} is missing in f64"));
        close(&what, fused.as_ref().expect(&what), exact, 5e-5, scale);
        close(&format!("{what}, twin"), twin.as_ref().expect(&what), exact, 2e-4, scale);
    }
    let plain = run(case, DType::F32, None, false).1;
    for (i, (sunk, plain)) in grads.iter().zip(&plain).enumerate() {
        let (sunk, plain) = (sunk.as_ref().expect("sunk"), plain.as_ref().expect("plain"));
        close(&format!("{name}: candle's own backward, argument {i}"), sunk, plain, 1e-6, 0.0);
    }
    for frozen in 0..case.inputs.len() {
        if case.inputs.len() == 1 {
            break;
        }
        let (_, some) = run(case, DType::F32, Some(frozen), true);
        for (i, (some, all)) in some.iter().zip(&grads).enumerate() {
            let expected = if i == frozen { &None } else { all };
            assert_eq!(some, expected, "{name}: gradient {i} with argument {frozen} frozen");
        }
    }
}

/// The composed twin's gradients in f64 against central differences, at some places of each
/// argument.
fn differences(case: &Case) {
    let (_, grads) = run(case, DType::F64, None, false);
    let value =
        |inputs: &[Tensor]| scalar(&(case.f)(inputs).unwrap()).unwrap().to_scalar::<f64>().unwrap();
    let step = 1e-5;
    for (i, grad) in grads.iter().enumerate() {
        let grad = grad.as_ref().expect("a gradient");
        let base = numbers(&case.inputs[i]);
        for place in (0..base.len()).step_by(base.len().div_ceil(7)) {
            let moved = |by: f64| {
                let mut inputs = case.inputs.clone();
                let mut numbers = base.clone();
                numbers[place] += by;
                inputs[i] = Tensor::from_vec(numbers, inputs[i].shape(), &Device::Cpu).unwrap();
                value(&inputs)
            };
            let expected = (moved(step) - moved(-step)) / (2.0 * step);
            let top = 1.0 + expected.abs();
            assert!(
                (grad[place] - expected).abs() < 2e-5 * top,
                "{}: argument {i}[{place}]: {} by backward, {expected} by differences",
                case.name,
                grad[place]
            );
        }
    }
}

fn same_bits_for_any_threads(case: &Case) {
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| run(case, DType::F32, None, true))
    };
    let one = with(1);
    assert!(one == with(2) && one == with(3), "{}: threads change bits", case.name);
}

fn sizes(largest: usize) -> impl Strategy<Value = Sizes> {
    let size = 1..=largest;
    (any::<u64>(), size.clone(), size.clone(), size).prop_map(|(seed, rows, width, other)| Sizes {
        seed,
        rows,
        width,
        other,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fused_ops_equal_their_twins_forward_and_backward(sizes in sizes(37)) {
        for family in FAMILIES {
            family(sizes).iter().for_each(agree);
        }
    }

    #[test]
    fn gradients_are_what_finite_differences_say(sizes in sizes(7)) {
        for family in FAMILIES {
            family(sizes).iter().for_each(differences);
        }
    }
}

#[test]
fn long_sequences_cross_blocks_of_scores() {
    let sizes = Sizes { seed: 11, rows: 300, width: 20, other: 9 };
    attention(sizes).iter().for_each(agree);
}

#[test]
fn the_number_of_threads_does_not_change_a_bit() {
    let sizes = Sizes { seed: 4, rows: 150, width: 130, other: 140 };
    for family in FAMILIES {
        family(sizes).iter().for_each(same_bits_for_any_threads);
    }
}

#[test]
fn normalising_a_row_of_one_number_gives_no_gradient_but_rounding() {
    let row = case("one number", vec![Draw::new(2).normal(&[40, 1])], |a| ops::normalize(&a[0]));
    let (_, exact) = run(&row, DType::F64, None, false);
    let (_, fused) = run(&row, DType::F32, None, true);
    let largest = |found: &[Option<Vec<f64>>]| {
        let values = found[0].as_ref().unwrap().iter();
        values.fold(0.0f64, |top, x| top.max(x.abs()))
    };
    assert!(largest(&exact) < 1e-12, "{}", largest(&exact));
    // Rounding of terms as large as the upstream gradient over the row's length.
    let shortest = numbers(&row.inputs[0]).iter().fold(f64::MAX, |low, x| low.min(x.abs()));
    assert!(largest(&fused) < 1e-6 / shortest, "{}", largest(&fused));
}

#[test]
fn a_parameter_used_twice_gets_the_sum_of_its_gradients() {
    let mut d = Draw::new(1);
    let inputs = vec![d.normal(&[5, 6]), d.normal(&[6, 6])];
    let twice = case("twice", inputs, |a| {
        let y = ops::linear(&ops::linear(&a[0], &a[1], None)?, &a[1], None)?;
        // And once more through candle's own product.
        Ok((y + a[0].detach().copy()?.matmul(&a[1])?)?)
    });
    agree(&twice);
}
