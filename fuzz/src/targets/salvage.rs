//! Whole stores once more: salvage makes a log of them in which nothing is unreadable, and
//! loses nothing that could be read.

use std::sync::Arc;

use tidelog_core::{Access, Local, recover};
use tidelog_testkit::sim::{self, Machine, SimHost};

use super::image::{Everything, everything, open, same};
use crate::Fed;
use crate::image::{Image, LOG};

pub(crate) fn check(bytes: &[u8]) -> Fed {
    let image = Image::read(bytes);
    let machine = image.machine();
    let taken = sim::run(&machine, salvage(&image, &machine)).expect("nothing waits for ever");
    assert!(
        !machine.ran_away(),
        "it asks for one operation after the other"
    );
    Fed {
        taken,
        unpacks: image.unpacks(),
    }
}

async fn salvage(image: &Image, machine: &Machine) -> bool {
    let witnesses = image.witnesses();
    let before = match open(machine, Access::Read).await {
        Some(log) => everything(&log, &witnesses).await,
        None => Everything::default(),
    };
    let host = Arc::new(SimHost::new(2));
    if recover::<_, Local>(&machine.process(), LOG, host)
        .await
        .is_err()
    {
        return false;
    }
    let kept = kept(machine, &before).await;
    if image.is_honest() {
        assert_eq!(kept, Ok(()), "of {before:?}");
    }
    !before.seen.is_empty()
}

/// What could be read before can be read still, and nothing is unreadable.
async fn kept(machine: &Machine, before: &Everything) -> Result<(), String> {
    let log = open(machine, Access::Read)
        .await
        .ok_or("what was salvaged does not open")?;
    for expected in &before.seen {
        same(&log, *expected).await?;
    }
    let report = log.check().await.map_err(|error| error.to_string())?;
    let mut lost = report.findings.iter().filter_map(|found| found.offsets);
    match lost.find(|(first, next)| first < next) {
        None => Ok(()),
        Some(lost) => Err(format!("{lost:?} are unreadable after salvage")),
    }
}
