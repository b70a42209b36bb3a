//! Owns the table: one row per comparison, for people or as JSON.

use std::fmt;

use anyhow::Result;
use serde::Serialize;

use crate::rounds::Figures;

/// What a row has to reach.
#[derive(Clone, Copy, Debug)]
pub enum Bar {
    /// Ours costs at most this many times what the peer costs.
    CostAtMost(f64),
    /// Ours is at least this many times as fast as the peer.
    SpeedAtLeast(f64),
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CostAtMost(limit) => write!(f, "<= {limit}"),
            Self::SpeedAtLeast(limit) => write!(f, ">= {limit}"),
        }
    }
}

/// One comparison.
#[derive(Debug, Serialize)]
pub struct Row {
    /// What was done, and at which durability.
    pub name: String,
    /// Ours, in `unit`: the median.
    pub ours: f64,
    /// Best and worst round of ours.
    pub ours_range: [f64; 2],
    /// The peer, in `unit`: the median.
    pub peer: f64,
    /// Best and worst round of the peer.
    pub peer_range: [f64; 2],
    /// What it is measured against.
    pub peer_name: String,
    /// Ours by peer, the median of the rounds. With a bar `>=` peer by ours: speed.
    pub ratio: f64,
    /// The lowest and the highest round's.
    pub ratio_range: [f64; 2],
    /// What the ratio should be, if that is said anywhere.
    pub bar: Option<String>,
    /// Whether it is.
    pub met: Option<bool>,
    /// What `ours` and `peer` are counted in.
    pub unit: &'static str,
    /// How often both sides were measured.
    pub rounds: usize,
    /// What else there is to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Row {
    /// Compares what two sides needed per message.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        ours: &Figures,
        peer_name: impl Into<String>,
        peer: &Figures,
        bar: Option<Bar>,
    ) -> Self {
        let cost = ours.over(peer);
        let ratio = match bar {
            Some(Bar::SpeedAtLeast(_)) => cost.inverse(),
            _ => cost,
        };
        let median = ratio.median();
        Self {
            name: name.into(),
            ours: ours.median(),
            ours_range: ours.range(),
            peer: peer.median(),
            peer_range: peer.range(),
            peer_name: peer_name.into(),
            ratio: median,
            ratio_range: ratio.range(),
            met: bar.map(|bar| match bar {
                Bar::CostAtMost(limit) => median <= limit,
                Bar::SpeedAtLeast(limit) => median >= limit,
            }),
            bar: bar.map(|bar| bar.to_string()),
            unit: "ns/record",
            rounds: ours.rounds(),
            note: None,
        }
    }

    /// The same row, counted in something else.
    #[must_use]
    pub fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    /// The same row, with something said about it.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    fn line(&self) -> String {
        let verdict = match self.met {
            None => "",
            Some(true) => "met",
            Some(false) => "MISSED",
        };
        format!(
            "| {} | {} | {} | {} | {:.2} ({:.2}-{:.2}) | {} | {verdict} | {} |",
            self.name,
            amount(self.ours, self.ours_range),
            self.peer_name,
            amount(self.peer, self.peer_range),
            self.ratio,
            self.ratio_range[0],
            self.ratio_range[1],
            self.bar.as_deref().unwrap_or_default(),
            self.note.as_deref().unwrap_or_default(),
        )
    }
}

fn amount(median: f64, [best, worst]: [f64; 2]) -> String {
    let digits = usize::from(median < 100.0);
    format!("{median:.digits$} ({best:.digits$}-{worst:.digits$})")
}

/// All rows of a run.
#[derive(Debug, Serialize)]
pub struct Report {
    machine: String,
    date: String,
    rows: Vec<Row>,
    #[serde(skip)]
    json: bool,
}

impl Report {
    /// A report without rows. Rows are printed as they come: on stdout, or on
    /// stderr if stdout is to get JSON.
    #[must_use]
    pub fn begin(machine: String, date: String, json: bool) -> Self {
        let report = Self {
            machine,
            date,
            rows: Vec::new(),
            json,
        };
        report.say(&format!("{}, {}\n", report.machine, report.date));
        report.say("| what | ours | beside | peer | ratio | bar | | note |");
        report.say("|---|---|---|---|---|---|---|---|");
        report
    }

    fn say(&self, line: &str) {
        if self.json {
            eprintln!("{line}");
        } else {
            println!("{line}");
        }
    }

    /// Adds a row.
    pub fn add(&mut self, row: Row) {
        self.say(&row.line());
        self.rows.push(row);
    }

    /// Prints the JSON object, if it was asked for.
    ///
    /// # Errors
    /// A number that JSON cannot express.
    pub fn print(&self) -> Result<()> {
        if self.json {
            println!("{}", serde_json::to_string(self)?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn figures(nanos: u64) -> Figures {
        let mut figures = Figures::default();
        figures.add(Duration::from_nanos(nanos), 1);
        figures
    }

    #[test]
    fn bars_are_costs_or_speeds() {
        let row = |bar| Row::new("x", &figures(20), "y", &figures(10), Some(bar));
        assert_eq!(row(Bar::CostAtMost(2.0)).met, Some(true));
        assert_eq!(row(Bar::CostAtMost(1.9)).met, Some(false));
        assert_eq!(row(Bar::SpeedAtLeast(0.5)).met, Some(true));
        assert_eq!(row(Bar::SpeedAtLeast(0.6)).met, Some(false));
        assert!((row(Bar::SpeedAtLeast(0.6)).ratio - 0.5).abs() < 1e-9);
    }
}
