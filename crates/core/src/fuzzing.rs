//! Owns what the fuzz targets are let into: each function takes bytes through one
//! decoder, and back through the encoder, and panics if the two contradict each
//! other. Not part of the interface; decides nothing itself.

use alloc::vec::Vec;

use crate::format::{
    BLOB_HEADER, BlobHeader, BodyWriter, CatalogEntry, Edit, Footer, FrameHeader, FrameKind, Mask,
    RecordShape, Seed, Shape, compress, decompress, seal_frame,
};
use crate::log::fuzzing::{manifest_keeps, verified_body};
use crate::{BlobId, Compression, Fault};

/// What the checksums of a blob start from.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The blob.
    pub blob: BlobId,
    /// The writer epoch in its header.
    pub epoch: u64,
    /// The salt in its header.
    pub salt: u64,
}

impl Place {
    fn seed(self) -> Seed {
        Seed::of(self.blob, self.epoch, self.salt)
    }
}

/// A blob header that is read is written as it was.
///
/// # Errors
/// Whatever the decoder refuses.
pub fn blob_header(blob: BlobId, bytes: &[u8]) -> Result<Place, Fault> {
    let header = BlobHeader::decode(blob, bytes)?;
    let mut written = Vec::new();
    header.encode(&mut written);
    assert_eq!(written.len(), BLOB_HEADER);
    assert_eq!(BlobHeader::decode(blob, &written), Ok(header));
    Ok(Place {
        blob,
        epoch: header.epoch,
        salt: header.salt,
    })
}

/// A frame that verifies is written byte for byte as it was, and its records are
/// read again as they were. Returns the number of its bytes.
///
/// # Errors
/// Whatever the decoders refuse.
pub fn frame(place: Place, position: u64, bytes: &[u8]) -> Result<usize, Fault> {
    let seed = place.seed();
    let body = verified_body(seed, position, bytes)?;
    let header = FrameHeader::decode(seed, position, bytes)?;
    let length = header.frame_length();
    let stored = header.header_length() + header.body_length as usize;
    let mut written = bytes.get(..stored).ok_or(Fault::Short)?.to_vec();
    assert_eq!(
        seal_frame(&mut written, 0, header, seed, position),
        Ok(header)
    );
    assert_eq!(Some(written.as_slice()), bytes.get(..length));
    assert_eq!(body.len(), header.raw_length as usize);
    if header.kind == FrameKind::Batch {
        records(&header, &body);
    }
    Ok(length)
}

/// The records of a body that was read without fault.
fn records(header: &FrameHeader, body: &[u8]) {
    let shape = Shape::from(header.attributes);
    let mut written = Vec::new();
    let mut writer = BodyWriter {
        out: &mut written,
        shape,
        base_time: header.base_time,
    };
    let read = each_record(body, shape);
    assert_eq!(read.len(), header.record_count as usize);
    for record in &read {
        let headers: Vec<_> = record.headers.collect();
        let time = header.base_time.wrapping_add(record.time_delta);
        let delta = record.offset_delta.unwrap_or(0);
        writer.push(delta, time, record.key, record.value, &headers);
    }
    // The shortest form is what is written, whatever was read.
    assert!(written.len() <= body.len());
    let again = each_record(&written, shape);
    assert_eq!(again.len(), read.len());
    for (one, other) in read.iter().zip(&again) {
        let time = |record: &RecordShape<'_>| (record.time_delta, record.offset_delta);
        assert_eq!(time(one), time(other));
        assert_eq!((one.key, one.value), (other.key, other.value));
        assert!(one.headers.eq(other.headers));
    }
}

fn each_record(mut body: &[u8], shape: Shape) -> Vec<RecordShape<'_>> {
    let mut records = Vec::new();
    while !body.is_empty() {
        let record = RecordShape::decode(body, shape);
        assert!(record.is_ok(), "a record of a batch is refused: {record:?}");
        let Ok(record) = record else { break };
        body = body.get(record.length..).unwrap_or(&[]);
        records.push(record);
    }
    records
}

/// A footer that is read says the same when it is written and read again.
///
/// # Errors
/// Whatever the decoder refuses.
pub fn footer(place: Place, position: u64, bytes: &[u8]) -> Result<(), Fault> {
    let seed = place.seed();
    let footer = Footer::decode(seed, position, bytes)?;
    let mut written = Vec::new();
    footer.encode(seed, position, &mut written)?;
    let again = Footer::decode(seed, position, &written)?;
    assert_eq!(
        (&again.offsets, &again.producers),
        (&footer.offsets, &footer.producers)
    );
    assert_eq!((&again.times, &again.keys), (&footer.times, &footer.keys));
    let mut rewritten = Vec::new();
    again.encode(seed, position, &mut rewritten)?;
    assert_eq!(written, rewritten);
    Ok(())
}

/// Edits that are read are written and read again as they were, and a manifest
/// made from them survives being replaced by its snapshot.
///
/// # Errors
/// Whatever the decoder refuses.
pub fn edits(body: &[u8]) -> Result<(), Fault> {
    let read = each_edit(body)?;
    let mut written = Vec::new();
    for edit in &read {
        edit.encode(&mut written);
    }
    assert!(written.len() <= body.len());
    assert_eq!(each_edit(&written).as_ref(), Ok(&read));
    manifest_keeps(&read);
    Ok(())
}

fn each_edit(body: &[u8]) -> Result<Vec<Edit>, Fault> {
    let mut edits = Vec::new();
    Edit::decode_each(body, |edit| edits.push(edit))?;
    Ok(edits)
}

/// A mask that is read holds the same offsets when it is written and read again, in one
/// piece or several, and answers alike whichever way it is asked. Returns how many.
///
/// # Errors
/// Whatever the decoder refuses.
pub fn mask(bodies: &[&[u8]], probe: u64) -> Result<u64, Fault> {
    let mut mask = Mask::default();
    for body in bodies {
        mask.decode(body)?;
    }
    for body in [1, usize::MAX] {
        let mut again = Mask::default();
        for body in mask.encode(body) {
            again.decode(&body)?;
        }
        assert_eq!(again, mask);
    }
    let (present, absent) = (mask.next_present(probe), mask.next_absent(probe));
    assert_eq!(mask.contains(probe), present == Some(probe));
    assert_eq!(mask.contains(probe), absent != probe);
    assert!(!mask.contains(absent) && present.is_none_or(|offset| mask.contains(offset)));
    if mask.len() <= LISTED {
        let offsets: Vec<u64> = mask.iter().collect();
        assert!(offsets.is_sorted_by(|a, b| a < b));
        assert_eq!(offsets.len() as u64, mask.len());
        let from = offsets.partition_point(|offset| *offset < probe);
        assert_eq!(offsets.get(from).copied(), present);
        // The form of a page depends on how it came about; what is in it does not.
        assert!(Mask::of(offsets.iter().copied()).iter().eq(offsets));
    }
    Ok(mask.len())
}

/// Offsets up to which those of a mask are looked at one by one.
const LISTED: u64 = 1 << 12;

/// A catalog entry that is read is written and read again as it was.
///
/// # Errors
/// Whatever the decoder refuses.
pub fn catalog_entry(bytes: &[u8]) -> Result<(), Fault> {
    let entry = CatalogEntry::decode(bytes)?;
    let written = entry.encode();
    assert!(written.len() <= bytes.len());
    assert_eq!(CatalogEntry::decode(&written), Ok(entry));
    Ok(())
}

/// What unpacks has the length asked for, and what is packed from it unpacks to it.
///
/// # Errors
/// Whatever the codec refuses.
pub fn unpacked(codec: Compression, packed: &[u8], length: usize) -> Result<(), Fault> {
    let raw = decompress(codec, packed, length)?;
    assert_eq!(raw.len(), length);
    pack(codec, &raw);
    Ok(())
}

/// The packed form of `raw`, if that is shorter.
#[must_use]
pub fn packed(codec: Compression, raw: &[u8]) -> Option<Vec<u8>> {
    compress(codec, raw)
}

/// What packs is shorter, and unpacks to what it was, and to no other length.
pub fn pack(codec: Compression, raw: &[u8]) {
    let Some(packed) = compress(codec, raw) else {
        return;
    };
    assert!(packed.len() < raw.len());
    let longer = raw.len().saturating_add(1);
    assert_eq!(decompress(codec, &packed, raw.len()).as_deref(), Ok(raw));
    assert!(decompress(codec, &packed, longer).is_err());
    assert!(decompress(codec, &packed, raw.len() - 1).is_err());
}
