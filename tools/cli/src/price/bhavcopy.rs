//! The chains of a bhavcopy.

use std::path::Path;

use serde_json::{Value, json};
use tezi::feed_handler::reference::{LoadOptions, Policy, load};
use tezi::pricing::{PriceSource, option_chains};

use super::{Args, chain};
use crate::files::check_distinct;
use crate::outcome::{Failure, Verdict, print};

pub(super) fn run(args: &Args, path: &Path) -> Result<Verdict, Failure> {
    let failed =
        |what: &dyn std::fmt::Display| Failure::Failed(format!("{}: {what}", path.display()));
    let bytes = std::fs::read(path)
        .map_err(|error| Failure::Failed(format!("cannot open {}: {error}", path.display())))?;
    let options = LoadOptions { policy: Policy::Lenient, ..LoadOptions::default() };
    let loaded = load(&bytes, &options).map_err(|error| failed(&error))?;
    let chains = option_chains(&loaded.instruments, &args.wanted());
    if chains.is_empty() {
        return Err(failed(&"no option of that underlying and expiry has a day's prices"));
    }
    let outputs: Vec<&Path> = args.plot.as_deref().into_iter().collect();
    check_distinct(&[path], &outputs)?;
    chain::draw(args, &chains)?;
    print(|out| {
        if args.json {
            let chains: Vec<Value> = chains.iter().map(chain::json).collect();
            writeln!(out, "{:#}", json!({ "rate": args.option.rate, "chains": chains }))
        } else if args.csv {
            chain::csv_header(out, PriceSource::Closes)?;
            chain::csv(out, &chains, "")
        } else {
            chain::table(out, &chains, args.files.symbol.is_some())
        }
    })?;
    Ok(Verdict::Fine)
}
