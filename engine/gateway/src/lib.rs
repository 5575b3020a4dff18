//! Order sessions: the engine's commands out in the venue's own bytes, its answers back in.
//!
//! Everything here is sans-I/O: bytes and commands go in, bytes and reports come out, and no
//! socket, clock or thread is touched. Outside input never panics; each refusal has a name. After
//! construction nothing allocates.

pub mod nnf;
