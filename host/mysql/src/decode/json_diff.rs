//! Partial updates of JSON values: the differences the binlog holds with `binlog_row_value_options=PARTIAL_JSON`.
//!
//! The value before the update is opened only along the paths that change; everything else is printed from its bytes.
//! Source: MySQL `sql/json_diff.h`, `Json_diff_vector::read_binary`. Debezium drops such updates without a word.
//! Invariant: a path that leads nowhere is an error, because the value before was not the one that was changed.

use super::json::{MALFORMED, Walk, head, number};
use super::{DecodeError, text_slot};
use host_core::layout::{Arena, Slot};

/// A value: as it lies in its bytes, or opened.
#[derive(Debug, Clone)]
enum Node<'a> {
    Leaf(u8, &'a [u8]),
    Object(Vec<(Vec<u8>, Node<'a>)>),
    Array(Vec<Node<'a>>),
}

/// One step of a path.
#[derive(Debug, PartialEq, Eq)]
enum Leg {
    Member(Vec<u8>),
    Cell(usize),
}

const NOWHERE: DecodeError =
    DecodeError::Malformed("partial json update: its path is not in the value before");

/// The text of `before` with `diffs` applied.
pub(crate) fn patched(before: &[u8], diffs: &[u8], arena: &mut Arena) -> Result<Slot, DecodeError> {
    let (kind, data) = before.split_first().ok_or(MALFORMED)?;
    let mut root = Node::Leaf(*kind, data);
    let mut rest = diffs;
    while let Some((op, tail)) = rest.split_first() {
        rest = tail;
        let path = counted(&mut rest)?;
        let legs = legs(path).ok_or(DecodeError::Malformed("path of a partial json update"))?;
        let value = if *op == 2 {
            None
        } else {
            let (kind, data) = counted(&mut rest)?.split_first().ok_or(MALFORMED)?;
            Some(Node::Leaf(*kind, data))
        };
        root.change(&legs, *op, value)?;
    }
    let mut outcome = Ok(());
    let slot = text_slot(arena, |arena| outcome = root.write(&mut Walk::new(arena)));
    outcome.map(|()| slot)
}

impl<'a> Node<'a> {
    fn open(&mut self) -> Result<(), DecodeError> {
        let Node::Leaf(kind @ 0..=3, data) = *self else {
            return Ok(());
        };
        let (object, large) = (kind < 2, kind % 2 == 1);
        let width = if large { 4 } else { 2 };
        let count = number(data, 0, large)?;
        let data = data.get(..number(data, width, large)?).ok_or(MALFORMED)?;
        let keys = 2 * width;
        let values = if object {
            count * (width + 2) + keys
        } else {
            keys
        };
        let mut members = Vec::new();
        let mut cells = Vec::new();
        for i in 0..count {
            let entry = values + i * (width + 1);
            let kind = *data.get(entry).ok_or(MALFORMED)?;
            let inline = matches!(kind, 4..=6) || large && matches!(kind, 7 | 8);
            let at = if inline {
                entry + 1
            } else {
                number(data, entry + 1, large)?
            };
            let node = Node::Leaf(kind, data.get(at..).ok_or(MALFORMED)?);
            if object {
                let entry = keys + i * (width + 2);
                let from = number(data, entry, large)?;
                let len = number(data, entry + width, false)?;
                let key = from
                    .checked_add(len)
                    .and_then(|to| data.get(from..to))
                    .ok_or(MALFORMED)?;
                members.push((key.to_vec(), node));
            } else {
                cells.push(node);
            }
        }
        *self = if object {
            Node::Object(members)
        } else {
            Node::Array(cells)
        };
        Ok(())
    }

    fn change(&mut self, legs: &[Leg], op: u8, value: Option<Node<'a>>) -> Result<(), DecodeError> {
        let Some((leg, rest)) = legs.split_first() else {
            *self = value.ok_or(NOWHERE)?;
            return Ok(());
        };
        self.open()?;
        match (self, leg) {
            (Node::Object(members), Leg::Member(key)) => {
                let at = members.iter().position(|(k, _)| k == key);
                match (at, rest.is_empty(), op, value) {
                    (Some(at), true, 2, _) => {
                        members.remove(at);
                    }
                    (None, true, _, Some(value)) => {
                        // MySQL orders members by length, then by bytes.
                        let at = members.partition_point(|(k, _)| (k.len(), k) < (key.len(), key));
                        members.insert(at, (key.clone(), value));
                    }
                    (Some(at), _, _, value) => members
                        .get_mut(at)
                        .ok_or(NOWHERE)?
                        .1
                        .change(rest, op, value)?,
                    _ => return Err(NOWHERE),
                }
            }
            (Node::Array(cells), Leg::Cell(at)) => match (rest.is_empty(), op, value) {
                (true, 2, _) if *at < cells.len() => {
                    cells.remove(*at);
                }
                (true, 1, Some(value)) => cells.insert((*at).min(cells.len()), value),
                (_, _, value) => cells.get_mut(*at).ok_or(NOWHERE)?.change(rest, op, value)?,
            },
            // A scalar counts as an array of itself.
            (node, Leg::Cell(0)) => node.change(rest, op, value)?,
            _ => return Err(NOWHERE),
        }
        Ok(())
    }

    fn write(&self, walk: &mut Walk<'_>) -> Result<(), DecodeError> {
        match self {
            Node::Leaf(kind, data) => walk.root(*kind, data)?,
            Node::Array(cells) => {
                walk.raw(b"[");
                for (i, cell) in cells.iter().enumerate() {
                    walk.raw(if i > 0 { b"," } else { b"" });
                    cell.write(walk)?;
                }
                walk.raw(b"]");
            }
            Node::Object(members) => {
                walk.raw(b"{");
                for (i, (key, node)) in members.iter().enumerate() {
                    walk.raw(if i > 0 { b"," } else { b"" });
                    walk.string(key)?;
                    walk.raw(b":");
                    node.write(walk)?;
                }
                walk.raw(b"}");
            }
        }
        Ok(())
    }
}

/// Bytes after their length-encoded length.
fn counted<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], DecodeError> {
    let (first, tail) = rest.split_first().ok_or(MALFORMED)?;
    let (len, skip) = match first {
        0..=250 => (usize::from(*first), 0),
        252 => (usize::from(u16::from_le_bytes(head(tail)?)), 2),
        253 => {
            let [a, b, c] = head(tail)?;
            (u32::from_le_bytes([a, b, c, 0]) as usize, 3)
        }
        254 => (
            usize::try_from(u64::from_le_bytes(head(tail)?)).map_err(|_| MALFORMED)?,
            8,
        ),
        251 | 255 => return Err(MALFORMED),
    };
    let (value, tail) = tail
        .get(skip..)
        .and_then(|t| t.split_at_checked(len))
        .ok_or(MALFORMED)?;
    *rest = tail;
    Ok(value)
}

/// `$.a[3]."b c"`.
fn legs(path: &[u8]) -> Option<Vec<Leg>> {
    let text = std::str::from_utf8(path).ok()?;
    let mut rest = text.strip_prefix('$')?;
    let mut out = Vec::new();
    while let Some(first) = rest.chars().next() {
        match first {
            '[' => {
                let (index, tail) = rest.get(1..)?.split_once(']')?;
                out.push(Leg::Cell(index.trim().parse().ok()?));
                rest = tail;
            }
            '.' if rest.get(1..2) == Some("\"") => {
                let quoted = rest.get(1..)?;
                let mut end = None;
                let mut escaped = false;
                for (i, c) in quoted.char_indices().skip(1) {
                    match c {
                        _ if escaped => escaped = false,
                        '\\' => escaped = true,
                        '"' => {
                            end = Some(i + 1);
                            break;
                        }
                        _ => {}
                    }
                }
                let (name, tail) = quoted.split_at(end?);
                out.push(Leg::Member(
                    serde_json::from_str::<String>(name).ok()?.into_bytes(),
                ));
                rest = tail;
            }
            '.' => {
                let name = rest.get(1..)?;
                let end = name.find(['.', '[']).unwrap_or(name.len());
                let (name, tail) = name.split_at(end);
                out.push(Leg::Member(name.as_bytes().to_vec()));
                rest = tail;
            }
            _ => return None,
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_core::layout::Reader;

    /// {"a":1,"b":[1,2]}, as the server stores it.
    const BEFORE: &[u8] = &[
        0, 2, 0, 36, 0, 18, 0, 1, 0, 19, 0, 1, 0, 5, 1, 0, 2, 20, 0, b'a', b'b', 2, 0, 10, 0, 5, 1,
        0, 5, 2, 0, 0, 0, 0, 0, 0, 0,
    ];

    fn apply(diffs: &[(u8, &str, &[u8])]) -> String {
        let mut bytes = Vec::new();
        for (op, path, value) in diffs {
            bytes.push(*op);
            bytes.push(path.len() as u8);
            bytes.extend(path.as_bytes());
            if *op != 2 {
                bytes.push(value.len() as u8);
                bytes.extend(*value);
            }
        }
        let mut arena = Arena::new(0);
        match patched(BEFORE, &bytes, &mut arena) {
            Ok(slot) => Reader::new(arena.bytes()).str(slot).unwrap().to_owned(),
            Err(e) => e.to_string(),
        }
    }

    #[test]
    fn differences_are_applied() {
        let two: &[u8] = &[12, 3, b't', b'w', b'o'];
        for (diffs, want) in [
            (vec![], r#"{"a":1,"b":[1,2]}"#),
            (vec![(0, "$.a", two)], r#"{"a":"two","b":[1,2]}"#),
            (vec![(0, "$.b[1]", two)], r#"{"a":1,"b":[1,"two"]}"#),
            (vec![(1, "$.b[1]", two)], r#"{"a":1,"b":[1,"two",2]}"#),
            (
                vec![(1, "$.\"c d\"", two), (2, "$.b[0]", two)],
                r#"{"a":1,"b":[2],"c d":"two"}"#,
            ),
            (vec![(2, "$.a", two)], r#"{"b":[1,2]}"#),
            (vec![(0, "$", two)], r#""two""#),
        ] {
            assert_eq!(apply(&diffs), want);
        }
        assert!(apply(&[(0, "$.x.y", two)]).contains("not in the value before"));
        assert!(apply(&[(0, "x", two)]).contains("path of a partial json update"));
    }
}
