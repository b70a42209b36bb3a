//! Owns the judgement of one hit image: it is opened for reading and for writing,
//! read, checked, written to and, where it is refused, salvaged; and what the engine
//! makes of it is held against what the hit may cost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tidelog_core::{
    Access, At, CheckError, Durability, ErrorKind, Finding, Host, Local, Log, NewRecord, Options,
    ReadError, ReadLimits, Record, Recovery, recover,
};

use super::cost::{Cost, Manifest};
use super::layout::Layout;
use super::mutation::{Mutation, Mutations};
use super::sample::Sample;
use super::shelf::{Blobs, Shelf};
use crate::block_on::block_on;
use crate::golden::ExpectedRecord;
use crate::random::mix;

/// What a hit led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It changed no byte.
    Nothing,
    /// Everything is read as before, and nothing is said.
    Harmless,
    /// Opening, reading or checking names the place.
    Reported,
    /// What was written last looks as if it had never been: no reader could tell.
    Forgotten,
}

impl Verdict {
    /// A short stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Harmless => "harmless",
            Self::Reported => "reported",
            Self::Forgotten => "forgotten",
        }
    }
}

/// An image, and all that is known of it.
pub struct Subject {
    /// Version and name.
    pub name: String,
    sample: Sample,
    layout: Layout,
    mutations: Mutations,
    clean: Evidence,
}

/// What the engine says of an image that is not about reading it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Evidence {
    recovery: Recovery,
    findings: Vec<Finding>,
}

/// What was read of an image.
#[derive(Default)]
struct Seen {
    /// By offset.
    records: Vec<bool>,
    /// Offsets that reading reported as lost.
    lost: Vec<(u64, u64)>,
    next: u64,
}

/// A clock that stands still, and salts that no image has.
struct StillHost(AtomicU64);

impl Host for StillHost {
    fn now(&self) -> i64 {
        0
    }

    fn random(&self) -> u64 {
        mix(self.0.fetch_add(1, Ordering::Relaxed) ^ 0xC0FF_EE00_0000_0000)
    }
}

/// The value of the record that is appended to a hit image.
const APPENDED: &[u8] = b"appended behind the damage";

/// One hit in so many is also written to.
const WRITTEN: u64 = 16;

impl Subject {
    /// Takes `samples` for what the engine must make of them undamaged.
    ///
    /// # Errors
    /// A sentence, where it does not.
    pub fn all(samples: &[Sample]) -> Result<Vec<Self>, String> {
        let subject = |sample: &Sample| {
            let layout = Layout::of(sample.log, &sample.blobs)
                .ok_or_else(|| format!("{} cannot be taken apart", sample.name))?;
            let mut subject = Self {
                name: sample.name.clone(),
                sample: sample.clone(),
                layout,
                mutations: Mutations::of(sample, samples),
                clean: Evidence::default(),
            };
            let log = subject.open(&sample.blobs, Access::Read)?;
            let log = log.map_err(|kind| format!("{} is refused as {kind}", sample.name))?;
            let seen = subject.read(&log, false)?;
            let cost = Cost::of(&subject.layout, &sample.blobs, &sample.blobs);
            subject.clean = evidence(&log)?;
            subject.compare(&cost, &seen, &subject.clean)?;
            Ok(subject)
        };
        samples.iter().map(subject).collect()
    }

    /// All there is to hit it with.
    #[must_use]
    pub const fn mutations(&self) -> &Mutations {
        &self.mutations
    }

    /// Hits the image with `mutation`, the one with this `number`.
    ///
    /// # Errors
    /// The sentence of its failure.
    pub fn judge(&self, number: u64, mutation: &Mutation) -> Result<Verdict, String> {
        let Some(hit) = mutation.on(&self.sample.blobs) else {
            return Ok(Verdict::Nothing);
        };
        let cost = Cost::of(&self.layout, &self.sample.blobs, &hit);
        let verdict = self.judge_reader(&cost, &hit)?;
        self.judge_writer(&cost, &hit, mix(number).is_multiple_of(WRITTEN))?;
        Ok(verdict)
    }

    fn judge_reader(&self, cost: &Cost, hit: &Blobs) -> Result<Verdict, String> {
        let log = match self.open(hit, Access::Read)? {
            Ok(log) => log,
            Err(kind) => {
                refused(cost, kind)?;
                return Ok(Verdict::Reported);
            }
        };
        let seen = self.read(&log, false)?;
        let evidence = evidence(&log)?;
        let forgotten = self.compare(cost, &seen, &evidence)?;
        let found = |offset: u64| {
            let mut ranges = evidence.findings.iter().filter_map(|one| one.offsets);
            ranges.any(|(first, next)| (first..next).contains(&offset))
        };
        if let Some((first, next)) = seen.lost.iter().find(|(first, _)| !found(*first)) {
            return Err(format!(
                "check does not find that {first} to {next} is lost"
            ));
        }
        let told = evidence != self.clean;
        if cost.counts && !told {
            return Err("nobody says that bytes that count were changed".into());
        }
        Ok(match (told, forgotten) {
            (_, true) => Verdict::Forgotten,
            (true, false) => Verdict::Reported,
            (false, false) => Verdict::Harmless,
        })
    }

    fn judge_writer(&self, cost: &Cost, hit: &Blobs, write: bool) -> Result<(), String> {
        let shelf = self.shelf(hit);
        let log = match self.open_on(&shelf, Access::Write)? {
            Ok(log) => log,
            Err(kind) => {
                refused(cost, kind)?;
                return self.salvage(&shelf, cost, None);
            }
        };
        let seen = self.read(&log, true)?;
        let evidence = Evidence {
            recovery: log.recovery().clone(),
            findings: Vec::new(),
        };
        self.compare(cost, &seen, &evidence)?;
        if !write {
            return Ok(());
        }
        let record = NewRecord::new(APPENDED).time(0);
        let appended = block_on(log.append(&[record], Durability::Synced.into()))
            .map_err(|error| format!("an append behind the damage fails: {error}"))?;
        if appended.first < seen.next {
            return Err(format!("offset {} is given again", appended.first));
        }
        block_on(log.close()).map_err(|error| format!("closing fails: {error}"))?;
        drop(log);
        self.salvage(&shelf, cost, Some((&seen, appended.first)))
    }

    /// Salvages what is on `shelf`. Afterwards it is sound; what was read before is
    /// there, or, where nothing could be, what no hit has touched.
    fn salvage(
        &self,
        shelf: &Shelf,
        cost: &Cost,
        before: Option<(&Seen, u64)>,
    ) -> Result<(), String> {
        let wanted = match before {
            Some((seen, _)) => seen.records.clone(),
            None => self.untouched(cost),
        };
        let host = Arc::new(StillHost(AtomicU64::new(1 << 32)));
        match block_on(recover::<_, Local>(shelf, self.sample.log, host)) {
            Ok(_) => {}
            // Nothing but what is left of a manifest.
            Err(CheckError::NotFound(_)) if !wanted.contains(&true) => return Ok(()),
            Err(error) => return Err(format!("recover fails: {error}")),
        }
        let log = self
            .open_on(shelf, Access::Read)?
            .map_err(|kind| format!("after recover, the log is refused as {kind}"))?;
        let report = block_on(log.check()).map_err(|error| format!("check fails: {error}"))?;
        if let Some(finding) = report.findings.first() {
            return Err(format!("after recover, check finds {finding:?}"));
        }
        let found = self.read_with(&log, false, before.map(|(_, appended)| appended))?;
        let kept = |(at, had): (usize, &bool)| !had || found.records.get(at) == Some(&true);
        match wanted.iter().enumerate().position(|one| !kept(one)) {
            Some(offset) => Err(format!("recover lost offset {offset}")),
            None => Ok(()),
        }
    }

    fn shelf(&self, blobs: &Blobs) -> Shelf {
        Shelf::new(blobs.clone(), Shelf::is_atomic(&self.sample.blobs))
    }

    fn open(&self, blobs: &Blobs, access: Access) -> Result<Result<Log<Shelf>, ErrorKind>, String> {
        self.open_on(&self.shelf(blobs), access)
    }

    /// A log on `shelf`, or how it was refused.
    fn open_on(
        &self,
        shelf: &Shelf,
        access: Access,
    ) -> Result<Result<Log<Shelf>, ErrorKind>, String> {
        let options = Options {
            access,
            existing: true,
            ..Options::default()
        };
        let host = Arc::new(StillHost(AtomicU64::new(0)));
        let opened = block_on(Log::open(shelf.clone(), self.sample.log, options, host));
        Ok(opened.map_err(|error| error.kind()))
    }

    fn read(&self, log: &Log<Shelf>, reverse: bool) -> Result<Seen, String> {
        self.read_with(log, reverse, None)
    }

    /// Reads everything, across what is lost. Every record is one that was written:
    /// at its offset, byte for byte.
    fn read_with(
        &self,
        log: &Log<Shelf>,
        reverse: bool,
        appended: Option<u64>,
    ) -> Result<Seen, String> {
        let bounds = log.bounds();
        let mut seen = Seen {
            records: vec![false; bounds.next.max(self.sample.expected.next) as usize],
            lost: Vec::new(),
            next: bounds.next,
        };
        let (mut at, end) = match reverse {
            true => (bounds.next, bounds.oldest),
            false => (bounds.oldest, bounds.next),
        };
        let mut last = None;
        while at != end {
            let limits = ReadLimits::default();
            let read = match reverse {
                true => block_on(log.read_reverse(At::Offset(at), limits)),
                false => block_on(log.read(At::Offset(at), limits)),
            };
            let to = match read {
                Ok(batch) => {
                    for record in &batch {
                        let offset = record.offset;
                        let order = last.is_none_or(|last| (last < offset) != reverse);
                        if !order || !(self.is_written(&record) || appended == Some(offset)) {
                            return Err(format!("offset {offset} reads as another record"));
                        }
                        last = Some(offset);
                        seen.records[offset as usize] = true;
                    }
                    batch.next()
                }
                Err(ReadError::Corrupt { offset, next, .. }) => {
                    seen.lost.push((offset, next));
                    if reverse { offset } else { next }
                }
                Err(error) => return Err(format!("reading at {at} fails: {error}")),
            };
            if to == at {
                let way = if reverse { "back" } else { "on" };
                return Err(format!("reading {way} does not get past {at}"));
            }
            at = to;
        }
        Ok(seen)
    }

    fn is_written(&self, record: &Record<'_>) -> bool {
        let expected = &self.sample.expected;
        let of = |records: &[ExpectedRecord]| {
            let at = records.binary_search_by_key(&record.offset, |one| one.offset);
            at.is_ok_and(|at| is_same(&records[at], record))
        };
        of(&expected.records) || of(&expected.gone)
    }

    /// What is read of the undamaged image.
    fn whole(&self) -> Vec<bool> {
        let mut records = vec![false; self.sample.expected.next as usize];
        for record in &self.sample.expected.records {
            records[record.offset as usize] = true;
        }
        records
    }

    /// What salvage must find without a manifest: every frame that was not hit, in
    /// segments whose header was not.
    fn untouched(&self, cost: &Cost) -> Vec<bool> {
        let mut records = self.whole();
        let lost = cost.unsalvaged.iter().chain(&cost.lost).cloned();
        for offset in lost.flatten() {
            if let Some(record) = records.get_mut(offset as usize) {
                *record = false;
            }
        }
        records
    }

    /// What cannot be read is reported, and no more than the hit may cost. Whether
    /// something is gone that nobody could report.
    fn compare(&self, cost: &Cost, seen: &Seen, evidence: &Evidence) -> Result<bool, String> {
        let lost = |offset: u64| {
            let mut ranges = seen.lost.iter();
            ranges.any(|(first, next)| (*first..*next).contains(&offset))
        };
        let torn = |offset: u64| cost.torn.is_some_and(|torn| offset >= torn);
        let (now, before) = (&evidence.recovery, &self.clean.recovery);
        let told = now.torn != before.torn || now.damage != before.damage;
        let mut forgotten = false;
        for record in &self.sample.expected.records {
            let offset = record.offset;
            if seen.records[offset as usize] {
                continue;
            }
            let may = match cost.manifest {
                Manifest::Forgotten | Manifest::Torn | Manifest::Foreign => true,
                Manifest::Whole | Manifest::Damaged => {
                    torn(offset) || cost.lost.iter().any(|range| range.contains(&offset))
                }
            };
            if !may {
                return Err(format!("offset {offset} is lost, which no hit has touched"));
            }
            if lost(offset) || told && (torn(offset) || offset >= seen.next) {
                continue;
            }
            let excused = matches!(cost.manifest, Manifest::Forgotten | Manifest::Foreign)
                || cost.forgotten && torn(offset);
            if !excused {
                return Err(format!("offset {offset} is missing without a word"));
            }
            forgotten = true;
        }
        Ok(forgotten)
    }
}

/// What the engine says of a log beside its records.
fn evidence(log: &Log<Shelf>) -> Result<Evidence, String> {
    let report = block_on(log.check()).map_err(|error| format!("check fails: {error}"))?;
    let recovery = Recovery {
        // What a crash may have taken is no word about what a hit took.
        unsynced: 0..0,
        ..log.recovery().clone()
    };
    Ok(Evidence {
        recovery,
        findings: report.findings,
    })
}

/// Only a manifest that is damaged keeps a log from being opened.
fn refused(cost: &Cost, kind: ErrorKind) -> Result<(), String> {
    if kind != ErrorKind::Corrupt {
        return Err(format!("the log is refused as {kind}"));
    }
    match cost.manifest {
        Manifest::Torn | Manifest::Foreign | Manifest::Damaged => Ok(()),
        Manifest::Whole | Manifest::Forgotten => {
            Err("the log is refused, although its manifest can be read".into())
        }
    }
}

fn is_same(expected: &ExpectedRecord, record: &Record<'_>) -> bool {
    let headers = record.headers.into_iter();
    let headers = headers.map(|header| (header.name, header.value));
    let expected_headers = expected.headers.iter();
    let expected_headers = expected_headers.map(|(name, value)| (&name[..], &value[..]));
    expected.time == record.time
        && expected.key.as_deref() == record.key
        && expected.value.as_deref() == record.value
        && headers.eq(expected_headers)
}
