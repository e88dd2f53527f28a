//! Medians and ranges over rounds.
//!
//! Deliberately nothing that needs many samples: with three rounds all of them can be shown. Invariant: a gain compares
//! runs of one round, so that a machine that grows busier does not favour anybody.

use crate::cases::{Case, Measure};
use crate::run::Figures;

/// One run.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) round: u32,
    pub(crate) case: &'static Case,
    /// Title of the contender.
    pub(crate) contender: &'static str,
    pub(crate) figures: Figures,
    /// Load average when it began.
    pub(crate) load: f64,
}

impl Sample {
    /// One of its figures.
    pub(crate) fn figure(&self, measure: Measure) -> Option<f64> {
        let found = self.figures.iter().find(|(m, _)| *m == measure);
        found.map(|(_, value)| *value)
    }
}

/// Middle, least and greatest of some figures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) greatest: f64,
}

impl Spread {
    /// Of these; `None` of nothing.
    pub(crate) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let n = values.len();
        let (upper, lower) = (values.get(n / 2)?, values.get((n - 1) / 2)?);
        Some(Self {
            median: f64::midpoint(*upper, *lower),
            least: *values.first()?,
            greatest: *values.last()?,
        })
    }
}

/// All runs.
#[derive(Debug, Default)]
pub(crate) struct Samples(pub(crate) Vec<Sample>);

impl Samples {
    /// The run of a contender and a case in a round.
    pub(crate) fn of(&self, round: u32, case: &str, contender: &str) -> Option<&Sample> {
        let wanted =
            |s: &&Sample| s.round == round && s.case.name == case && s.contender == contender;
        self.0.iter().find(wanted)
    }

    /// A figure of a contender over all rounds.
    pub(crate) fn spread(&self, case: &Case, contender: &str, measure: Measure) -> Option<Spread> {
        let runs = self.0.iter();
        let runs = runs.filter(|s| s.case == case && s.contender == contender);
        Spread::of(runs.filter_map(|s| s.figure(measure)).collect())
    }

    /// How many times better `to` is than `from`, round by round.
    pub(crate) fn gain(
        &self,
        case: &Case,
        from: &str,
        to: &str,
        measure: Measure,
    ) -> Option<Spread> {
        let pairs = self
            .0
            .iter()
            .filter(|s| s.case == case && s.contender == to);
        let gains = pairs.filter_map(|s| {
            let base = self.of(s.round, case.name, from)?.figure(measure)?;
            Some(measure.gain(base, s.figure(measure)?))
        });
        Spread::of(gains.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::ALL;

    #[test]
    #[allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    fn spreads_and_gains_are_of_rounds() {
        let of = |values: &[f64]| Spread::of(values.to_vec()).unwrap();
        assert_eq!(of(&[3.0, 1.0, 2.0]).median, 2.0);
        assert_eq!(of(&[4.0, 1.0]).median, 2.5);
        assert_eq!(Spread::of(Vec::new()), None);
        let run = |round, contender, cpu, rate| Sample {
            round,
            case: &ALL[0],
            contender,
            figures: vec![(Measure::Cpu, cpu), (Measure::Rate, rate)],
            load: 0.0,
        };
        let samples = Samples(vec![
            run(1, "them", 60.0, 10.0),
            run(1, "us", 6.0, 40.0),
            run(2, "them", 80.0, 10.0),
            run(2, "us", 10.0, 50.0),
        ]);
        let cpu = samples.gain(&ALL[0], "them", "us", Measure::Cpu).unwrap();
        assert_eq!((cpu.least, cpu.median, cpu.greatest), (8.0, 9.0, 10.0));
        let rate = samples.gain(&ALL[0], "them", "us", Measure::Rate).unwrap();
        assert_eq!((rate.least, rate.greatest), (4.0, 5.0));
    }
}
