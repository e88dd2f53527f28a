//! CONVERT TO CHARACTER SET: every text column takes the new set, and a wider type where the same
//! characters need more bytes (MySQL manual, "ALTER TABLE … CONVERT TO").

use super::super::charset::max_bytes;
use super::build::text_for;
use crate::table::{Column, ColumnType, Table};

pub(super) fn convert(table: &mut Table, charset: &str, collation: Option<&str>) {
    table.default_charset = Some(charset.to_owned());
    for column in table
        .columns
        .iter_mut()
        .filter(|column| column.ty.is_text())
    {
        widen(column, charset);
        column.charset = Some(charset.to_owned());
        column.collation = collation.map(str::to_owned);
    }
}

fn widen(column: &mut Column, charset: &str) {
    let old = column.charset.as_deref().map_or(1, max_bytes);
    let new = max_bytes(charset);
    if new <= old {
        return;
    }
    let held = match column.ty {
        ColumnType::TinyText => 0xff,
        ColumnType::Text => 0xffff,
        ColumnType::MediumText => 0xff_ffff,
        ColumnType::VarChar => {
            let characters = u64::try_from(column.length.unwrap_or(0)).unwrap_or(0);
            let bytes = characters.saturating_mul(new);
            if bytes > u64::from(u16::MAX) {
                set_type(column, text_for(bytes));
                column.length = None;
            }
            return;
        }
        _ => return,
    };
    set_type(column, text_for(held / old * new));
}

fn set_type(column: &mut Column, ty: ColumnType) {
    if column.ty != ty {
        column.ty = ty;
        column.type_name = ty.native_name().to_ascii_uppercase();
        column.type_expression.clone_from(&column.type_name);
        column.length = None;
    }
}
