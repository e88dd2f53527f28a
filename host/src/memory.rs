//! What the C library's allocator keeps of freed memory.
//!
//! It sets three of glibc's parameters (mallopt(3)) and nothing else; with another C library it does nothing.
//! Invariant: called once, before there are threads.

/// Arenas of all threads together. A record is allocated by its task's thread and freed by librdkafka's: with an arena a
/// thread (glibc's default is eight a core) freed memory is kept where nobody asks for it again.
#[cfg(target_env = "gnu")]
const ARENAS_MAX: libc::c_int = 2;
/// Blocks of this size and above are mapped by themselves and given back when freed. glibc would raise it up to 32 MiB, to
/// the size of the largest batch it has seen, and keep such blocks.
#[cfg(target_env = "gnu")]
const MAPPED_BYTES_MIN: libc::c_int = 1 << 20;
/// Free bytes at the end of the heap beyond which they are given back.
#[cfg(target_env = "gnu")]
const TRIM_BYTES: libc::c_int = 4 << 20;

/// Makes the allocator give memory back. Elsewhere than with glibc it does nothing.
pub fn keep_little() {
    #[cfg(target_env = "gnu")]
    {
        #[allow(
            unsafe_code,
            reason = "mallopt(3) takes two numbers and touches the allocator's own parameters; no thread runs yet"
        )]
        // An unknown knob answers 0 and changes nothing.
        unsafe {
            libc::mallopt(libc::M_ARENA_MAX, ARENAS_MAX);
            libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_BYTES_MIN);
            libc::mallopt(libc::M_TRIM_THRESHOLD, TRIM_BYTES);
        }
    }
}
