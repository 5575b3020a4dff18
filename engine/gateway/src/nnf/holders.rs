//! For whom orders are, where a session has several accounts: what requests of each say otherwise than the
//! session's own.
//!
//! A request is laid out for the session's account first and the four fields of another are stored over it,
//! so that an order of the only account costs one comparison.

use tezi_model::{AccountDefinition, AccountId};

use super::encode::EncodeError;
use super::identity::{Account, IdentityError, SessionIdentity, required};
use super::wire::{BeI16, Text};

/// The fields of a request that say for whom it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) account_number: Text<10>,
    pub(super) settlor: Text<12>,
    pub(super) pan: Text<10>,
    pub(super) pro_client: BeI16,
}

impl Holder {
    /// What an account says. `own` is the account number of the member's own orders in the segment. One of
    /// the member's own takes PAN and participant of the session where it names none: the session must then
    /// be the member's own as well.
    pub(super) fn new(
        definition: &AccountDefinition,
        identity: &SessionIdentity<'_>,
        own: Text<10>,
    ) -> Result<Self, IdentityError> {
        let client = definition.client();
        let is_of_member = client.is_none() && identity.account == Account::Proprietary;
        let of_session = |text| is_of_member.then_some(text);
        let pan = definition.pan().or(of_session(identity.pan)).ok_or(IdentityError::Pan)?;
        let participant = definition.participant().or(of_session(identity.settlor));
        let account_number = match client {
            Some(code) => required(code, 1).ok_or(IdentityError::Account)?,
            None => own,
        };
        Ok(Self {
            account_number,
            settlor: required(participant.unwrap_or_default(), 0).ok_or(IdentityError::Settlor)?,
            pan: required(pan, 10).ok_or(IdentityError::Pan)?,
            pro_client: BeI16::new(if client.is_some() { 1 } else { 2 }),
        })
    }
}

/// The accounts of a session.
///
/// # Invariants
///
/// - Account *n* lies at place *n* − 1.
#[derive(Clone, Debug, Default)]
pub(super) struct Holders(Vec<Holder>);

impl Holders {
    /// Adds an account, or says it anew.
    ///
    /// # Errors
    ///
    /// [`IdentityError::Account`] for a number that is not the next.
    pub(super) fn set(&mut self, account: AccountId, holder: Holder) -> Result<(), IdentityError> {
        match account.index() {
            Some(index) if index < self.0.len() => self.0[index] = holder,
            Some(index) if index == self.0.len() => self.0.push(holder),
            _ => return Err(IdentityError::Account),
        }
        Ok(())
    }

    /// What requests for an account say; `None` for that of the session.
    ///
    /// # Errors
    ///
    /// [`EncodeError::Account`] for an account that was never declared.
    #[inline]
    pub(super) fn get(&self, account: AccountId) -> Result<Option<&Holder>, EncodeError> {
        match account.index() {
            None => Ok(None),
            Some(index) => self.0.get(index).map(Some).ok_or(EncodeError::Account),
        }
    }
}
