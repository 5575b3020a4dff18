//! Error codes of the exchange, by segment (FO 9.48 and CM 6.3, list of error codes).
//!
//! The same number can mean different things in the two segments, and the same meaning can have
//! different numbers. A meaning is a variant here; [`ErrorCode::of`] finds it by segment and number.

use core::fmt;

use tezi_model::Segment;

macro_rules! error_codes {
    ($($name:ident $fo:literal $cm:literal $text:literal;)+) => {
        /// Why the exchange refuses, cancels or disconnects.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $(#[doc = concat!("The exchange says: ", $text, ".")] $name,)+
        }

        impl ErrorCode {
            /// Every meaning.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The number in futures and options, 0 where the segment has none.
            const fn fo(self) -> i16 {
                match self { $(Self::$name => $fo,)+ }
            }

            /// The number in the capital market, 0 where the segment has none.
            const fn cm(self) -> i16 {
                match self { $(Self::$name => $cm,)+ }
            }

            /// What it says, for people.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

error_codes! {
    TradingSystemNotAvailable 16000 16000 "the trading system is not available";
    BadTransactionCode 16003 16003 "the transaction code is not valid";
    AlreadySignedOn 16004 16004 "the user is signed on already";
    InvalidSignOn 16006 16006 "box or user sign-on is not valid";
    SignOnRestricted 16007 16007 "sign-on is restricted";
    InvalidSymbol 16012 16012 "the symbol or series is not valid";
    InvalidOrderNumber 16013 16013 "the order number is not valid";
    NotYourTrade 16015 16015 "the trade is not yours";
    SecurityUnavailable 16035 16035 "the security is unavailable now";
    MemberUnknown 16041 16041 "the member is unknown";
    DealerUnknown 16042 16042 "the dealer is unknown";
    FunctionNotAvailable 16052 16052 "the function is not available";
    PasswordExpired 16053 16053 "the password has expired";
    InvalidBranch 16054 16054 "the branch is not valid";
    ProgramError 16056 16056 "program error at the exchange";
    StatusChangeNotAllowed 16063 16063 "the status may not be changed";
    DataNotChanged 16070 16070 "the data is not changed";
    InvalidBuyer 16098 16098 "the buying user is not valid";
    InvalidSeller 16099 16099 "the selling user is not valid";
    WrongVersion 16100 16100 "the software version is wrong";
    SystemError 16104 16104 "system error at the exchange";
    DealerDisabled 16134 16134 "the dealer is disabled";
    NotEligibleInPreOpen 16145 16145 "the security is not eligible in the pre-open";
    InvalidDealer 16148 16148 "the dealer id is not valid";
    InvalidTrader 16154 16154 "the trader id is not valid";
    AtoInOpenSecurity 16169 16169 "an at-the-open order in an open security";
    OwnOrderWithParticipant 16233 16233 "an own order names a participant";
    InvalidPrice 16247 16247 "the price is not valid";
    TradeOfOtherQuantity 16251 16251 "a trade modification has another quantity";
    RecordDoesNotExist 16273 16273 "the record does not exist";
    MarketsNotOpen 16278 16278 "the markets are not open";
    NotAdmitted 16279 16279 "the security is not admitted to trading";
    Matured 16280 16280 "the security has matured";
    Expelled 16281 16281 "the security is expelled";
    QuantityOverIssuedCapital 16282 16282 "the quantity is over the issued capital";
    PriceNotTickMultiple 16283 16283 "the price is no multiple of the tick";
    PriceOutOfDayRange 16284 16284 "the price is out of the day's range";
    BrokerNotActive 16285 16285 "the broker is not active";
    AuctionPending 16303 16303 "an auction is pending";
    QuantityFreezeCancelled 16307 16307 "cancelled after a quantity freeze";
    PriceFreezeCancelled 16308 16308 "cancelled after a price freeze";
    LimitWorseThanTrigger 16315 16315 "the limit price is on the wrong side of the trigger";
    TriggerNotTickMultiple 16316 16316 "the trigger price is no multiple of the tick";
    AonNotAllowedInMarket 16317 16317 "all-or-none is not allowed in the market";
    AonNotAllowedInSecurity 16318 16318 "all-or-none is not allowed in the security";
    MfNotAllowedInMarket 16319 16319 "minimum fill is not allowed in the market";
    MfNotAllowedInSecurity 16320 16320 "minimum fill is not allowed in the security";
    MfOverDisclosed 16321 16321 "the minimum fill is over the disclosed quantity";
    MfNotLotMultiple 16322 16322 "the minimum fill is no multiple of the lot";
    MfOverOriginal 16323 16323 "the minimum fill is over the quantity";
    DisclosedOverOriginal 16324 16324 "the disclosed quantity is over the quantity";
    DisclosedNotLotMultiple 16325 16325 "the disclosed quantity is no multiple of the lot";
    GtdTooLong 16326 16326 "the order would live too long";
    OddLotTooLarge 16327 16327 "an odd-lot quantity is at or over the lot";
    QuantityNotLotMultiple 16328 16328 "the quantity is no multiple of the lot";
    MemberNotPermitted 16329 16329 "the member is not permitted in the market";
    SecuritySuspended 16330 16330 "the security is suspended";
    BranchValueLimit 16333 16333 "the branch's value limit is exceeded";
    OrderChanged 16343 16343 "the order has changed";
    CannotCancel 16344 16344 "the order cannot be cancelled";
    NotInitiator 16345 16345 "only the initiator may do this";
    CannotModify 16346 16346 "the order cannot be modified";
    TradingNotAllowed 16348 16348 "trading is not allowed in the market";
    SecurityInPreOpen 16369 16369 "the security is in its pre-open";
    InquiryUser 16372 16372 "the user may only inquire";
    NotAllowedToTrade 16387 16387 "the user is not allowed to trade";
    CancelledBySystem 16388 16388 "cancelled by the system: the rest of an IOC order, unmatched in the pre-open, or a circuit";
    TurnoverLimitMissing 16392 16392 "no turnover limit is set";
    AuctionOrderFixed 16397 16397 "an auction order cannot be modified";
    DisclosedQuantityLimit 16400 16400 "the disclosed quantity is out of its limits";
    WrongLocation 16403 16403 "sign-on from a wrong address";
    FreezeAdminSuspension 16404 16404 "suspended while frozen";
    StopLossGapTooWide 16448 16448 "limit and trigger of the stop-loss are too far apart";
    MessageLength 16573 16573 "the message length is not valid";
    OrderValueOverMaximum 16600 16600 "the order value is over the maximum";
    RequestRejected 16601 16601 "the exchange rejects the request";
    NnfIdWithoutAlgo 16730 16730 "the NNF id and the algo id do not match";
    AlgoWithoutNnfId 16731 16731 "the algo id and the NNF id do not match";
    AlgoMarketOrder 16732 16732 "a market order with an algo id";
    InvalidNnfId 16733 16733 "the 13th digit of the NNF id is not valid";
    TooManyUsersInBranch 17022 17022 "too many active users in the branch";
    InvalidPacket 17101 17101 "the packet is not valid";
    HeartbeatMissed 17102 17102 "heartbeats were missed";
    InvalidBox 17104 17104 "the box id is not valid";
    SequenceMismatch 17105 17105 "the sequence number does not match";
    BoxRateExceeded 17106 17106 "the message rate of the box is exceeded";
    HeartbeatRateExceeded 17107 17107 "the heartbeat rate is exceeded";
    TooManyUsersOnBox 17142 17142 "too many users on the box";
    InvalidPan 17177 17177 "the PAN is not valid";
    InvalidAlgoId 17179 17179 "the algo id is not valid";
    ReservedField 17180 17180 "a reserved field is not zero";
    NoTradingRights 17184 17184 "the user has no trading rights";
    RouterChecksum 19028 19028 "the router found a wrong checksum";
    RouterRepeated 19029 19029 "the router was asked twice";
    EncryptionMismatch 19030 19030 "the encryption differs from what is agreed";
    ChecksumMismatch 19031 19031 "checksum or tag is wrong";
    InvalidInstrumentType 293 0 "the instrument type is not valid";
    OrderDoesNotExist 509 0 "the order does not exist";
    NotTheInitiator 8049 0 "only the initiator may do this";
    InvalidAuctionNumber 8485 0 "the auction number is not valid";
    UserMismatch 16001 0 "the header names another user than the message";
    NotYourOrder 16014 0 "the order is not yours";
    InvalidTradeNumber 16016 0 "the trade number is not valid";
    StockNotFound 16019 0 "the stock is not found";
    OutOfRevisedRange 16020 16521 "out of the revised range";
    OrderModifiedMeanwhile 16044 0 "the order was modified meanwhile";
    InvalidBuySell 16405 0 "the side is not valid";
    InvalidBookType 16406 16422 "the book type is not valid";
    InvalidTrigger 16408 16423 "the trigger price is not valid";
    InvalidProClient 16414 16411 "neither client nor proprietary";
    BookTypeFlags 16415 16414 "book type and flags do not go together";
    SpecialTerms 16416 16415 "all-or-none, minimum fill and disclosed quantity do not go together";
    RequestCountExceeded 16418 16417 "too many requests";
    InvalidData 16419 16418 "the order holds invalid data";
    BoxRateMillisecond 16420 0 "the message rate within a millisecond is exceeded";
    GtdPastMaturity 16440 0 "the order would outlive the contract";
    DisclosedInPreOpen 16441 16439 "disclosed quantity in the pre-open";
    SpecialTermsInPreOpen 16442 16441 "special terms in the pre-open";
    OrderValueLimit 16443 16436 "the order value limit is exceeded";
    UserValueLimit 16444 16442 "the user's value limit is exceeded";
    OrderEntryInPreOpen 16447 0 "order entry is not allowed in the pre-open";
    NotClearingMember 16521 0 "not a clearing member";
    BelowMinimumLot 16556 0 "the quantity is below the minimum lot";
    DisclosedBelowMinimumLot 16557 0 "the disclosed quantity is below the minimum lot";
    MfBelowMinimumLot 16558 0 "the minimum fill is below the minimum lot";
    GiveUpRejected 16560 0 "the give-up is rejected already";
    InvalidAccount 16585 16431 "the account number is not valid";
    BranchLimit 16597 0 "a limit of the branch is exceeded";
    BranchLimitOther 16598 0 "another limit of the branch is exceeded";
    DealerLimit 16602 0 "a limit of the dealer is exceeded";
    ParticipantNotFound 16604 0 "the participant is not found";
    OtherLegFailed 16605 0 "another leg failed";
    QuantityOverFreeze 16606 0 "the quantity is over the freeze quantity";
    LegQuantities 16610 0 "the legs differ in quantity";
    LegExpiries 16626 0 "the expiries of the legs do not rise";
    LegUnderlyings 16631 0 "the legs are on different underlyings";
    ClientIsMember 16632 0 "the client account is the member's own";
    ContractOpening 16662 0 "the contract is opening";
    NnfField 16666 0 "the NNF field is not valid";
    GtcNotAllowed 16667 0 "orders that outlive the day are not allowed";
    PartlyRejected 16706 16535 "a part is rejected";
    QuickCancelRejected 16708 16536 "the quick cancel is rejected";
    SpreadUnknown 16711 0 "the combination is not in the spread master";
    SpreadOutOfRange 16713 0 "the price difference is out of its range";
    RmsReject 16725 16597 "risk management rejects the order";
    AlgoDisabled 16735 17185 "the algo id is disabled: rejected";
    AlgoDisabledCancelled 16736 17186 "the algo id is disabled: cancelled";
    NotInNnfFile 16778 0 "the user is not in the NNF file";
    OutsideExecutionRange 17070 0 "the price is outside the execution range";
    SelfTradeCancelled 17071 17080 "cancelled to prevent a self trade";
    MarketOrderUntraded 17181 17182 "a market order in a contract that has not traded";
    BeyondMarkUp 17182 17183 "the price is beyond the mark-up";
    InvalidUserType 0 16001 "the user type is not valid";
    OrderNotFound 0 16060 "the order to change is not found";
    ChangeRejected 0 16115 "the change is rejected";
    Retry 0 16123 "try the change again";
    NotInPreOpen 0 16197 "not allowed in the pre-open";
    InvalidNewVolume 0 16412 "the new volume is not valid";
    InvalidRequestedBy 0 16413 "requested-by is not valid";
    CounterBroker 0 16416 "the counter-broker is not valid";
    TradeCancelCancelled 0 16419 "the request to cancel the trade is cancelled";
    AlphaMismatch 0 16420 "the alpha characters are not those of the symbol";
    CmMessageLength 0 16424 "the message length is not valid";
    InvalidParticipant 0 16425 "the participant is not valid";
    SeriesInPreOpen 0 16440 "the series has no pre-open";
    AccountMissing 0 16450 "the account is missing";
    ClosingBoardLotOnly 0 16473 "only the board-lot market in the closing session";
    ClosingSecuritySuspended 0 16482 "the security is suspended in the closing session";
    ParticipantSuspended 0 16483 "the participant is suspended";
    OwnSessionReset 0 16560 "the own session cannot be reset";
    SecurityReject 0 16598 "the security is rejected";
    MarketOrderInBlock 0 16603 "a market order in the block window";
    DisclosedInClosing 0 16604 "disclosed quantity in the closing session";
    MarketMakerClient 0 16606 "a client order by a market maker";
    BlockDealTimedOut 0 16738 "the block deal timed out";
    InvalidNewPassword 0 16778 "the new password is not valid";
}

impl ErrorCode {
    /// What a number means in a segment; `None` when the lists do not have it.
    ///
    /// O(codes): for people's eyes and for refusals, not for a hot path.
    #[must_use]
    pub fn of(segment: Segment, number: i16) -> Option<Self> {
        let found = Self::ALL.iter().find(|code| code.number(segment) == Some(number));
        found.copied()
    }

    /// The number in a segment; `None` when that segment has no such code.
    #[must_use]
    pub const fn number(self, segment: Segment) -> Option<i16> {
        let number = match segment {
            Segment::NseFo => self.fo(),
            Segment::NseCm => self.cm(),
            _ => 0,
        };
        if number == 0 { None } else { Some(number) }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_means_one_thing_in_a_segment_and_may_mean_another_in_the_other() {
        for segment in [Segment::NseFo, Segment::NseCm] {
            let mut numbers: Vec<_> =
                ErrorCode::ALL.iter().filter_map(|code| code.number(segment)).collect();
            for &number in &numbers {
                let code = ErrorCode::of(segment, number).unwrap();
                assert_eq!(code.number(segment), Some(number));
            }
            let count = numbers.len();
            numbers.sort_unstable();
            numbers.dedup();
            assert_eq!(numbers.len(), count, "{segment:?}");
        }
        let of = ErrorCode::of;
        assert_eq!(of(Segment::NseFo, 16_414), Some(ErrorCode::InvalidProClient));
        assert_eq!(of(Segment::NseCm, 16_414), Some(ErrorCode::BookTypeFlags));
        assert_eq!(of(Segment::NseFo, 17_071), of(Segment::NseCm, 17_080));
        assert_eq!(of(Segment::NseFo, 17_182), Some(ErrorCode::BeyondMarkUp));
        assert_eq!(of(Segment::NseCm, 17_182), Some(ErrorCode::MarketOrderUntraded));
        assert_eq!((of(Segment::NseFo, 0), of(Segment::BseCm, 16_000)), (None, None));
    }
}
