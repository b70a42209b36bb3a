//! Owns the name of a crash state within its run.

use std::fmt;
use std::str::FromStr;

use crate::sim::Cut;

/// One crash: at which moment, of which sort, with which outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The number of the moment in its run.
    pub moment: usize,
    /// How the machine stopped.
    pub cut: Cut,
    /// Which of the possible outcomes.
    pub number: u64,
}

/// A crash, and the crashes inside the recoveries from it. Written as
/// `17p243/5k0`: moment 17, power cut, outcome 243; then moment 5 of the
/// recovery, kill, outcome 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address(Vec<Step>);

impl Address {
    /// The crashes, outermost first.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// How many crashes there are.
    #[must_use]
    pub const fn depth(&self) -> usize {
        self.0.len()
    }

    pub(super) fn push(&mut self, step: Step) {
        self.0.push(step);
    }

    pub(super) fn pop(&mut self) {
        self.0.pop();
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("run");
        }
        for (at, step) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "/" };
            let cut = &step.cut.as_str()[..1];
            write!(f, "{separator}{}{cut}{}", step.moment, step.number)?;
        }
        Ok(())
    }
}

/// Not the name of a crash state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoAddress;

impl fmt::Display for NoAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a state is written as 17p243, or as 17p243/5k0 inside a recovery, or as run")
    }
}

impl std::error::Error for NoAddress {}

impl FromStr for Address {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        if text == "run" {
            return Ok(Self::default());
        }
        let step = |text: &str| {
            let at = text.find(['k', 'p']).ok_or(NoAddress)?;
            let cut = if text[at..].starts_with('k') {
                Cut::Kill
            } else {
                Cut::Power
            };
            Ok(Step {
                moment: text[..at].parse().map_err(|_| NoAddress)?,
                cut,
                number: text[at + 1..].parse().map_err(|_| NoAddress)?,
            })
        };
        text.split('/')
            .map(step)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn an_address_reads_back() {
        for text in ["run", "0k0", "17p243/5k0/1p99"] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
        }
        for text in ["", "17", "p", "1p", "p1", "1x2", "1p2/"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
