//! Who trades: what every request of one session says alike, checked once.

use core::fmt;

use bytemuck::Zeroable;

use super::cm::to_cm;
use super::wire::{
    AdditionalOrderFlags, BeF64, BeI16, BeI32, BookType, CmOrderEntryRequestTr, CmOrderOmRequestTr,
    MsOeRequestTr, MsOmRequestTr, StOrderFlags, Text,
};

/// For whom the orders are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account<'a> {
    /// The member's own; the account field is blank in futures and options, and the member's code in
    /// the capital market.
    Proprietary,
    /// A client of the member, with the client's code, 1 to 10 characters.
    Client(&'a str),
}

/// The user's place in the member's hierarchy. Changes are signed with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserRole {
    /// Signs `T`.
    Dealer,
    /// Signs `B`.
    BranchManager,
    /// Signs `M`.
    CorporateManager,
}

/// What happens to an order that would trade with one of the same PAN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelfTrade {
    /// What the exchange does by default: the passive order is cancelled.
    ExchangeDefault,
    /// The active order is cancelled.
    CancelActive,
}

/// What is fixed for a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionIdentity<'a> {
    /// The user signed on, positive.
    pub user_id: i32,
    /// Whose orders they are, positive; the user, unless a manager acts for a dealer.
    pub trader_id: i32,
    /// The user's role.
    pub role: UserRole,
    /// The branch, positive.
    pub branch_id: i16,
    /// The trading member, 1 to 5 characters.
    pub broker_id: &'a str,
    /// For whom.
    pub account: Account<'a>,
    /// The custodial participant, up to 12 characters; empty for own settlement.
    pub settlor: &'a str,
    /// Ten characters, or `PAN_EXEMPT`.
    pub pan: &'a str,
    /// The 15-digit identifier of product and terminal. Its 13th digit must suit the algo id,
    /// which the exchange checks (16666, 16730-16733) and this crate does not.
    pub nnf_id: u64,
    /// Issued by the exchange; 0 for orders of people.
    pub algo_id: i32,
    /// Self-trade prevention. It cannot change in the life of an order.
    pub self_trade: SelfTrade,
    /// Whether open orders are cancelled when the session ends. Futures and options only.
    pub cancel_on_logoff: bool,
}

/// Which part of an identity cannot go onto the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityError {
    /// User not positive.
    UserId,
    /// Trader not positive.
    TraderId,
    /// Branch not positive.
    BranchId,
    /// Member empty, too long, or not printable.
    BrokerId,
    /// Client's code empty, too long, or not printable; or an account whose number is not the next.
    Account,
    /// Participant too long or not printable.
    Settlor,
    /// PAN not of ten printable characters.
    Pan,
    /// NNF id not of 15 digits.
    NnfId,
    /// Algo id negative.
    AlgoId,
    /// Cancel on logoff, which the capital market cannot be told.
    CancelOnLogoff,
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::UserId => "the user id must be positive",
            Self::TraderId => "the trader id must be positive",
            Self::BranchId => "the branch id must be positive",
            Self::BrokerId => "the broker id must have 1 to 5 printable characters",
            Self::Account => "the client code must have 1 to 10 printable characters",
            Self::Settlor => "the settlor must have at most 12 printable characters",
            Self::Pan => "the PAN must have exactly 10 printable characters",
            Self::NnfId => "the NNF id must have 15 digits",
            Self::AlgoId => "the algo id must not be negative",
            Self::CancelOnLogoff => "the capital market has no cancel on logoff",
        })
    }
}

impl core::error::Error for IdentityError {}

impl SessionIdentity<'_> {
    /// The requests with everything in them that no single order decides.
    pub(super) fn templates(&self) -> Result<(MsOeRequestTr, MsOmRequestTr), IdentityError> {
        let Texts { broker_id, settlor, pan, account_number, pro_client } = self.texts()?;
        let entry = MsOeRequestTr {
            user_id: BeI32::new(self.user_id),
            account_number: account_number.unwrap_or(Text::BLANK),
            book_type: BeI16::new(BookType::REGULAR_LOT),
            branch_id: BeI16::new(self.branch_id),
            trader_id: BeI32::new(self.trader_id),
            broker_id,
            open_close: OPEN,
            settlor,
            pro_client_indicator: BeI16::new(pro_client),
            additional_order_flags: self.additional_order_flags(),
            nnf_field: BeF64::new(self.nnf_id as f64),
            pan,
            algo_id: BeI32::new(self.algo_id),
            ..MsOeRequestTr::zeroed()
        };
        let change = MsOmRequestTr {
            user_id: entry.user_id,
            modified_cancelled_by: self.role.letter(),
            account_number: entry.account_number,
            book_type: entry.book_type,
            branch_id: entry.branch_id,
            trader_id: entry.trader_id,
            broker_id,
            open_close: OPEN,
            settlor,
            pro_client_indicator: entry.pro_client_indicator,
            additional_order_flags: entry.additional_order_flags,
            nnf_field: entry.nnf_field,
            pan,
            algo_id: entry.algo_id,
            ..MsOmRequestTr::zeroed()
        };
        Ok((entry, change))
    }

    /// The same of the capital market, where own orders carry the member's code as their account, and
    /// self-trade prevention is among the order flags.
    pub(super) fn cm_templates(
        &self,
    ) -> Result<(CmOrderEntryRequestTr, CmOrderOmRequestTr), IdentityError> {
        let Texts { broker_id, settlor, pan, account_number, pro_client } = self.texts()?;
        if self.cancel_on_logoff {
            return Err(IdentityError::CancelOnLogoff);
        }
        let own = || Text::new(self.broker_id).map_err(|_| IdentityError::BrokerId);
        let account_number = account_number.map_or_else(own, Ok)?;
        let flags = to_cm(StOrderFlags::zeroed(), self.additional_order_flags());
        // Both fields of a new order carry the user, whatever their names (CM 6.3, appendix).
        let entry = CmOrderEntryRequestTr {
            trader_id: BeI32::new(self.user_id),
            account_number,
            book_type: BeI16::new(BookType::REGULAR_LOT),
            st_order_flags: flags,
            branch_id: BeI16::new(self.branch_id),
            user_id: BeI32::new(self.user_id),
            broker_id,
            suspended: Text::BLANK,
            settlor,
            pro_client: BeI16::new(pro_client),
            nnf_field: BeF64::new(self.nnf_id as f64),
            pan,
            algo_id: BeI32::new(self.algo_id),
            ..CmOrderEntryRequestTr::zeroed()
        };
        let change = CmOrderOmRequestTr {
            user_id: entry.user_id,
            modified_cancelled_by: self.role.letter(),
            account_number,
            book_type: entry.book_type,
            st_order_flags: flags,
            branch_id: entry.branch_id,
            user_id_2: entry.user_id,
            broker_id,
            suspended: Text::BLANK,
            settlor,
            pro_client: entry.pro_client,
            nnf_field: entry.nnf_field,
            pan,
            algo_id: entry.algo_id,
            ..CmOrderOmRequestTr::zeroed()
        };
        Ok((entry, change))
    }

    /// Everything checked, the texts as they go onto the wire.
    fn texts(&self) -> Result<Texts, IdentityError> {
        self.check_numbers()?;
        let broker_id = required(self.broker_id, 1).ok_or(IdentityError::BrokerId)?;
        let settlor = required(self.settlor, 0).ok_or(IdentityError::Settlor)?;
        let pan = required(self.pan, 10).ok_or(IdentityError::Pan)?;
        let (account_number, pro_client) = match self.account {
            Account::Proprietary => (None, 2),
            Account::Client(code) => (Some(required(code, 1).ok_or(IdentityError::Account)?), 1),
        };
        Ok(Texts { broker_id, settlor, pan, account_number, pro_client })
    }

    fn check_numbers(&self) -> Result<(), IdentityError> {
        let rules = [
            (self.user_id > 0, IdentityError::UserId),
            (self.trader_id > 0, IdentityError::TraderId),
            (self.branch_id > 0, IdentityError::BranchId),
            ((NNF_ID_MIN..=NNF_ID_MAX).contains(&self.nnf_id), IdentityError::NnfId),
            (self.algo_id >= 0, IdentityError::AlgoId),
        ];
        rules.iter().try_for_each(|&(holds, error)| if holds { Ok(()) } else { Err(error) })
    }

    fn additional_order_flags(&self) -> AdditionalOrderFlags {
        let mut bits = 0;
        if self.self_trade == SelfTrade::CancelActive {
            bits |= AdditionalOrderFlags::STPC;
        }
        if self.cancel_on_logoff {
            bits |= AdditionalOrderFlags::COL;
        }
        AdditionalOrderFlags { bits }
    }
}

/// What an identity says in texts; no account for own orders.
struct Texts {
    broker_id: Text<5>,
    settlor: Text<12>,
    pan: Text<10>,
    account_number: Option<Text<10>>,
    pro_client: i16,
}

impl UserRole {
    const fn letter(self) -> Text<1> {
        Text::letter(match self {
            Self::Dealer => b'T',
            Self::BranchManager => b'B',
            Self::CorporateManager => b'M',
        })
    }
}

/// Fifteen digits; below 2^53, so that the double holds them exactly.
const NNF_ID_MIN: u64 = 100_000_000_000_000;
const NNF_ID_MAX: u64 = 999_999_999_999_999;

/// Every order says that it opens a position; the model does not tell opening from closing.
const OPEN: Text<1> = Text::letter(b'O');

/// The field of a text of at least `length_min` characters that are not blank at the ends.
pub(super) fn required<const N: usize>(text: &str, length_min: usize) -> Option<Text<N>> {
    let field = Text::new(text).ok()?;
    (field.trimmed().len() >= length_min && !text.starts_with(' ')).then_some(field)
}

#[cfg(test)]
mod tests {
    use super::super::tests::identity;
    use super::*;

    #[test]
    fn each_impossible_part_is_named() {
        let good = identity();
        assert!(good.templates().is_ok());
        let cases = [
            (SessionIdentity { user_id: 0, ..good }, IdentityError::UserId),
            (SessionIdentity { trader_id: -1, ..good }, IdentityError::TraderId),
            (SessionIdentity { branch_id: 0, ..good }, IdentityError::BranchId),
            (SessionIdentity { broker_id: "", ..good }, IdentityError::BrokerId),
            (SessionIdentity { broker_id: " 9001", ..good }, IdentityError::BrokerId),
            (SessionIdentity { broker_id: "900011", ..good }, IdentityError::BrokerId),
            (SessionIdentity { account: Account::Client(""), ..good }, IdentityError::Account),
            (SessionIdentity { account: Account::Client("a\tb"), ..good }, IdentityError::Account),
            (SessionIdentity { settlor: "1234567890123", ..good }, IdentityError::Settlor),
            (SessionIdentity { pan: "ABCDE1234", ..good }, IdentityError::Pan),
            (SessionIdentity { pan: "ABCDE1234 ", ..good }, IdentityError::Pan),
            (SessionIdentity { nnf_id: NNF_ID_MAX + 1, ..good }, IdentityError::NnfId),
            (SessionIdentity { nnf_id: NNF_ID_MIN - 1, ..good }, IdentityError::NnfId),
            (SessionIdentity { algo_id: -1, ..good }, IdentityError::AlgoId),
        ];
        for (identity, error) in cases {
            assert_eq!(identity.templates().unwrap_err(), error);
        }
    }

    #[test]
    fn options_of_the_session_reach_both_requests() {
        let identity = SessionIdentity {
            account: Account::Client("c0042"),
            role: UserRole::CorporateManager,
            self_trade: SelfTrade::CancelActive,
            cancel_on_logoff: true,
            settlor: "cust1",
            ..identity()
        };
        let (entry, change) = identity.templates().unwrap();
        assert_eq!(entry.account_number.trimmed(), b"C0042");
        assert_eq!(entry.pro_client_indicator.get(), 1);
        assert_eq!(entry.additional_order_flags.bits, 0x12);
        assert_eq!(entry.settlor.trimmed(), b"CUST1");
        assert_eq!(change.account_number, entry.account_number);
        assert_eq!(change.pro_client_indicator, entry.pro_client_indicator);
        assert_eq!(change.additional_order_flags, entry.additional_order_flags);
        assert_eq!(change.settlor, entry.settlor);
        assert_eq!(change.modified_cancelled_by.trimmed(), b"M");
    }
}
