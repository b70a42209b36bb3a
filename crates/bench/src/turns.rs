//! Owns comparing contenders in short turns: all of them are open at once, and the
//! clock goes from one to the next every few appends. What the machine
//! or its disk does from one second to the next then hits all of them alike.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use tidelog::Durability;

use crate::peers::Contender;
use crate::rounds::{Figures, in_fresh_directory};
use crate::workload::{Appender, Workload};

/// Messages of a turn that are stored: some milliseconds.
const STORED: u64 = 2048;

/// Batches of a turn that are synced: enough for a disk to show what it does, few
/// enough to show it to everyone.
const SYNCED: usize = 20;

/// Runs the workload on every contender, once per round.
///
/// # Errors
/// The first failure of a contender, or of making its directory.
pub fn take_turns(
    dir: &Path,
    rounds: usize,
    workload: &Workload,
    contenders: &[Contender],
) -> Result<Vec<Figures>> {
    let turn = match workload.level {
        Durability::Synced => SYNCED,
        _ => usize::try_from((STORED / workload.batch).max(1))?,
    };
    let mut figures = vec![Figures::default(); contenders.len()];
    for _ in 0..rounds {
        let took = in_fresh_directory(dir, |dir| round(dir, workload, turn, contenders))?;
        for (figures, took) in figures.iter_mut().zip(took) {
            figures.add(took, workload.messages);
        }
    }
    Ok(figures)
}

fn round(
    dir: &Path,
    workload: &Workload,
    turn: usize,
    contenders: &[Contender],
) -> Result<Vec<Duration>> {
    let mut open: Vec<Box<dyn Appender>> = Vec::new();
    let mut batch = Vec::new();
    for (index, contender) in contenders.iter().enumerate() {
        let own = dir.join(index.to_string());
        std::fs::create_dir(&own)?;
        let mut appender = contender.open(&own)?;
        // The first batch is not timed: it creates files.
        workload.fill(0, &mut batch);
        appender.append(&batch)?;
        open.push(appender);
    }
    let mut took = vec![Duration::ZERO; open.len()];
    let batches = workload.messages / workload.batch;
    for (number, first) in (0..batches).step_by(turn).enumerate() {
        for step in 0..open.len() {
            let index = (number + step) % open.len();
            let begun = Instant::now();
            for batch_number in first..(first + turn as u64).min(batches) {
                workload.fill(batch_number, &mut batch);
                open[index].append(&batch)?;
            }
            took[index] += begun.elapsed();
        }
    }
    Ok(took)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;
    use crate::workload::{Message, Payload};

    struct Noting(usize, Rc<RefCell<Vec<usize>>>);

    impl Appender for Noting {
        fn append(&mut self, batch: &[Message]) -> Result<()> {
            assert_eq!(batch.len(), 2);
            self.1.borrow_mut().push(self.0);
            Ok(())
        }
    }

    #[test]
    fn everyone_appends_everything_and_nobody_is_always_first() {
        let home = tempfile::tempdir().unwrap();
        let log = Rc::new(RefCell::new(Vec::new()));
        let contenders: Vec<Contender> = (0..2)
            .map(|name| {
                let log = Rc::clone(&log);
                Contender::new("noting", move |_| Ok(Noting(name, Rc::clone(&log))))
            })
            .collect();
        let workload = Workload {
            payload: Payload::small(),
            messages: 10,
            batch: 2,
            level: Durability::Stored,
        };
        let took = round(home.path(), &workload, 3, &contenders).unwrap();
        assert_eq!(took.len(), 2);
        assert_eq!(*log.borrow(), [0, 1, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0]);
    }
}
