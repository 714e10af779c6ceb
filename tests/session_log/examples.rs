//! Events for the tests: one of every kind with every key, and a run that crashes and resumes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use llm2clip::ids::{Digest, StageName};
use llm2clip::session::event::*;
use llm2clip::session::{Event, Finite, Record, Time};
use serde_json::json;

pub fn finite(value: f64) -> Finite {
    Finite::new(value).unwrap()
}

pub fn stage(name: &str) -> StageName {
    name.parse().unwrap()
}

/// A fixed beginning of time, and seconds after it.
pub fn at(seconds: f64) -> Time {
    Time::from_millis(1_795_492_800_000 + (seconds * 1000.0) as i64).unwrap()
}

pub fn run_started(segment: u32, resumed_from: Option<ResumePoint>) -> RunStarted {
    let plan = |name: &str, steps| StagePlan { stage: stage(name), objective: name.into(), steps };
    RunStarted {
        run: "tiny-1".parse().unwrap(),
        segment,
        recipe: json!({"name": "tiny", "stages": [
            {"name": "clip", "objective": "clip", "steps": 8, "lr": 0.001},
            {"name": "mntp", "objective": "mntp", "steps": 4, "lr": 5e-5}]}),
        stages: vec![plan("clip", 8), plan("mntp", 4)],
        resumed_from,
        forked_from: None,
        series: Vec::new(),
        program_version: "0.1.0".into(),
        git: Some("71a63ee".into()),
        host: "machine".into(),
        pid: 4711,
        device: "cpu".into(),
        threads: 2,
        seed: u64::MAX,
    }
}

pub fn stage_started(name: &str, index: u32, from_step: u64) -> StageStarted {
    let digest = Digest::of(name.as_bytes());
    StageStarted {
        stage: stage(name),
        index,
        stages: 2,
        objective: name.into(),
        steps: if index == 0 { 8 } else { 4 },
        from_step,
        trainable_parameters: 1_000_000,
        frozen_parameters: 0,
        data: Some(DataUsed {
            name: "emoji".into(),
            digest: digest.clone(),
            items: 3044,
            format: Some("emoji".into()),
        }),
        table: Some(TableUsed {
            digest: digest.clone(),
            card: json!({"id": "builtin:llama", "dim": 256}),
        }),
        base: Some(Base { name: "builtin:llama".into(), digest: Some(digest) }),
    }
}

pub fn step(name: &str, step: u64, loss: f64) -> StepFinished {
    StepFinished {
        stage: stage(name),
        step,
        epoch: step / 4,
        loss: finite(loss),
        learning_rate: finite(0.001 / step as f64),
        gradient_norm: Finite::map([("tower", 0.5), ("lora", 0.25)]).unwrap(),
        clipped: step == 1,
        logit_scale: Finite::new(14.285714285714286),
        examples_per_second: Finite::new(812.5),
        tokens_per_second: Finite::new(9000.0),
        milliseconds: StepTimes {
            data: finite(0.5),
            forward: finite(3.25),
            backward: finite(5.5),
            optimizer: finite(0.75),
        },
        memory_bytes: 123_456_789,
        contrast: Some(Contrast {
            positive: finite(0.4),
            hardest_negative: finite(0.3),
            alignment: finite(1.2),
            uniformity: finite(-2.5),
            effective_rank: finite(17.0),
        }),
    }
}

pub fn checkpoint(name: &str, step: u64) -> CheckpointSaved {
    CheckpointSaved {
        stage: stage(name),
        step,
        path: format!("20261124-040000-tiny-abcdef/tiny-1/{name}/step-{step:06}"),
        digest: Digest::of(format!("{name}{step}").as_bytes()),
        bytes: 4_000_000,
        seconds: finite(0.125),
    }
}

pub fn validated(name: &str, step: u64, loss: f64) -> Validated {
    Validated {
        stage: stage(name),
        step,
        loss: Finite::new(loss),
        metrics: Finite::map([("recall@1", 0.25), ("recall@10", 0.5)]).unwrap(),
        seconds: finite(0.25),
        best: None,
    }
}

pub fn stage_finished(name: &str, steps: u64) -> StageFinished {
    let digest = Digest::of(format!("{name}{steps}").as_bytes());
    StageFinished {
        stage: stage(name),
        steps,
        loss: Finite::new(0.5),
        seconds: finite(1.5),
        digest,
        stopped_early: None,
    }
}

pub fn run_finished(state: Ending, reason: Option<&str>) -> RunFinished {
    let digest = (state == Ending::Done).then(|| Digest::of(b"mntp4"));
    RunFinished {
        state,
        reason: reason.map(str::to_owned),
        seconds: finite(3.5),
        final_digest: digest,
    }
}

/// The first segment of a run that is killed after step 6; its newest checkpoint is at step 4.
pub fn first_segment() -> Vec<Event> {
    let mut events: Vec<Event> = vec![
        run_started(1, None).into(),
        Queued { after: Some("20261124-030000-night-123456/clip-1".into()) }.into(),
        Continued {}.into(),
        TableMade {
            digest: Digest::of(b"table"),
            card: json!({"id": "builtin:llama"}),
            rows: 3044,
            dim: 256,
            bytes: 3_117_056,
            seconds: finite(2.5),
            path: "tables/abc.safetensors".into(),
            reused: false,
        }
        .into(),
        stage_started("clip", 0, 0).into(),
    ];
    for number in 1..=6 {
        events.push(step("clip", number, 2.0 / number as f64).into());
        match number {
            2 => events.push(checkpoint("clip", 2).into()),
            4 => events.extend([
                validated("clip", 4, 1.75).into(),
                checkpoint("clip", 4).into(),
                CheckpointRemoved {
                    stage: stage("clip"),
                    step: 2,
                    path: checkpoint("clip", 2).path,
                }
                .into(),
                CommandApplied { id: "0001".into(), command: "pause".into() }.into(),
                Paused {}.into(),
                Heartbeat {}.into(),
                Continued {}.into(),
            ]),
            5 => events.push(
                CommandRefused {
                    id: "0002".into(),
                    command: "checkpoint".into(),
                    why: "the disk is full".into(),
                }
                .into(),
            ),
            _ => {}
        }
    }
    events
}

/// The second segment: goes on from step 4, skips a step, ends stage and run. With the first one,
/// every kind is there and every key.
pub fn second_segment() -> Vec<Event> {
    let saved = checkpoint("clip", 4);
    let from = ResumePoint {
        stage: stage("clip"),
        index: 0,
        step: 4,
        path: Some(saved.path),
        digest: Some(saved.digest),
    };
    let mut events: Vec<Event> =
        vec![run_started(2, Some(from)).into(), stage_started("clip", 0, 4).into()];
    for number in 5..=8 {
        events.push(step("clip", number, 1.9 / number as f64).into());
    }
    let items: Vec<String> = vec!["1f600#0".into(), "1f601#3".into()];
    events.extend([
        StepSkipped {
            stage: stage("clip"),
            step: 8,
            what: "loss".into(),
            items: items.clone(),
            learning_rate_factor: finite(0.5),
        }
        .into(),
        Validated { best: Some(true), ..validated("clip", 8, 1.5) }.into(),
        checkpoint("clip", 8).into(),
        stage_finished("clip", 8).into(),
        stage_started("mntp", 1, 0).into(),
        step("mntp", 1, 5.0).into(),
        Diverged { stage: stage("mntp"), step: 2, what: "gradient of lm.head".into(), items }
            .into(),
        Warned { what: "the tower is untouched".into() }.into(),
        Progressed { what: "encoding test pictures".into(), done: 128, total: 764 }.into(),
        Compared { id: "compare-caption-1".into(), task: "caption".into() }.into(),
        Inspected { id: "inspect-1".into() }.into(),
        Exported { dir: "export".into() }.into(),
        RunFinished {
            final_digest: Some(Digest::of(b"clip8")),
            ..run_finished(Ending::Failed, Some("gradient of lm.head is not finite"))
        }
        .into(),
    ]);
    events
}

/// Records of these events, 10 ms apart.
pub fn records(events: Vec<Event>, first_seq: u64) -> Vec<Record> {
    let numbered = (first_seq..).zip(events);
    numbered.map(|(seq, event)| Record::new(seq, at(seq as f64 * 0.01), event)).collect()
}
