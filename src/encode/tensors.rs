//! Tensors out of a safetensors file: what is wrong with one is said with its name.

use super::EncodeError;
use crate::model::names::Tensors;
use candle_core::Device;
use std::path::Path;

/// The tensors in the bytes of the file at `path`.
///
/// # Errors
/// A header that does not fit the bytes, and numbers of a kind that is not computed with.
pub(super) fn tensors(bytes: &[u8], path: &Path, device: &Device) -> Result<Tensors, EncodeError> {
    let read = candle_core::safetensors::load_buffer(bytes, device);
    let read = read.map_err(|cause| EncodeError::Tensors {
        cause,
        bytes: bytes.len(),
        path: path.to_owned(),
    })?;
    Ok(read.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Tensor;

    fn file() -> Vec<u8> {
        let tensor = Tensor::new(&[1.0f32, 2.0], &Device::Cpu).unwrap();
        safetensors::serialize([("a".to_owned(), tensor)], None).unwrap()
    }

    fn read(bytes: &[u8]) -> Result<Tensors, String> {
        let read = tensors(bytes, Path::new("folder/model.safetensors"), &Device::Cpu);
        read.map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_that_is_cut_or_whose_header_lies_is_named() {
        let whole = file();
        assert_eq!(read(&whole).unwrap()["a"].to_vec1::<f32>().unwrap(), [1.0, 2.0]);
        let header = String::from_utf8(whole[8..whole.len() - 8].to_vec()).unwrap();
        let with = |header: &str| {
            let length = (header.len() as u64).to_le_bytes();
            [&length[..], header.as_bytes(), &whole[whole.len() - 8..]].concat()
        };
        assert!(header.contains("[0,8]") && header.contains("[2]"), "{header}");
        let mut huge = whole.clone();
        huge[..8].fill(0xff);
        for bytes in [
            whole[..whole.len() - 1].to_vec(),
            Vec::new(),
            huge,
            with(&header.replace("[0,8]", "[0,1099511627776]")),
            with(&header.replace("[2]", "[4611686018427387905]")),
            with(&header.replace("\"F32\"", "\"F99\"")),
        ] {
            let error = read(&bytes).unwrap_err();
            for part in ["folder/model.safetensors", "expected a whole safetensors file", "found "]
            {
                assert!(error.contains(part), "{error}");
            }
        }
    }
}
