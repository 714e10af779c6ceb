//! Accelerators, by NVML: its library is looked for when the program runs, and none is no error.

use nvml_wrapper::Nvml;
use nvml_wrapper::enum_wrappers::device::TemperatureSensor;

/// One accelerator at one moment. What its driver does not tell is absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GpuSample {
    /// Its name.
    pub name: String,
    /// Share of time in which it computed, 0 to 1.
    pub utilisation: Option<f64>,
    /// Bytes of its memory used, and there are.
    pub memory: Option<(u64, u64)>,
    /// Watts drawn.
    pub watts: Option<f64>,
    /// Degrees Celsius.
    pub celsius: Option<f64>,
}

/// The door to NVML.
#[derive(Debug)]
pub struct Gpus {
    nvml: Nvml,
}

impl Gpus {
    /// Opens NVML; nothing where there is none.
    #[must_use]
    pub fn open() -> Option<Self> {
        Nvml::init().ok().map(|nvml| Self { nvml })
    }

    /// All accelerators, in the driver's order.
    #[must_use]
    pub fn sample(&self) -> Vec<GpuSample> {
        let count = self.nvml.device_count().unwrap_or(0);
        (0..count)
            .filter_map(|at| self.nvml.device_by_index(at).ok())
            .map(|device| one(&device))
            .collect()
    }
}

fn one(device: &nvml_wrapper::Device<'_>) -> GpuSample {
    let memory = device.memory_info().ok();
    GpuSample {
        name: device.name().unwrap_or_else(|_| "GPU".to_owned()),
        utilisation: device.utilization_rates().ok().map(|rates| f64::from(rates.gpu) / 100.0),
        memory: memory.map(|memory| (memory.used, memory.total)),
        watts: device.power_usage().ok().map(|milliwatts| f64::from(milliwatts) / 1000.0),
        celsius: device.temperature(TemperatureSensor::Gpu).ok().map(f64::from),
    }
}
