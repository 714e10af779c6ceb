//! Any record, written and read, is the same record.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::examples::{at, first_segment, second_segment, stage, step};
use llm2clip::session::event::*;
use llm2clip::session::{Event, Finite, FiniteMap, Record, Time};
use proptest::prelude::*;
use serde_json::{Map, Value};

/// Every finite float there is: subnormal, tiny, huge, both zeros.
fn number() -> impl Strategy<Value = Finite> {
    prop::num::f64::ANY.prop_filter_map("finite", Finite::new)
}

fn numbers() -> impl Strategy<Value = FiniteMap> {
    prop::collection::btree_map(".{0,8}", number(), 0..4)
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        number().prop_map(|number| Value::from(number.get())),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            object(inner).prop_map(Value::from),
        ]
    })
}

fn object(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map(".{0,6}", inner, 0..4).prop_map(|map| map.into_iter().collect())
}

fn stepped() -> impl Strategy<Value = StepFinished> {
    let times = prop::array::uniform4(number());
    let contrast = prop::option::of(prop::array::uniform5(number()));
    let optional = prop::array::uniform3(prop::option::of(number()));
    let counts = (any::<u64>(), any::<u64>(), any::<u64>(), any::<bool>());
    (counts, number(), number(), numbers(), optional, times, contrast).prop_map(
        |((number, epoch, memory_bytes, clipped), loss, rate, norms, optional, t, contrast)| {
            StepFinished {
                step: number,
                epoch,
                loss,
                learning_rate: rate,
                gradient_norm: norms,
                clipped,
                logit_scale: optional[0],
                examples_per_second: optional[1],
                tokens_per_second: optional[2],
                milliseconds: StepTimes {
                    data: t[0],
                    forward: t[1],
                    backward: t[2],
                    optimizer: t[3],
                },
                memory_bytes,
                contrast: contrast.map(|c| Contrast {
                    positive: c[0],
                    hardest_negative: c[1],
                    alignment: c[2],
                    uniformity: c[3],
                    effective_rank: c[4],
                }),
                ..step("clip", 1, 0.0)
            }
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    let mut examples = first_segment();
    examples.extend(second_segment());
    let text = || "\\PC{0,20}";
    let kind = "[a-z]{1,8}_of_tomorrow";
    let body = object(json()).prop_map(|mut body| {
        body.retain(|key, _| !["seq", "time", "event"].contains(&key.as_str()));
        body
    });
    prop_oneof![
        prop::sample::select(examples),
        stepped().prop_map(Event::from),
        (prop::option::of(number()), numbers(), number(), prop::option::of(any::<bool>()))
            .prop_map(|(loss, metrics, seconds, best)| {
                let stage = stage("clip");
                Event::from(Validated { stage, step: 0, loss, metrics, seconds, best })
            }),
        (any::<u64>(), text(), prop::collection::vec(".*", 0..3)).prop_map(
            |(step, what, items)| Event::from(Diverged { stage: stage("clip"), step, what, items })
        ),
        (text(), any::<u64>(), any::<u64>())
            .prop_map(|(what, done, total)| Event::from(Progressed { what, done, total })),
        (json(), any::<u64>()).prop_map(|(recipe, seed)| {
            Event::from(RunStarted { recipe, seed, ..super::examples::run_started(1, None) })
        }),
        (kind, body).prop_map(|(kind, body)| Event::Unknown(Unknown { kind, body })),
    ]
}

proptest! {
    #[test]
    fn reading_what_was_written_gives_the_same_record(
        seq in any::<u64>(),
        millis in -60_000_000_000_000_i64..250_000_000_000_000,
        event in event(),
    ) {
        let record = Record::new(seq, Time::from_millis(millis).unwrap(), event);
        let line = record.encode().unwrap();
        prop_assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
        let back = Record::decode(line.trim_ascii_end()).unwrap();
        // As text, so that the two zeros are told apart.
        prop_assert_eq!(back.encode().unwrap(), line);
        prop_assert_eq!(back, record);
    }

    #[test]
    fn no_line_makes_the_reader_fail(line in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Record::decode(&line);
    }

    #[test]
    fn a_key_more_is_kept(key in "[a-z]{1,6}_of_tomorrow", value in json(), event in event()) {
        prop_assume!(!value.is_null() && !matches!(event, Event::Unknown(_)));
        let mut record = Record::new(1, at(0.0), event);
        record.rest.insert(key, value);
        let back = Record::decode(record.encode().unwrap().trim_ascii_end()).unwrap();
        prop_assert_eq!(back, record);
    }
}
