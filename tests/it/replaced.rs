//! A question's output file: whole or not at all, never over a file that may not be replaced, with the mode of the
//! one it replaces, and nothing left beside it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use opev::disk::{Disk, Lock, Open, RealDisk};
use opev::error::{ErrorKind, Result};
use opev::output::Sink;
use opev::output::sink::replaced::ReplacedFile;

use crate::disks::ModelDisk;
use crate::frozen::{beginning, counts, frozen, truth};
use crate::harness::Account;

fn start(disk: &ModelDisk, overwrite: bool) -> Result<ReplacedFile> {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    ReplacedFile::create(&disk, Path::new("/out"), 0o600, overwrite, Some(Path::new("/state")))
}

#[test]
fn it_appears_whole_or_not_at_all() {
    let disk = ModelDisk::new();
    let mut file = start(&disk, false).unwrap();
    file.write(b"half").unwrap();
    assert_eq!(disk.contents(Path::new("/out")), None);
    drop(file);
    assert!(disk.list(Path::new("/")).unwrap().is_empty());

    let mut file = start(&disk, false).unwrap();
    file.write(b"whole").unwrap();
    file.finish().unwrap();
    assert_eq!(disk.contents(Path::new("/out")).unwrap(), b"whole");
    for state in disk.crash_states(1000, 1) {
        assert_eq!(state.contents(Path::new("/out")).unwrap(), b"whole");
    }
}

#[test]
fn an_existing_file_needs_leave_also_when_it_is_made_meanwhile() {
    let disk = ModelDisk::new();
    start(&disk, false).unwrap().finish().unwrap();
    assert_eq!(start(&disk, false).unwrap_err().kind(), ErrorKind::Usage);
    let mut file = start(&disk, true).unwrap();
    file.write(b"new").unwrap();
    file.finish().unwrap();
    assert_eq!(disk.contents(Path::new("/out")).unwrap(), b"new");

    // On a real disk, by the kernel's own word for it.
    let directory = tempfile::tempdir().unwrap();
    let (from, to) = (directory.path().join("from"), directory.path().join("to"));
    std::fs::write(&from, "new").unwrap();
    std::fs::write(&to, "old").unwrap();
    assert_eq!(RealDisk.rename_new(&from, &to).unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(&to).unwrap(), b"old");
    std::fs::remove_file(&to).unwrap();
    RealDisk.rename_new(&from, &to).unwrap();
    assert_eq!(std::fs::read(&to).unwrap(), b"new");
    assert!(!from.exists());
}

#[test]
fn a_replaced_file_keeps_its_mode_and_what_a_killed_run_left_is_swept() {
    let options = frozen(100);
    let since = beginning(&options);
    let account = Account::new(options);
    let out = account.sandbox.path("out.ndjson");
    std::fs::write(&out, "old").unwrap();
    std::fs::set_permissions(&out, std::fs::Permissions::from_mode(0o644)).unwrap();
    // One of a run that was killed, one of a run that is under way, and one that is something else.
    account.sandbox.write(".out.ndjson.opev-99999", "left");
    account.sandbox.write(".out.ndjson.opev-99998", "under way");
    account.sandbox.write(".out.ndjson.opev-notes", "not ours");
    let mut held = RealDisk.open(&account.sandbox.path(".out.ndjson.opev-99998"), Open::Read).unwrap();
    assert!(held.try_lock(Lock::Exclusive).unwrap());
    account.run(["fetch", "--since", &since, "-o", "out.ndjson", "--overwrite"]).expect(0);
    assert_eq!(std::fs::metadata(&out).unwrap().permissions().mode() & 0o7777, 0o644);
    assert_eq!(counts(&std::fs::read(&out).unwrap()), truth(&account));
    let is_there = |name: &str| account.sandbox.path(name).exists();
    assert!(!is_there(".out.ndjson.opev-99999"), "what a killed run left is still there");
    assert!(is_there(".out.ndjson.opev-99998") && is_there(".out.ndjson.opev-notes"));
}

#[test]
fn a_question_and_a_managed_file_are_compressed_as_their_names_say() {
    use std::io::Read as _;
    let options = frozen(300);
    let since = beginning(&options);
    let account = Account::new(options);
    for resume in [&[][..], &["--resume"]] {
        for name in ["a.ndjson", "a.ndjson.gz", "a.ndjson.zst"] {
            let name = format!("{}{name}", resume.len());
            account.run(["fetch", "--since", &since, "-o", &name].iter().chain(resume)).expect(0);
            let bytes = std::fs::read(account.sandbox.path(&name)).unwrap();
            let mut text = Vec::new();
            match name.rsplit('.').next() {
                Some("gz") => {
                    flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut text).unwrap();
                }
                Some("zst") => text = zstd::stream::decode_all(&bytes[..]).unwrap(),
                _ => text = bytes,
            }
            assert_eq!(counts(&text), truth(&account), "{name}");
        }
    }
    // A file that is empty says so in its own format.
    let nothing = ["fetch", "--since", "9d", "--until", "8d", "-o", "nothing.ndjson.gz"];
    account.run(nothing).expect(0);
    let bytes = std::fs::read(account.sandbox.path("nothing.ndjson.gz")).unwrap();
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut text).unwrap();
    assert!(text.is_empty() && !bytes.is_empty());
}
