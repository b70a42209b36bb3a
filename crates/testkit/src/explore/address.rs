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
/// recovery, kill, outcome 0. `x3:` before it says that the run itself met
/// fault 3 of its list; `run` instead of it that the run itself failed; `d12`
/// damage number 12 to what the run left, and `e70` that every process was killed
/// after 70 operations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    fault: Option<usize>,
    damage: Option<u64>,
    dies_at: Option<u64>,
    steps: Vec<Step>,
}

impl Address {
    /// No crash yet, in a run that met this fault of its list.
    pub(super) const fn of(fault: Option<usize>) -> Self {
        Self {
            fault,
            damage: None,
            dies_at: None,
            steps: Vec::new(),
        }
    }

    /// The processes of a run were killed after as many operations, or lived.
    pub(super) const fn killed(fault: usize, dies_at: Option<u64>) -> Self {
        Self {
            fault: Some(fault),
            damage: None,
            dies_at,
            steps: Vec::new(),
        }
    }

    /// Damage to what a run left.
    pub(super) const fn of_damage(number: u64) -> Self {
        Self {
            fault: None,
            damage: Some(number),
            dies_at: None,
            steps: Vec::new(),
        }
    }

    /// The number of the damage to what the run left.
    #[must_use]
    pub const fn damage(&self) -> Option<u64> {
        self.damage
    }

    /// The number of operations after which the processes of the run were killed.
    #[must_use]
    pub const fn dies_at(&self) -> Option<u64> {
        self.dies_at
    }

    /// The fault the run met, by its place in the list of faults.
    #[must_use]
    pub const fn fault(&self) -> Option<usize> {
        self.fault
    }

    /// The crashes, outermost first.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// How many crashes there are.
    #[must_use]
    pub const fn depth(&self) -> usize {
        self.steps.len()
    }

    pub(super) fn push(&mut self, step: Step) {
        self.steps.push(step);
    }

    pub(super) fn pop(&mut self) {
        self.steps.pop();
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(fault) = self.fault {
            write!(f, "x{fault}:")?;
        }
        if let Some(damage) = self.damage {
            return write!(f, "d{damage}");
        }
        if let Some(operations) = self.dies_at {
            return write!(f, "e{operations}");
        }
        if self.steps.is_empty() {
            return f.write_str("run");
        }
        for (at, step) in self.steps.iter().enumerate() {
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
        f.write_str(
            "a state is written as 17p243, as 17p243/5k0 inside a recovery, as d12, as e70, or as run",
        )
    }
}

impl std::error::Error for NoAddress {}

impl FromStr for Address {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let (fault, text) = match text.strip_prefix('x').and_then(|text| text.split_once(':')) {
            Some((fault, rest)) => (Some(fault.parse().map_err(|_| NoAddress)?), rest),
            None => (None, text),
        };
        if text == "run" {
            return Ok(Self::of(fault));
        }
        if let Some(damage) = text.strip_prefix('d') {
            return damage.parse().map(Self::of_damage).map_err(|_| NoAddress);
        }
        if let Some(operations) = text.strip_prefix('e') {
            return Ok(Self {
                dies_at: Some(operations.parse().map_err(|_| NoAddress)?),
                ..Self::of(fault)
            });
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
        let steps = text.split('/').map(step).collect::<Result<_, _>>()?;
        Ok(Self {
            fault,
            damage: None,
            dies_at: None,
            steps,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn an_address_reads_back() {
        for text in [
            "run",
            "x7:run",
            "0k0",
            "17p243/5k0/1p99",
            "x12:3k4",
            "d12",
            "x4:e70",
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
        }
        for text in ["", "17", "p", "1p", "p1", "1x2", "1p2/", "x:1p2", "x1p2"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
