//! Owns playing a script with an error at every operation it asks for, one run for
//! each error, once and for ever; and, compounded with that, crashes at what follows.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::path::PathBuf;
use std::rc::Rc;

use super::faults::{self, faults};
use super::judge::Judgement;
use super::{Address, Explorer, Played, Tally};
use crate::engine::Engine;
use crate::panics;
use crate::random::{Random, mix};
use crate::sim::{Crashed, Cut, Fault, Moment, Notes};

/// What came of one sort of error in one script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Runs, each with the error at another operation, or in another variety.
    pub runs: u64,
    /// Runs in which the script was told of it, by an error that names it.
    pub refused: u64,
    /// Kills and power cuts after the error.
    pub crashes: u64,
}

impl AddAssign for Cell {
    fn add_assign(&mut self, other: Self) {
        self.runs += other.runs;
        self.refused += other.refused;
        self.crashes += other.crashes;
    }
}

/// What came of a script with every error.
#[derive(Clone, Debug, Default)]
pub struct Swept {
    /// Operations of a run without faults: there is an error at each of them.
    pub operations: u64,
    /// By the sort of error, and whether it stays.
    pub cells: BTreeMap<(&'static str, bool), Cell>,
    /// The states judged, and the failures.
    pub tally: Tally,
}

/// Folders that stand for disks: a new and empty one with each call.
pub type Homes<'h> = &'h dyn Fn() -> PathBuf;

impl<E: Engine> Explorer<'_, E> {
    /// Plays the script with every fault of its list. After each the process is killed,
    /// and then the power fails with everything lost that was not synced; beside that
    /// there are about `crashes` crashes at moments after the error. `told` gets the
    /// address of each run before it begins.
    #[must_use]
    pub fn sweep(mut self, crashes: u64, told: &dyn Fn(&str)) -> Swept {
        let Some((mut swept, list)) = self.list(None, told) else {
            return self.failed();
        };
        for (at, fault) in list.iter().enumerate() {
            let mut address = Address::of(Some(at));
            told(&address.to_string());
            self.met = Some(*fault);
            let before = self.tally.states;
            let cell = swept.cell(fault);
            match panics::caught(|| self.play(Some(*fault))) {
                Ok(played) => {
                    cell.refused += u64::from(played.refused.is_some());
                    self.crash_after(&played, &mut address, crashes);
                }
                Err(sentence) => self.fail(&address, "run", sentence),
            }
            cell.crashes += self.tally.states - before;
        }
        swept.tally = self.tally;
        swept
    }

    /// As [`sweep`](Self::sweep), where stores are not simulated, each run in a folder of
    /// its own: with the faults that make a difference there. After each run the process
    /// is killed; beside that there are as many runs as `crashes` says in which it is
    /// killed at an operation after the error.
    #[must_use]
    pub fn sweep_files(mut self, homes: Homes<'_>, crashes: u64, told: &dyn Fn(&str)) -> Swept {
        let Some((mut swept, list)) = self.list(Some(homes), told) else {
            return self.failed();
        };
        let mut random = Random::new(mix(self.seed ^ 5));
        for (at, fault) in list.iter().enumerate() {
            self.met = Some(*fault);
            let mut ends = vec![None];
            while let Some(dies_at) = ends.pop() {
                let address = Address::killed(at, dies_at);
                told(&address.to_string());
                let cell = swept.cell(fault);
                cell.crashes += 1;
                cell.runs -= u64::from(dies_at.is_some());
                match panics::caught(|| self.live_in(homes(), Some((at, *fault)), dies_at)) {
                    Ok(played) => {
                        cell.refused += u64::from(dies_at.is_none() && played.refused.is_some());
                        let (from, to) = (played.struck_operation(), played.machine.operations());
                        if dies_at.is_none() && from < to {
                            let drawn = (0..crashes).map(|_| from + 1 + random.below(to - from));
                            ends.extend(drawn.map(Some));
                        }
                    }
                    Err(sentence) => self.fail(&address, "run", sentence),
                }
            }
        }
        swept.tally = self.tally;
        swept
    }

    /// Plays the run at `address` once more, in this folder.
    ///
    /// # Errors
    /// The sentence of its failure.
    pub fn repeat_files(
        mut self,
        homes: Homes<'_>,
        address: &Address,
        notes: &Notes,
    ) -> Result<(), String> {
        let fault = match address.fault() {
            None => None,
            Some(at) => {
                let (_, list) = self.list(Some(homes), &|_| {}).ok_or("it fails unharmed")?;
                let fault = list.get(at).map(|fault| (at, *fault));
                Some(fault.ok_or_else(|| format!("{address} names no fault of this run"))?)
            }
        };
        self.plan.setup.notes = Some(Rc::clone(notes));
        notes
            .borrow_mut()
            .extend(fault.map(|(_, it)| format!("{it:?}")));
        let lived = panics::caught(|| self.live_in(homes(), fault, address.dies_at()));
        lived.map(|_| ())
    }

    /// The faults there are, from a run without any.
    fn list(
        &mut self,
        homes: Option<Homes<'_>>,
        told: &dyn Fn(&str),
    ) -> Option<(Swept, Vec<Fault>)> {
        told("run");
        let played = panics::caught(|| match homes {
            None => self.play(None),
            Some(homes) => self.live_in(homes(), None, None),
        });
        match played {
            Ok(played) => {
                let swept = Swept {
                    operations: played.machine.operations(),
                    ..Swept::default()
                };
                let mut list = faults(&played.machine);
                list.retain(|fault| homes.is_none() || faults::is_plain(fault));
                Some((swept, list))
            }
            Err(sentence) => {
                self.fail(&Address::of(None), "run", sentence);
                None
            }
        }
    }

    fn failed(self) -> Swept {
        Swept {
            tally: self.tally,
            ..Swept::default()
        }
    }

    /// Kills the process at the end; cuts the power there; and at other moments after
    /// the error.
    fn crash_after(&mut self, played: &Played, address: &mut Address, crashes: u64) {
        let moments = &played.moments;
        let Some((last, moment)) = moments.iter().enumerate().next_back() else {
            return;
        };
        for cut in [Cut::Kill, Cut::Power] {
            let step = super::Step {
                moment: last,
                cut,
                number: 0,
            };
            let crashed = self.crashes(moment, cut).get(0);
            address.push(step);
            self.state(moment, cut, &crashed, address);
            address.pop();
        }
        if crashes > 0 {
            self.crash(moments, played.struck_moment(), address, crashes);
        }
    }

    /// Plays the script in a folder, kills the process, and judges what it left.
    fn live_in(
        &mut self,
        home: PathBuf,
        fault: Option<(usize, Fault)>,
        dies_at: Option<u64>,
    ) -> Result<Played, String> {
        self.plan.setup.home = Some(home.into());
        self.plan.setup.dies_at = dies_at;
        let played = self.play(fault.map(|(_, fault)| fault));
        self.plan.setup.dies_at = None;
        let played = played?;
        let moment = played.moments.last().ok_or("no moment was kept")?;
        // The folder has no hash to draw from.
        let at = fault.map_or(0, |(at, _)| at as u64 + 1);
        let drawn = mix(mix(self.seed ^ at) ^ dies_at.unwrap_or(0));
        self.judge_folder(moment, Judgement::drawn(drawn))?;
        Ok(played)
    }

    fn judge_folder(&mut self, moment: &Moment, judgement: Judgement) -> Result<(), String> {
        let killed: Crashed = self.crashes(moment, Cut::Kill).get(0);
        self.tally.states += 1;
        self.tally.count(moment, &killed, Cut::Kill, 1);
        let judged = self.judge(&killed, &moment.model, Cut::Kill, judgement)?;
        self.tally.lived_on += u64::from(judgement.lives_on);
        self.tally.looked_at += u64::from(judgement.looks_first);
        self.tally.lost_to_lies += judged.lost_to_lies;
        Ok(())
    }
}

impl Swept {
    fn cell(&mut self, fault: &Fault) -> &mut Cell {
        let sort = (faults::sort(fault), fault.times > 1);
        let cell = self.cells.entry(sort).or_default();
        cell.runs += 1;
        cell
    }

    /// Adds what came of the same script with another seed.
    pub fn add(&mut self, other: Self) {
        self.operations += other.operations;
        for (sort, cell) in other.cells {
            *self.cells.entry(sort).or_default() += cell;
        }
        self.tally.add(other.tally);
    }
}
