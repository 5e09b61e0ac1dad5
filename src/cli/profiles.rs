//! `--all-profiles` and `--shard`: which profiles a run is for.

use clap::Args;

/// One profile, or all.
#[derive(Args, Clone, Debug, Default)]
pub struct ProfilesArgs {
    /// Run for every enabled profile of the configuration
    ///
    /// Each profile brings its own server and token; those of the environment and of the command line do
    /// not apply. A profile that fails stops no other.
    #[arg(long = "all-profiles", id = "all_profiles", help_heading = "Account",
          conflicts_with_all = ["profile", "region", "base_url", "token_file", "token_command"])]
    pub all: bool,

    /// Which of them.
    #[command(flatten)]
    pub part: ShardArg,
}

/// The part of the profiles of `--all-profiles`.
#[derive(Args, Clone, Debug, Default)]
pub struct ShardArg {
    /// Only this part of the profiles: the Kth of N
    ///
    /// 1/3, 2/3 and 3/3 on three machines share the profiles of --all-profiles: each profile belongs to one of
    /// them, by its name alone. With one part more or less, only the profiles that have to move do.
    /// job/N takes K from JOB_COMPLETION_INDEX, which Kubernetes counts from 0. The machines of a position
    /// must share its state directory, or never change N: else a profile that moves starts anew.
    #[arg(long, value_name = "K/N", requires = "all_profiles", value_parser = parse, help_heading = "Account")]
    pub shard: Option<Shard>,
}

/// The Kth of N parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// K, counted from 1; none where the job's index says it.
    pub number: Option<u32>,
    /// N.
    pub count: u32,
}

/// The most parts.
const MOST: u32 = 10_000;

fn parse(text: &str) -> Result<Shard, String> {
    let forms = "write 2/3 for the second of three parts, or job/3 in a Kubernetes Indexed Job";
    let (number, count) = text.split_once('/').ok_or_else(|| format!("not a part; {forms}"))?;
    let count: u32 = count.parse().map_err(|_| format!("not a number of parts; {forms}"))?;
    if count == 0 || count > MOST {
        return Err(format!("{count} parts cannot be; 1 to {MOST} can"));
    }
    if number == "job" {
        return Ok(Shard { number: None, count });
    }
    let number: u32 = number.parse().map_err(|_| format!("not a part; {forms}"))?;
    if number == 0 || number > count {
        return Err(format!("there is no part {number} of {count}; the first is 1/{count}"));
    }
    Ok(Shard { number: Some(number), count })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_counted_from_one() {
        assert_eq!(parse("2/3"), Ok(Shard { number: Some(2), count: 3 }));
        assert_eq!(parse("job/3"), Ok(Shard { number: None, count: 3 }));
        for wrong in ["", "3", "0/3", "4/3", "1/0", "1/10001", "x/3", "1/x", "-1/3", "1/3/5"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
