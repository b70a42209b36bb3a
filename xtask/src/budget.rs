//! Owns how long a CI run may take. Each part of the project brings its own
//! minutes; a run fails above their sum.

use std::time::Duration;

/// The parts that exist, and the minutes each may add on two cores, from a
/// fresh clone.
const PARTS: &[(&str, u64)] = &[
    ("engine", 12),
    ("engine proof", 6),
    ("log verbs", 3),
    ("browser", 8),
];

/// The sum of all parts.
pub fn total() -> Duration {
    Duration::from_secs(60 * PARTS.iter().map(|(_, minutes)| minutes).sum::<u64>())
}
