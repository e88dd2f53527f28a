//! What one plugin instance may use.
//!
//! Numbers only; they are enforced in `store` (memory), `cpu` (time), `isolate` (repeated faults) and `host_log`.
//! A host ceiling and a tenant's quota are applied by whoever fills this in.
//! Invariant: every resource a guest can use has a number here.

/// Limits of one instance. Bytes and milliseconds, as the names say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory, summed over all memories of the instance, when the upload asked for nothing else.
    pub memory_bytes: usize,
    /// Most linear memory an upload may ask for (JavaScript and Python need more than Rust).
    pub memory_bytes_max: usize,
    /// CPU time of one `run`, `test` or `encode` call.
    pub batch_deadline_ms: u64,
    /// CPU time of `describe`, `validate`, `configure` or `define`.
    pub start_deadline_ms: u64,
    /// Bytes of an answer for each byte of the batch. A batch counts with the schemas its records name, once for
    /// each record: a format may write them beside every value.
    pub output_factor: u64,
    /// Bytes of an answer that are always allowed, so that tiny batches have room.
    pub output_bytes_min: u64,
    /// Most bytes of any answer.
    pub output_bytes_max: u64,
    /// Bytes of one record that a transform puts out, or of one encoded part.
    pub record_bytes_max: u64,
    /// Longest log line; the rest is cut.
    pub log_line_bytes_max: usize,
    /// Log lines a second; further ones are counted and dropped.
    pub log_lines_per_s: u32,
    /// Schemas that a transform may define over its life, fresh instances after faults included.
    pub schemas_max: u32,
    /// Bytes of those schemas.
    pub schema_bytes_max: usize,
    /// Consecutive batches with a fault after which the task fails.
    pub faulty_batches_max: u32,
    /// CPU time of all calls for one batch while its bad records are looked for, in deadlines.
    pub isolate_deadlines_max: u32,
}

const MIB: usize = 1024 * 1024;

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 64 * MIB,
            memory_bytes_max: 256 * MIB,
            batch_deadline_ms: 1_000,
            start_deadline_ms: 3_000,
            output_factor: 4,
            output_bytes_min: MIB as u64,
            output_bytes_max: 256 * MIB as u64,
            record_bytes_max: MIB as u64,
            log_line_bytes_max: 1024,
            log_lines_per_s: 100,
            schemas_max: 10_000,
            schema_bytes_max: 64 * MIB,
            faulty_batches_max: 5,
            isolate_deadlines_max: 10,
        }
    }
}

impl Limits {
    /// Memory of an instance whose upload asked for `asked` bytes (0 for nothing).
    pub fn memory_for(&self, asked: usize) -> usize {
        if asked == 0 {
            self.memory_bytes
        } else {
            asked.min(self.memory_bytes_max)
        }
    }
    /// Bytes allowed for the answer to a batch that counts `batch_bytes`.
    pub fn output_bytes(&self, batch_bytes: u64) -> u64 {
        batch_bytes.saturating_mul(self.output_factor).clamp(
            self.output_bytes_min,
            self.output_bytes_max.max(self.output_bytes_min),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_bounded_by_its_batch() {
        let l = Limits::default();
        for (batch, allowed) in [
            (0, l.output_bytes_min),
            (1024 * 1024, 4 * 1024 * 1024),
            (u64::MAX, l.output_bytes_max),
        ] {
            assert_eq!(l.output_bytes(batch), allowed, "{batch}");
        }
        assert_eq!(l.memory_for(0), l.memory_bytes);
        assert_eq!(l.memory_for(usize::MAX), l.memory_bytes_max);
    }
}
