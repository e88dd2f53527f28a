//! Streams of events, whole and hostile, in pieces of every size.

use super::*;
use proptest::prelude::*;
use std::io::Write as _;

const CRC: bool = true;

/// An event as a server writes it.
fn event(kind: u8, body: &[u8], checksum: bool) -> Vec<u8> {
    let bytes = HEADER_BYTES + body.len() + if checksum { CHECKSUM_BYTES } else { 0 };
    let mut event = vec![1, 0, 0, 0, kind, 7, 0, 0, 0];
    event.extend((bytes as u32).to_le_bytes());
    event.extend([0; 6]);
    event.extend(body);
    if checksum {
        let sum = crc32fast::hash(&event);
        event.extend(sum.to_le_bytes());
    }
    event
}

/// The first event of a file, which says that checksums follow.
fn format() -> Vec<u8> {
    event(
        FORMAT,
        &[0; 80].into_iter().chain([1]).collect::<Vec<u8>>(),
        CRC,
    )
}

/// A packet of the client protocol.
fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let all = [&[first], body].concat();
    let mut framed = Vec::new();
    let mut pieces: Vec<&[u8]> = all.chunks(PIECE_BYTES_MAX).collect();
    if all.len() % PIECE_BYTES_MAX == 0 {
        pieces.push(&[]);
    }
    for piece in pieces {
        framed.extend((piece.len() as u32).to_le_bytes());
        framed.extend(piece);
    }
    framed
}

fn events(stream: &[Vec<u8>]) -> Vec<u8> {
    stream.iter().flat_map(|e| packet(0, e)).collect()
}

fn number(n: u64) -> Vec<u8> {
    [&[254][..], &n.to_le_bytes()].concat()
}

/// A payload event's body: method, plain size, size, and the compressed bytes.
fn body(method: u64, plain: u64, compressed: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for (field, value) in [(2, method), (3, plain), (1, compressed.len() as u64)] {
        body.extend([field, 9]);
        body.extend(number(value));
    }
    body.push(0);
    body.extend(compressed);
    body
}

fn zstd(plain: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// What comes out, and the most bytes of the stream that were taken for one event.
fn run(stream: &[u8], piece: usize) -> Result<Vec<Packet>, Broken> {
    let mut assembler = Assembler::default();
    let mut got = Vec::new();
    let mut rest = stream;
    loop {
        while let Some(packet) = assembler.next()? {
            got.push(packet);
        }
        if rest.is_empty() {
            return Ok(got);
        }
        let bytes = rest.get(..piece).unwrap_or(rest);
        rest = &rest[assembler.take(bytes)?..];
    }
}

fn kinds(packets: &[Packet]) -> Vec<(u8, usize, bool)> {
    packets
        .iter()
        .map(|p| match p {
            Packet::Event(e) => (e.header.kind(), e.data.len(), e.inner),
            Packet::Error(e) => (255, usize::from(e.code), false),
            Packet::End => (254, 0, false),
        })
        .collect()
}

fn transaction(rows: usize) -> Vec<u8> {
    let mut plain = event(2, b"BEGIN", false);
    for row in 0..rows {
        plain.extend(event(30, &row.to_le_bytes().repeat(40), false));
    }
    plain.extend(event(16, &[1; 8], false));
    plain
}

#[test]
fn pieces_of_every_size_are_alike() {
    let plain = transaction(500);
    let (head, tail) = plain.split_at(50_000);
    let two_frames = [zstd(head), zstd(tail)].concat();
    let stream = [
        events(&[
            format(),
            event(33, &[3; 20], CRC),
            event(40, &body(0, plain.len() as u64, &zstd(&plain)), CRC),
            event(40, &body(0, plain.len() as u64, &two_frames), CRC),
            event(40, &body(255, plain.len() as u64, &plain), CRC),
            event(16, &[9; 8], CRC),
        ]),
        packet(0xfe, &[0, 0, 2, 0]),
    ]
    .concat();
    let want = run(&stream, usize::MAX).unwrap();
    let of_one = 1 + 1 + 500 + 1;
    assert_eq!(want.len(), 2 + 3 * (of_one) + 2);
    let inner = kinds(&want);
    assert_eq!(inner[2..4], [(40, 0, false), (2, 5, true)]);
    assert_eq!(inner[2 + of_one - 1], (16, 8, true));
    assert_eq!(inner[inner.len() - 2..], [(16, 8, false), (254, 0, false)]);
    for piece in [1, 2, 3, 7, 19, 20, 21, 1000, 16_384, 65_536] {
        assert!(run(&stream, piece).unwrap() == want, "pieces of {piece}");
    }
}

#[test]
fn long_packets_come_in_several_pieces() {
    for bytes in [
        PIECE_BYTES_MAX - 100,
        PIECE_BYTES_MAX - 1 - HEADER_BYTES,
        PIECE_BYTES_MAX + 5,
    ] {
        let stream = events(&[event(30, &vec![5; bytes], false), event(16, &[], false)]);
        let got = run(&stream, 1 << 16).unwrap();
        assert_eq!(kinds(&got), [(30, bytes, false), (16, 0, false)], "{bytes}");
    }
}

#[test]
fn a_damaged_transaction_never_commits() {
    let plain = transaction(3);
    let size = plain.len() as u64;
    let whole = zstd(&plain);
    let damaged = |at: usize| {
        let mut bytes = event(40, &body(0, size, &whole), CRC);
        let at = bytes.len() - at;
        bytes[at] ^= 1;
        bytes
    };
    let huge = {
        let mut inner = event(30, &[0; 50], false);
        inner[9..13].copy_from_slice(&u32::MAX.to_le_bytes());
        inner
    };
    let nested = event(40, &[], false);
    let cases: [(&str, Vec<u8>); 12] = [
        ("does not match its checksum", damaged(1)),
        (
            "decompresses to",
            event(40, &body(0, u64::MAX, &whole), CRC),
        ),
        (
            "cannot be decompressed",
            event(40, &body(0, size, &plain), CRC),
        ),
        (
            "ends too early",
            event(40, &body(0, size, &whole[..whole.len() - 3]), CRC),
        ),
        ("unknown method 1", event(40, &body(1, size, &whole), CRC)),
        (
            "length that its header says",
            event(40, &[2, 1, 0, 1, 1, 200, 0, 1], CRC),
        ),
        ("without end", event(40, &[99; 500], CRC)),
        ("ends too early", event(40, &[2, 1, 0], CRC)),
        ("malformed header", event(40, &[2, 0, 1], CRC)),
        (
            "event of 4294967295 bytes",
            event(40, &body(0, 0, &zstd(&huge)), CRC),
        ),
        (
            "event of type 40",
            event(40, &body(0, 0, &zstd(&nested)), CRC),
        ),
        (
            "ends within an event",
            event(40, &body(255, size - 1, &plain[..plain.len() - 1]), CRC),
        ),
    ];
    for (why, payload) in cases {
        let stream = events(&[format(), payload]);
        let mut assembler = Assembler::default();
        let mut rest = stream.as_slice();
        let mut seen = Vec::new();
        let error = loop {
            match assembler.next() {
                Ok(Some(Packet::Event(e))) => seen.push(e.header.kind()),
                Ok(Some(other)) => panic!("{other:?}"),
                Ok(None) if rest.is_empty() => panic!("{why}: no error"),
                Ok(None) => match assembler.take(rest) {
                    Ok(used) => rest = &rest[used..],
                    Err(e) => break e,
                },
                Err(e) => break e,
            }
        };
        let Broken::Payload(got) = error else {
            panic!("{why}: {error:?}");
        };
        assert!(got.contains(why), "{got} is not {why}");
        assert!(!seen.contains(&16), "{why}: the commit was handed on");
    }
}

#[test]
fn claimed_sizes_take_no_memory() {
    // A kibibyte that decompresses to a gibibyte and claims all there is.
    let zeros = zstd(&vec![0; 64 << 20]);
    let stream = events(&[format(), event(40, &body(0, u64::MAX, &zeros), CRC)]);
    let Err(Broken::Payload(why)) = run(&stream, 1 << 16) else {
        panic!("no error");
    };
    assert!(why.contains("an event of 0 bytes"), "{why}");
}

#[test]
fn a_stream_that_is_none_is_an_error() {
    let mut flipped = event(16, &[1; 8], CRC);
    flipped[20] ^= 1;
    let mut longer = event(16, &[1; 8], CRC);
    longer[9] += 1;
    for (why, stream) in [
        ("checksum does not match", events(&[format(), flipped])),
        ("length is not that", events(&[format(), longer])),
        (
            "shorter than its checksum",
            events(&[format(), event(16, &[1], false)]),
        ),
        ("shorter than its header", packet(0, &[1; 10])),
        ("no event", packet(3, &[1; 10])),
    ] {
        let Err(Broken::Stream(got)) = run(&stream, 1 << 16) else {
            panic!("{why}: no error");
        };
        assert!(got.contains(why), "{got} is not {why}");
    }
    let refused = run(&packet(0xff, b"\xd4\x04#HY000gone"), 3).unwrap();
    assert_eq!(kinds(&refused), [(255, 1236, false)]);
}

proptest! {
    #[test]
    fn bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), piece in 1..50usize) {
        drop(run(&bytes, piece));
        drop(run(&packet(0, &bytes), piece));
        drop(run(&events(&[format(), event(40, &bytes, CRC)]), piece));
        drop(run(&events(&[event(40, &body(0, 9, &zstd(&bytes)), false)]), piece));
    }
}
