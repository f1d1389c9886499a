//! Just enough of tar for one file: what the engine's archive calls speak.
//!
//! Writes one ustar header; reads the first entry that is a regular file, with GNU long names and pax
//! records passed over. Pure.

/// Every part of an archive is a multiple of this.
pub const BLOCK: usize = 512;
/// The largest size that the octal field can say; engines read no more from us.
pub const LARGEST: u64 = 0o77_777_777_777;

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub size: u64,
    pub mode: u32,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Folder,
    Link,
    /// Says something of the entry that follows: a long name, pax records.
    Extension,
    Other,
}

/// Writes the header of a file. `name` has at most 99 bytes and no slash.
pub fn header(name: &str, size: u64, mode: u32, modified: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &name.as_bytes()[..name.len().min(99)]);
    put(100, format!("{:07o}", mode & 0o7777).as_bytes());
    put(108, b"0000000");
    put(116, b"0000000");
    put(124, format!("{:011o}", size.min(LARGEST)).as_bytes());
    put(136, format!("{:011o}", modified.min(LARGEST)).as_bytes());
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// Returns how many bytes of nothing follow a file of this size.
pub fn padding(size: u64) -> usize {
    (BLOCK - (size % BLOCK as u64) as usize) % BLOCK
}

/// Reads a header; `None` for the empty block at the end, or for what is no header.
pub fn read(block: &[u8]) -> Option<Header> {
    let block = block.get(..BLOCK)?;
    let told = octal(&block[148..156])?;
    let sum: u64 = block
        .iter()
        .enumerate()
        .map(|(at, byte)| u64::from(if (148..156).contains(&at) { b' ' } else { *byte }))
        .sum();
    if told != sum || block[0] == 0 {
        return None;
    }
    let kind = match block[156] {
        b'0' | 0 | b'7' => Kind::File,
        b'5' => Kind::Folder,
        b'1' | b'2' => Kind::Link,
        b'L' | b'K' | b'x' | b'g' => Kind::Extension,
        _ => Kind::Other,
    };
    Some(Header { size: number(&block[124..136])?, mode: octal(&block[100..108])? as u32, kind })
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?.trim_matches(['\0', ' ']);
    if text.is_empty() { Some(0) } else { u64::from_str_radix(text, 8).ok() }
}

/// Sizes beyond 8 GB are binary, told by the first bit.
fn number(field: &[u8]) -> Option<u64> {
    if field.first()? & 0x80 == 0 {
        return octal(field);
    }
    let bytes: [u8; 8] = field.get(4..12)?.try_into().ok()?;
    Some(u64::from_be_bytes(bytes))
}

/// Takes an archive in pieces and hands out the bytes of its first file.
#[derive(Debug, Default)]
pub struct Reader {
    /// Bytes of a block that is not complete.
    open: Vec<u8>,
    skip: u64,
    left: u64,
    pub found: Option<Header>,
}

/// Why there is no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAFile(pub Kind);

impl Reader {
    /// Takes a piece; what is of the file goes to `sink`.
    pub fn push(&mut self, mut piece: &[u8], sink: &mut Vec<u8>) -> Result<(), NotAFile> {
        while !piece.is_empty() {
            if self.found.is_some() {
                let count = self.left.min(piece.len() as u64) as usize;
                sink.extend_from_slice(&piece[..count]);
                self.left -= count as u64;
                // What follows the file is of no interest.
                return Ok(());
            }
            if self.skip > 0 {
                let count = self.skip.min(piece.len() as u64) as usize;
                self.skip -= count as u64;
                piece = &piece[count..];
                continue;
            }
            let count = (BLOCK - self.open.len()).min(piece.len());
            self.open.extend_from_slice(&piece[..count]);
            piece = &piece[count..];
            if self.open.len() == BLOCK {
                let header = read(&self.open).ok_or(NotAFile(Kind::Other))?;
                self.open.clear();
                match header.kind {
                    Kind::File => {
                        self.left = header.size;
                        self.found = Some(header);
                    }
                    Kind::Extension => self.skip = header.size + padding(header.size) as u64,
                    other => return Err(NotAFile(other)),
                }
            }
        }
        Ok(())
    }

    /// Whether every byte of the file has come.
    pub fn is_complete(&self) -> bool {
        self.found.is_some() && self.left == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(name: &str, content: &[u8]) -> Vec<u8> {
        let mut all = header(name, content.len() as u64, 0o640, 1_700_000_000).to_vec();
        all.extend_from_slice(content);
        all.extend(std::iter::repeat_n(0, padding(content.len() as u64) + 2 * BLOCK));
        all
    }

    #[test]
    fn what_is_written_is_read_again_in_pieces_of_any_size() {
        let content: Vec<u8> = (0..3000).map(|n| (n % 251) as u8).collect();
        let all = archive("a.bin", &content);
        for size in [1, 7, 511, 512, 513, 10_000] {
            let (mut reader, mut sink) = (Reader::default(), Vec::new());
            for piece in all.chunks(size) {
                reader.push(piece, &mut sink).unwrap();
            }
            assert!(reader.is_complete());
            assert_eq!(sink, content, "pieces of {size}");
            assert_eq!(reader.found.as_ref().map(|found| found.mode), Some(0o640));
        }
    }

    #[test]
    fn an_archive_that_ends_early_is_not_complete() {
        let (mut reader, mut sink) = (Reader::default(), Vec::new());
        reader.push(&archive("a", b"0123456789")[..515], &mut sink).unwrap();
        assert!(!reader.is_complete());
        assert_eq!(sink, b"012");
    }

    #[test]
    fn extensions_are_passed_over_and_folders_are_no_files() {
        let mut extension = archive("x", b"30 path=a\n");
        extension.truncate(2 * BLOCK);
        extension[156] = b'x';
        let sum: u32 = extension[..BLOCK]
            .iter()
            .enumerate()
            .map(|(at, byte)| u32::from(if (148..156).contains(&at) { b' ' } else { *byte }))
            .sum();
        extension[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        extension.extend(archive("a", b"content"));
        let (mut reader, mut sink) = (Reader::default(), Vec::new());
        reader.push(&extension, &mut sink).unwrap();
        assert_eq!(sink, b"content");
        let mut damaged = archive("a", b"content");
        damaged[0] ^= 1;
        assert_eq!(Reader::default().push(&damaged, &mut sink), Err(NotAFile(Kind::Other)));
    }
}
