//! How often a stage is measured and saved on its way to its end.

use super::{Stage, Watched};

/// What a stage does between the steps that are still to be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cadence {
    /// Validations of the loss alone.
    pub loss: u64,
    /// Validations of what is retrieved alone.
    pub retrieval: u64,
    /// Validations of both; the one at the end among them.
    pub both: u64,
    /// Checkpoints that are due whatever is measured; the last one among them.
    pub saved: u64,
    /// Validations beside them that save one where they are the best so far.
    pub tries: u64,
}

impl Cadence {
    /// That of a stage of which so many steps are made.
    #[must_use]
    pub fn of(stage: &Stage, made: u64) -> Self {
        let end = stage.steps as u64;
        if made >= end {
            return Self::default();
        }
        // Multiples beyond what is made and before the end, where everything is due.
        let due = |every: u64| match every {
            0 => 0,
            every => (end - 1) / every - made / every,
        };
        let (loss, retrieval) = (stage.validate_every as u64, stage.retrieval_every as u64);
        let (watched, saved) = (stage.keep_best.every(stage) as u64, stage.checkpoint_every as u64);
        let both = due(common(loss, retrieval));
        Self {
            loss: due(loss) - both,
            retrieval: due(retrieval) - both,
            both: both + 1,
            saved: due(saved) + 1,
            tries: match stage.keep_best {
                Watched::None => 0,
                _ => due(watched) - due(common(watched, saved)),
            },
        }
    }
}

/// The least common multiple; 0 where either is 0.
fn common(a: u64, b: u64) -> u64 {
    let (mut divisor, mut rest) = (a, b);
    while rest > 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    a.checked_div(divisor).map_or(0, |part| part.saturating_mul(b))
}

#[cfg(test)]
mod tests {
    use super::super::{apply_set, preset};
    use super::*;

    #[test]
    fn what_is_due_is_what_counting_every_step_gives() {
        for (every, retrieval, saved) in [(0, 0, 0), (4, 6, 10), (7, 0, 5), (3, 3, 3), (1, 50, 99)]
        {
            for (steps, made) in [(1, 0), (20, 0), (60, 0), (60, 24), (60, 59)] {
                let mut stage = preset("clip").unwrap().stages[0].clone();
                stage = Stage {
                    steps,
                    validate_every: every,
                    retrieval_every: retrieval,
                    checkpoint_every: saved,
                    keep_best: Watched::Recall1,
                    ..stage
                };
                let mut counted = Cadence::default();
                for step in made + 1..=steps {
                    let due = |period: usize| {
                        step == steps || (period > 0 && step.is_multiple_of(period))
                    };
                    match (due(every), due(retrieval)) {
                        (true, true) => counted.both += 1,
                        (true, false) => counted.loss += 1,
                        (false, true) => counted.retrieval += 1,
                        (false, false) => {}
                    }
                    counted.saved += u64::from(due(saved));
                    counted.tries += u64::from(due(retrieval) && !due(saved));
                }
                assert_eq!(Cadence::of(&stage, made as u64), counted, "{stage:?} after {made}");
            }
        }
        let done = apply_set(&preset("clip").unwrap(), "steps=20").unwrap();
        assert_eq!(Cadence::of(&done.stages[0], 20), Cadence::default());
    }
}
