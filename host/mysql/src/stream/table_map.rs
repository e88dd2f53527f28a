//! The table map event: which table, and how its columns lie in the rows.
//!
//! Only the part before the optional metadata is read; names, signs and character sets come from the schema history,
//! so `binlog_row_metadata` MINIMAL and FULL are alike. Invariant: malformed bytes are an error, never a panic.

use crate::bytes::{packed, take};
use crate::decode::{WireError, WireType};

/// A table map, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TableMap {
    pub table_id: u64,
    pub database: String,
    pub table: String,
    pub columns: Vec<Result<WireType, WireError>>,
}

/// Table id of a table map or rows event.
pub(super) fn table_id(data: &[u8]) -> Option<u64> {
    let b = data.first_chunk::<6>()?;
    Some(u64::from_le_bytes([
        b[0], b[1], b[2], b[3], b[4], b[5], 0, 0,
    ]))
}

impl TableMap {
    pub(super) fn parse(data: &[u8]) -> Option<Self> {
        let id = table_id(data)?;
        let mut rest = data.get(8..)?;
        let database = name(&mut rest)?;
        let table = name(&mut rest)?;
        let count = usize::try_from(packed(&mut rest)?).ok()?;
        let types = take(&mut rest, count)?;
        let meta_bytes = usize::try_from(packed(&mut rest)?).ok()?;
        let mut meta = take(&mut rest, meta_bytes)?;
        let columns = types
            .iter()
            .map(|ty| WireType::new(*ty, &mut meta))
            .collect();
        Some(Self {
            table_id: id,
            database,
            table,
            columns,
        })
    }
}

fn name(rest: &mut &[u8]) -> Option<String> {
    let len = usize::from(*take(rest, 1)?.first()?);
    let text = take(rest, len)?;
    take(rest, 1)?;
    String::from_utf8(text.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn columns_get_their_forms() {
        let mut data = vec![7, 0, 0, 0, 0, 0, 1, 0];
        data.extend(b"\x02db\0\x01t\0");
        // int, varchar(300), decimal(10,2), enum of one byte, datetime(6)
        data.extend([
            5, 3, 15, 246, 254, 18, 7, 0x2c, 0x01, 10, 2, 247, 1, 6, 0x1f,
        ]);
        let map = TableMap::parse(&data).unwrap();
        assert_eq!(
            (map.table_id, map.database.as_str(), map.table.as_str()),
            (7, "db", "t")
        );
        let forms: Vec<WireType> = map.columns.into_iter().map(Result::unwrap).collect();
        let want = [
            WireType::Int(4),
            WireType::Bytes(2),
            WireType::Decimal(10, 2, 5),
            WireType::Enum(1),
            WireType::DateTime(6),
        ];
        assert_eq!(forms, want);
    }

    proptest! {
        #[test]
        fn bytes_never_panic(data in proptest::collection::vec(any::<u8>(), 0..80)) {
            drop(TableMap::parse(&data));
        }
    }
}
