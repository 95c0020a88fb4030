//! Little-endian encoding of state. Reading never panics: short or foreign bytes are an error.

/// Why state bytes cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The bytes end early or go on.
    #[error("read a state record of the expected length")]
    Length,
    /// Another version of the format.
    #[error("read a state record of version {0}")]
    Version(u8),
    /// The checksum differs.
    #[error("read a state record with a valid checksum")]
    Checksum,
    /// A value that no writer makes.
    #[error("read a state record with valid values")]
    Value,
}

/// Appends fields.
#[derive(Default)]
pub struct Writer(pub Vec<u8>);

/// Takes fields from the front.
pub struct Reader<'a>(pub &'a [u8]);

impl Writer {
    /// Appends a byte.
    pub fn u8(&mut self, v: u8) {
        self.0.push(v);
    }
    /// Appends 2 bytes.
    pub fn u16(&mut self, v: u16) {
        self.0.extend_from_slice(&v.to_le_bytes());
    }
    /// Appends the lower 3 bytes; a larger value is written as the largest.
    pub fn u24(&mut self, v: u32) {
        let [low, mid, high, _] = v.min(0x00ff_ffff).to_le_bytes();
        self.0.extend_from_slice(&[low, mid, high]);
    }
    /// Appends 4 bytes.
    pub fn u32(&mut self, v: u32) {
        self.0.extend_from_slice(&v.to_le_bytes());
    }
    /// Appends 8 bytes.
    pub fn u64(&mut self, v: u64) {
        self.0.extend_from_slice(&v.to_le_bytes());
    }
    /// Appends a float by its bits.
    pub fn f32(&mut self, v: f32) {
        self.u32(v.to_bits());
    }
}

impl<'a> Reader<'a> {
    /// Takes `n` bytes.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], StateError> {
        let (head, rest) = self.0.split_at_checked(n).ok_or(StateError::Length)?;
        self.0 = rest;
        Ok(head)
    }
    fn array<const N: usize>(&mut self) -> Result<[u8; N], StateError> {
        self.take(N)?.try_into().map_err(|_| StateError::Length)
    }
    /// Takes a byte.
    pub fn u8(&mut self) -> Result<u8, StateError> {
        Ok(u8::from_le_bytes(self.array()?))
    }
    /// Takes 2 bytes.
    pub fn u16(&mut self) -> Result<u16, StateError> {
        Ok(u16::from_le_bytes(self.array()?))
    }
    /// Takes 3 bytes.
    pub fn u24(&mut self) -> Result<u32, StateError> {
        let [low, mid, high] = self.array()?;
        Ok(u32::from_le_bytes([low, mid, high, 0]))
    }
    /// Takes 4 bytes.
    pub fn u32(&mut self) -> Result<u32, StateError> {
        Ok(u32::from_le_bytes(self.array()?))
    }
    /// Takes 8 bytes.
    pub fn u64(&mut self) -> Result<u64, StateError> {
        Ok(u64::from_le_bytes(self.array()?))
    }
    /// Takes a float; a writer only makes finite ones.
    pub fn f32(&mut self) -> Result<f32, StateError> {
        let v = f32::from_bits(self.u32()?);
        if v.is_finite() { Ok(v) } else { Err(StateError::Value) }
    }
}
