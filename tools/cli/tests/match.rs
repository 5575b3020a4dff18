//! `tezi match`: a file of orders in, what the exchange says out.

mod common;

use common::Place;

fn lines<'a>(text: &'a str, holding: &str) -> Vec<&'a str> {
    text.lines().filter(|line| line.contains(holding)).collect()
}

#[test]
fn four_columns_are_enough_and_a_trade_is_at_the_resting_price() {
    let place = Place::new("match");
    place.write("x.csv", b"order,side,price,quantity\na,sell,100.05,50\nb,buy,100.10,20\n");
    let ran = place.run("match x.csv").exits(0);
    assert_eq!(lines(&ran.out, "accepted,2073").len(), 2);
    ran.says("3,00:00:00.000000001,1,,100.05,20,b,2,1,a,1,1,buy,").says(",sell,100.05,30,1,");
}

#[test]
fn json_lines_say_the_same_as_csv() {
    let place = Place::new("match-json");
    place.write("x.csv", b"order,side,price,quantity\na,sell,100.05,50\nb,buy,100.10,20\n");
    let json = "{\"order\": \"a\", \"side\": \"sell\", \"price\": 100.05, \"quantity\": 50}\n\
        {\"order\": \"b\", \"side\": \"buy\", \"price\": \"100.10\", \"quantity\": 20}\n";
    place.write("x.jsonl", json.as_bytes());
    place.run("match x.csv --acks a1 --trades t1 --book b1").exits(0);
    place.run("match x.jsonl --acks a2 --trades t2 --book b2").exits(0);
    assert_eq!(place.read("b1"), place.read("b2"));
    let trades = |name| String::from_utf8(place.read(name)).unwrap().replacen("\n3,", "\n2,", 1);
    assert_eq!(trades("t1"), trades("t2"));
}

#[test]
fn every_rule_can_be_asked() {
    let place = Place::new("match-rules");
    let csv = "\
action,order,member,pan,side,type,price,trigger,quantity,disclosed,flags,instrument
instrument,,,,,,,,,,tick=0.05 lot=65 freeze=1800 band=90..110 product=option reference=100,O
new,a,1,AAAAA1111A,sell,,100,,65,,,O
new,b,2,AAAAA1111A,buy,,100,,130,,,O
new,c,2,,sell,,100,,65,,,O
new,d,1,,buy,sl-m,,105,65,,,O
new,e,1,,buy,,100.01,,65,,,O
new,f,1,,buy,,111,,65,,,O
new,g,1,,buy,,99,,70,,,O
new,h,1,,buy,,99,,1950,,,O
release,h,,,,,,,,,,O
new,i,1,,buy,,99,,1950,,,O
refuse,i,,,,,,,,,,O
modify,h,1,,,,,,1885,,,O
cancel,h,9,,,,,,,,,O
new,j,1,,sell,market,,,130,,ioc,O
cancel-trade,,,,,,,,,,trade=1,
phase,,,,,,,,,,closed,O
";
    place.write("x.csv", csv.as_bytes());
    place
        .run("match x.csv")
        .exits(0)
        .says("canceled,2075,a,1,1,O,sell,limit,day,100.00,,65,0,65,self_trade,17071")
        .says("rejected,2231,d,,1,,,,,,,,,,stop_market_not_allowed,16052")
        .says("rejected,2231,e,,1,,,,,,,,,,tick_size,16283")
        .says("price_band,16284")
        .says("lot_size,16328")
        .says("frozen,2170,h")
        .says("freeze_refused,16307")
        .says("modified,2074,h")
        .says("cancel_rejected,2072,,4,9,,,,,,,,,,not_your_order,16014")
        .says(",sell,yes")
        .says("session,16388");
}

#[test]
fn an_auction_trades_at_one_price() {
    let place = Place::new("match-auction");
    let csv = "\
action,order,side,type,price,quantity,flags,instrument
instrument,,,,,,tick=0.05 reference=100 phase=pre_open_entry,X
new,a,buy,,102,30,,X
new,b,buy,market,,10,,X
new,c,sell,,99,25,,X
phase,,,,,,pre_open_match,X
phase,,,,,,continuous,X
";
    place.write("x.csv", csv.as_bytes());
    let ran = place.run("match x.csv --segment cm").exits(0);
    let trades = lines(&ran.out, ",auction,");
    assert_eq!(trades.len(), 2, "{trades:?}");
    assert!(trades.iter().all(|line| line.contains(",99.00,")), "{trades:?}");
    ran.says("X,buy,102.00,15,1,");
}

#[test]
fn what_is_wrong_is_named_with_file_line_and_column() {
    let place = Place::new("match-wrong");
    let cases = [
        ("side,price,quantity\nbuy,x,5\n", "x.csv: line 2, column price: 'x' is no price"),
        ("side,price,quantity\nup,1,5\n", "x.csv: line 2, column side: 'up' is none of buy"),
        ("side,price,quantity\nbuy,1,-5\n", "line 2, column quantity"),
        ("side,price\nbuy,1\n", "line 2, column quantity: needed here"),
        ("side,quantity\nbuy,1\n", "line 2, column price: a limit order needs one"),
        ("action,order\ncancel,a\n", "line 2, column order: no accepted order 'a'"),
        ("time,side,price,quantity\n9h,buy,1,5\n", "line 2, column time"),
        ("pan,side,price,quantity\nme,buy,1,5\n", "line 2, column pan"),
        ("action,flags\nphase,sleeping\n", "line 2, column flags: 'sleeping' is none of closed"),
        ("time,side,price,quantity\n10:00:00,buy,1,5\n09:00:00,buy,1,5\n", "before the line above"),
        ("frob\n", "line 1: 'frob' is no column"),
    ];
    for (text, says) in cases {
        place.write("x.csv", text.as_bytes());
        let ran = place.run("match x.csv").exits(1).says(says);
        assert!(ran.out.is_empty(), "{}", ran.out);
    }
    place.run("match no-such.csv").exits(1).says("cannot read no-such.csv");
    place.run("match").exits(2).says("<FILE>");
    place.run("match x.csv --acks x.csv").exits(2).says("named twice");
    place.run("match --help").exits(0).says("Columns").says("Examples:").says("Exit codes:");
}
