//! The protobuf wire format, as much as reading needs: the fields of a message one by one, borrowed. What is not
//! asked for is stepped over; nothing recurses, so nesting costs nothing.

/// The fields of a message that are left to read.
#[derive(Clone, Copy)]
pub(super) struct Message<'a> {
    rest: &'a [u8],
}

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Field<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

/// The bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken;

// === impl Message ===

impl<'a> Message<'a> {
    /// The message that bytes are.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next field: its number and value; inlined, so that nobody builds a field who only looks at it.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Result<Option<(u64, Field<'a>)>, Broken> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let field = match tag & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| Broken)?;
                let (bytes, rest) = self.rest.split_at_checked(length).ok_or(Broken)?;
                self.rest = rest;
                Field::Bytes(bytes)
            }
            5 => Field::Fixed32(u32::from_le_bytes(self.array()?)),
            // Groups ended with proto2; nothing here has any.
            _ => return Err(Broken),
        };
        if tag >> 3 == 0 { Err(Broken) } else { Ok(Some((tag >> 3, field))) }
    }

    #[inline(always)]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(Broken)?;
        self.rest = rest;
        Ok(*head)
    }

    #[inline(always)]
    fn varint(&mut self) -> Result<u64, Broken> {
        // Tags and lengths are mostly of one byte.
        if let [byte @ 0..=0x7f, rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(u64::from(*byte));
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Result<u64, Broken> {
        let mut number = 0_u64;
        for (index, byte) in self.rest.iter().take(10).enumerate() {
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit.
            if index == 9 && 1 < bits {
                return Err(Broken);
            }
            number |= bits << (7 * index);
            if byte & 0x80 == 0 {
                self.rest = self.rest.get(index + 1..).unwrap_or_default();
                return Ok(number);
            }
        }
        Err(Broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Result<Vec<(u64, Field<'_>)>, Broken> {
        let (mut message, mut fields) = (Message::new(bytes), Vec::new());
        while let Some(field) = message.next()? {
            fields.push(field);
        }
        Ok(fields)
    }

    #[test]
    fn fields_are_read_or_the_bytes_are_broken() {
        assert_eq!(all(&[]), Ok(vec![]));
        assert_eq!(all(&[0x08, 0x96, 0x01]), Ok(vec![(1, Field::Varint(150))]));
        assert_eq!(all(&[0x12, 2, b'h', b'i']), Ok(vec![(2, Field::Bytes(b"hi"))]));
        assert_eq!(all(&[0x1d, 1, 0, 0, 0]), Ok(vec![(3, Field::Fixed32(1))]));
        assert_eq!(all(&[0x21, 1, 0, 0, 0, 0, 0, 0, 0]), Ok(vec![(4, Field::Fixed64(1))]));
        let most = [0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1];
        assert_eq!(all(&most), Ok(vec![(1, Field::Varint(u64::MAX))]));
        for broken in [
            &[0x08][..],
            &[0x08, 0x80],
            &[0x12, 3, b'h', b'i'],
            &[0x12, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
            &[0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 2],
            &[0x08, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 1],
            &[0x1d, 1, 0],
            &[0x21, 1, 0, 0],
            &[0x0b],
            &[0x0c],
            &[0x00, 0x00],
        ] {
            assert_eq!(all(broken), Err(Broken), "{broken:?}");
        }
    }
}
