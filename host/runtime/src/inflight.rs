//! Which records of a task Kafka has acknowledged: Connect's `SubmittedRecords`.
//!
//! Batches are opened in order, before their first record is sent; each source record counts the copies that are on
//! their way. What may be stored is the offset of the last record of the longest prefix without outstanding copies.
//! It knows neither Kafka nor where offsets go. The records of one batch belong to one source partition (another batch
//! may have another): the newest offset of each partition is kept.
//! Invariant: an offset is handed out only when its record and every record before it is closed (promise 1).

use host_core::offset::{Offset, Offsets, SourcePartition};
use std::collections::VecDeque;

/// What a sent copy is known by: the low half of its batch's sequence and the index of its source record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket(pub usize);

impl Ticket {
    /// The ticket of a source record.
    pub fn new(sequence: u64, origin: u32) -> Self {
        Self((((sequence as u32) as usize) << 32) | origin as usize)
    }
    fn sequence(self) -> u32 {
        (self.0 >> 32) as u32
    }
    fn origin(self) -> usize {
        self.0 & 0xffff_ffff
    }
}

#[derive(Debug)]
struct Slots {
    sequence: u32,
    offsets: Offsets,
    /// Copies outstanding of each source record.
    copies: Vec<u32>,
    /// Records before this index are closed.
    closed: usize,
    /// Of these, records before this index have been handed out.
    taken: usize,
}

impl Slots {
    fn advance(&mut self) {
        while self.copies.get(self.closed) == Some(&0) {
            self.closed += 1;
        }
    }
    fn is_closed(&self) -> bool {
        self.closed == self.copies.len()
    }
}

/// Batches whose offsets are not committable yet, oldest first.
#[derive(Debug, Default)]
pub struct Inflight {
    batches: VecDeque<Slots>,
    /// Newest committable offset of each partition, by the table that renders it.
    ready: Vec<(Offsets, u32)>,
    outstanding: u64,
}

/// Tables remembered between commits before they are rendered to see whether they name the same partition.
const READY_MAX: usize = 64;

impl Inflight {
    /// Opens a batch. `copies[i]` is how many copies of source record `i` will be sent; zero for one that was dropped.
    pub fn open(&mut self, sequence: u64, offsets: Offsets, copies: Vec<u32>) {
        self.outstanding += copies.iter().map(|n| u64::from(*n)).sum::<u64>();
        let mut slots = Slots {
            sequence: sequence as u32,
            offsets,
            copies,
            closed: 0,
            taken: 0,
        };
        slots.advance();
        self.batches.push_back(slots);
        self.settle();
    }
    /// Adds copies to a record of an open batch, before they are sent (a dead letter beside the record).
    pub fn add(&mut self, ticket: Ticket, copies: u32) {
        if let Some(n) = self.slot(ticket) {
            *n = n.saturating_add(copies);
            self.outstanding += u64::from(copies);
        }
    }
    /// One copy has been delivered, or given up by the error policy. A ticket of an older run is ignored.
    pub fn close(&mut self, ticket: Ticket) {
        let Some(n) = self.slot(ticket) else { return };
        if *n == 0 {
            return;
        }
        *n -= 1;
        let last = *n == 0;
        self.outstanding -= 1;
        if last && let Some(b) = self.batch(ticket) {
            b.advance();
            self.settle();
        }
    }
    /// Copies that have not been acknowledged.
    pub fn outstanding(&self) -> u64 {
        self.outstanding
    }
    /// The newest offset of each partition that may be stored and has not been taken before.
    pub fn take_committable(&mut self) -> Vec<(SourcePartition, Offset)> {
        // The first batch may be closed in part.
        if let Some(front) = self.batches.front_mut()
            && front.closed > front.taken
        {
            front.taken = front.closed;
            let entry = (front.offsets.clone(), front.closed as u32);
            self.ready.push(entry);
        }
        let mut newest: Vec<(SourcePartition, Offset)> = Vec::new();
        for (offsets, closed) in self.ready.drain(..) {
            keep_newest(&mut newest, last_offset(&offsets, closed));
        }
        newest
    }
    /// Whether something closed since [`Inflight::take_committable`] may be stored.
    pub fn has_committable(&self) -> bool {
        !self.ready.is_empty() || self.batches.front().is_some_and(|b| b.closed > b.taken)
    }

    fn batch(&mut self, ticket: Ticket) -> Option<&mut Slots> {
        let first = self.batches.front()?.sequence;
        let index = ticket.sequence().wrapping_sub(first) as usize;
        self.batches.get_mut(index)
    }
    fn slot(&mut self, ticket: Ticket) -> Option<&mut u32> {
        self.batch(ticket)?.copies.get_mut(ticket.origin())
    }
    /// Moves closed batches from the front to what may be stored.
    fn settle(&mut self) {
        while self.batches.front().is_some_and(Slots::is_closed) {
            let Some(b) = self.batches.pop_front() else {
                break;
            };
            let closed = b.copies.len() as u32;
            self.ready.push((b.offsets, closed));
        }
        if self.ready.len() > READY_MAX {
            self.shrink_ready();
        }
    }
    /// Keeps of the remembered tables only the last of each partition, so that their number stays small.
    fn shrink_ready(&mut self) {
        let mut seen: Vec<SourcePartition> = Vec::new();
        let mut kept: Vec<(Offsets, u32)> = Vec::new();
        for (offsets, closed) in self.ready.drain(..).rev() {
            if let Some((partition, _)) = last_offset(&offsets, closed)
                && !seen.contains(&partition)
            {
                seen.push(partition);
                kept.push((offsets, closed));
            }
        }
        kept.reverse();
        self.ready = kept;
    }
}

/// The offset of the last of the first `closed` records that carries one.
fn last_offset(offsets: &Offsets, closed: u32) -> Option<(SourcePartition, Offset)> {
    (0..closed).rev().find_map(|i| offsets.offset(i))
}

fn keep_newest(all: &mut Vec<(SourcePartition, Offset)>, next: Option<(SourcePartition, Offset)>) {
    let Some((partition, offset)) = next else {
        return;
    };
    match all.iter_mut().find(|(p, _)| *p == partition) {
        Some(entry) => entry.1 = offset,
        None => all.push((partition, offset)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_core::offset::{JsonMap, OffsetTable};
    use proptest::prelude::*;
    use std::sync::Arc;

    /// Record `i` of a batch that begins at `base` has the offset `base + i`; odd ones carry none.
    #[derive(Debug)]
    struct Table {
        base: u64,
        partition: u8,
        sparse: bool,
    }

    impl OffsetTable for Table {
        fn offset(&self, index: u32) -> Option<(SourcePartition, Offset)> {
            if self.sparse && index % 2 == 1 {
                return None;
            }
            let mut p = JsonMap::new();
            p.insert("p".into(), self.partition.into());
            let mut o = JsonMap::new();
            o.insert("at".into(), (self.base + u64::from(index)).into());
            Some((SourcePartition(p), Offset(o)))
        }
    }

    fn at(all: &[(SourcePartition, Offset)], partition: u8) -> Option<u64> {
        let found = all
            .iter()
            .find(|(p, _)| p.0.get("p") == Some(&partition.into()));
        found.and_then(|(_, o)| o.0.get("at")?.as_u64())
    }

    #[test]
    fn only_the_longest_prefix_is_committable() {
        let mut f = Inflight::default();
        f.open(
            7,
            Arc::new(Table {
                base: 0,
                partition: 0,
                sparse: false,
            }),
            vec![1, 0, 2],
        );
        f.open(
            8,
            Arc::new(Table {
                base: 3,
                partition: 0,
                sparse: false,
            }),
            vec![1],
        );
        f.close(Ticket::new(8, 0));
        assert!(f.take_committable().is_empty());
        f.close(Ticket::new(7, 0));
        assert_eq!(
            at(&f.take_committable(), 0),
            Some(1),
            "the dropped record 1 counts as closed"
        );
        f.close(Ticket::new(7, 2));
        assert!(f.take_committable().is_empty() && !f.has_committable());
        f.close(Ticket::new(7, 2));
        assert_eq!(
            (at(&f.take_committable(), 0), f.outstanding()),
            (Some(3), 0)
        );
        f.close(Ticket::new(7, 2));
        assert!(f.take_committable().is_empty(), "a late ticket is ignored");
    }

    proptest! {
        /// Against a naive model: every record with its outstanding copies in one list.
        #[test]
        fn any_order_of_acknowledgements_commits_only_a_prefix(
            batches in prop::collection::vec((prop::collection::vec(0u32..3, 1..6), 0u8..2, any::<bool>()), 1..9),
            order in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
            first in prop_oneof![Just(0u64), Just(u64::from(u32::MAX) - 2)],
        ) {
            let mut f = Inflight::default();
            let mut model: Vec<(u8, Option<u64>, u32)> = Vec::new();
            let mut tickets: Vec<(Ticket, usize)> = Vec::new();
            let mut base = 0;
            for (b, (copies, partition, sparse)) in batches.iter().enumerate() {
                let sequence = first + b as u64;
                for (i, n) in copies.iter().enumerate() {
                    for _ in 0..*n {
                        tickets.push((Ticket::new(sequence, i as u32), model.len()));
                    }
                    let offset = (!sparse || i % 2 == 0).then_some(base + i as u64);
                    model.push((*partition, offset, *n));
                }
                f.open(sequence, Arc::new(Table { base, partition: *partition, sparse: *sparse }), copies.clone());
                base += copies.len() as u64;
            }
            let mut committed = [None, None];
            for pick in order {
                if tickets.is_empty() {
                    break;
                }
                let (ticket, record) = tickets.swap_remove(pick.index(tickets.len()));
                f.close(ticket);
                model[record].2 -= 1;
                for p in 0..2u8 {
                    let prefix = model.iter().take_while(|r| r.2 == 0);
                    let expected = prefix.filter(|r| r.0 == p).filter_map(|r| r.1).last();
                    let taken = f.take_committable();
                    for q in 0..2u8 {
                        committed[q as usize] = at(&taken, q).or(committed[q as usize]);
                    }
                    prop_assert_eq!(committed[p as usize], expected);
                }
            }
            prop_assert_eq!(f.outstanding(), tickets.len() as u64);
        }
    }
}
