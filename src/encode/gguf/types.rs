//! How GGUF stores numbers: the types that candle decodes, and their tensors in f32.

use candle_core::quantized::GgmlDType;
use candle_core::quantized::ggml_file::qtensor_from_ggml;
use candle_core::{Device, Tensor};

/// A storage type that is decoded here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TensorType(GgmlDType);

/// ggml's number of a type, its name and candle's.
const TYPES: [(u32, &str, GgmlDType); 13] = [
    (0, "F32", GgmlDType::F32),
    (1, "F16", GgmlDType::F16),
    (2, "Q4_0", GgmlDType::Q4_0),
    (3, "Q4_1", GgmlDType::Q4_1),
    (6, "Q5_0", GgmlDType::Q5_0),
    (7, "Q5_1", GgmlDType::Q5_1),
    (8, "Q8_0", GgmlDType::Q8_0),
    (10, "Q2_K", GgmlDType::Q2K),
    (11, "Q3_K", GgmlDType::Q3K),
    (12, "Q4_K", GgmlDType::Q4K),
    (13, "Q5_K", GgmlDType::Q5K),
    (14, "Q6_K", GgmlDType::Q6K),
    (30, "BF16", GgmlDType::BF16),
];

/// Names of types that files have and candle does not decode.
const OTHERS: [(u32, &str); 15] = [
    (9, "Q8_1"),
    (15, "Q8_K"),
    (16, "IQ2_XXS"),
    (17, "IQ2_XS"),
    (18, "IQ3_XXS"),
    (19, "IQ1_S"),
    (20, "IQ4_NL"),
    (21, "IQ3_S"),
    (22, "IQ2_S"),
    (23, "IQ4_XS"),
    (29, "IQ1_M"),
    (34, "TQ1_0"),
    (35, "TQ2_0"),
    (39, "MXFP4"),
    (28, "F64"),
];

impl TensorType {
    /// The type with this number; else the number's name.
    ///
    /// # Errors
    /// A type that is not decoded here.
    pub fn from_number(number: u32) -> Result<Self, String> {
        if let Some((_, _, kind)) = TYPES.iter().find(|(n, _, _)| *n == number) {
            return Ok(Self(*kind));
        }
        let name = OTHERS.iter().find(|(n, _)| *n == number);
        Err(name.map_or_else(|| number.to_string(), |(_, name)| (*name).to_owned()))
    }

    /// The name of every type that is decoded.
    pub fn known() -> String {
        TYPES.map(|(_, name, _)| name).join(", ")
    }

    /// ggml's name.
    pub fn name(self) -> &'static str {
        TYPES.iter().find(|(_, _, kind)| *kind == self.0).map_or("?", |(_, name, _)| name)
    }

    /// Numbers a block.
    pub fn block(self) -> usize {
        self.0.block_size()
    }

    /// Bytes a block.
    pub fn bytes(self) -> usize {
        self.0.type_size()
    }

    /// The tensor `shape` in f32 of bytes that hold it whole.
    ///
    /// # Errors
    /// candle's.
    pub fn decode(self, bytes: &[u8], shape: &[usize]) -> candle_core::Result<Tensor> {
        // A fresh allocation: a mapped file's bytes need not lie where the block's type wants them.
        let owned = bytes.to_vec();
        qtensor_from_ggml(self.0, &owned, shape.to_vec(), &Device::Cpu)?.dequantize(&Device::Cpu)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::quantized::QTensor;

    #[test]
    fn every_type_comes_back_as_candle_stored_it() {
        let numbers: Vec<f32> = (0..512).map(|n| ((n * 37 % 101) as f32 - 50.0) / 25.0).collect();
        let tensor = Tensor::from_vec(numbers, (2, 256), &Device::Cpu).unwrap();
        for (number, name, kind) in TYPES {
            let stored = QTensor::quantize(&tensor, kind).unwrap();
            let ours = TensorType::from_number(number).unwrap();
            assert_eq!(ours.name(), name);
            assert_eq!(stored.storage_size_in_bytes(), 512 / ours.block() * ours.bytes());
            let decoded = ours.decode(&stored.data().unwrap(), &[2, 256]).unwrap();
            let wanted = stored.dequantize(&Device::Cpu).unwrap();
            let apart = (decoded - wanted).unwrap().abs().unwrap().max_all().unwrap();
            assert_eq!(apart.to_scalar::<f32>().unwrap(), 0.0, "{name}");
        }
        assert_eq!(TensorType::from_number(20), Err("IQ4_NL".to_owned()));
        assert_eq!(TensorType::from_number(999), Err("999".to_owned()));
    }
}
