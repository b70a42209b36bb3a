//! Owns what libFuzzer says of one session: counts, and the input that broke something.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};

/// Bytes up to which an input is printed.
const PRINTED: usize = 256;

/// What came of one session.
#[derive(Default)]
pub struct Session {
    /// Inputs fed.
    pub executions: u64,
    /// Inputs a second.
    pub per_second: u64,
    /// Edges reached, and features: edges with how often they were taken.
    pub coverage: u64,
    pub features: u64,
    /// What it ended with, unless by the time.
    pub crash: Option<Crash>,
}

/// An input that broke something.
pub struct Crash {
    /// What was said about it.
    pub said: String,
    /// Where it is.
    pub input: Option<PathBuf>,
}

impl Session {
    /// Reads what libFuzzer printed.
    pub fn read(text: &str) -> Self {
        let mut session = Self::default();
        let mut said = None;
        let mut input = None;
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            if line.starts_with('#') && line.contains(" cov: ") {
                session.coverage = behind(line, "cov: ");
                session.features = behind(line, "ft: ");
            } else if let Some(count) = line.strip_prefix("stat::number_of_executed_units:") {
                session.executions = count.trim().parse().unwrap_or(0);
            } else if let Some(count) = line.strip_prefix("stat::average_exec_per_sec:") {
                session.per_second = count.trim().parse().unwrap_or(0);
            } else if let Some((_, place)) = line.split_once(" panicked at ") {
                let message = lines.peek().copied().unwrap_or_default();
                said.get_or_insert(format!("{message} ({})", place.trim_end_matches(':')));
            } else if let Some((_, error)) = line.split_once("ERROR: libFuzzer: ") {
                said.get_or_insert(error.to_owned());
            } else if let Some((_, path)) = line.split_once("Test unit written to ") {
                input = Some(PathBuf::from(path.trim()));
            }
        }
        session.crash = said.map(|said| Crash { said, input });
        session
    }

    /// The counts.
    pub fn to_json(&self) -> Value {
        json!({
            "executions": self.executions,
            "per_second": self.per_second,
            "coverage": self.coverage,
            "features": self.features,
        })
    }
}

impl Crash {
    /// The input, and how to repeat it.
    pub fn describe(&self, target: &str) -> String {
        let Some(path) = &self.input else {
            return "; libFuzzer kept no input".to_owned();
        };
        let shown = path.display();
        let mut text = String::from("; the input is ");
        if let Ok(bytes) = std::fs::read(path)
            && bytes.len() <= PRINTED
        {
            // A String takes every write.
            bytes.iter().for_each(|byte| {
                let _ = write!(text, "{byte:02x}");
            });
            text.push_str(" in ");
        }
        let _ = write!(
            text,
            "{shown}; repeat it with `cargo xtask fuzz --target {target} --repeat {shown}`"
        );
        text
    }
}

fn behind(line: &str, name: &str) -> u64 {
    let number = line.split_once(name).map(|(_, rest)| rest);
    let number = number.and_then(|rest| rest.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_and_the_first_panic_is_the_reason() {
        let session = Session::read(
            "#2\tINITED cov: 3 ft: 4 corp: 1/1b exec/s: 0 rss: 29Mb\n\
             #83\tREDUCE cov: 147 ft: 158 corp: 4/219b lim: 65 exec/s: 0 rss: 29Mb L: 55/65\n\
             thread '<unnamed>' (8878) panicked at fuzz/src/targets/header.rs:40:37:\n\
             index out of bounds\n==1== ERROR: libFuzzer: deadly signal\n\
             artifact_prefix='a/'; Test unit written to a/header-crash-82\n\
             stat::number_of_executed_units: 83\nstat::average_exec_per_sec:     12\n",
        );
        assert_eq!((session.executions, session.per_second), (83, 12));
        assert_eq!((session.coverage, session.features), (147, 158));
        let crash = session.crash.unwrap();
        assert_eq!(
            crash.said,
            "index out of bounds (fuzz/src/targets/header.rs:40:37)"
        );
        assert_eq!(crash.input, Some(PathBuf::from("a/header-crash-82")));
        let sentence = crash.describe("header");
        assert!(sentence.contains("--target header --repeat a/header-crash-82"));
    }

    #[test]
    fn an_input_that_never_ends_is_a_crash_and_the_time_being_up_is_none() {
        let stuck = Session::read("==7== ERROR: libFuzzer: timeout after 10 seconds\n");
        assert_eq!(stuck.crash.unwrap().said, "timeout after 10 seconds");
        let done = Session::read("Done 12 runs in 15 second(s)\n");
        assert!(done.crash.is_none());
    }
}
