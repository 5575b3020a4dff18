//! What an order may ask beside price and quantity: its book, a market price, a part to show, a trigger.
//!
//! A command of the engine does not say these, so they come beside it. Regular and call-auction
//! orders stay in the trimmed structures. A stop-loss order needs the full one, which alone has a
//! trigger; in the capital market so does every other book (CM 6.3 chapter 4, FO 9.48 chapter 4).

use tezi_model::{CommandKind, Nanos, OrderCommand, Px, Qty, Segment, Side, TimeInForce};

use super::encode::EncodeError;
use super::header::header;
use super::server::OrderImage;
use super::wire::{
    BeI16, BeI32, BookType, CmOrderEntryRequest, CmOrderEntryRequestTr, CmOrderFlags,
    CmOrderOmRequestTr, Envelope, MsOeRequest, MsOeRequestTr, MsOmRequestTr, StOrderFlags,
    TransactionCode as Code,
};

/// The book that an order stands in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(i16)]
pub enum Book {
    /// Regular lot, where orders are by default.
    #[default]
    RegularLot = BookType::REGULAR_LOT,
    /// Special terms. Capital market only, as all books but regular lot and stop-loss.
    SpecialTerms = BookType::SPECIAL_TERMS,
    /// Stop-loss, until the trigger.
    StopLoss = BookType::STOP_LOSS,
    /// Odd lot.
    OddLot = BookType::ODD_LOT,
    /// Spot.
    Spot = BookType::SPOT,
    /// Auction of shares that were not delivered. Its orders cannot be modified.
    Auction = BookType::AUCTION,
    /// First call auction.
    CallAuction1 = BookType::CALL_AUCTION_1,
    /// Second call auction.
    CallAuction2 = BookType::CALL_AUCTION_2,
}

impl Book {
    /// Whether its orders go in the trimmed structures.
    #[must_use]
    pub const fn is_trimmed(self) -> bool {
        matches!(self, Self::RegularLot | Self::CallAuction1 | Self::CallAuction2)
    }
}

/// What an order asks beside price and quantity. By default it is a regular limit order that shows all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderAttributes {
    /// The book.
    pub book: Book,
    /// Whether the order takes the market's price; the command's price is then not looked at.
    pub is_market: bool,
    /// Units to show at a time; 0 shows all. Futures and options have no such part today.
    pub disclosed: Qty,
    /// The price at which a stop-loss order becomes one of the market; zero for other orders.
    pub trigger: Px,
}

/// Bytes of the largest packet with an order in a full structure.
pub(super) const FULL_PACKET_SIZE_MAX: usize = Envelope::SIZE + MsOeRequest::SIZE;

const _: () = assert!(CmOrderEntryRequest::SIZE <= MsOeRequest::SIZE);

/// Stands in for the price of a market order while its packet is made: any that can be said.
const ANY_PRICE: Px = Px::from_paise(1);

impl OrderAttributes {
    /// Whether the order is a regular limit order that shows all.
    #[inline]
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// The command as the plain encoder takes it, its attributes checked. A cancel only repeats them, so
    /// that nothing about them keeps it from leaving.
    pub(super) fn plain(
        &self,
        segment: Segment,
        command: &OrderCommand,
    ) -> Result<OrderCommand, EncodeError> {
        let mut plain = *command;
        if command.kind() == Some(CommandKind::Cancel) {
            return Ok(plain);
        }
        let is_in_both = matches!(self.book, Book::RegularLot | Book::StopLoss);
        let is_fixed = self.book == Book::Auction && command.kind() == Some(CommandKind::Replace);
        if is_fixed || (segment == Segment::NseFo && !is_in_both) {
            return Err(EncodeError::Book);
        }
        let open = command.quantity.0.saturating_sub(command.filled.0);
        let shows_part = self.disclosed.0 != 0;
        let is_day = command.time_in_force_code == TimeInForce::Day as u8;
        if shows_part && (self.disclosed.0 > open || !is_day) {
            return Err(EncodeError::Disclosed);
        }
        self.check_trigger(command)?;
        if self.is_market {
            plain.price = ANY_PRICE;
        }
        Ok(plain)
    }

    fn check_trigger(&self, command: &OrderCommand) -> Result<(), EncodeError> {
        if self.book != Book::StopLoss {
            return if self.trigger == Px::ZERO { Ok(()) } else { Err(EncodeError::Trigger) };
        }
        let trigger = paise(self.trigger).filter(|&trigger| trigger > 0);
        let is_behind = match Side::from_code(command.side_code) {
            Some(Side::Buy) => command.price < self.trigger,
            _ => self.trigger < command.price,
        };
        if trigger.is_none() || (is_behind && !self.is_market) {
            return Err(EncodeError::Trigger);
        }
        Ok(())
    }

    /// Writes the attributes into a trimmed request of the plain command, or makes the full one of it:
    /// its packet, the envelope left as it was, and the packet's size.
    pub(super) fn lay_over(
        &self,
        segment: Segment,
        plain: &[u8],
        user_id: i32,
        now: Nanos,
        out: &mut [u8; FULL_PACKET_SIZE_MAX],
    ) -> usize {
        out[..plain.len()].copy_from_slice(plain);
        let message = &mut out[Envelope::SIZE..plain.len()];
        let image = match segment {
            Segment::NseCm => self.lay_over_cm(message),
            _ => self.lay_over_fo(message),
        };
        let Some(mut image) = image.filter(|_| !self.book.is_trimmed()) else { return plain.len() };
        let order = &mut image.order;
        order.trigger_price = BeI32::new(paise(self.trigger).unwrap_or(0));
        if self.book == Book::StopLoss {
            order.st_order_flags.terms |= StOrderFlags::STOP_LOSS;
        }
        let is_cm = segment == Segment::NseCm;
        let size = if is_cm { CmOrderEntryRequest::SIZE } else { MsOeRequest::SIZE };
        let code =
            full_code(i16::from_be_bytes([plain[Envelope::SIZE], plain[Envelope::SIZE + 1]]));
        let symbol: [u8; 10] = bytemuck::cast(order.contract_desc.symbol);
        order.header = header(code, user_id, size, now);
        order.header.alpha_char = [symbol[0], symbol[1]];
        let end = Envelope::SIZE + size;
        let place = &mut out[Envelope::SIZE..end];
        if is_cm {
            place.copy_from_slice(bytemuck::bytes_of(&image.cm_full()));
        } else {
            place.copy_from_slice(bytemuck::bytes_of(&image.order));
        }
        out[..2].copy_from_slice(&(end as u16).to_be_bytes());
        end
    }

    fn lay_over_fo(&self, message: &mut [u8]) -> Option<OrderImage> {
        let market = if self.is_market { StOrderFlags::MARKET } else { 0 };
        let (book, disclosed) = (self.book_type(), self.disclosed_volume());
        if let Ok(request) = bytemuck::try_from_bytes_mut::<MsOeRequestTr>(message) {
            (request.book_type, request.disclosed_volume) = (book, disclosed);
            request.st_order_flags.terms |= market;
            self.lay_price(&mut request.price);
            return Some(OrderImage::of_entry(request));
        }
        let request = bytemuck::try_from_bytes_mut::<MsOmRequestTr>(message).ok()?;
        (request.book_type, request.disclosed_volume) = (book, disclosed);
        request.st_order_flags.terms |= market;
        self.lay_price(&mut request.price);
        Some(OrderImage::of_change(request))
    }

    fn lay_over_cm(&self, message: &mut [u8]) -> Option<OrderImage> {
        let market = if self.is_market { CmOrderFlags::MARKET } else { 0 };
        let (book, disclosed) = (self.book_type(), self.disclosed_volume());
        if let Ok(request) = bytemuck::try_from_bytes_mut::<CmOrderEntryRequestTr>(message) {
            (request.book_type, request.disclosed_vol) = (book, disclosed);
            request.st_order_flags.terms |= market;
            self.lay_price(&mut request.price);
            return Some(OrderImage::of_cm_entry(request));
        }
        let request = bytemuck::try_from_bytes_mut::<CmOrderOmRequestTr>(message).ok()?;
        (request.book_type, request.disclosed_vol) = (book, disclosed);
        request.st_order_flags.terms |= market;
        self.lay_price(&mut request.price);
        Some(OrderImage::of_cm_change(request))
    }

    /// A price of 0 asks for the market's.
    const fn lay_price(&self, price: &mut BeI32) {
        if self.is_market {
            *price = BeI32::new(0);
        }
    }

    const fn book_type(&self) -> BeI16 {
        BeI16::new(self.book as i16)
    }

    fn disclosed_volume(&self) -> BeI32 {
        BeI32::new(i32::try_from(self.disclosed.0).unwrap_or(0))
    }
}

fn paise(price: Px) -> Option<i32> {
    i32::try_from(price.to_paise()?).ok()
}

/// The code of the same request in the full structure.
const fn full_code(code: i16) -> i16 {
    match code {
        Code::ORDER_MOD_IN_TR => Code::ORDER_MOD_IN,
        Code::ORDER_CANCEL_IN_TR => Code::ORDER_CANCEL_IN,
        _ => Code::BOARD_LOT_IN,
    }
}
