//! Owns what a table says of where and when it was measured.

use std::fs;
use std::thread;

use anyhow::Result;

/// Processor, number of cores, system and its version.
///
/// # Errors
/// When the number of cores is not known.
pub fn describe() -> Result<String> {
    let cores = thread::available_parallelism()?;
    let processor = line_of("/proc/cpuinfo", "model name").unwrap_or_else(|| "processor".into());
    let system = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    Ok(format!(
        "{processor}, {cores} cores, {} {}, {}",
        std::env::consts::OS,
        system.trim(),
        std::env::consts::ARCH
    ))
}

/// The day, as `2026-01-31`.
#[must_use]
pub fn today() -> String {
    jiff::Zoned::now().strftime("%Y-%m-%d").to_string()
}

fn line_of(path: &str, field: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(field))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
