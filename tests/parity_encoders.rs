//! Encoders out of files that other programs wrote (transformers, PEFT, the gguf package): the same
//! token ids and the same rows. `scripts/goldens/encoders.py` made them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use candle_core::{Device, Tensor};
use llm2clip::data::corpus::Picture;
use llm2clip::data::picture::Exif;
use llm2clip::data::text::text_row;
use llm2clip::encode::{
    ImageEncoder, ModelTextEncoder, Sources, TextEncoder, image_encoder, parse, test_images,
    test_texts, text_encoder,
};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Of unit rows.
const TOLERANCE: f32 = 1e-4;

struct Expected {
    texts: Vec<String>,
    tensors: BTreeMap<String, Tensor>,
    reference: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/encoders")
}

fn expected() -> Expected {
    let bytes = std::fs::read(root().join("expected.safetensors")).unwrap();
    let (_, head) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let golden: Value = serde_json::from_str(&head.metadata().as_ref().unwrap()["golden"]).unwrap();
    let texts = golden["texts"].as_array().unwrap();
    let texts = texts.iter().map(|text| text.as_str().unwrap().to_owned()).collect();
    let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).unwrap();
    let versions = golden["versions"].as_object().unwrap().iter();
    let versions: Vec<_> = versions
        .map(|(name, version)| {
            format!("{name} {}", version.as_str().unwrap().split('+').next().unwrap())
        })
        .collect();
    Expected { texts, tensors: tensors.into_iter().collect(), reference: versions.join(", ") }
}

fn sources() -> Sources {
    Sources { checkpoints: root(), device: Device::Cpu, weigh: false }
}

fn texts_of(spec: &str) -> ModelTextEncoder {
    let spec = parse(spec).unwrap();
    let loaded = sources().load(&spec.source).unwrap_or_else(|error| panic!("{spec:?}: {error}"));
    text_encoder(&spec.source, loaded, &spec.options, &sources())
        .unwrap_or_else(|error| panic!("{spec:?}: {error}"))
}

fn report(case: &str, difference: f32) {
    if let Some(path) = std::env::var_os("LLM2CLIP_PARITY_REPORT") {
        let line = serde_json::json!({
            "case": format!("encoders/{case}"), "kind": "model",
            "largest_difference": f64::from(difference), "tolerance": f64::from(TOLERANCE),
            "reference": expected().reference,
        });
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
    println!("{case}: {difference:e}");
    assert!(difference.is_finite() && difference <= TOLERANCE, "{case}: off {difference}");
}

fn largest(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Ids letter for letter, and rows of all texts in one batch.
fn holds(case: &str, spec: &str, row: &str) {
    let expected = expected();
    let encoder = texts_of(spec);
    let texts: Vec<&str> = expected.texts.iter().map(String::as_str).collect();
    for (i, text) in texts.iter().enumerate() {
        let wanted = expected.tensors[&format!("{case}.ids.{i}")].to_vec1::<i32>().unwrap();
        let wanted: Vec<u32> = wanted.into_iter().map(|id| id as u32).collect();
        let ours = text_row(encoder.tokenizer(), text, encoder.spec()).unwrap();
        assert_eq!(ours.ids, wanted, "{case}: {text:?}");
    }
    let rows = encoder.encode(&texts, &mut |_, _| ControlFlow::Continue(())).unwrap().rows;
    let apart = (0..texts.len()).map(|i| {
        let wanted = expected.tensors[&format!("{case}.{row}.{i}")].to_vec1::<f32>().unwrap();
        largest(rows.row(i), &wanted)
    });
    report(&format!("{case}/{row}"), apart.fold(0.0, f32::max));
    for finding in test_texts(&encoder, texts[0]).unwrap() {
        assert!(finding.passed, "{case}: {finding:?}");
    }
}

#[test]
fn a_llama_folder_gives_the_rows_of_transformers() {
    holds("llama", "llama", "mean");
}

#[test]
fn shards_in_bf16_an_untied_head_and_linear_scaling_give_the_rows_of_transformers() {
    holds("sharded", "sharded", "mean");
    holds("dynamic", "dynamic", "mean");
}

#[test]
fn gguf_files_of_several_types_give_the_rows_of_what_they_store() {
    for case in ["q8_0", "q4_1", "f16", "llama3_q5_0"] {
        holds(case, &format!("{case}.gguf"), "mean");
    }
}

#[test]
fn a_sentence_piece_tokenizer_is_rebuilt_from_its_scores() {
    holds("spm_q8_0", "spm_q8_0.gguf", "mean");
}

#[test]
fn a_lora_folder_stands_on_the_base_it_names() {
    holds("lora_mntp", "lora_mntp[attention=bidirectional]", "mean");
}

#[test]
fn loras_are_merged_in_the_order_they_are_named_and_the_last_says_how_texts_are_pooled() {
    let lora = |name: &str| root().join(name).display().to_string();
    let spec = format!("llama[lora={}+{}]", lora("lora_mntp"), lora("lora_cc"));
    holds("stack", &spec, "mean");
    let encoder = texts_of(&spec);
    let how = encoder.card().text.clone().unwrap();
    assert_eq!((how.max_tokens, how.pooling.name()), (48, "mean"));
    assert_eq!(encoder.card().stands_on.len(), 4);
    let kept = ["lora_mntp", "lora_cc"].map(|name| format!("tests/golden/encoders/{name}"));
    assert_eq!(encoder.card().lora, kept, "their way from the working folder");
    // A file's own way gives way to an option.
    let causal = texts_of(&format!("llama[lora={},attention=causal]", lora("lora_cc")));
    let how = serde_json::to_value(causal.card().text.clone().unwrap()).unwrap();
    assert_eq!(how["attention"], "causal");
}

#[test]
fn a_clip_folder_gives_the_rows_of_transformers_for_texts_and_pictures() {
    holds("clip", "clip", "text");
    let expected = expected();
    let loaded = sources().load("clip").unwrap();
    let encoder = image_encoder("clip", loaded, Exif::Ignored, &Device::Cpu).unwrap();
    let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/pictures");
    let mut most = 0.0f32;
    for name in ["rgb-64x64.png", "rgb-37x23.png", "grey-31x17.png"] {
        let picture = Picture::File(pictures.join(name));
        let rows = encoder.encode(&[&picture], &mut |_, _| ControlFlow::Continue(())).unwrap().rows;
        let wanted = expected.tensors[&format!("clip.image.{name}")].to_vec1::<f32>().unwrap();
        most = most.max(largest(rows.row(0), &wanted));
        for finding in test_images(&encoder, &picture).unwrap() {
            assert!(finding.passed, "{name}: {finding:?}");
        }
    }
    report("clip/image", most);
}

#[test]
fn every_option_of_an_encoder_changes_what_it_says() {
    let row = |spec: &str| {
        let rows = texts_of(spec)
            .encode(&["a dog runs"], &mut |_, _| ControlFlow::Continue(()))
            .unwrap()
            .rows;
        rows.row(0).to_vec()
    };
    let plain = row("llama");
    assert_eq!(row("llama[pooling=mean,attention=causal,template=none,bos=true]"), plain);
    for option in [
        "pooling=weighted_mean",
        "pooling=last",
        "pooling=eos",
        "pooling=cls",
        "attention=bidirectional",
        "template=llm2vec",
        "bos=false",
        "max_tokens=2",
        "layer=1",
    ] {
        assert!(largest(&row(&format!("llama[{option}]")), &plain) > 1e-3, "{option}");
    }
}

#[test]
fn folders_that_lack_something_say_what() {
    let broken = tempfile::tempdir().unwrap();
    let copy = |from: &str, to: &str, leave: &str| {
        let (from, to) = (root().join(from), broken.path().join(to));
        std::fs::create_dir_all(&to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name() != leave {
                std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
            }
        }
        to.display().to_string()
    };
    let load = |path: &str| sources().load(path).map(|loaded| loaded.source);
    let error = load(&copy("sharded", "a", "model-00002-of-00003.safetensors")).unwrap_err();
    assert!(error.to_string().contains("model-00002-of-00003"), "{error}");
    let error = load(&copy("llama", "b", "model.safetensors")).unwrap_err();
    assert!(error.to_string().contains("model.safetensors"), "{error}");
    let error = load(&copy("llama", "c", "tokenizer.json")).unwrap_err();
    assert!(error.to_string().contains("tokenizer.json"), "{error}");
    let clip = copy("clip", "d", "preprocessor_config.json");
    let loaded = sources().load(&clip).unwrap();
    let error = image_encoder(&clip, loaded, Exif::Ignored, &Device::Cpu).err().unwrap();
    assert!(error.to_string().contains("preprocessor_config.json"), "{error}");
    // A shard that holds what the index puts elsewhere.
    let swapped = PathBuf::from(copy("sharded", "e", "none"));
    let (one, two) = ("model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors");
    std::fs::copy(swapped.join(one), swapped.join(two)).unwrap();
    let error = load(&swapped.display().to_string()).unwrap_err();
    assert!(error.to_string().contains("not where the index says"), "{error}");
}
