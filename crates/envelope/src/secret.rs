//! Memory that is wiped when it is dropped, and that stays in one place so that a move leaves no copy behind.

use zeroize::{Zeroize, Zeroizing};

/// A fixed number of secret bytes on the heap: moving the value moves a pointer, never the bytes.
pub(crate) struct SecretArray<const N: usize>(Box<[u8; N]>);

impl<const N: usize> SecretArray<N> {
    /// All zero, to be filled in place.
    pub(crate) fn zeroed() -> Self {
        Self(Box::new([0; N]))
    }

    /// A copy of `bytes`; the caller wipes its own.
    pub(crate) fn copy_of(bytes: &[u8; N]) -> Self {
        let mut secret = Self::zeroed();
        secret.0.copy_from_slice(bytes);
        secret
    }

    /// Bytes from the operating system's generator.
    pub(crate) fn random() -> Self {
        let mut secret = Self::zeroed();
        fill_random(secret.0.as_mut_slice());
        secret
    }

    pub(crate) fn expose(&self) -> &[u8; N] {
        &self.0
    }

    pub(crate) fn expose_mut(&mut self) -> &mut [u8; N] {
        &mut self.0
    }
}

impl<const N: usize> Drop for SecretArray<N> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Secret bytes of a length known only at run time, wiped when dropped. No `Debug`, `Clone` or `==`.
pub struct SecretBytes(Box<[u8]>);

impl SecretBytes {
    /// A copy of `bytes`; the caller wipes its own.
    pub fn copy_of(bytes: &[u8]) -> Self {
        Self(Box::from(bytes))
    }

    /// The bytes, for the one place that uses them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// `len` zero bytes that are wiped when dropped; never grows, so it never leaves a copy by reallocating.
pub(crate) fn wiped_buffer(len: usize) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(vec![0; len])
}

/// How much of the stack is wiped after a cipher has worked there, in bytes: more than it takes, unoptimized too.
const STACK_WIPED: usize = 16 * 1024;

/// Wipes what a call that just returned has left on the stack below its caller: a cipher in counter mode has the text in clear
/// there, block by block, and does not wipe it.
#[inline(never)]
pub(crate) fn wipe_stack() {
    let mut left_behind = [0_u8; STACK_WIPED];
    left_behind.zeroize();
    std::hint::black_box(&left_behind);
}

/// Fills `buffer` from the operating system's generator.
///
/// # Panics
/// When the operating system has no randomness to give: nothing in this crate is safe without it.
pub(crate) fn fill_random(buffer: &mut [u8]) {
    getrandom::fill(buffer).expect("the operating system's random generator answers");
}
