//! Owns what a crash may make of a disk: which operations survive, and how the
//! survivors are torn. Every possibility has a number.

use std::collections::BTreeSet;
use std::rc::Rc;

use tidelog_core::BlobId;

use super::blob::{Change, Fate, SimBlob};
use super::disk::{Disk, part};
use super::tear::{Kept, Rest, Tear, cuts};
use crate::random::{Random, mix};

/// How a machine stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cut {
    /// The process is killed: every finished operation stays, though it may
    /// still be waiting for its sync.
    Kill,
    /// The power fails: of what was not synced, anything may be missing.
    Power,
}

impl Cut {
    /// A short stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Power => "power",
        }
    }
}

/// Which of the pending operations survived, as a class for the coverage table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Survivors {
    /// None of them.
    None,
    /// The oldest ones, in order.
    Prefix,
    /// All of them.
    All,
    /// All but one in the middle.
    OneMissing,
    /// Any other choice.
    Mixed,
}

/// How a surviving write is torn, as a class for the coverage table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Torn {
    kept: TornAt,
    rest: Rest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum TornAt {
    Empty,
    Head,
    Tail,
}

impl Torn {
    /// Every way to be torn.
    pub fn all() -> impl Iterator<Item = Self> {
        [TornAt::Empty, TornAt::Head, TornAt::Tail]
            .into_iter()
            .flat_map(|kept| Rest::ALL.map(|rest| Self { kept, rest }))
    }

    /// A short stable name.
    #[must_use]
    pub fn name(self) -> String {
        let kept = match self.kept {
            TornAt::Empty => "nothing",
            TornAt::Head => "head",
            TornAt::Tail => "tail",
        };
        format!("{kept}+{}", self.rest.as_str())
    }
}

impl Survivors {
    /// Every choice.
    pub const ALL: [Self; 5] = [
        Self::None,
        Self::Prefix,
        Self::All,
        Self::OneMissing,
        Self::Mixed,
    ];

    /// A short stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Prefix => "prefix",
            Self::All => "all",
            Self::OneMissing => "one-missing",
            Self::Mixed => "mixed",
        }
    }
}

/// What happens to the bytes around an interrupted write, within the radius the
/// geometry admits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blast {
    None,
    Zero,
    Garbage,
}

const BLASTS: [Blast; 3] = [Blast::None, Blast::Zero, Blast::Garbage];

impl Blast {
    const fn as_str(self) -> &'static str {
        match self {
            Self::None => "nothing",
            Self::Zero => "zero",
            Self::Garbage => "garbage",
        }
    }
}

/// Windows up to this long are explored with every subset.
const EVERY_SUBSET: usize = 8;

/// Subsets drawn from a longer window, beside the systematic ones.
const SAMPLED: usize = 256;

/// Bytes up to which the last surviving write is torn at every one.
const EVERY_BYTE: usize = 4096;

/// One pending operation, as a crash sees it.
#[derive(Debug)]
struct Entry {
    seq: u64,
    blob: BlobId,
    /// Position and length of a write.
    write: Option<(u64, usize)>,
    /// In how many ways it may be torn: at the edges, or at every byte.
    tears: [u64; 2],
}

/// Everything one crash may make of one disk.
#[derive(Debug)]
pub struct Crashes<'a> {
    disk: &'a Disk,
    cut: Cut,
    radius: u32,
    entries: Vec<Entry>,
    masks: Vec<u64>,
    /// For each mask, where its numbers end.
    ends: Vec<u64>,
    /// The part of the digest that no crash changes.
    untouched: u64,
    touched: Vec<BlobId>,
}

/// What became of the disk in one crash.
#[derive(Debug)]
pub struct Crashed {
    /// What the next process finds.
    pub disk: Disk,
    /// Its [`Disk::digest`].
    pub digest: u64,
    /// The class of the surviving operations.
    pub survivors: Survivors,
    /// The class of the tear; `None` if every survivor is whole.
    pub torn: Option<Torn>,
    /// What lies around each write that was not synced, within the blast radius.
    pub around: &'static str,
}

impl<'a> Crashes<'a> {
    /// All that `cut` may do to `disk`. `atomic` says that a write is there as a
    /// whole or not at all, and after those before it; `radius` how far damage reaches around a write that
    /// was not synced.
    #[must_use]
    pub fn new(disk: &'a Disk, cut: Cut, atomic: bool, radius: u32) -> Self {
        let mut entries = Vec::new();
        let mut touched = Vec::new();
        let mut untouched = disk.digest();
        for (id, blob) in disk.blobs() {
            if blob.pending().is_empty() {
                continue;
            }
            untouched = untouched.wrapping_sub(part(*id, blob));
            touched.push(*id);
            for pending in blob.pending() {
                if pending.forsaken || (cut == Cut::Kill && pending.done) {
                    continue;
                }
                let write = match &pending.change {
                    Change::Write { position, bytes } => Some((*position, bytes.len())),
                    Change::Create | Change::Remove => None,
                };
                let tears = [false, true].map(|every_byte| match write {
                    Some((position, len)) if !atomic => {
                        (cuts(position, len, every_byte).len() * Rest::ALL.len()) as u64
                    }
                    _ => 0,
                });
                entries.push(Entry {
                    seq: pending.seq,
                    blob: *id,
                    write,
                    tears,
                });
            }
        }
        entries.sort_by_key(|entry| entry.seq);
        let mut masks = masks(entries.len(), disk.seq());
        if atomic {
            // Where an append is there as a whole or not at all, it is not there
            // without those before it.
            masks.retain(|bits| in_order(&entries, *bits));
        }
        let mut crashes = Self {
            disk,
            cut,
            radius: if cut == Cut::Kill { 0 } else { radius },
            entries,
            masks,
            ends: Vec::new(),
            untouched,
            touched,
        };
        let mut end = 0;
        for at in 0..crashes.masks.len() {
            end += crashes.tears(at).map(|(_, _, count)| count).sum::<u64>() + 1;
            crashes.ends.push(end);
        }
        crashes
    }

    /// How many possibilities there are. Some may lead to the same bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0) * self.blasts()
    }

    /// Whether the crash changes nothing that is not done anyway.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The possibilities that tear no write and damage nothing else, in order.
    pub fn whole(&self) -> impl Iterator<Item = u64> + '_ {
        let starts = std::iter::once(&0).chain(&self.ends);
        let blasts = self.blasts();
        starts
            .take(self.masks.len())
            .map(move |start| start * blasts)
    }

    const fn blasts(&self) -> u64 {
        if self.radius > 0 {
            BLASTS.len() as u64
        } else {
            1
        }
    }

    fn locate(&self, number: u64) -> (usize, u64) {
        let mask = self.ends.partition_point(|end| *end <= number);
        let start = if mask == 0 { 0 } else { self.ends[mask - 1] };
        (mask, number - start)
    }

    /// The writes of a mask that may be torn, and in how many ways each. The last
    /// survivor is torn at every byte, unless the choice is an odd one.
    fn tears(&self, mask: usize) -> impl Iterator<Item = (usize, bool, u64)> + '_ {
        let bits = self.masks[mask];
        let count = self.entries.len();
        let last = (0..count).rev().find(|at| survives(bits, *at));
        let odd = class(bits, count) == Survivors::Mixed;
        (0..count)
            .filter(move |at| survives(bits, *at))
            .map(move |at| {
                let entry = &self.entries[at];
                let small = entry.write.is_some_and(|(_, len)| len <= EVERY_BYTE);
                let every_byte = last == Some(at) && !odd && small;
                (at, every_byte, entry.tears[usize::from(every_byte)])
            })
    }

    /// Possibility `number`, which is below [`len`](Self::len).
    #[must_use]
    pub fn get(&self, number: u64) -> Crashed {
        let blast = BLASTS[(number % self.blasts()) as usize];
        let (mask, tear) = self.locate(number / self.blasts());
        let bits = self.masks[mask];
        let torn = self.tear(mask, tear);
        let fate = |seq| self.fate(bits, torn, seq);
        let mut disk = self.disk.clone();
        let mut digest = self.untouched;
        for id in &self.touched {
            let before = &self.disk.blobs()[id];
            let stale = match torn {
                Some((at, tear)) if tear.rest == Rest::Stale && self.entries[at].blob == *id => {
                    self.disk.stale(*id)
                }
                _ => Rc::default(),
            };
            let mut after = match self.cut {
                Cut::Kill => before.after_kill(&stale, fate),
                Cut::Power => before.after_power_cut(&stale, fate),
            };
            if blast != Blast::None {
                self.blast(*id, blast, before, &mut after);
            }
            digest = digest.wrapping_add(part(*id, &after));
            disk.replace(*id, after);
        }
        Crashed {
            disk,
            digest,
            survivors: class(bits, self.entries.len()),
            around: blast.as_str(),
            torn: torn.map(|(_, tear)| Torn {
                kept: match tear.kept {
                    Kept::Prefix(0) => TornAt::Empty,
                    Kept::Prefix(_) => TornAt::Head,
                    Kept::Suffix(_) => TornAt::Tail,
                },
                rest: tear.rest,
            }),
        }
    }

    fn tear(&self, mask: usize, number: u64) -> Option<(usize, Tear)> {
        let mut number = number.checked_sub(1)?;
        for (at, every_byte, count) in self.tears(mask) {
            if number < count {
                let (position, len) = self.entries[at].write?;
                let cuts = cuts(position, len, every_byte);
                let rests = Rest::ALL.len() as u64;
                let kept = cuts[(number / rests) as usize];
                let rest = Rest::ALL[(number % rests) as usize];
                return Some((at, Tear { kept, rest }));
            }
            number -= count;
        }
        None
    }

    fn fate(&self, bits: u64, torn: Option<(usize, Tear)>, seq: u64) -> Fate {
        let Ok(at) = self.entries.binary_search_by_key(&seq, |entry| entry.seq) else {
            return Fate::Lost;
        };
        match torn {
            _ if !survives(bits, at) => Fate::Lost,
            Some((torn, tear)) if torn == at => Fate::Torn(tear),
            _ => Fate::Whole,
        }
    }

    /// Damages what lies within the radius of each write that was not synced.
    fn blast(&self, id: BlobId, blast: Blast, before: &SimBlob, after: &mut SimBlob) {
        let radius = u64::from(self.radius);
        for pending in before.pending() {
            let Change::Write { position, bytes } = &pending.change else {
                continue;
            };
            let end = position + bytes.len() as u64;
            let around = [
                (position / radius * radius, *position),
                (end, end.next_multiple_of(radius)),
            ];
            for (start, end) in around {
                after.damage(start as usize, end as usize, |bytes| match blast {
                    Blast::None => {}
                    Blast::Zero => bytes.fill(0),
                    Blast::Garbage => Random::new(mix(id.number ^ start)).fill(bytes),
                });
            }
        }
    }
}

/// Whether no operation on a blob survives an earlier one on it.
fn in_order(entries: &[Entry], bits: u64) -> bool {
    let mut lost = BTreeSet::new();
    entries.iter().enumerate().all(|(at, entry)| {
        let survives = survives(bits, at);
        if !survives {
            lost.insert(entry.blob);
        }
        !survives || !lost.contains(&entry.blob)
    })
}

const fn survives(bits: u64, at: usize) -> bool {
    // Of a window longer than a word, the newest operations share their fate.
    let bit = if at < 63 { at } else { 63 };
    bits >> bit & 1 == 1
}

fn class(bits: u64, count: usize) -> Survivors {
    let count = count.min(64) as u32;
    let ones = bits.count_ones();
    match ones {
        _ if ones == count => Survivors::All,
        0 => Survivors::None,
        _ if bits.trailing_ones() == ones => Survivors::Prefix,
        _ if ones + 1 == count => Survivors::OneMissing,
        _ => Survivors::Mixed,
    }
}

/// The choices of survivors among `count` operations, without repetition.
fn masks(count: usize, seed: u64) -> Vec<u64> {
    if count <= EVERY_SUBSET {
        return (0..1 << count).rev().collect();
    }
    let width = count.min(64);
    let all = u64::MAX >> (64 - width);
    let mut masks: Vec<u64> = (0..=width)
        .rev()
        .map(|ones| {
            if ones == 0 {
                0
            } else {
                u64::MAX >> (64 - ones)
            }
        })
        .collect();
    masks.extend((0..width - 1).map(|missing| all & !(1 << missing)));
    masks.extend((1..width).map(|only| 1 << only));
    let mut random = Random::new(mix(seed));
    masks.extend((0..SAMPLED).map(|_| random.word() & all));
    let mut seen = BTreeSet::new();
    masks.retain(|mask| seen.insert(*mask));
    masks
}
