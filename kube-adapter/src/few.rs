//! Values of which there is one as a rule.

/// Some values, without room for more of them than there are while there is one.
#[derive(Debug, Default)]
pub(crate) enum Few<T> {
    #[default]
    None,
    One(T),
    Many(Box<Many<T>>),
}

/// More than one, once; out of the way of those that are alone.
#[derive(Debug)]
pub(crate) struct Many<T>(Vec<T>);

impl<T: PartialEq> Few<T> {
    /// All of them.
    pub(crate) fn as_slice(&self) -> &[T] {
        match self {
            Self::None => &[],
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(many) => &many.0,
        }
    }

    /// Puts in a value that is not there yet.
    pub(crate) fn insert(&mut self, value: T) {
        if self.as_slice().contains(&value) {
            return;
        }
        *self = match std::mem::take(self) {
            Self::None => Self::One(value),
            Self::One(first) => Self::Many(Box::new(Many(vec![first, value]))),
            Self::Many(mut many) => {
                many.0.push(value);
                Self::Many(many)
            }
        };
    }

    /// Takes a value out; says whether none is left.
    pub(crate) fn remove(&mut self, value: &T) -> bool {
        match self {
            Self::None => {}
            Self::One(only) if only == value => *self = Self::None,
            Self::One(_) => {}
            Self::Many(many) => many.0.retain(|it| it != value),
        }
        self.as_slice().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::Few;

    #[test]
    fn a_value_is_in_it_once() {
        let mut few = Few::default();
        for value in [1, 1, 2, 3, 2] {
            few.insert(value);
        }
        assert_eq!(few.as_slice(), [1, 2, 3]);
        assert!(!few.remove(&1) && !few.remove(&3) && !few.remove(&7) && few.remove(&2));
    }
}
