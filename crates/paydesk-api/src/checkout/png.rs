//! Black-and-white pictures as PNG, without a library: one bit per pixel, not compressed. A payment code is some
//! fifty kilobytes this way, and is only made when a payer saves it.

use crc::{CRC_32_ISO_HDLC, Crc};

const CHECKSUM: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
/// As many bytes as one stored block of a deflate stream holds.
const STORED: usize = 65_535;

/// A square picture: `is_dark` says of each pixel, by column and row, whether it is black.
#[must_use]
pub fn square(side: u32, is_dark: impl Fn(u32, u32) -> bool) -> Vec<u8> {
    let mut pixels = Vec::new();
    for row in 0..side {
        // Each row begins with its filter: none.
        pixels.push(0);
        for first in (0..side).step_by(8) {
            let byte = (0..8).fold(0_u8, |byte, bit| {
                let column = first + bit;
                let is_white = column >= side || !is_dark(column, row);
                byte << 1 | u8::from(is_white)
            });
            pixels.push(byte);
        }
    }
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = Vec::with_capacity(13);
    header.extend_from_slice(&side.to_be_bytes());
    header.extend_from_slice(&side.to_be_bytes());
    // One bit, grey, and the only methods there are of compression, filtering and (no) interlacing.
    header.extend_from_slice(&[1, 0, 0, 0, 0]);
    chunk(&mut png, *b"IHDR", &header);
    chunk(&mut png, *b"IDAT", &stored(&pixels));
    chunk(&mut png, *b"IEND", &[]);
    png
}

fn chunk(png: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    png.extend_from_slice(&length.to_be_bytes());
    let mut checksum = CHECKSUM.digest();
    checksum.update(&kind);
    checksum.update(data);
    png.extend_from_slice(&kind);
    png.extend_from_slice(data);
    png.extend_from_slice(&checksum.finalize().to_be_bytes());
}

/// A zlib stream that holds the data as it is.
fn stored(data: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let mut blocks = data.chunks(STORED).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        stream.push(u8::from(blocks.peek().is_none()));
        stream.extend_from_slice(&length.to_le_bytes());
        stream.extend_from_slice(&(!length).to_le_bytes());
        stream.extend_from_slice(block);
    }
    stream.extend_from_slice(&adler32(data).to_be_bytes());
    stream
}

fn adler32(data: &[u8]) -> u32 {
    let (mut low, mut high) = (1_u32, 0_u32);
    for byte in data {
        low = (low + u32::from(*byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    high << 16 | low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksums_are_the_published_ones() {
        assert_eq!(adler32(b"Wikipedia"), 0x11E6_0398);
        assert_eq!(CHECKSUM.checksum(b"IEND"), 0xAE42_6082);
    }

    #[test]
    fn a_picture_has_a_bit_for_each_pixel_and_white_beyond_its_edge() {
        let png = square(9, |column, row| column == row);
        // Signature, length and kind of IHDR, then the side twice.
        assert_eq!(png.get(..8), Some(&b"\x89PNG\r\n\x1a\n"[..]));
        assert_eq!(png.get(16..24), Some(&[0, 0, 0, 9, 0, 0, 0, 9][..]));
        // The first row: no filter, its first pixel black, all others and the padding white.
        let begin = png.windows(4).position(|at| at == b"IDAT").unwrap() + 4 + 2 + 5;
        assert_eq!(png.get(begin..begin + 3), Some(&[0, 0b0111_1111, 0xFF][..]));
        assert_eq!(png.get(begin + 3..begin + 5), Some(&[0, 0b1011_1111][..]));
    }
}
