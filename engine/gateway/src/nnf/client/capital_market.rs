//! What signing on to the capital market says differently (CM 6.3, chapter 3).

use bytemuck::Zeroable;
use tezi_model::Nanos;

use super::super::wire::{
    BeI16, BeI32, CmSignon, CmSystemInformationOut, CmUpdateLocaldbIn, MarketStatus, Secret, Text,
    TransactionCode as Code,
};
use super::Session;

impl Session {
    pub(super) fn cm_sign_on(&self, now: Nanos) -> CmSignon {
        CmSignon {
            header: self.header(Code::SIGN_ON_REQUEST_IN, CmSignon::SIZE, now),
            user_id: BeI32::new(self.member.user_id),
            password: Secret(bytemuck::cast(self.member.password)),
            new_password: Secret([b' '; 8]),
            trader_name: Text::BLANK,
            broker_id: self.member.broker_id,
            branch_id: BeI16::new(self.member.branch_id),
            version_number: BeI32::new(self.member.version),
            workstation_number: Text::BLANK,
            broker_status: Text::BLANK,
            show_index: Text::letter(b'T'),
            broker_name: Text::BLANK,
            ..CmSignon::zeroed()
        }
    }

    /// Asks for changes of the masters since `since`.
    pub(super) fn cm_masters_request(&self, since: BeI32, now: Nanos) -> CmUpdateLocaldbIn {
        let [markets, call_auctions, _] = self.market_status;
        CmUpdateLocaldbIn {
            header: self.header(Code::UPDATE_LOCALDB_IN, CmUpdateLocaldbIn::SIZE, now),
            last_update_security_time: since,
            last_update_participant_time: since,
            request_for_open_orders: Text::BLANK,
            reserved: 0,
            normal_market_status: markets.normal,
            odd_lot_market_status: markets.oddlot,
            spot_market_status: markets.spot,
            auction_market_status: markets.auction,
            call_auction1_market_status: call_auctions.normal,
            call_auction2_market_status: call_auctions.oddlot,
        }
    }
}

/// The state of the markets where the session keeps it: the four that both segments have first, then
/// the call auctions.
pub(super) fn cm_market_status(wire: &CmSystemInformationOut) -> [MarketStatus; 3] {
    let markets = MarketStatus {
        normal: wire.normal,
        oddlot: wire.oddlot,
        spot: wire.spot,
        auction: wire.auction,
    };
    let call_auctions = MarketStatus {
        normal: wire.call_auction1,
        oddlot: wire.call_auction2,
        ..MarketStatus::zeroed()
    };
    [markets, call_auctions, MarketStatus::zeroed()]
}
