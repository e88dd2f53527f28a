//! Row images out of hand-made and of random bytes.

use super::cursor::{Json, JsonMode};
use super::*;
use crate::config::MysqlConfig;
use crate::ddl::Session;
use crate::event::Fixed;
use crate::table::Tables;
use host_core::config::Config;
use host_core::layout::{Arena, Reader as Slots, Slot};
use host_core::schema::SharedSchemas;
use proptest::prelude::*;

fn events(ddl: &str) -> TableEvents {
    let config: Config = [
        ("database.hostname", "h"),
        ("database.user", "u"),
        ("database.server.id", "9100"),
        ("topic.prefix", "p"),
        (
            "schema.history.internal",
            "io.debezium.relational.history.MemorySchemaHistory",
        ),
    ]
    .into_iter()
    .collect();
    let config = MysqlConfig::parse(&config).unwrap();
    let schemas = SharedSchemas::default();
    let mut tables = Tables::new(0);
    crate::ddl::apply(ddl, &Session::new("d"), &mut tables).unwrap();
    let table = Arc::clone(tables.get(&TableId::new("d", "t")).unwrap());
    TableEvents::new(table, &config, &Fixed::new(&schemas).unwrap(), &schemas).unwrap()
}

const DDL: &str = "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(9), j JSON)";
const WIRES: [WireType; 3] = [WireType::Int(4), WireType::Bytes(1), WireType::Bytes(4)];
const UPDATE: RowsKind = RowsKind {
    op: RowsOp::Update,
    extra: true,
    partial: false,
};

fn json<'a>() -> Json<'a> {
    Json {
        mode: JsonMode::Ignore,
        before: Vec::new(),
        partial: Vec::new(),
    }
}

#[test]
fn an_update_has_two_images() {
    // Table id, flags, extra data, three columns, both bitmaps full.
    let mut data = vec![9, 0, 0, 0, 0, 0, 1, 0, 2, 0, 3, 7, 7];
    data.extend([0b110, 1, 0, 0, 0]);
    data.extend([0b100, 1, 0, 0, 0, 2, b'h', b'i']);
    let body = body(&data, UPDATE).unwrap();
    assert_eq!(
        (body.columns, body.before, body.after),
        (3, &[7u8][..], &[7u8][..])
    );
    let plan = events(DDL);
    let mut cursor = Cursor {
        plan: &plan,
        wires: &WIRES,
        rest: body.rows,
    };
    let (mut arena, mut row) = (Arena::new(0), Vec::new());
    cursor
        .image(body.before, &mut json(), &mut row, &mut arena)
        .unwrap();
    assert_eq!(row, [Slot::int32(1), Slot::NULL, Slot::NULL]);
    cursor
        .image(body.after, &mut json(), &mut row, &mut arena)
        .unwrap();
    assert_eq!(Slots::new(arena.bytes()).str(row[1]), Ok("hi"));
    assert!(cursor.rest.is_empty());
}

#[test]
fn rows_that_do_not_fit_say_so() {
    let plan = events(DDL);
    for (present, rest, why) in [
        (
            &[3u8][..],
            &[0u8, 1, 0, 0, 0, 0][..],
            "binlog_row_image=FULL",
        ),
        (
            &[7],
            &[0, 1, 0],
            "column id of d.t holds the row ends inside of a value",
        ),
        (&[7], &[], "ends too early"),
    ] {
        let mut cursor = Cursor {
            plan: &plan,
            wires: &WIRES,
            rest,
        };
        let got = cursor.image(present, &mut json(), &mut Vec::new(), &mut Arena::new(0));
        assert!(got.clone().unwrap_err().contains(why), "{got:?}");
    }
}

proptest! {
    #[test]
    fn bytes_never_panic(data in proptest::collection::vec(any::<u8>(), 0..120), extra in any::<bool>(), partial in any::<bool>()) {
        let plan = events(DDL);
        let kind = RowsKind { op: RowsOp::Update, extra, partial };
        if let Some(body) = body(&data, kind) {
            let mut cursor = Cursor { plan: &plan, wires: &WIRES, rest: body.rows };
            let (mut arena, mut row, mut json) = (Arena::new(0), Vec::new(), json());
            json.mode = JsonMode::Keep;
            while !cursor.rest.is_empty() {
                if cursor.image(&[7], &mut json, &mut row, &mut arena).is_err() {
                    break;
                }
                json.mode = if partial { JsonMode::Patch } else { JsonMode::Ignore };
            }
        }
    }
}
