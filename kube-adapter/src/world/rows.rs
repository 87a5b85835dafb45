//! The rows of a table, many in one piece of memory.
//!
//! Each in a piece of its own, ten thousand rows would lie among what was read to make them, and keep from the system the holes that this leaves.

use std::hash::BuildHasher as _;

use hashbrown::HashTable;

use crate::key::Name;
use crate::maps::Hasher;

/// Rows by the names of their objects.
#[derive(Debug)]
pub(super) struct Rows<T> {
    /// Where each row is: names stand beside their rows, and are not held here a second time.
    places: HashTable<u32>,
    hasher: Hasher,
    boards: Vec<Vec<Option<(Name, T)>>>,
    free: Vec<u32>,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self { places: HashTable::new(), hasher: Hasher::default(), boards: Vec::new(), free: Vec::new() }
    }
}

impl<T> Rows<T> {
    pub(super) fn get(&self, name: &Name) -> Option<&T> {
        self.row(self.place(name)?).map(|(_, row)| row)
    }

    pub(super) fn get_mut(&mut self, name: &Name) -> Option<&mut T> {
        let place = self.place(name)?;
        self.slot(place)?.as_mut().map(|(_, row)| row)
    }

    /// The name as it is held here.
    pub(super) fn name(&self, name: &Name) -> Option<&Name> {
        self.row(self.place(name)?).map(|(name, _)| name)
    }

    /// Holds this copy of the name from now on.
    pub(super) fn rename(&mut self, name: &Name) {
        if let Some(place) = self.place(name)
            && let Some(Some((held, _))) = self.slot(place)
        {
            *held = name.clone();
        }
    }

    pub(super) fn insert(&mut self, name: Name, row: T) {
        let place = match self.place(&name) {
            Some(place) => place,
            None => {
                let place = self.free.pop().unwrap_or_else(|| self.next());
                let (boards, hasher) = (&self.boards, &self.hasher);
                let hash = |place: &u32| at(boards, *place).map_or(0, |(name, _)| hasher.hash_one(name));
                self.places.insert_unique(hasher.hash_one(&name), place, hash);
                place
            }
        };
        if let Some(slot) = self.slot(place) {
            *slot = Some((name, row));
        }
    }

    /// Takes a row out, with the name as it was held.
    pub(super) fn remove(&mut self, name: &Name) -> Option<(Name, T)> {
        let (boards, hash) = (&self.boards, self.hasher.hash_one(name));
        let is_it = |place: &u32| at(boards, *place).is_some_and(|(held, _)| held == name);
        let (place, _) = self.places.find_entry(hash, is_it).ok()?.remove();
        let taken = self.slot(place)?.take();
        self.free.push(place);
        if self.places.is_empty() {
            // One board stays: of a table of one row, that row goes and comes with all its news.
            self.boards.truncate(1);
            self.boards.iter_mut().for_each(Vec::clear);
            self.free = Vec::new();
            self.places = HashTable::new();
        }
        taken
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Name, &T)> {
        self.boards.iter().flatten().flatten().map(|(name, row)| (name, row))
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// A place that was never used.
    fn next(&mut self) -> u32 {
        if self.boards.last().is_none_or(|board| board.len() == Self::EACH) {
            self.boards.push(Vec::with_capacity(Self::EACH));
        }
        let full = (self.boards.len() - 1) * Self::EACH;
        let last = self.boards.last_mut().map_or(0, |board| {
            board.push(None);
            board.len() - 1
        });
        u32::try_from(full + last).expect("an API server holds fewer objects of one kind")
    }

    fn place(&self, name: &Name) -> Option<u32> {
        let is_it = |place: &u32| self.row(*place).is_some_and(|(held, _)| held == name);
        self.places.find(self.hasher.hash_one(name), is_it).copied()
    }

    fn row(&self, place: u32) -> Option<&(Name, T)> {
        at(&self.boards, place)
    }

    fn slot(&mut self, place: u32) -> Option<&mut Option<(Name, T)>> {
        let place = place as usize;
        self.boards.get_mut(place / Self::EACH)?.get_mut(place % Self::EACH)
    }

    /// Rows on one board.
    const EACH: usize = each::<T>();
}

fn at<T>(boards: &[Vec<Option<(Name, T)>>], place: u32) -> Option<&(Name, T)> {
    let (board, row) = (place as usize / each::<T>(), place as usize % each::<T>());
    boards.get(board)?.get(row)?.as_ref()
}

const fn each<T>() -> usize {
    let row = size_of::<Option<(Name, T)>>();
    if row > BOARD { 1 } else { BOARD / row }
}

/// Large enough for the allocator to ask the system for it even where it holds freed memory; what of it is not used is not resident.
const BOARD: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::Rows;
    use crate::key::Name;

    fn name(number: usize) -> Name {
        Name::new("space", number.to_string())
    }

    #[test]
    fn rows_keep_their_places_on_many_boards() {
        let mut rows = Rows::default();
        let many = 2 * Rows::<[u64; 4]>::EACH + 7;
        for number in 0..many {
            rows.insert(name(number), [number as u64; 4]);
        }
        assert_eq!((rows.boards.len(), rows.len()), (3, many));
        assert!((0..many).all(|number| rows.get(&name(number)) == Some(&[number as u64; 4])));
        assert_eq!(rows.iter().count(), many);
    }

    #[test]
    fn what_is_taken_out_gives_its_place_to_the_next() {
        let mut rows = Rows::default();
        for number in 0..10 {
            rows.insert(name(number), number);
        }
        assert_eq!(rows.remove(&name(3)), Some((name(3), 3)));
        assert_eq!(rows.get(&name(3)), None);
        assert_eq!(rows.remove(&name(3)), None);
        rows.insert(name(11), 11);
        rows.insert(name(4), 44);
        assert_eq!((rows.get(&name(11)), rows.get(&name(4))), (Some(&11), Some(&44)));
        assert_eq!(rows.boards[0].len(), 10);
    }

    #[test]
    fn the_last_to_go_gives_all_boards_but_one_back() {
        let mut rows = Rows::default();
        for number in 0..10 {
            rows.insert(name(number), number);
        }
        for number in 0..10 {
            assert!(rows.remove(&name(number)).is_some());
        }
        assert!(rows.boards.iter().all(Vec::is_empty) && rows.boards.len() == 1 && rows.free.is_empty());
        rows.insert(name(1), 1);
        assert_eq!(rows.get(&name(1)), Some(&1));
    }
}
