//! Orders of several contracts: calendar spreads, and orders of two and three legs.
//!
//! All of them, and every answer on them, come in one structure of 480 bytes (FO 9.48, chapters 5 and
//! 6). Its first 316 bytes are those of an order in one contract, which here is the first leg;
//! behind it stand the difference of a spread's prices and the further legs. So an order of several legs
//! is an order's image and a [`Legs`].

use bytemuck::{Pod, Zeroable};
use tezi_model::Token;

use super::wire::{
    BeI16, BeI32, ContractDesc, MsOeRequest, MsSpdLegInfo, MsSpdOeRequest, Text,
    TransactionCode as Code,
};

/// By which request an order of several legs came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum LegsForm {
    /// A calendar spread: a day order at a difference of prices, in a book of its own.
    Spread = 1,
    /// Two legs at once, immediate or cancel, in the legs' own books.
    TwoLegs = 2,
    /// Three legs in the same way.
    ThreeLegs = 3,
}

impl LegsForm {
    /// How many contracts an order of this form is in.
    #[inline]
    #[must_use]
    pub const fn count(self) -> usize {
        match self {
            Self::Spread | Self::TwoLegs => 2,
            Self::ThreeLegs => 3,
        }
    }

    /// The form whose answer has this code; `None` for a code of other messages.
    pub(super) const fn of_answer(code: i16) -> Option<Self> {
        Some(match code {
            Code::SPREAD_CONFIRMATION
            | Code::SPREAD_MOD_CONFIRMATION
            | Code::SPREAD_CXL_CONFIRMATION
            | Code::SPREAD_ERROR
            | Code::SPREAD_MOD_REJECT
            | Code::SPREAD_CXL_REJECT
            | Code::BATCH_SPREAD_CANCEL => Self::Spread,
            Code::TWO_LEG_CONFIRMATION | Code::TWO_LEG_CXL_CONFIRMATION | Code::TWO_LEG_ERROR => {
                Self::TwoLegs
            }
            Code::THREE_LEG_CONFIRMATION
            | Code::THREE_LEG_CXL_CONFIRMATION
            | Code::THREE_LEG_ERROR => Self::ThreeLegs,
            _ => return None,
        })
    }
}

/// By what an order of several legs differs from others that begin with the same leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegsKey {
    /// Its form.
    pub form: LegsForm,
    /// The contracts of the second and the third leg, 0 for none.
    pub further: [Token; 2],
}

/// What the structure of several legs has behind its first: the difference, and the further legs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Legs {
    /// Price of the second leg minus that of the first, paise; 0 in orders of two and three legs.
    pub price_diff: BeI32,
    /// The second leg.
    pub second: MsSpdLegInfo,
    /// The third leg, empty where there is none.
    pub third: MsSpdLegInfo,
}

const _: () = {
    use core::mem::offset_of;
    assert!(MsOeRequest::SIZE + size_of::<Legs>() == MsSpdOeRequest::SIZE);
    assert!(offset_of!(MsSpdOeRequest, price_diff) == MsOeRequest::SIZE);
    macro_rules! same {
        ($($first:ident $order:ident,)+) => {
            $(assert!(offset_of!(MsSpdOeRequest, $first) == offset_of!(MsOeRequest, $order));)+
        };
    }
    same! {
        header header, mod_cxl_by1 modified_cancelled_by, reason_code1 reason_code,
        token1 token_no, contract_desc contract_desc, order_number1 order_number,
        account_number1 account_number, book_type1 book_type, buy_sell1 buy_sell_indicator,
        disclosed_vol1 disclosed_volume, total_vol_remaining1 total_volume_remaining,
        volume1 volume, volume_filled_today1 volume_filled_today, price1 price,
        trigger_price1 trigger_price, entry_date_time1 entry_date_time,
        last_modified1 last_modified, st_order_flags st_order_flags, branch_id1 branch_id,
        trader_id1 trader_id, broker_id1 broker_id, c_ord_filler c_ord_filler,
        open_close1 open_close, settlor1 settlor, pro_client1 pro_client_indicator,
        additional_order_flags additional_order_flags, nnf_field nnf_field, pan pan,
        algo_id algo_id, last_activity_reference last_activity_reference,
    }
};

/// What one leg of an order says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegFields {
    /// The contract's number.
    pub token: BeI32,
    /// The contract by its terms.
    pub contract_desc: ContractDesc,
    /// 1 buy, 2 sell.
    pub buy_sell: BeI16,
    /// Units of the leg.
    pub volume: BeI32,
    /// Units not traded.
    pub remaining: BeI32,
    /// Units traded.
    pub filled: BeI32,
    /// Paise; 0 in a spread, which has a difference instead.
    pub price: BeI32,
    /// `O` or `C`.
    pub open_close: Text<1>,
}

impl Legs {
    /// A further leg: 1 is the second, anything else the third.
    #[must_use]
    pub const fn further(&self, leg: usize) -> &MsSpdLegInfo {
        if leg == 1 { &self.second } else { &self.third }
    }

    /// A further leg, to be changed.
    pub const fn further_mut(&mut self, leg: usize) -> &mut MsSpdLegInfo {
        if leg == 1 { &mut self.second } else { &mut self.third }
    }

    /// What a leg of an order says, 0 being the first.
    #[must_use]
    pub const fn leg(&self, order: &MsOeRequest, leg: usize) -> LegFields {
        if leg == 0 {
            return LegFields {
                token: order.token_no,
                contract_desc: order.contract_desc,
                buy_sell: order.buy_sell_indicator,
                volume: order.volume,
                remaining: order.total_volume_remaining,
                filled: order.volume_filled_today,
                price: order.price,
                open_close: order.open_close,
            };
        }
        let further = self.further(leg);
        LegFields {
            token: further.token2,
            contract_desc: further.contract_desc,
            buy_sell: further.buy_sell2,
            volume: further.volume2,
            remaining: further.total_vol_remaining2,
            filled: further.volume_filled_today2,
            price: further.price2,
            open_close: further.open_close2,
        }
    }

    /// Writes the quantities of a leg: units of it, and of them traded.
    pub fn set_quantities(
        &mut self,
        order: &mut MsOeRequest,
        leg: usize,
        volume: i32,
        filled: i32,
    ) {
        let remaining = BeI32::new(volume.saturating_sub(filled));
        let (volume, filled) = (BeI32::new(volume), BeI32::new(filled));
        if leg == 0 {
            order.volume = volume;
            order.total_volume_remaining = remaining;
            order.volume_filled_today = filled;
        } else {
            let further = self.further_mut(leg);
            further.volume2 = volume;
            further.total_vol_remaining2 = remaining;
            further.volume_filled_today2 = filled;
        }
    }
}

/// The order's image and its further legs, out of the structure that holds both.
pub(super) fn split(message: &MsSpdOeRequest) -> (MsOeRequest, Legs) {
    let (first, behind) = bytemuck::bytes_of(message).split_at(MsOeRequest::SIZE);
    (*bytemuck::from_bytes(first), *bytemuck::from_bytes(behind))
}

/// The structure of an order's image and its further legs.
pub(super) fn join(order: &MsOeRequest, legs: &Legs) -> MsSpdOeRequest {
    let mut message = MsSpdOeRequest::zeroed();
    let (first, behind) = bytemuck::bytes_of_mut(&mut message).split_at_mut(MsOeRequest::SIZE);
    first.copy_from_slice(bytemuck::bytes_of(order));
    behind.copy_from_slice(bytemuck::bytes_of(legs));
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_of_several_legs_is_an_order_and_what_follows_it() {
        let mut message = MsSpdOeRequest::zeroed();
        for (at, byte) in bytemuck::bytes_of_mut(&mut message).iter_mut().enumerate() {
            *byte = (at % 251) as u8;
        }
        let (order, legs) = split(&message);
        assert_eq!(join(&order, &legs), message);
        assert_eq!(order.token_no, message.token1);
        assert_eq!((legs.price_diff, legs.second), (message.price_diff, message.leg_info2));
        let first = legs.leg(&order, 0);
        assert_eq!((first.token, first.volume), (message.token1, message.volume1));
        let third = legs.leg(&order, 2);
        assert_eq!(
            (third.token, third.price),
            (message.leg_info3.token2, message.leg_info3.price2)
        );
    }
}
