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
    pub uid: u32,
    pub gid: u32,
    /// Seconds since 1970.
    pub modified: u64,
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

/// Gives a header an owner.
pub fn owned_by(mut block: [u8; BLOCK], uid: u32, gid: u32) -> [u8; BLOCK] {
    for (at, number) in [(108, uid), (116, gid)] {
        if number <= 0o7_777_777 {
            block[at..at + 8].copy_from_slice(format!("{number:07o}\0").as_bytes());
        } else {
            block[at..at + 4].copy_from_slice(&[0x80, 0, 0, 0]);
            block[at + 4..at + 8].copy_from_slice(&number.to_be_bytes());
        }
    }
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// What is written of a file, a folder or a link.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// From the folder on that the archive is for; of any length.
    pub name: &'a str,
    pub kind: Kind,
    /// Where a link leads.
    pub link: &'a str,
    pub size: u64,
    pub mode: u32,
    /// Seconds since 1970.
    pub modified: u64,
    pub uid: u32,
    pub gid: u32,
}

/// Writes an entry's header, with those before it that a long name needs.
pub fn entry(entry: &Entry<'_>) -> Vec<u8> {
    let flag = match entry.kind {
        Kind::Folder => b'5',
        Kind::Link => b'2',
        Kind::File | Kind::Extension | Kind::Other => b'0',
    };
    let mut blocks = Vec::with_capacity(BLOCK);
    if entry.name.len() > 99 {
        long(&mut blocks, b'L', entry.name);
    }
    if entry.link.len() > 99 {
        long(&mut blocks, b'K', entry.link);
    }
    let size = if flag == b'0' { entry.size } else { 0 };
    let mut block = header("", size, entry.mode, entry.modified);
    put_cut(&mut block, 0, entry.name);
    put_cut(&mut block, 157, entry.link);
    block[156] = flag;
    // The owner comes last, because with it the sum is worked out anew.
    blocks.extend_from_slice(&owned_by(block, entry.uid, entry.gid));
    blocks
}

/// Writes GNU's way to say a name that is too long for a header.
fn long(blocks: &mut Vec<u8>, flag: u8, name: &str) {
    let mut block = header("././@LongLink", name.len() as u64 + 1, 0, 0);
    block[156] = flag;
    block[257..265].copy_from_slice(b"ustar  \0");
    blocks.extend_from_slice(&owned_by(block, 0, 0));
    blocks.extend_from_slice(name.as_bytes());
    let length = name.len() as u64 + 1;
    blocks.resize(blocks.len() + 1 + padding(length), 0);
}

fn put_cut(block: &mut [u8; BLOCK], at: usize, text: &str) {
    let bytes = &text.as_bytes()[..text.len().min(99)];
    block[at..at + bytes.len()].copy_from_slice(bytes);
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
    Some(Header {
        size: number(&block[124..136])?,
        mode: octal(&block[100..108])? as u32,
        // Large ones are binary; they are in pax records, too, which nobody here reads.
        uid: binary_or_octal(&block[108..116])?,
        gid: binary_or_octal(&block[116..124])?,
        modified: octal(&block[136..148]).unwrap_or_default(),
        kind,
    })
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

fn binary_or_octal(field: &[u8]) -> Option<u32> {
    if field.first()? & 0x80 == 0 {
        return octal(field).map(|number| number as u32);
    }
    let bytes: [u8; 4] = field.get(4..8)?.try_into().ok()?;
    Some(u32::from_be_bytes(bytes))
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
    fn owners_are_kept_however_large() {
        for (uid, gid) in [(0, 0), (1000, 999), (100_000_000, 4_000_000_000)] {
            let found = read(&owned_by(header("a", 3, 0o600, 77), uid, gid)).unwrap();
            assert_eq!(
                (found.uid, found.gid, found.mode, found.size, found.modified),
                (uid, gid, 0o600, 3, 77)
            );
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

    #[test]
    fn links_folders_and_long_names_are_written_as_others_read_them() {
        let whole = Entry {
            name: "app/run.sh",
            kind: Kind::File,
            link: "",
            size: 3,
            mode: 0o750,
            modified: 77,
            uid: 1000,
            gid: 999,
        };
        let block = entry(&whole);
        let found = read(&block).unwrap();
        assert_eq!((found.kind, found.mode, found.size, found.uid), (Kind::File, 0o750, 3, 1000));
        assert!(block.starts_with(b"app/run.sh\0") && block.len() == BLOCK);
        let link = entry(&Entry { kind: Kind::Link, link: "../target", ..whole });
        assert_eq!(read(&link).unwrap().kind, Kind::Link);
        assert!(link[157..].starts_with(b"../target\0") && read(&link).unwrap().size == 0);
        assert_eq!(read(&entry(&Entry { kind: Kind::Folder, ..whole })).unwrap().kind, Kind::Folder);
        let name = "folder/".repeat(80);
        let long = entry(&Entry { name: &name, ..whole });
        assert_eq!(read(&long).unwrap().kind, Kind::Extension);
        assert!(long[BLOCK..].starts_with(name.as_bytes()) && long.len().is_multiple_of(BLOCK));
        assert_eq!(read(&long[long.len() - BLOCK..]).unwrap().size, 3);
    }
}
