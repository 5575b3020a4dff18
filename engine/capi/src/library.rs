//! Strategies in shared objects.
#![allow(unsafe_code, reason = "loads foreign code")]

use std::ffi::{CStr, CString, c_char, c_void};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::abi::{self, Open};
use crate::strategy::{ForeignStrategy, StrategyError};

/// Bytes for a library's complaint.
const ERROR_SIZE: usize = 512;

/// Why a library gives no strategy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LibraryError {
    /// The path has a zero byte, or the parameters do.
    Text,
    /// The system's loader refused it, and says why.
    Load(PathBuf, String),
    /// It does not export `tezi_open`.
    NoStrategy(PathBuf),
    /// It refused the parameters, or this version, and says why.
    Refused(PathBuf, String),
    /// What it gave is no strategy.
    Strategy(PathBuf, StrategyError),
}

impl fmt::Display for LibraryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("a zero byte is in the path or in the parameters"),
            Self::Load(path, why) => write!(f, "cannot load {}: {why}", path.display()),
            Self::NoStrategy(path) => {
                write!(f, "{} exports no tezi_open: it is no strategy", path.display())
            }
            Self::Refused(path, why) => write!(f, "{} refuses: {why}", path.display()),
            Self::Strategy(path, why) => write!(f, "{}: {why}", path.display()),
        }
    }
}

impl std::error::Error for LibraryError {}

/// A shared object that has a strategy. It stays loaded to the end of the process: what it started or
/// handed out may live as long.
#[derive(Debug)]
pub struct Library {
    path: PathBuf,
    open: Open,
}

impl Library {
    /// Loads a shared object.
    ///
    /// # Errors
    ///
    /// [`LibraryError::Load`], [`LibraryError::NoStrategy`].
    ///
    /// # Safety
    ///
    /// The file is trusted: loading it runs its code in this process, and its `tezi_open` is what
    /// `include/tezi.h` says.
    pub unsafe fn load(path: &Path) -> Result<Self, LibraryError> {
        // A bare name would be looked for in the system's folders.
        let full = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        let name = CString::new(full.as_os_str().as_bytes()).map_err(|_| LibraryError::Text)?;
        // SAFETY: the name ends with a zero byte; the caller trusts what is loaded.
        let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        if handle.is_null() {
            return Err(LibraryError::Load(path.to_path_buf(), loader_error()));
        }
        // SAFETY: the handle is the loader's, the name ends with a zero byte.
        let symbol = unsafe { libc::dlsym(handle, c"tezi_open".as_ptr()) };
        if symbol.is_null() {
            return Err(LibraryError::NoStrategy(path.to_path_buf()));
        }
        // SAFETY: the caller's promise: the function is what the header says.
        let open = unsafe { std::mem::transmute::<*mut c_void, Open>(symbol) };
        Ok(Self { path: path.to_path_buf(), open })
    }

    /// Makes a strategy for parameters, `key=value` words.
    ///
    /// # Errors
    ///
    /// [`LibraryError`]; with the library's own words where it refuses.
    pub fn strategy(&self, parameters: &str) -> Result<ForeignStrategy, LibraryError> {
        let parameters = CString::new(parameters).map_err(|_| LibraryError::Text)?;
        let mut strategy = std::mem::MaybeUninit::<abi::Strategy>::zeroed();
        // SAFETY: zeroed memory is written to within its bounds.
        unsafe { (*strategy.as_mut_ptr()).size = size_of::<abi::Strategy>() as u32 };
        let mut error = [0_u8; ERROR_SIZE];
        // SAFETY: the function is what the header says, by the promise of `load`; everything it may
        // write lives through the call, and the last byte of the complaint is not handed out.
        let answer = unsafe {
            (self.open)(
                abi::ABI,
                parameters.as_ptr(),
                strategy.as_mut_ptr(),
                error.as_mut_ptr().cast::<c_char>(),
                ERROR_SIZE - 1,
            )
        };
        if answer != abi::OK {
            let why = CStr::from_bytes_until_nul(&error).unwrap_or(c"(no words)");
            return Err(LibraryError::Refused(
                self.path.clone(),
                why.to_string_lossy().into_owned(),
            ));
        }
        // SAFETY: the library says that it filled it; without that its version is zero, and it is refused.
        let strategy = unsafe { ForeignStrategy::new(strategy.as_ptr()) };
        strategy.map_err(|error| LibraryError::Strategy(self.path.clone(), error))
    }
}

fn loader_error() -> String {
    // SAFETY: called right after the loader failed, on the same thread.
    let text = unsafe { libc::dlerror() };
    if text.is_null() {
        return "the loader does not say why".into();
    }
    // SAFETY: not null, so it is a text of the loader's.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
