//! A disk in memory that knows which of its parts would survive a power failure.
//!
//! Every file and directory has a durable state and a list of pending changes. A power failure keeps any
//! subset of the pending writes of a file (each write in up to three pieces, each piece whole, missing, or
//! present as zeros where it lengthened the file), and any prefix of the pending changes of a directory.
//! A killed process loses nothing: pending changes stay pending. The states are in `states`.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Disk, File, FileKind, Lock, Metadata, Open};

mod states;

/// The inode of the root directory.
const ROOT: u64 = 1;

/// A disk in memory; clones are the same disk.
#[derive(Clone, Debug)]
pub struct ModelDisk(Arc<Mutex<State>>);

#[derive(Clone, Debug, Default)]
struct State {
    nodes: BTreeMap<u64, Node>,
    next_inode: u64,
    next_handle: u64,
    /// How often power failed.
    boots: u64,
    /// Inode, handle, lock: gone when the handle is dropped, and with the machine or process.
    locks: Vec<(u64, u64, Lock)>,
    /// The state before each change so far, where somebody wants to know.
    history: Option<Vec<State>>,
}

#[derive(Clone, Debug)]
enum Node {
    File(Content),
    Directory(Names),
}

#[derive(Clone, Debug, Default)]
struct Content {
    durable: Vec<u8>,
    current: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate(usize),
}

#[derive(Clone, Debug, Default)]
struct Names {
    durable: BTreeMap<OsString, u64>,
    current: BTreeMap<OsString, u64>,
    pending: Vec<NameChange>,
}

#[derive(Clone, Debug)]
enum NameChange {
    Link(OsString, u64),
    Unlink(OsString),
    Rename(OsString, OsString),
}

impl Content {
    fn change(&mut self, change: Change) {
        change.apply(&mut self.current);
        self.pending.push(change);
    }
}

impl Change {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Change::Write { offset, bytes } => {
                let end = offset + bytes.len();
                if to.len() < end {
                    to.resize(end, 0);
                }
                to[*offset..end].copy_from_slice(bytes);
            }
            Change::Truncate(length) => to.resize(*length, 0),
        }
    }
}

impl Names {
    fn change(&mut self, change: NameChange) {
        change.apply(&mut self.current);
        self.pending.push(change);
    }
}

impl NameChange {
    fn apply(&self, to: &mut BTreeMap<OsString, u64>) {
        match self {
            NameChange::Link(name, inode) => {
                to.insert(name.clone(), *inode);
            }
            NameChange::Unlink(name) => {
                to.remove(name);
            }
            NameChange::Rename(from, name) => {
                if let Some(inode) = to.remove(from) {
                    to.insert(name.clone(), inode);
                }
            }
        }
    }
}

impl Default for ModelDisk {
    fn default() -> Self {
        ModelDisk::new()
    }
}

impl ModelDisk {
    /// An empty disk: a root directory and nothing else.
    pub fn new() -> Self {
        let nodes = BTreeMap::from([(ROOT, Node::Directory(Names::default()))]);
        ModelDisk::from(State { nodes, next_inode: ROOT + 1, ..State::default() })
    }

    fn from(state: State) -> Self {
        ModelDisk(Arc::new(Mutex::new(state)))
    }

    /// Keeps the state before each change from now on.
    pub fn keep_history(&self) {
        self.state().history = Some(Vec::new());
    }

    /// The disk as a process killed before each change would have left it: pending changes are still
    /// pending, locks are gone.
    pub fn history(&self) -> Vec<ModelDisk> {
        self.state().history.iter().flatten().map(|state| ModelDisk::from(state.clone())).collect()
    }

    /// The disk as a process killed now would leave it.
    pub fn after_kill(&self) -> ModelDisk {
        let state = self.state();
        ModelDisk::from(state.bare())
    }

    /// The bytes of a file as a program would read them now.
    pub fn contents(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        match state.nodes.get(&state.find(path).ok()?)? {
            Node::File(content) => Some(content.current.clone()),
            Node::Directory(_) => None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, about to be changed.
    fn change(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        if state.history.is_some() {
            let before = state.bare();
            state.history.iter_mut().for_each(|history| history.push(before.clone()));
        }
        state
    }
}

impl State {
    /// The state without what only a living process has.
    fn bare(&self) -> State {
        State {
            nodes: self.nodes.clone(),
            next_inode: self.next_inode,
            next_handle: self.next_handle,
            boots: self.boots,
            ..State::default()
        }
    }

    fn find(&self, path: &Path) -> io::Result<u64> {
        path.components().filter(|part| *part != Component::RootDir).try_fold(ROOT, |at, part| {
            match self.nodes.get(&at) {
                Some(Node::Directory(names)) => {
                    names.current.get(part.as_os_str()).copied().ok_or(io::ErrorKind::NotFound.into())
                }
                _ => Err(io::ErrorKind::NotADirectory.into()),
            }
        })
    }

    fn metadata(&self, inode: u64) -> io::Result<Metadata> {
        let (length, kind) = match self.nodes.get(&inode) {
            Some(Node::File(content)) => (content.current.len() as u64, FileKind::Regular),
            Some(Node::Directory(_)) => (0, FileKind::Directory),
            None => return Err(io::ErrorKind::NotFound.into()),
        };
        let names = self.nodes.values().map(|node| match node {
            Node::Directory(names) => names.current.values().filter(|named| **named == inode).count(),
            Node::File(_) => 0,
        });
        Ok(Metadata { length, device: 1, inode, links: names.sum::<usize>() as u64, kind })
    }

    fn content(&mut self, inode: u64) -> io::Result<&mut Content> {
        match self.nodes.get_mut(&inode) {
            Some(Node::File(content)) => Ok(content),
            Some(Node::Directory(_)) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn names(&mut self, path: &Path) -> io::Result<&mut Names> {
        let inode = self.find(path)?;
        match self.nodes.get_mut(&inode) {
            Some(Node::Directory(names)) => Ok(names),
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    fn link(&mut self, path: &Path, node: Node) -> io::Result<u64> {
        let inode = self.next_inode;
        let (directory, name) = split(path)?;
        self.names(directory)?.change(NameChange::Link(name.to_owned(), inode));
        self.nodes.insert(inode, node);
        self.next_inode += 1;
        Ok(inode)
    }
}

fn split(path: &Path) -> io::Result<(&Path, &OsStr)> {
    match (path.parent(), path.file_name()) {
        (Some(directory), Some(name)) => Ok((directory, name)),
        _ => Err(io::ErrorKind::InvalidInput.into()),
    }
}

impl Disk for ModelDisk {
    fn open(&self, path: &Path, how: Open) -> io::Result<Box<dyn File>> {
        let found = self.state().find(path);
        let makes = !matches!(how, Open::Read | Open::Stream);
        let inode = match found {
            Ok(_) if matches!(how, Open::New { .. }) => return Err(io::ErrorKind::AlreadyExists.into()),
            Ok(inode) => inode,
            Err(e) if e.kind() == io::ErrorKind::NotFound && makes => {
                self.change().link(path, Node::File(Content::default()))?
            }
            Err(e) => return Err(e),
        };
        let mut state = self.state();
        state.content(inode)?;
        state.next_handle += 1;
        let handle = state.next_handle;
        let is_note = path.file_name().is_some_and(|name| name == "intent");
        Ok(Box::new(ModelFile { disk: self.clone(), inode, handle, is_note }))
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        let state = self.state();
        state.metadata(state.find(path)?)
    }

    fn absolute(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(path.to_owned())
    }

    fn target(&self, path: &Path) -> io::Result<PathBuf> {
        // It has no links.
        Ok(path.to_owned())
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
        Ok(self.state().names(directory)?.current.keys().cloned().collect())
    }

    fn create_dir(&self, path: &Path, _mode: u32) -> io::Result<()> {
        if self.state().find(path).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.change().link(path, Node::Directory(Names::default())).map(drop)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.state().find(from)?;
        let (directory, name) = split(to)?;
        let change = NameChange::Rename(split(from)?.1.to_owned(), name.to_owned());
        self.change().names(directory)?.change(change);
        Ok(())
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.state().find(to).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.rename(from, to)
    }

    fn take_after(&self, _path: &Path, _like: &Path) -> io::Result<()> {
        Ok(())
    }

    fn foreign_access(&self, _directory: &Path) -> Option<String> {
        None
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.state().find(path)?;
        let (directory, name) = split(path)?;
        self.change().names(directory)?.change(NameChange::Unlink(name.to_owned()));
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.change();
        let names = state.names(path)?;
        names.durable = names.current.clone();
        names.pending.clear();
        Ok(())
    }

    fn boot_id(&self) -> Option<String> {
        Some(self.state().boots.to_string())
    }

    fn doubtful_kind(&self, _path: &Path) -> Option<&'static str> {
        None
    }
}

#[derive(Debug)]
struct ModelFile {
    disk: ModelDisk,
    inode: u64,
    handle: u64,
    /// Whether it is the note of what is about to be appended: it is never synced, and not believed after a
    /// power failure, so that what a power failure does to it need not be tried.
    is_note: bool,
}

impl ModelFile {
    /// Writes in up to three pieces that a power failure can tear apart: an eighth, an eighth and the rest,
    /// so that the record in a slot of 4 KiB, which is mostly padding, is torn where a disk would tear it.
    fn write(&self, bytes: &[u8], offset: Option<u64>) -> io::Result<usize> {
        let mut state = self.disk.change();
        let content = state.content(self.inode)?;
        let mut offset = offset.map_or(content.current.len(), |offset| offset as usize);
        let eighth = (bytes.len() / 8).max(1).min(bytes.len());
        let (first, rest) = bytes.split_at(eighth);
        let (second, third) = rest.split_at(eighth.min(rest.len()));
        for piece in [first, second, third].into_iter().filter(|piece| !piece.is_empty()) {
            content.change(Change::Write { offset, bytes: piece.to_vec() });
            offset += piece.len();
        }
        if self.is_note {
            content.durable = content.current.clone();
            content.pending.clear();
        }
        Ok(bytes.len())
    }
}

impl File for ModelFile {
    fn metadata(&self) -> io::Result<Metadata> {
        self.disk.state().metadata(self.inode)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.state();
        let current = &state.content(self.inode)?.current;
        let rest = current.get(offset as usize..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write(bytes, None)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.write(bytes, Some(offset))
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        let mut state = self.disk.change();
        let content = state.content(self.inode)?;
        content.change(Change::Truncate(length as usize));
        if self.is_note {
            content.durable = content.current.clone();
            content.pending.clear();
        }
        Ok(())
    }

    fn sync_data(&mut self) -> io::Result<()> {
        let mut state = self.disk.change();
        let content = state.content(self.inode)?;
        content.durable = content.current.clone();
        content.pending.clear();
        Ok(())
    }

    fn try_lock(&mut self, lock: Lock) -> io::Result<bool> {
        let mut state = self.disk.state();
        let free = state.locks.iter().all(|&(inode, handle, held)| {
            inode != self.inode || handle == self.handle || (lock == Lock::Shared && held == Lock::Shared)
        });
        if free {
            state.locks.push((self.inode, self.handle, lock));
        }
        Ok(free)
    }
}

impl Drop for ModelFile {
    fn drop(&mut self) {
        self.disk.state().locks.retain(|(_, handle, _)| *handle != self.handle);
    }
}
