//! Processor, memory, and graphics cards through NVIDIA's own library, which is looked for at run
//! time: a machine without one has none, and that is no error.

use super::{Check, State, Surroundings, bytes};
use crate::machine::{Machine, memory_available};
use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;

const GROUP: &str = "compute";

pub(super) fn checks(around: &Surroundings) -> Vec<Check> {
    let machine = Machine::look();
    let mut checks = vec![processor(&machine), memory(&machine)];
    checks.extend(cards(around.cuda));
    checks
}

fn processor(machine: &Machine) -> Check {
    let (found, slow) = vectors();
    Check::new(
        GROUP,
        "processor",
        format!("{}, {} cores to use, {found}", machine.processor, machine.cores),
    )
    .advise_if(
        slow,
        State::Warning,
        "matrix products are several times slower without AVX2; use another machine for training",
    )
}

#[cfg(target_arch = "x86_64")]
fn vectors() -> (&'static str, bool) {
    if std::arch::is_x86_feature_detected!("avx512f") {
        ("AVX-512", false)
    } else if std::arch::is_x86_feature_detected!("avx2") {
        ("AVX2", false)
    } else {
        ("neither AVX-512 nor AVX2", true)
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn vectors() -> (&'static str, bool) {
    (std::env::consts::ARCH, false)
}

fn memory(machine: &Machine) -> Check {
    let free = memory_available();
    let found = format!("{} free of {}", bytes(free), bytes(machine.memory_total));
    Check::new(GROUP, "memory", found).advise_if(
        free < 1 << 30,
        State::Warning,
        "below 1 GiB: smaller batches (--set batch=..., micro_batch=...) or fewer programs beside it",
    )
}

fn cards(cuda: bool) -> Vec<Check> {
    let name = "graphics card";
    let nvml = match Nvml::init() {
        Ok(nvml) => nvml,
        Err(NvmlError::LibloadingError(_)) => {
            return vec![
                Check::new(GROUP, name, "none: NVIDIA's library is not here")
                    .advise(State::Note, "everything runs on the processor"),
            ];
        }
        Err(error) => {
            return vec![Check::new(GROUP, name, format!("the driver answers: {error}")).advise(
                State::Warning,
                "load the driver (nvidia-smi says more); until then everything runs on the processor",
            )];
        }
    };
    let count = nvml.device_count().unwrap_or(0);
    let driver = nvml.sys_driver_version().unwrap_or_default();
    let mut checks = Vec::new();
    for index in 0..count {
        let Ok(card) = nvml.device_by_index(index) else { continue };
        let memory = card.memory_info().ok();
        let busy = card.utilization_rates().map_or(0, |rates| rates.gpu);
        let room = memory.as_ref().map_or_else(String::new, |memory| {
            format!(", {} free of {}", bytes(memory.free), bytes(memory.total))
        });
        let found = format!(
            "cuda:{index} {}{room}, {busy} % busy, driver {driver}",
            card.name().unwrap_or_default()
        );
        let check = Check::new(GROUP, name, found);
        checks.push(if cuda {
            let full = memory.is_some_and(|memory| memory.free < 1 << 30);
            let advice = "others hold its memory; pick another with --device cuda:N, or wait";
            check.advise_if(full, State::Warning, advice)
        } else {
            let advice =
                "this build computes on the processor; build with --features cuda to use it";
            check.advise(State::Note, advice)
        });
    }
    if checks.is_empty() {
        checks.push(
            Check::new(GROUP, name, "none").advise(State::Note, "everything runs on the processor"),
        );
    }
    checks
}
