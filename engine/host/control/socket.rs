//! The listening socket: only for whom it is meant, from its first moment.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use super::ControlConfig;
use crate::error::Error;

/// A socket at its place. The file goes with it.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(super) listener: UnixListener,
    path: PathBuf,
}

impl Socket {
    /// Listens at the configured place. A socket that a dead process left there gives way.
    ///
    /// # Errors
    ///
    /// [`Error::File`] when it cannot be made, is in use, or is no socket.
    pub(crate) fn bind(config: &ControlConfig) -> Result<Self, Error> {
        let path = &config.socket;
        let listener = make_way(path).and_then(|()| listen(path, config.group));
        let listener =
            listener.map_err(|source| Error::file("make the control socket", path, source))?;
        Ok(Self { listener, path: path.clone() })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Whoever finds it left over makes way for another.
        let _ = fs::remove_file(&self.path);
    }
}

fn make_way(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !metadata.file_type().is_socket() {
        return Err(io::Error::new(ErrorKind::AlreadyExists, "there is a file that is no socket"));
    }
    if UnixStream::connect(path).is_ok() {
        return Err(io::Error::new(ErrorKind::AddrInUse, "another host is controlled there"));
    }
    fs::remove_file(path)
}

/// Makes the socket in a directory that nobody else can enter, and moves it to its place once its
/// permissions are what they are to be.
fn listen(path: &Path, group: Option<u32>) -> io::Result<UnixListener> {
    let parent = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let private = parent.join(format!(".tezi-control-{}", std::process::id()));
    fs::DirBuilder::new().mode(0o700).create(&private)?;
    let made = private.join("s");
    let listening = UnixListener::bind(&made).and_then(|listener| {
        listener.set_nonblocking(true)?;
        if let Some(group) = group {
            std::os::unix::fs::chown(&made, None, Some(group))?;
        }
        let mode = if group.is_some() { 0o660 } else { 0o600 };
        fs::set_permissions(&made, fs::Permissions::from_mode(mode))?;
        fs::rename(&made, path)?;
        Ok(listener)
    });
    if listening.is_err() {
        let _ = fs::remove_file(&made);
    }
    let removed = fs::remove_dir(&private);
    listening.and_then(|listener| removed.map(|()| listener))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    fn place(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("tezi-socket-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).unwrap();
        dir
    }

    #[test]
    fn only_the_owner_may_connect_and_what_is_left_over_gives_way() {
        let dir = place("own");
        let config = ControlConfig::new(dir.join("ctl"));
        let socket = Socket::bind(&config).unwrap();
        let metadata = fs::metadata(&config.socket).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        let error = Socket::bind(&config).unwrap_err().to_string();
        assert!(error.ends_with("another host is controlled there"), "{error}");
        let left: Vec<_> = fs::read_dir(&dir).unwrap().flatten().map(|it| it.file_name()).collect();
        assert_eq!(left, ["ctl"], "nothing but the socket is left");
        // A process that died leaves its file: nobody listens there.
        let left_over = UnixListener::bind(dir.join("old")).unwrap();
        drop(left_over);
        drop(Socket::bind(&ControlConfig::new(dir.join("old"))).unwrap());
        drop(socket);
        assert!(!config.socket.exists());
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn a_group_may_be_let_in_and_other_files_are_left_alone() {
        let dir = place("group");
        let own = fs::metadata(&dir).unwrap().gid();
        let config = ControlConfig { group: Some(own), ..ControlConfig::new(dir.join("ctl")) };
        let socket = Socket::bind(&config).unwrap();
        let metadata = fs::metadata(&config.socket).unwrap();
        assert_eq!((metadata.permissions().mode() & 0o777, metadata.gid()), (0o660, own));
        drop(socket);
        fs::write(&config.socket, "notes").unwrap();
        let error = Socket::bind(&config).unwrap_err().to_string();
        assert!(error.ends_with("there is a file that is no socket"), "{error}");
        let error = Socket::bind(&ControlConfig::new(dir.join("no/ctl"))).unwrap_err().to_string();
        assert!(error.contains("cannot make the control socket"), "{error}");
        fs::remove_dir_all(&dir).unwrap();
    }
}
