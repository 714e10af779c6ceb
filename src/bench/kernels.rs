//! Single operations: matrix product, exact top-k, a JPEG to patches.

use super::{BenchError, Prepared};
use crate::data::picture::{Exif, decode};
use crate::data::processor::Processor;
use crate::eval::{Products, top_k};
use crate::rng::Key;
use candle_core::{Device, Tensor};

type CaseOf = (&'static str, fn(&Device) -> Result<Prepared, BenchError>);

pub(super) const CASES: &[CaseOf] =
    &[("matmul-2048", matmul), ("topk-5k-25k-768", topk), ("jpeg-decode-224", jpeg)];

fn normals(count: usize, seed: u64) -> Vec<f32> {
    let mut stream = Key::new(seed).named("bench").stream();
    (0..count).map(|_| stream.normal()).collect()
}

fn matmul(device: &Device) -> Result<Prepared, BenchError> {
    const N: usize = 2048;
    let a = Tensor::from_vec(normals(N * N, 1), (N, N), device)?;
    let b = Tensor::from_vec(normals(N * N, 2), (N, N), device)?;
    let work = move || {
        // A device's queue is empty only when a number has come back.
        a.matmul(&b)?.narrow(0, 0, 1)?.narrow(1, 0, 1)?.flatten_all()?.to_vec1::<f32>()?;
        Ok(())
    };
    Ok(Prepared { work: Box::new(work), flops: Some(2.0 * (N as f64).powi(3)) })
}

fn unit_rows(rows: usize, dim: usize, seed: u64) -> Vec<f32> {
    let mut values = normals(rows * dim, seed);
    for row in values.chunks_mut(dim) {
        let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        for x in row {
            *x /= norm;
        }
    }
    values
}

fn topk(_: &Device) -> Result<Prepared, BenchError> {
    const DIM: usize = 768;
    let (queries, gallery) = (5_000, 25_000);
    let asked = unit_rows(queries, DIM, 1);
    let items = unit_rows(gallery, DIM, 2);
    let work = move || {
        top_k(&Products::new(&asked, &items, DIM)?, 10, None)?;
        Ok(())
    };
    let flops = 2.0 * queries as f64 * gallery as f64 * DIM as f64;
    Ok(Prepared { work: Box::new(work), flops: Some(flops) })
}

/// A 640x480 picture of smooth colour with some texture, at quality 90, to a 224-pixel square.
fn jpeg(_: &Device) -> Result<Prepared, BenchError> {
    let (width, height) = (640u32, 480u32);
    let mut stream = Key::new(3).named("bench").stream();
    let pixels: Vec<u8> = (0..width * height)
        .flat_map(|at| {
            let (x, y) = (at % width, at / width);
            let grain = stream.below(24) as u32;
            [(x * 200 / width + grain) as u8, (y * 200 / height + grain) as u8, (grain * 8) as u8]
        })
        .collect();
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 90)
        .encode(&pixels, width, height, image::ExtendedColorType::Rgb8)
        .map_err(std::io::Error::other)?;
    let processor = Processor::clip(224);
    let work = move || {
        processor.square(&decode(&bytes, Exif::Ignored)?)?;
        Ok(())
    };
    Ok(Prepared { work: Box::new(work), flops: None })
}
