//! A bhavcopy made by a formula.

use tezi::pricing::Black76Input;

/// A bhavcopy of one underlying, DEMO, with a chain of known volatility: the future has token 1001, the
/// calls and puts at 22,000, 22,050 … 24,000 those behind it, the call first.
pub(crate) fn bhavcopy(expiry: &str, years: f64, forward: f64) -> String {
    let header = "TradDt,BizDt,Sgmt,Src,FinInstrmTp,FinInstrmId,ISIN,TckrSymb,SctySrs,XpryDt,\
        FininstrmActlXpryDt,StrkPric,OptnTp,FinInstrmNm,OpnPric,HghPric,LwPric,ClsPric,LastPric,\
        PrvsClsgPric,UndrlygPric,SttlmPric,OpnIntrst,ChngInOpnIntrst,TtlTradgVol,TtlTrfVal,\
        TtlNbOfTxsExctd,SsnId,NewBrdLotQty,Rmks,Rsvd1,Rsvd2,Rsvd3,Rsvd4\n";
    let mut text = header.to_string();
    let mut token = 1_000;
    let mut row = |kind: &str, strike: &str, option: &str, close: f64, volume: u32| {
        token += 1;
        text.push_str(&format!(
            "2026-03-05,2026-03-05,FO,NSE,{kind},{token},,DEMO,,{expiry},{expiry},{strike},{option},\
             DEMO,{close:.2},{close:.2},{close:.2},{close:.2},{close:.2},{close:.2},100.00,\
             {close:.2},0,0,{volume},0.00,1,F1,75,,,,,\n"
        ));
    };
    row("IDF", "", "", forward, 5_000);
    for i in 0..41 {
        let strike = 22_000.0 + 50.0 * f64::from(i);
        for is_call in [true, false] {
            let option = Black76Input { forward, strike, years, vol: 0.14, rate: 0.06, is_call };
            let mut close = option.value().price;
            // One strike's call closed long before the rest; one put did not trade.
            close += if i == 20 && is_call { 80.0 } else { 0.0 };
            let volume = if i == 5 && !is_call { 0 } else { 1_000 };
            let kind = ["PE", "CE"][usize::from(is_call)];
            row("IDO", &format!("{strike:.2}"), kind, close, volume);
        }
    }
    text
}
