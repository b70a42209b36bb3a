//! Owns running scripts on a surface.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;
use serde_json::Value;

use crate::compare::difference;
use crate::files::Script;
use crate::script::{Op, Open, Refusal, Step};
use crate::surface::{Failure, Surface};

/// Runs one script.
///
/// # Errors
/// The first step that did not come out as it says, and how.
pub fn run(surface: &mut dyn Surface, script: &Script) -> Result<(), String> {
    surface.begin()?;
    for (index, (step, op)) in script.steps.iter().enumerate() {
        surface.set_clock(step.now.0);
        let doing = AssertUnwindSafe(|| match op {
            Op::Open(open) => {
                let settings = open.settings.or(&script.vector.settings);
                let open = Open {
                    settings,
                    ..Open::clone(open)
                };
                json(surface.open(&step.handle, &open)?)
            }
            op => perform(surface, &step.handle, op),
        });
        let Ok(came) = catch_unwind(doing) else {
            return Err(format!("step {index}: {}: it panicked", step.op));
        };
        if let Some(what) = judge(step, came) {
            return Err(format!("step {index}: {}: {what}", step.op));
        }
    }
    Ok(())
}

fn judge(step: &Step, came: Result<Value, Failure>) -> Option<String> {
    match (came, &step.expect, &step.error) {
        (Err(Failure::Missing), ..) => Some("the surface has no such operation".to_owned()),
        (Err(Failure::Senseless(what)), ..) => Some(what),
        (Ok(answer), Some(expected), _) => difference(&Value::Object(expected.clone()), &answer),
        (Ok(answer), None, _) => Some(format!("it succeeded with {answer}")),
        (
            Err(Failure::Refused {
                kind,
                fields,
                message,
            }),
            _,
            Some(Refusal {
                kind: wanted,
                fields: named,
            }),
        ) => {
            if kind != *wanted {
                return Some(format!("it failed as {kind}, not {wanted}: {message}"));
            }
            let (named, fields) = (Value::Object(named.clone()), Value::Object(fields));
            let differs = difference(&named, &fields);
            differs.map(|what| format!("{what} (of the error: {message})"))
        }
        (Err(Failure::Refused { kind, message, .. }), ..) => {
            Some(format!("it failed as {kind}: {message}"))
        }
    }
}

fn json<T: Serialize>(answer: T) -> Result<Value, Failure> {
    serde_json::to_value(answer)
        .map_err(|error| Failure::Senseless(format!("the answer is no JSON: {error}")))
}

fn perform(on: &mut dyn Surface, handle: &str, op: &Op) -> Result<Value, Failure> {
    match op {
        Op::Open(arguments) => json(on.open(handle, arguments)?),
        Op::Close(_) => json(on.close(handle)?),
        Op::Kill(_) => json(on.kill(handle)?),
        Op::PowerCut(arguments) => json(on.power_cut(handle, arguments)?),
        Op::Damage(arguments) => json(on.damage(handle, arguments)?),
        Op::Cut(arguments) => json(on.cut(handle, arguments)?),
        Op::Wipe(_) => json(on.wipe(handle)?),
        Op::Fail(arguments) => json(on.fail(handle, arguments)?),
        Op::Append(arguments) => json(on.append(handle, arguments)?),
        Op::Flush(_) => json(on.flush(handle)?),
        Op::Sync(_) => json(on.sync(handle)?),
        Op::Establish(_) => json(on.establish(handle)?),
        Op::Bounds(_) => json(on.bounds(handle)?),
        Op::Stat(_) => json(on.stat(handle)?),
        Op::Settings(_) => json(on.settings(handle)?),
        Op::Read(arguments) => json(on.read(handle, arguments)?),
        Op::ReadReverse(arguments) => json(on.read_reverse(handle, arguments)?),
        Op::Get(arguments) => json(on.get(handle, arguments)?),
        Op::Refresh(_) => json(on.refresh(handle)?),
        Op::GetByKey(arguments) => json(on.get_by_key(handle, arguments)?),
        Op::OffsetByKey(arguments) => json(on.offset_by_key(handle, arguments)?),
        Op::ReadByKey(arguments) => json(on.read_by_key(handle, arguments)?),
        Op::GetByTime(arguments) => json(on.get_by_time(handle, arguments)?),
        Op::OffsetByTime(arguments) => json(on.offset_by_time(handle, arguments)?),
        Op::Follow(arguments) => json(on.follow(handle, arguments)?),
        Op::FollowByKey(arguments) => json(on.follow_by_key(handle, arguments)?),
        Op::Pending(arguments) => json(on.pending(handle, arguments)?),
        Op::Settle(arguments) => json(on.settle(handle, arguments)?),
        Op::Cancel(arguments) => json(on.cancel(handle, arguments)?),
        Op::Delete(arguments) => json(on.delete(handle, arguments)?),
        Op::PlanDelete(arguments) => json(on.plan_delete(handle, arguments)?),
        Op::Trim(arguments) => json(on.trim(handle, arguments)?),
        Op::PlanTrim(arguments) => json(on.plan_trim(handle, arguments)?),
        Op::Clear(_) => json(on.clear(handle)?),
        Op::Compact(arguments) => json(on.compact(handle, arguments)?),
        Op::PlanCompact(arguments) => json(on.plan_compact(handle, arguments)?),
        Op::Configure(arguments) => json(on.configure(handle, arguments)?),
        Op::Reindex(arguments) => json(on.reindex(handle, *arguments)?),
        Op::Gc(arguments) => json(on.gc(handle, arguments)?),
        Op::Maintain(arguments) => json(on.maintain(handle, arguments)?),
        Op::Check(_) => json(on.check(handle)?),
        Op::Recover(_) => json(on.recover(handle)?),
        Op::Backup(_) => json(on.backup(handle)?),
        Op::Swap(_) => json(on.swap(handle)?),
        Op::Export(_) => json(on.export(handle)?),
        Op::Import(_) => json(on.import(handle)?),
    }
}
