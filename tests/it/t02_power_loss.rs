//! T2: power fails before every disk operation of a run, and before every operation of a run that follows
//! a kill; every crash state (or a seeded sample where there are very many) is recovered to the golden
//! bytes, and after a run that ended with 0 no crash state differs from them.

use std::path::Path;
use std::sync::Arc;

use crate::disks::ModelDisk;
use opev::disk::Disk;

use opev::compression::Compression;

use crate::rehearsal::{Lines, Rehearsal, golden, next_page};

/// How many states are tried where there are more.
const PER_POINT: u64 = 250;
/// The same, in a run that follows a kill.
const PER_PAIR: u64 = 6;
/// What follows a crash; the second one shows that the first left a good state.
const ROUNDS: [&str; 2] = ["recovery", "the run after it"];

/// An installed program on a disk: turns the disk into the one that the program uses.
pub(crate) type Program = fn(&ModelDisk) -> Arc<dyn Disk>;

/// The product itself.
pub(crate) fn product(disk: &ModelDisk) -> Arc<dyn Disk> {
    Arc::new(disk.clone())
}

/// A disk that holds a home directory, durably.
pub(crate) fn empty_disk() -> ModelDisk {
    let disk = ModelDisk::new();
    disk.create_dir(Path::new("/home"), 0o700).unwrap();
    disk.sync_dir(Path::new("/")).unwrap();
    disk
}

/// The disk before each operation of a run of `program` that begins on `disk`, and after the last.
fn moments(disk: &ModelDisk, rehearsal: &Rehearsal, program: Program) -> Result<Vec<ModelDisk>, String> {
    let disk = disk.after_kill();
    disk.keep_history();
    rehearsal.run(program(&disk)).map_err(|e| format!("the run failed: {e}"))?;
    if written(&disk, rehearsal) != golden() {
        return Err("the run ended with 0 and a wrong file".into());
    }
    let mut moments = disk.history();
    moments.push(disk.after_kill());
    Ok(moments)
}

/// What is in the output, as a reader has it.
fn written(disk: &ModelDisk, rehearsal: &Rehearsal) -> Vec<u8> {
    rehearsal.read(&disk.contents(&rehearsal.output).unwrap_or_default())
}

/// Runs `program` on `disk` to the end, for each round; the file must be right each time.
fn recovers(
    disk: &ModelDisk,
    rehearsal: &Rehearsal,
    program: Program,
    rounds: &[&str],
) -> Result<(), String> {
    for round in rounds {
        rehearsal.run(program(disk)).map_err(|e| format!("{round} failed: {e}"))?;
        let output = written(disk, rehearsal);
        if output != golden() {
            return Err(format!("{round} left {}", String::from_utf8_lossy(&output)));
        }
    }
    Ok(())
}

/// Kills `program` before every operation; how many kills it survived.
pub(crate) fn survives_kills(program: Program) -> Result<usize, String> {
    let rehearsal = Rehearsal::modelled();
    let moments = moments(&empty_disk(), &rehearsal, program)?;
    for (at, moment) in moments.iter().enumerate() {
        recovers(&moment.after_kill(), &rehearsal, program, &ROUNDS)
            .map_err(|e| format!("killed at {at}: {e}"))?;
    }
    Ok(moments.len())
}

/// Cuts the power before every operation of a run on `disk`; how many crash states were recovered.
fn survives_cuts(
    disk: &ModelDisk,
    rehearsal: &Rehearsal,
    program: Program,
    limit: u64,
    seed: u64,
) -> Result<usize, String> {
    let moments = moments(disk, rehearsal, program)?;
    let mut count = 0;
    for (at, moment) in moments.iter().enumerate() {
        let is_done = at + 1 == moments.len();
        for state in moment.crash_states(limit, seed + at as u64) {
            count += 1;
            if is_done && written(&state, rehearsal) != golden() {
                return Err(format!("power cut at {at}, after the end: the file is wrong"));
            }
            // In the many runs that follow a kill, one round has to do.
            let rounds = if limit == PER_POINT { &ROUNDS[..] } else { &ROUNDS[..1] };
            recovers(&state, rehearsal, program, rounds).map_err(|e| format!("power cut at {at}: {e}"))?;
        }
    }
    Ok(count)
}

/// Cuts the power before every operation of `program`, first run and run after a kill; how many crash
/// states it survived.
pub(crate) fn survives_power_loss(program: Program) -> Result<usize, String> {
    let rehearsal = Rehearsal::modelled();
    let mut count = survives_cuts(&empty_disk(), &rehearsal, program, PER_POINT, 1)?;
    for (at, killed) in moments(&empty_disk(), &rehearsal, program)?.iter().enumerate() {
        count += survives_cuts(&killed.after_kill(), &rehearsal, program, PER_PAIR, 1000 * at as u64)
            .map_err(|e| format!("killed at {at}, then: {e}"))?;
    }
    count += survives_quiet_recoveries(program)?;
    Ok(count)
}

/// After each kill, a run to which the service has nothing to say; then the power fails. What that run left
/// in the file when it ended with 0 is there in every crash state.
fn survives_quiet_recoveries(program: Program) -> Result<usize, String> {
    let rehearsal = Rehearsal::modelled();
    let mut count = 0;
    for (at, killed) in moments(&empty_disk(), &rehearsal, program)?.iter().enumerate() {
        let disk = killed.after_kill();
        let outcome = rehearsal.open(program(&disk)).and_then(opev::output::CheckpointedOutput::finish);
        outcome.map_err(|e| format!("killed at {at}, then a quiet run: {e}"))?;
        for state in disk.crash_states(PER_PAIR, at as u64) {
            count += 1;
            if state.contents(&rehearsal.output) != disk.contents(&rehearsal.output) {
                return Err(format!("killed at {at}, a quiet run, power cut: the file is another"));
            }
        }
    }
    Ok(count)
}

/// The file is renamed while no run is under way; then runs are killed, and the power is cut, at every
/// operation of the start that notices it.
#[test]
fn a_rotation_survives_kills_and_power_loss() {
    let rehearsal = Rehearsal::modelled();
    let disk = empty_disk();
    let mut pipeline = rehearsal.open(product(&disk)).unwrap();
    for _ in 0..4 {
        let page = next_page(&pipeline).unwrap();
        pipeline.deliver(&page, &mut Lines).unwrap();
    }
    drop(pipeline);
    let rotated = Path::new("/out.1");
    disk.rename(&rehearsal.output, rotated).unwrap();
    disk.sync_dir(Path::new("/")).unwrap();
    disk.keep_history();
    rehearsal.run(product(&disk)).unwrap();
    let mut count = 0;
    for (at, moment) in disk.history().iter().enumerate() {
        let mut states = moment.crash_states(PER_POINT, at as u64);
        states.push(moment.after_kill());
        for state in states {
            count += 1;
            rehearsal.run(product(&state)).unwrap_or_else(|e| panic!("stopped at {at}: {e}"));
            let mut both = state.contents(rotated).unwrap();
            both.extend_from_slice(
                state.contents(&rehearsal.output).unwrap().strip_prefix(b"header\n").unwrap(),
            );
            assert_eq!(both, golden(), "stopped at {at}");
        }
    }
    println!("{count} states after a rotation");
}

#[test]
fn every_crash_state_recovers_to_the_golden_bytes() {
    let count = survives_power_loss(product).unwrap();
    println!("{count} crash states recovered");
    assert!(count > 1000, "only {count} crash states");
}

/// Kills and power cuts at every operation where several pages are one commit, and where commits are members
/// of a compressed file.
#[test]
fn batches_and_compressed_files_survive_kills_and_power_loss() {
    for (compression, batch) in
        [(Compression::None, 3), (Compression::Gzip, 1), (Compression::Gzip, 3), (Compression::Zstd, 1)]
    {
        let rehearsal = Rehearsal { compression, batch, ..Rehearsal::modelled() };
        let what = format!("{compression}, {batch} pages a commit");
        let moments = moments(&empty_disk(), &rehearsal, product).unwrap();
        for (at, moment) in moments.iter().enumerate() {
            recovers(&moment.after_kill(), &rehearsal, product, &ROUNDS)
                .unwrap_or_else(|e| panic!("{what}, killed at {at}: {e}"));
        }
        let cut = survives_cuts(&empty_disk(), &rehearsal, product, 40, 1);
        println!(
            "{what}: {} kills, {} crash states",
            moments.len(),
            cut.unwrap_or_else(|e| panic!("{what}: {e}"))
        );
    }
}
