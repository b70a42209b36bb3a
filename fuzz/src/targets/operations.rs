//! Operations against the model: a log is written, read, looked up in, emptied, closed,
//! killed and cut off from power in whatever order, and must keep what it promised.

use std::rc::Rc;

use arbitrary::Unstructured;
use tidelog_core::{Compression, Durability, Geometry, Indexes, Options, limits};
use tidelog_testkit::engine::LogEngine;
use tidelog_testkit::generate::{Generator, Sizes};
use tidelog_testkit::model::Model;
use tidelog_testkit::oracle::{aftermath, first_look, second_look, without_power};
use tidelog_testkit::run::{Failure, Handle, LOG, Run};
use tidelog_testkit::sim::{self, Crashes, Cut, Listing, Machine, Notes, Setup, Trace};

use crate::Fed;

/// Machines one after the other.
const LIVES: usize = 6;

/// Operations of one life.
const OPERATIONS: usize = 40;

const LEVELS: [Durability; 3] = [Durability::Buffered, Durability::Stored, Durability::Synced];

pub(crate) fn check(bytes: &[u8]) -> Fed {
    let mut input = Unstructured::new(bytes);
    let plan = Plan::read(&mut input);
    let machine = Machine::new(plan.setup.clone(), 1);
    let mut run: Run<LogEngine> = plan.run(machine, Default::default(), 0);
    let mut cut = Cut::Power;
    for life in 1..=LIVES {
        run.record();
        judge(&run, plan.live(&run, cut, &mut input));
        let moments = run.machine().take_trace().map(Trace::into_moments);
        let moments = moments.unwrap_or_default();
        if input.is_empty() || moments.is_empty() {
            break;
        }
        let moment = &moments[choose(&mut input, moments.len() as u64) as usize];
        cut = [Cut::Kill, Cut::Power][choose(&mut input, 2) as usize];
        let geometry = plan.setup.geometry;
        let (atomic, radius) = (geometry.atomic_append, geometry.blast_radius);
        let crashes = Crashes::new(&moment.disk, cut, atomic, radius);
        let crashed = crashes.get(choose(&mut input, crashes.len()));
        let machine = Machine::with_disk(crashed.disk, plan.setup.clone(), life as u64);
        run = plan.run(machine, moment.model.clone(), life as u64);
        judge(&run, first_look(&run, cut));
    }
    judge(&run, aftermath(&run, cut));
    let again = plan.run(without_power(run.machine()), run.model(), LIVES as u64 + 1);
    judge(&again, second_look(&again));
    true.into()
}

/// The machine, and how its logs are opened.
struct Plan {
    setup: Setup,
    options: Options,
    sizes: Sizes,
}

impl Plan {
    fn read(input: &mut Unstructured<'_>) -> Self {
        let machine: u8 = input.arbitrary().unwrap_or_default();
        let log: u8 = input.arbitrary().unwrap_or_default();
        let atomic = machine & 1 != 0;
        // Where an append is whole or not there, nothing around it is damaged.
        let blast = [0, 0, 512, 4096][usize::from(machine >> 1 & 3)];
        Self {
            setup: Setup {
                geometry: Geometry {
                    atomic_append: atomic,
                    blast_radius: if atomic { 0 } else { blast },
                    appends_max: [0, 0, 0, 6][usize::from(machine >> 3 & 3)],
                    ..Setup::default().geometry
                },
                listing: Listing::ALL[usize::from(machine >> 5) % Listing::ALL.len()],
                // Whoever feeds a file wants to know how it came to that.
                notes: (!cfg!(fuzzing)).then(Notes::default),
                ..Setup::default()
            },
            options: Options {
                durability: Some(level(log)),
                compression: Some(match log >> 2 & 3 {
                    0 | 1 => Compression::None,
                    2 => Compression::Lz4,
                    _ => Compression::Deflate,
                }),
                segment_bytes: Some(limits::SEGMENT_MIN),
                indexes: match log >> 5 & 3 {
                    0 => None,
                    wanted => Some(Indexes {
                        keys: wanted & 1 != 0,
                        times: wanted & 2 != 0,
                    }),
                },
                cache_bytes: 64 << 10,
                ..Options::default()
            },
            sizes: Sizes {
                records: 3,
                value: if log & 16 == 0 { 40 } else { 900 },
            },
        }
    }

    fn run(&self, machine: Machine, model: Rc<Model>, seed: u64) -> Run<LogEngine> {
        Run::new(machine, model, self.options, self.sizes, seed)
    }

    /// One life, up to the byte that ends it. Each operation is a byte: what, and above the
    /// low four bits at which level, by whom or how much.
    async fn live(
        &self,
        run: &Run<LogEngine>,
        cut: Cut,
        input: &mut Unstructured<'_>,
    ) -> Result<(), Failure> {
        let mut handle = reopen(run, cut).await?;
        for _ in 0..OPERATIONS {
            if input.is_empty() {
                break;
            }
            let operation: u8 = input.arbitrary().unwrap_or_default();
            let how = operation >> 4;
            match operation & 15 {
                0 => {
                    handle.append(level(how)).await?;
                }
                1 => {
                    // So that the input decides which records go.
                    for _ in 0..how >> 2 {
                        run.generate(|generator| generator.random().word());
                    }
                    match how & 3 {
                        0 | 1 => handle.delete().await?,
                        2 => handle.trim().await?,
                        _ => handle.compact().await?,
                    }
                }
                2 => {
                    // Otherwise the next opening would ask for those of the plan.
                    if self.options.indexes.is_none() {
                        let indexes = Indexes {
                            keys: how & 1 == 0,
                            times: how & 2 == 0,
                        };
                        handle.reindex(indexes).await?;
                    }
                }
                3 => {
                    handle.append(None).await?;
                }
                4 | 5 => {
                    let producer = Generator::producer(how >> 2);
                    handle.produce(producer, level(how)).await?;
                }
                6 => {
                    let bytes = usize::from(how) * 600;
                    let batch = run.generate(|generator| generator.large(bytes));
                    handle.append_batch(batch, None, None).await?;
                }
                7 => {
                    let model = run.model();
                    let produced = model.get(LOG).map(|history| history.produced());
                    let produced = produced.unwrap_or_default();
                    let back = usize::from(how) % 8;
                    if let Some((id, ..)) = produced.iter().rev().nth(back) {
                        handle.resend(*id, level(how)).await?;
                    }
                }
                8 => {
                    handle.flush().await?;
                }
                9 => {
                    handle.sync().await?;
                }
                10 => handle.maintain().await?,
                11 => handle.compare().await?,
                12 => handle.verify().await?,
                13 => {
                    handle.close().await?;
                    handle = reopen(run, Cut::Power).await?;
                }
                14 => {
                    handle.kill();
                    handle = reopen(run, Cut::Kill).await?;
                }
                _ => return Ok(()),
            }
        }
        handle.verify().await
    }
}

fn level(bits: u8) -> Durability {
    LEVELS[usize::from(bits & 3) % LEVELS.len()]
}

fn choose(input: &mut Unstructured<'_>, bound: u64) -> u64 {
    let number: u16 = input.arbitrary().unwrap_or_default();
    u64::from(number) % bound.max(1)
}

fn judge(run: &Run<LogEngine>, played: impl Future<Output = Result<(), Failure>>) {
    let played = sim::run(run.machine(), played).map_err(Failure::from);
    if let Err(failure) = played.and_then(|played| played) {
        if let Some(notes) = &run.machine().setup().notes {
            for line in notes.borrow().iter() {
                eprintln!("{line}");
            }
        }
        panic!("{failure}");
    }
    assert_eq!(run.machine().behaved(), Ok(()));
}

/// Opens the log again. Producers send once more what was lost, as they must before they go
/// on.
async fn reopen(run: &Run<LogEngine>, cut: Cut) -> Result<Handle<'_, LogEngine>, Failure> {
    let handle = run.reopen(LOG, cut).await?;
    let model = run.model();
    let produced = model.get(LOG).map(|history| history.produced());
    for (id, _, _, there) in produced.unwrap_or_default() {
        if there.is_none() {
            handle.resend(id, Durability::Stored).await?;
        }
    }
    Ok(handle)
}
