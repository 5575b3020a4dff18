//! A CSV of options in, the same rows with their results out: any number of rows in one pass, a
//! few thousand of them in memory.
//!
//! A row that is no option gets a status that says why, and empty results; the others are not
//! touched by it. Fields may not hold quoted commas: no column of an option needs them.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use tezi::pricing::{AmericanInput, AmericanScheme, AmericanSheet, Basis, Contract, Quote, Sheet};

use super::american;
use super::report::{COLUMNS, american_numbers, numbers, push_number};
use crate::files::check_distinct;
use crate::outcome::{Failure, Verdict, print};
use crate::text::grouped;

/// Rows valued together: enough for the kernels, little enough for the second-level cache.
const BATCH_ROWS: usize = 4_096;
/// The longest row. No option needs more, and a file without line ends must not fill the memory.
const ROW_BYTES_MAX: u64 = 1 << 16;

pub(super) fn run(input: &Path, output: Option<&Path>) -> Result<Verdict, Failure> {
    if let Some(output) = output {
        check_distinct(&[input], &[output])?;
    }
    let failed = |what: &str, path: &Path, error: &io::Error| {
        Failure::Failed(format!("cannot {what} {}: {error}", path.display()))
    };
    let reader: Box<dyn BufRead> = if input == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(input).map_err(|error| failed("open", input, &error))?;
        Box::new(BufReader::with_capacity(1 << 18, file))
    };
    let mut pass = Pass::new(reader);
    let header =
        pass.header().map_err(|why| Failure::Failed(format!("{}: {why}", input.display())))?;
    let mut counts = Counts::default();
    let mut result = Ok(());
    let mut write = |out: &mut dyn Write| -> io::Result<()> {
        writeln!(out, "{},{}", pass.first, COLUMNS.map(|name| format!("out_{name}")).join(","))?;
        result = pass.run(&header, out, &mut counts);
        Ok(())
    };
    if let Some(path) = output {
        let file = File::create(path).map_err(|error| failed("create", path, &error))?;
        let mut out = BufWriter::with_capacity(1 << 18, file);
        let written = write(&mut out).and_then(|()| out.flush());
        written.map_err(|error| failed("write", path, &error))?;
    } else {
        print(write)?;
    }
    match result {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Verdict::Fine),
        Err(error) => return Err(failed("read or write the rows of", input, &error)),
    }
    let Counts { rows, bad } = counts;
    eprintln!("{} rows, {} of them no options", grouped(rows), grouped(bad));
    Ok(Verdict::of(bad == 0))
}

#[derive(Default)]
struct Counts {
    rows: u64,
    bad: u64,
}

/// Where the columns are.
struct Header {
    fields: usize,
    model: Option<usize>,
    style: Option<usize>,
    option_type: usize,
    forward: Option<usize>,
    spot: Option<usize>,
    strike: usize,
    years: usize,
    rate: Option<usize>,
    carry: Option<usize>,
    vol: Option<usize>,
    price: Option<usize>,
}

impl Header {
    fn of(line: &str) -> Result<Self, String> {
        let names: Vec<&str> = line.split(',').map(str::trim).collect();
        let find = |name: &str| names.iter().position(|&found| found.eq_ignore_ascii_case(name));
        let need = |name: &str| find(name).ok_or_else(|| format!("no column {name}"));
        let header = Self {
            fields: names.len(),
            model: find("model"),
            style: find("style"),
            option_type: need("type")?,
            forward: find("forward"),
            spot: find("spot"),
            strike: need("strike")?,
            years: need("years")?,
            rate: find("rate"),
            carry: find("carry"),
            vol: find("vol"),
            price: find("price"),
        };
        if header.forward.or(header.spot).is_none() {
            return Err("no column forward or spot".into());
        }
        if header.vol.or(header.price).is_none() {
            return Err("no column vol or price".into());
        }
        Ok(header)
    }

    fn contract(&self, line: &str, fields: &mut Vec<(usize, usize)>) -> Result<Row, &'static str> {
        split(line, fields);
        if fields.len() != self.fields {
            return Err("bad_row_fields");
        }
        let text = |column: usize| line[fields[column].0..fields[column].1].trim();
        let given = |column: Option<usize>| column.map(text).filter(|text| !text.is_empty());
        let number = |text: &str, why| text.parse::<f64>().map_err(|_| why);
        let rate = given(self.rate).map_or(Ok(0.0), |text| number(text, "bad_rate"))?;
        let carry = given(self.carry).map_or(Ok(rate), |text| number(text, "bad_carry"))?;
        let is_spot = match given(self.model) {
            None => given(self.forward).is_none(),
            Some(name) if name.eq_ignore_ascii_case("black76") => false,
            Some(name) if name.eq_ignore_ascii_case("bsm") => true,
            Some(_) => return Err("bad_model"),
        };
        let basis = if is_spot {
            let spot = number(given(self.spot).ok_or("no_spot")?, "bad_spot")?;
            Basis::Spot { spot, carry }
        } else {
            Basis::Forward(number(given(self.forward).ok_or("no_forward")?, "bad_forward")?)
        };
        let quote = match (given(self.vol), given(self.price)) {
            (Some(_), Some(_)) => return Err("vol_and_price"),
            (Some(vol), None) => Quote::Vol(number(vol, "bad_vol")?),
            (None, Some(price)) => Quote::Price(number(price, "bad_price")?),
            (None, None) => return Err("no_vol_or_price"),
        };
        let is_call = match text(self.option_type).as_bytes() {
            [b'c' | b'C', ..] => true,
            [b'p' | b'P', ..] => false,
            _ => return Err("bad_type"),
        };
        let strike = number(text(self.strike), "bad_strike")?;
        let years = number(text(self.years), "bad_years")?;
        let contract = Contract { basis, strike, years, rate, is_call, quote };
        match given(self.style) {
            None => Ok(Row::European(contract)),
            Some(name) if name.eq_ignore_ascii_case("european") => Ok(Row::European(contract)),
            Some(name) if name.eq_ignore_ascii_case("american") => {
                american::option(&contract).map(Row::American).ok_or("american_needs_vol")
            }
            Some(_) => Err("bad_style"),
        }
    }
}

/// What a row asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Row {
    European(Contract),
    American(AmericanInput),
}

/// Where a row's result is found.
#[derive(Clone, Copy)]
enum At {
    European(usize),
    American(usize),
}

fn write_result(text: &mut String, numbers: [f64; 11], status: &str) {
    text.clear();
    for number in numbers {
        push_number(text, number);
        text.push(',');
    }
    text.push_str(status);
}

/// The byte ranges between commas.
fn split(line: &str, fields: &mut Vec<(usize, usize)>) {
    fields.clear();
    let mut from = 0;
    for (at, _) in line.bytes().enumerate().filter(|(_, byte)| *byte == b',') {
        fields.push((from, at));
        from = at + 1;
    }
    fields.push((from, line.len()));
}

/// The rows of a batch, as text and as what they say.
struct Pass<R> {
    reader: R,
    first: String,
    bytes: Vec<u8>,
    lines: Vec<String>,
    parsed: Vec<Result<At, &'static str>>,
    contracts: Vec<Contract>,
    american: Vec<AmericanInput>,
    results: Vec<String>,
    american_results: Vec<String>,
    sheet: Sheet,
    american_sheet: AmericanSheet,
}

impl<R: BufRead> Pass<R> {
    fn new(reader: R) -> Self {
        Self {
            reader,
            first: String::new(),
            bytes: Vec::new(),
            lines: vec![String::new(); BATCH_ROWS],
            parsed: Vec::new(),
            contracts: Vec::new(),
            american: Vec::new(),
            results: vec![String::new(); BATCH_ROWS],
            american_results: vec![String::new(); BATCH_ROWS],
            sheet: Sheet::new(),
            american_sheet: AmericanSheet::new(AmericanScheme::Accurate),
        }
    }

    fn header(&mut self) -> Result<Header, String> {
        let mut line = String::new();
        let found = self.line(&mut line).map_err(|error| error.to_string())?;
        if !found {
            return Err("the file is empty".into());
        }
        self.first = line.trim_start_matches('\u{feff}').to_string();
        Header::of(&self.first)
    }

    /// The next line without its end, `false` when there is none.
    fn line(&mut self, into: &mut String) -> io::Result<bool> {
        self.bytes.clear();
        io::Read::take(&mut self.reader, ROW_BYTES_MAX).read_until(b'\n', &mut self.bytes)?;
        if self.bytes.len() as u64 == ROW_BYTES_MAX {
            let what = format!("a row is longer than {ROW_BYTES_MAX} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        into.clear();
        into.push_str(String::from_utf8_lossy(&self.bytes).trim_end_matches(['\n', '\r']));
        Ok(!self.bytes.is_empty())
    }

    fn run(&mut self, header: &Header, out: &mut dyn Write, counts: &mut Counts) -> io::Result<()> {
        let mut fields = Vec::new();
        loop {
            self.parsed.clear();
            self.contracts.clear();
            self.american.clear();
            while self.parsed.len() < BATCH_ROWS {
                let mut line = std::mem::take(&mut self.lines[self.parsed.len()]);
                let found = self.line(&mut line)?;
                let is_row = found && !line.is_empty();
                if is_row {
                    let parsed = header.contract(&line, &mut fields).map(|row| match row {
                        Row::European(contract) => {
                            self.contracts.push(contract);
                            At::European(self.contracts.len() - 1)
                        }
                        Row::American(option) => {
                            self.american.push(option);
                            At::American(self.american.len() - 1)
                        }
                    });
                    self.lines[self.parsed.len()] = line;
                    self.parsed.push(parsed);
                }
                if !found {
                    break;
                }
            }
            if self.parsed.is_empty() {
                return Ok(());
            }
            self.write(out, counts)?;
        }
    }

    fn write(&mut self, out: &mut dyn Write, counts: &mut Counts) -> io::Result<()> {
        let results = &mut self.results;
        self.sheet.value(&self.contracts, |i, valued| {
            write_result(&mut results[i], numbers(valued), valued.status());
        });
        let (options, results) = (&self.american, &mut self.american_results);
        self.american_sheet.value(options, |i, valued| {
            let status = valued.value.status.name();
            write_result(&mut results[i], american_numbers(&options[i], valued), status);
        });
        for (line, parsed) in self.lines.iter().zip(&self.parsed) {
            counts.rows += 1;
            out.write_all(line.as_bytes())?;
            match parsed {
                Ok(At::European(i)) => writeln!(out, ",{}", self.results[*i])?,
                Ok(At::American(i)) => writeln!(out, ",{}", self.american_results[*i])?,
                Err(why) => {
                    counts.bad += 1;
                    writeln!(out, "{}{why}", ",".repeat(COLUMNS.len()))?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(header: &str, row: &str) -> Result<Row, &'static str> {
        Header::of(header).map_err(|_| "header")?.contract(row, &mut Vec::new())
    }

    fn parse(header: &str, text: &str) -> Result<Contract, &'static str> {
        match row(header, text)? {
            Row::European(contract) => Ok(contract),
            Row::American(_) => Err("american"),
        }
    }

    #[test]
    fn a_style_makes_an_option_american() {
        let header = "style,type,forward,spot,strike,years,rate,carry,vol,price";
        let put = |rest: &str| row(header, &format!("{rest},110,0.5,0.05,0.02,0.2,"));
        let option = AmericanInput {
            spot: 100.0,
            strike: 110.0,
            years: 0.5,
            vol: 0.2,
            rate: 0.05,
            dividend_yield: 0.05 - 0.02,
            is_call: false,
        };
        assert_eq!(put("American,put,,100"), Ok(Row::American(option)));
        // On a future nothing is carried: the yield is the rate.
        let on_future = AmericanInput { dividend_yield: 0.05, ..option };
        assert_eq!(put("american,put,100,"), Ok(Row::American(on_future)));
        assert!(matches!(put("european,put,,100"), Ok(Row::European(_))));
        assert!(matches!(put(",put,,100"), Ok(Row::European(_))));
        assert_eq!(put("bermudan,put,,100"), Err("bad_style"));
        let priced = row(header, "american,put,,100,110,0.5,0.05,0.02,,12");
        assert_eq!(priced, Err("american_needs_vol"));
    }

    #[test]
    fn a_row_says_what_it_is_or_why_it_is_nothing() {
        let header = "model,type,forward,spot,strike,years,rate,carry,vol,price";
        let row = parse(header, "bsm,call,,100,110,0.5,0.05,,0.2,").unwrap();
        assert_eq!(row.basis, Basis::Spot { spot: 100.0, carry: 0.05 });
        assert_eq!((row.quote, row.is_call), (Quote::Vol(0.2), true));
        let row = parse(header, ",PE,100,,110,0.5,,,,12.5").unwrap();
        assert_eq!((row.basis, row.rate), (Basis::Forward(100.0), 0.0));
        assert_eq!((row.quote, row.is_call), (Quote::Price(12.5), false));
        for (row, why) in [
            ("bsm,call,,100,110,0.5,0.05,,0.2", "bad_row_fields"),
            ("sabr,call,,100,110,0.5,0.05,,0.2,", "bad_model"),
            ("bsm,call,100,,110,0.5,0.05,,0.2,", "no_spot"),
            (",call,x,,110,0.5,0.05,,0.2,", "bad_forward"),
            (",swap,100,,110,0.5,0.05,,0.2,", "bad_type"),
            (",call,100,,,0.5,0.05,,0.2,", "bad_strike"),
            (",call,100,,110,soon,0.05,,0.2,", "bad_years"),
            (",call,100,,110,0.5,r,,0.2,", "bad_rate"),
            (",call,100,,110,0.5,0.05,,0.2,3", "vol_and_price"),
            (",call,100,,110,0.5,0.05,,,", "no_vol_or_price"),
        ] {
            assert_eq!(parse(header, row), Err(why), "{row}");
        }
        assert!(Header::of("type,strike,years,vol").is_err());
        assert!(Header::of("type,strike,years,forward").is_err());
    }
}
