//! What a process and the machine have used, as Linux counts it in /proc.
//!
//! Deliberately nothing a program says about itself. Invariant: CPU time is that of all threads, of a process that is
//! still alive.

use anyhow::{Context, Result};

fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("reading {path}"))
}

/// User and system time so far, in seconds; the kernel counts hundredths.
pub(crate) fn cpu_seconds(pid: u32) -> Result<f64> {
    let path = format!("/proc/{pid}/stat");
    let stat = read(&path)?;
    // "pid (name) state …": the name may hold anything, so count from its end; proc(5) numbers utime 14.
    let fields: Vec<&str> = stat
        .rsplit_once(") ")
        .map(|(_, rest)| rest.split(' ').collect())
        .unwrap_or_default();
    let ticks = |number: usize| -> Result<f64> {
        let field = fields.get(number - 3).and_then(|f| f.parse().ok());
        field.with_context(|| format!("reading {path}: no field {number}"))
    };
    Ok((ticks(14)? + ticks(15)?) / rustix::param::clock_ticks_per_second() as f64)
}

/// Makes the peak of resident memory begin anew.
pub(crate) fn reset_peak(pid: u32) -> Result<()> {
    let path = format!("/proc/{pid}/clear_refs");
    std::fs::write(&path, "5").with_context(|| format!("writing {path}"))
}

/// The peak of resident memory since, in MiB.
pub(crate) fn peak_mib(pid: u32) -> Result<f64> {
    field_kib(&format!("/proc/{pid}/status"), "VmHWM:").map(|kib| kib / 1024.0)
}

/// A line of /proc that gives KiB.
fn field_kib(path: &str, name: &str) -> Result<f64> {
    let text = read(path)?;
    let line = text.lines().find_map(|l| l.strip_prefix(name));
    let number = line.and_then(|l| l.split_whitespace().next()?.parse().ok());
    number.with_context(|| format!("reading {path}: no {name}"))
}

/// The load average of the last minute.
pub(crate) fn load() -> Result<f64> {
    let text = read("/proc/loadavg")?;
    let first = text.split(' ').next().and_then(|f| f.parse().ok());
    first.context("reading /proc/loadavg: no number")
}

/// The machine in one line.
pub(crate) fn machine() -> Result<String> {
    let cpus = read("/proc/cpuinfo")?;
    let model = cpus.lines().find_map(|l| l.strip_prefix("model name"));
    let model = model.map_or("unknown CPU", |m| m.trim_start_matches(['\t', ' ', ':']));
    let count = std::thread::available_parallelism().context("counting CPUs")?;
    let memory = field_kib("/proc/meminfo", "MemTotal:")? / 1024.0 / 1024.0;
    let kernel = read("/proc/sys/kernel/osrelease")?;
    Ok(format!(
        "{count} CPUs ({model}), {memory:.0} GiB, Linux {}",
        kernel.trim()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    fn work_is_counted() {
        let pid = std::process::id();
        let before = cpu_seconds(pid).unwrap();
        let mut x = 1_u64;
        while cpu_seconds(pid).unwrap() < before + 0.05 {
            x = std::hint::black_box(x.wrapping_mul(3));
        }
        reset_peak(pid).unwrap();
        let peak = peak_mib(pid).unwrap();
        let block = std::hint::black_box(vec![1_u8; 64 << 20]);
        assert!(peak_mib(pid).unwrap() > peak + 60.0);
        drop(block);
    }
}
