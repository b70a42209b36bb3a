//! Owns the inputs that the targets start from: pieces of the golden images, each in
//! the form that its target takes.

use std::path::Path;

use tidelog_core::{BlobId, BlobKind};
use tidelog_testkit::golden;

use crate::image::Image;
use crate::{Target, repair};

/// The inputs that a target starts from, so that nobody has to find them by chance.
#[must_use]
pub fn of(target: &Target) -> Vec<Vec<u8>> {
    match target.name {
        "header" => headers(),
        "frame" => frames(),
        "footer" => footers(),
        "manifest" => edits(),
        "mask" => masks(),
        "decompress" => packed(),
        "catalog" => catalogs(),
        "image" | "salvage" => images(),
        "operations" => operations(),
        _ => Vec::new(),
    }
}

/// Header and frames of each golden blob, and the bytes behind them.
struct Blob {
    kind: String,
    bytes: Vec<u8>,
    frames: Vec<Vec<u8>>,
    footer: Option<(u64, Vec<u8>)>,
}

fn blobs() -> Vec<Blob> {
    let images = golden::images();
    let files = images.iter().flat_map(|image| &image.files);
    files.map(|(path, bytes)| Blob::cut(path, bytes)).collect()
}

impl Blob {
    fn cut(path: &Path, bytes: &[u8]) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let (kind, _) = name.rsplit_once('-').unwrap_or_default();
        let mut frames = Vec::new();
        let mut at = repair::HEADER;
        while let Some(length) = bytes.get(at..).and_then(repair::frame_length) {
            frames.push(bytes[at..at + length].to_vec());
            at += length;
        }
        let rest = &bytes[at..];
        let footer = rest.iter().any(|byte| *byte != 0);
        Self {
            kind: kind.to_owned(),
            bytes: bytes.to_vec(),
            frames,
            footer: footer.then(|| (at as u64, rest.to_vec())),
        }
    }
}

/// `prefix` before each of `pieces`.
fn behind(prefix: &[u8], pieces: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
    let pieces = pieces.into_iter();
    pieces.map(|piece| [prefix, &piece].concat()).collect()
}

fn headers() -> Vec<Vec<u8>> {
    let headers = blobs()
        .into_iter()
        .map(|blob| blob.bytes[..repair::HEADER].to_vec());
    behind(&[0], headers)
}

fn frames() -> Vec<Vec<u8>> {
    // Far enough behind for whatever they vouch for.
    let frames = blobs().into_iter().flat_map(|blob| blob.frames);
    behind(&[2, 0, 16], frames)
}

fn footers() -> Vec<Vec<u8>> {
    let footers = blobs().into_iter().filter_map(|blob| blob.footer);
    footers
        .flat_map(|(position, bytes)| {
            let [low, high, ..] = (position / 8).to_le_bytes();
            behind(&[0, low, high], [bytes])
        })
        .collect()
}

fn edits() -> Vec<Vec<u8>> {
    let manifests = blobs().into_iter().filter(|blob| blob.kind == "manifest");
    let frames: Vec<_> = manifests.flat_map(|blob| blob.frames).collect();
    frames
        .iter()
        .map(|frame| repair::body(frame).to_vec())
        .collect()
}

fn masks() -> Vec<Vec<u8>> {
    let runs = [0, 0, 3, 0, 0, 5, 3, 200, 1, 9];
    let pages = [&[2, 0, 1, 0, 255, 255, 3][..], &[0, 0, 1, 7, 0]].concat();
    let bitmap = [&[0, 1][..], &[0xa5; 8192]].concat();
    let whole: [&[&[u8]]; 4] = [&[&runs], &[&pages], &[&bitmap], &[&runs, &bitmap, &pages]];
    let input = |bodies: &&[&[u8]]| {
        let bodies = bodies.iter().map(|body| {
            let length = (body.len() as u16).to_le_bytes();
            [&length[..], body].concat()
        });
        let mut input = vec![3, 0, 0, 0, 0, 0, 0, 0];
        input.extend(bodies.flatten());
        input
    };
    whole.iter().map(input).collect()
}

/// Whole golden images, to be mutated with and without their checksums.
fn images() -> Vec<Vec<u8>> {
    let mut inputs = Vec::new();
    for image in golden::images() {
        let blobs = image.files.iter();
        let blobs: Vec<_> = blobs
            .filter_map(|(path, bytes)| Some((id_of(path)?, bytes.clone())))
            .collect();
        let copies = blobs
            .iter()
            .any(|(id, _)| id.kind == BlobKind::ManifestCopy);
        inputs.extend([false, true].map(|honest| Image::write(honest, !copies, &blobs)));
    }
    inputs
}

fn id_of(path: &Path) -> Option<BlobId> {
    let name = path.file_name()?.to_str()?;
    let (kind, number) = name.rsplit_once('-')?;
    let kind = BlobKind::ALL
        .into_iter()
        .find(|known| known.as_str() == kind)?;
    Some(BlobId {
        log: golden::LOG,
        kind,
        number: number.parse().ok()?,
    })
}

/// Lives of a log, each operation a byte.
fn operations() -> Vec<Vec<u8>> {
    let synced = vec![0, 0, 0x20, 0x10, 0x09, 0x0c];
    let killed = vec![0, 1, 0x10, 0x10, 0x0e, 0x20, 0x0d, 0x0c];
    let produced = vec![0, 16, 0x14, 0x24, 0x17, 0x0e, 0x07, 0x14, 0x0a, 0x0c];
    let mut cut = vec![2, 2, 0x20, 0x10, 0x14, 0x0f, 9, 0, 1, 0, 3, 0];
    cut.extend([0x10, 0x0a, 0x0f, 4, 0, 1, 0, 1, 0, 0x20]);
    let mut rolled = vec![0x18, 24];
    rolled.extend([0x10, 0x20, 0x86].repeat(6));
    rolled.extend([0x0a, 0x0d, 0x0a, 0x0f, 30, 0, 1, 0, 2, 0, 0x10]);
    let mut deleted = vec![0, 0x70];
    deleted.extend([0x10, 0x20, 0x86, 0x10].repeat(3));
    deleted.extend([0x01, 0x0c, 0x31, 0x0a, 0x0b, 0x41, 0x0d, 0x0c]);
    let mut trimmed = vec![1, 0x31];
    trimmed.extend([0x10, 0x86, 0x0a, 0x21, 0x0b].repeat(3));
    trimmed.extend([0x0e, 0x61, 0x0a, 0x0f, 20, 0, 1, 0, 1, 0, 0x10, 0x31, 0x0c]);
    let mut compacted = vec![0, 0xf4];
    compacted.extend([0x10, 0x00, 0x14, 0x86].repeat(3));
    compacted.extend([0x31, 0x0b, 0x0e, 0x10, 0x71, 0x0a, 0x0c]);
    compacted.extend([0x0f, 60, 0, 1, 0, 1, 0, 0x0c, 0x31, 0x0d]);
    let mut reindexed = vec![0, 16];
    reindexed.extend([0x10, 0x86, 0x01].repeat(3));
    reindexed.extend([
        0x02, 0x0a, 0x0c, 0x20, 0x12, 0x0a, 0x0c, 0x0d, 0x02, 0x0a, 0x0c,
    ]);
    vec![
        synced, killed, produced, cut, rolled, deleted, trimmed, compacted, reindexed,
    ]
}

fn catalogs() -> Vec<Vec<u8>> {
    let entry = |name: &str, state: u8, id: u8| {
        let length = name.len() as u8;
        [&[length][..], name.as_bytes(), &[2, state, id]].concat()
    };
    let interrupted = entry("a", 0, 1);
    let created = [entry("b", 0, 1), entry("b", 1, 1)].concat();
    let renamed = [entry("a", 1, 1), entry("longer name", 1, 2)].concat();
    vec![interrupted, created, renamed]
}

fn packed() -> Vec<Vec<u8>> {
    let frames: Vec<_> = blobs().into_iter().flat_map(|blob| blob.frames).collect();
    frames
        .iter()
        .filter_map(|frame| {
            let codec = match frame[12] & 3 {
                0 => return None,
                1 => 1,
                _ => 3,
            };
            let raw = &frame[56..58];
            Some([&[codec][..], raw, repair::body(frame)].concat())
        })
        .collect()
}
