//! The orders of boxes as their members see them: the image of each, found by order number, listed
//! by box in the order in which they came.

use bytemuck::Zeroable;
use tezi_gateway::nnf::server::OrderImage;
use tezi_gateway::nnf::{Legs, LegsForm};
use tezi_model::{InstrumentId, OrderId};

use crate::index::Index;

/// No place.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Its order is done, or never was; the image stays until the place is needed.
    Done,
    /// A request for a new order is at the matching engine.
    Asked,
    /// The order lives.
    Live,
}

#[derive(Clone, Copy)]
struct Place {
    image: OrderImage,
    order_id: OrderId,
    /// Goes up with each order that takes the place, so that a reference names one order.
    generation: u32,
    member: u32,
    state: State,
    /// Of an order of several legs, its form: the rest of it is in `legs`.
    form: Option<LegsForm>,
    /// Its neighbours: among the live orders of the box, or, of `later`, among free places.
    earlier: u32,
    later: u32,
}

/// What an order of several legs has beside its image.
#[derive(Clone, Copy)]
pub(crate) struct LegsImage {
    /// The further legs as the wire has them.
    pub(crate) legs: Legs,
    /// The legs' instruments, as many as the form has.
    pub(crate) instruments: [InstrumentId; 3],
}

impl LegsImage {
    pub(crate) fn empty() -> Self {
        Self { legs: Legs::zeroed(), instruments: [InstrumentId(0); 3] }
    }
}

/// A table of images of a fixed size.
///
/// # Invariants
///
/// - A live order is in its box's list and in `numbers`; every other place is in neither.
/// - Free places are used in the order in which they became free: a finished order is remembered as
///   long as can be, for a trade of it may still be taken back.
pub(crate) struct Images {
    places: Box<[Place]>,
    /// By place; empty where only orders in one contract are.
    legs: Box<[LegsImage]>,
    free_first: u32,
    free_last: u32,
    numbers: Index,
    /// First and last live order of each box.
    lists: Box<[(u32, u32)]>,
    counts: Box<[u32]>,
}

impl Images {
    /// `has_legs` says whether orders of several legs can come.
    pub(crate) fn new(bound: u32, boxes: usize, blank: &OrderImage, has_legs: bool) -> Self {
        let bound = bound.clamp(1, 1 << 24);
        let place = |at: u32| Place {
            image: *blank,
            order_id: OrderId(0),
            generation: 0,
            member: 0,
            state: State::Done,
            form: None,
            earlier: NONE,
            later: if at + 1 < bound { at + 1 } else { NONE },
        };
        Self {
            places: (0..bound).map(place).collect(),
            legs: (0..if has_legs { bound } else { 0 }).map(|_| LegsImage::empty()).collect(),
            free_first: 0,
            free_last: bound - 1,
            numbers: Index::new(bound as usize),
            lists: vec![(NONE, NONE); boxes].into_boxed_slice(),
            counts: vec![0; boxes].into_boxed_slice(),
        }
    }

    /// A place for the order that a box asks for, and the reference it goes by; `None` at the bound.
    #[inline]
    pub(crate) fn reserve(&mut self, member: u32, image: &OrderImage) -> Option<(u32, u64)> {
        let at = self.free_first;
        let place = self.places.get_mut(at as usize)?;
        self.free_first = place.later;
        if self.free_first == NONE {
            self.free_last = NONE;
        }
        place.generation = place.generation.wrapping_add(1).max(1);
        (place.image, place.member, place.state) = (*image, member, State::Asked);
        (place.order_id, place.form, place.later) = (OrderId(0), None, NONE);
        Some((at, u64::from(place.generation) << 32 | u64::from(at)))
    }

    /// The same for an order of several legs; `None` also where none can come.
    pub(crate) fn reserve_legs(
        &mut self,
        member: u32,
        image: &OrderImage,
        form: LegsForm,
        legs: &LegsImage,
    ) -> Option<(u32, u64)> {
        if self.legs.is_empty() {
            return None;
        }
        let (at, reference) = self.reserve(member, image)?;
        self.places[at as usize].form = Some(form);
        self.legs[at as usize] = *legs;
        Some((at, reference))
    }

    /// The order is in: it has a number, and its box has it.
    #[inline]
    pub(crate) fn admit(&mut self, at: u32, order_id: OrderId) {
        let place = &mut self.places[at as usize];
        if place.state == State::Live {
            return;
        }
        assert!(place.state == State::Asked, "an order is asked for before it lives");
        (place.state, place.order_id) = (State::Live, order_id);
        let list = &mut self.lists[place.member as usize];
        (place.earlier, place.later) = (list.1, NONE);
        self.counts[place.member as usize] += 1;
        let last = core::mem::replace(&mut list.1, at);
        if last == NONE {
            list.0 = at;
        } else {
            self.places[last as usize].later = at;
        }
        let is_found = self.numbers.insert(order_id.0, at);
        assert!(is_found, "the index has room for every place");
    }

    /// The order is done, or never came to be.
    #[inline]
    pub(crate) fn release(&mut self, at: u32) {
        let place = self.places[at as usize];
        if place.state == State::Live {
            self.unlink(at);
            self.numbers.remove(place.order_id.0);
        }
        if place.state != State::Done {
            let freed = &mut self.places[at as usize];
            (freed.state, freed.later) = (State::Done, NONE);
            if self.free_last == NONE {
                self.free_first = at;
            } else {
                self.places[self.free_last as usize].later = at;
            }
            self.free_last = at;
        }
    }

    fn unlink(&mut self, at: u32) {
        let Place { earlier, later, member, .. } = self.places[at as usize];
        let list = &mut self.lists[member as usize];
        self.counts[member as usize] -= 1;
        if earlier == NONE {
            list.0 = later;
        }
        if later == NONE {
            list.1 = earlier;
        }
        if earlier != NONE {
            self.places[earlier as usize].later = later;
        }
        if later != NONE {
            self.places[later as usize].earlier = earlier;
        }
    }

    /// The place that a reference names, while it is that order's.
    #[inline]
    pub(crate) fn place_of(&self, reference: u64) -> Option<u32> {
        let at = reference as u32;
        let place = self.places.get(at as usize)?;
        (u64::from(place.generation) == reference >> 32).then_some(at)
    }

    /// A live order by its number: its place and its box.
    #[inline]
    pub(crate) fn find(&self, order_id: OrderId) -> Option<(u32, u32)> {
        let at = self.numbers.get(order_id.0)?;
        Some((at, self.places[at as usize].member))
    }

    #[inline]
    pub(crate) fn image(&self, at: u32) -> &OrderImage {
        &self.places[at as usize].image
    }

    #[inline]
    pub(crate) fn image_mut(&mut self, at: u32) -> &mut OrderImage {
        &mut self.places[at as usize].image
    }

    /// The form of an order of several legs; `None` of an order in one contract.
    #[inline]
    pub(crate) fn form(&self, at: u32) -> Option<LegsForm> {
        self.places[at as usize].form
    }

    /// Whether the order lives.
    pub(crate) fn is_live(&self, at: u32) -> bool {
        self.places[at as usize].state == State::Live
    }

    /// The further legs of an order that has a form.
    pub(crate) fn legs(&self, at: u32) -> &LegsImage {
        &self.legs[at as usize]
    }

    /// Image and further legs of an order that has a form.
    pub(crate) fn with_legs_mut(&mut self, at: u32) -> (&mut OrderImage, &mut LegsImage) {
        (&mut self.places[at as usize].image, &mut self.legs[at as usize])
    }

    #[inline]
    pub(crate) fn reference(&self, at: u32) -> u64 {
        u64::from(self.places[at as usize].generation) << 32 | u64::from(at)
    }

    #[inline]
    pub(crate) fn order_id(&self, at: u32) -> OrderId {
        self.places[at as usize].order_id
    }

    /// The first live order of a box.
    pub(crate) fn first(&self, member: u32) -> Option<u32> {
        Some(self.lists[member as usize].0).filter(|&at| at != NONE)
    }

    /// The live order of the same box behind one.
    pub(crate) fn next(&self, at: u32) -> Option<u32> {
        Some(self.places[at as usize].later).filter(|&at| at != NONE)
    }

    /// Live orders of a box.
    pub(crate) fn count(&self, member: u32) -> u32 {
        self.counts[member as usize]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use tezi_gateway::nnf::wire::MsOeRequest;

    use super::*;

    #[test]
    fn images_follow_a_model_of_lists() {
        const SEED: u64 = 0x1_3a6e5;
        let blank: OrderImage = OrderImage { order: MsOeRequest::zeroed(), filler: 0 };
        let mut images = Images::new(12, 2, &blank, false);
        let mut lists: [VecDeque<(u32, u64, u64)>; 2] = [VecDeque::new(), VecDeque::new()];
        let mut x = SEED;
        for number in 1..20_000_u64 {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let member = (x >> 62 & 1) as u32;
            let live: usize = lists.iter().map(VecDeque::len).sum();
            match x >> 33 & 7 {
                0..=3 => {
                    let reserved = images.reserve(member, &OrderImage { filler: 7, ..blank });
                    assert_eq!(reserved.is_some(), live < 12, "seed {SEED:#x}, {number}");
                    let Some((at, reference)) = reserved else { continue };
                    if x >> 50 & 3 == 0 {
                        images.release(at);
                    } else {
                        images.admit(at, OrderId(number));
                        lists[member as usize].push_back((at, reference, number));
                    }
                }
                _ if !lists[member as usize].is_empty() => {
                    let which = (x >> 40) as usize % lists[member as usize].len();
                    let (at, reference, number) = lists[member as usize].remove(which).unwrap();
                    images.release(at);
                    assert_eq!(images.find(OrderId(number)), None);
                    assert_eq!(images.place_of(reference), Some(at), "it is remembered");
                }
                _ => {}
            }
            for (member, list) in lists.iter().enumerate() {
                let first = images.first(member as u32);
                let found: Vec<u32> =
                    core::iter::successors(first, |&at| images.next(at)).collect();
                let expected: Vec<u32> = list.iter().map(|(at, ..)| *at).collect();
                assert_eq!(found, expected, "seed {SEED:#x}, {number}");
                assert_eq!(images.count(member as u32) as usize, expected.len());
                for &(at, reference, number) in list {
                    assert_eq!(images.find(OrderId(number)), Some((at, member as u32)));
                    assert_eq!(images.place_of(reference), Some(at));
                    assert_eq!(images.reference(at), reference);
                }
            }
        }
    }
}
