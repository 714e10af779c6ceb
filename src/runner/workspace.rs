//! Where a command works: folders, device, threads.

use crate::encode::Sources;
use candle_core::Device;
use std::path::PathBuf;

/// The places and the means of one command.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// Where sessions are.
    pub sessions: PathBuf,
    /// Where checkpoints and embedding tables are.
    pub checkpoints: PathBuf,
    /// The device, opened.
    pub device: Device,
    /// The device by name: `cpu` or `cuda:N`.
    pub device_name: String,
    /// Threads that compute.
    pub threads: usize,
    /// Bytes that this process may hold; none for what the machine has.
    pub memory_limit: Option<u64>,
}

impl Workspace {
    /// Where encoders are loaded from.
    pub fn sources(&self) -> Sources {
        let (checkpoints, device) = (self.checkpoints.clone(), self.device.clone());
        Sources { checkpoints, device, weigh: false }
    }
}

/// Opens a device by its name: `auto` takes the first CUDA device where the program was built for
/// one and finds it, else the processor.
pub fn open_device(name: &str) -> Result<(Device, String), candle_core::Error> {
    let cuda = |ordinal: usize| Ok((Device::new_cuda(ordinal)?, format!("cuda:{ordinal}")));
    match name {
        "cpu" => Ok((Device::Cpu, "cpu".to_owned())),
        "auto" if candle_core::utils::cuda_is_available() => {
            cuda(0).or_else(|_: candle_core::Error| Ok((Device::Cpu, "cpu".to_owned())))
        }
        "auto" => Ok((Device::Cpu, "cpu".to_owned())),
        other => match other.strip_prefix("cuda:").map(str::parse) {
            Some(Ok(ordinal)) => cuda(ordinal),
            _ => Err(candle_core::Error::Msg(format!(
                "no device is called {other:?}: expected auto, cpu or cuda:N"
            ))),
        },
    }
}
