//! Sorted lists of inclusive transaction-number ranges, the body of a GTID set.
//!
//! Knows nothing of servers. Invariant: `start <= end`, and each start is at least two above the
//! end before it.

/// Inclusive ranges of transaction numbers (`1..=i64::MAX - 1`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Intervals(Vec<(u64, u64)>);

impl Intervals {
    pub(super) fn as_slice(&self) -> &[(u64, u64)] {
        &self.0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn contains(&self, number: u64) -> bool {
        let after = self.0.partition_point(|&(start, _)| start <= number);
        after
            .checked_sub(1)
            .and_then(|at| self.0.get(at))
            .is_some_and(|&(_, end)| number <= end)
    }

    /// Adds `start..=end`; an empty range adds nothing.
    pub(super) fn add(&mut self, start: u64, end: u64) {
        if start > end {
            return;
        }
        // Ranges touching the new one: not wholly before `start - 1`, not wholly after `end + 1`.
        let from = self
            .0
            .partition_point(|&(_, e)| e < start.saturating_sub(1));
        let to = self.0.partition_point(|&(s, _)| s <= end.saturating_add(1));
        let touched = self.0.get(from..to).unwrap_or_default();
        let low = touched.first().map_or(start, |&(s, _)| s.min(start));
        let high = touched.last().map_or(end, |&(_, e)| e.max(end));
        self.0.splice(from..to.max(from), [(low, high)]);
    }

    pub(super) fn union(&mut self, other: &Self) {
        for &(start, end) in &other.0 {
            self.add(start, end);
        }
    }

    pub(super) fn subtract(&mut self, other: &Self) {
        let mut left = Vec::with_capacity(self.0.len());
        let mut cuts = other.0.iter().copied().peekable();
        for &(start, end) in &self.0 {
            let mut at = start;
            while cuts.next_if(|&(_, cut_end)| cut_end < at).is_some() {}
            // A cut may reach into the next range, so it is looked at, not taken.
            let mut ahead = cuts.clone();
            let mut open = true;
            while let Some((cut_start, cut_end)) = ahead.next_if(|&(s, _)| s <= end) {
                if cut_start > at {
                    left.push((at, cut_start - 1));
                }
                if cut_end >= end {
                    open = false;
                    break;
                }
                at = cut_end + 1;
            }
            if open {
                left.push((at, end));
            }
        }
        self.0 = left;
    }

    pub(super) fn is_subset(&self, other: &Self) -> bool {
        self.0.iter().all(|&(start, end)| {
            let after = other.0.partition_point(|&(s, _)| s <= start);
            after
                .checked_sub(1)
                .and_then(|at| other.0.get(at))
                .is_some_and(|&(_, e)| end <= e)
        })
    }
}
