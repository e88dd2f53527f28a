//! Jackson's `DefaultPrettyPrinter`: two blanks an object level, `"key" : value`, arrays on one
//! line with blanks inside (`[ 1, 2 ]`, `[ ]`, `[ {`), and Jackson's escapes.
//!
//! Only printing. Depth is that of the value given; values here come from this program or from
//! serde_json, which bounds its depth at 128.

use std::fmt::Write;

use serde_json::{Map, Value};

/// The value as Jackson prints it.
pub fn to_pretty(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value, 0);
    out
}

fn write_value(out: &mut String, value: &Value, level: usize) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => {
            // Writing to a String cannot fail.
            let _written = write!(out, "{number}");
        }
        Value::String(text) => write_text(out, text),
        Value::Array(items) => write_array(out, items, level),
        Value::Object(fields) => write_object(out, fields, level),
    }
}

fn write_array(out: &mut String, items: &[Value], level: usize) {
    out.push('[');
    for (at, item) in items.iter().enumerate() {
        out.push_str(if at == 0 { " " } else { ", " });
        write_value(out, item, level);
    }
    out.push_str(" ]");
}

fn write_object(out: &mut String, fields: &Map<String, Value>, level: usize) {
    out.push('{');
    for (at, (key, value)) in fields.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        new_line(out, level + 1);
        write_text(out, key);
        out.push_str(" : ");
        write_value(out, value, level + 1);
    }
    if fields.is_empty() {
        out.push(' ');
    } else {
        new_line(out, level);
    }
    out.push('}');
}

fn new_line(out: &mut String, level: usize) {
    out.push('\n');
    for _ in 0..level {
        out.push_str("  ");
    }
}

/// Quotes, backslash and control characters; all else stands as it is.
fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if c < ' ' => {
                let _written = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::to_pretty;

    #[test]
    fn prints_like_jackson() {
        let value = serde_json::json!({
            "a": 1, "e": [], "o": {}, "l": ["x", "y"],
            "n": [{"k": null}, {"b": true}], "t": "é\"\\\n\u{1}\u{1f}\u{7f}"
        });
        let printed = "{\n  \"a\" : 1,\n  \"e\" : [ ],\n  \"o\" : { },\n  \"l\" : [ \"x\", \"y\" ],\n  \
                       \"n\" : [ {\n    \"k\" : null\n  }, {\n    \"b\" : true\n  } ],\n  \
                       \"t\" : \"é\\\"\\\\\\n\\u0001\\u001F\u{7f}\"\n}";
        assert_eq!(to_pretty(&value), printed);
    }
}
