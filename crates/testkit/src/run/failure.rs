//! Owns why a script did not go on.

use std::fmt;

use tidelog_core::ErrorKind;

use crate::engine::Refusal;
use crate::sim::Stuck;

/// Why a script did not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The engine broke a promise.
    Broken(String),
    /// The engine refused; that is right where the disk has faults.
    Refused(Refusal),
}

impl Failure {
    /// Whether it is a refusal of this kind.
    #[must_use]
    pub fn is(&self, kind: ErrorKind) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.kind == kind)
    }

    /// Whether the engine says that something is damaged or gone.
    #[must_use]
    pub fn reports_loss(&self) -> bool {
        [ErrorKind::Corrupt, ErrorKind::NotFound, ErrorKind::Lost]
            .into_iter()
            .any(|kind| self.is(kind))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(sentence) => f.write_str(sentence),
            Self::Refused(refusal) => write!(f, "refused: {refusal}"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<String> for Failure {
    fn from(sentence: String) -> Self {
        Self::Broken(sentence)
    }
}

impl From<Stuck> for Failure {
    fn from(stuck: Stuck) -> Self {
        Self::Broken(stuck.to_string())
    }
}
