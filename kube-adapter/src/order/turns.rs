//! Whose turn it is: one challenge at a time for each name and kind, and no more than so many that the server checks at once.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use acme_core::protocol::Url;

use crate::crd::challenge::ChallengeType;
use crate::key::Name;

/// All lines.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    /// Who wants to answer for a name by a kind of challenge; the first does.
    lines: HashMap<Line, VecDeque<Place>>,
    /// Where a challenge stands.
    standing: HashMap<Name, HashMap<Url, Line>>,
    /// Those that the server may be told of, or was.
    told: HashMap<Place, Group>,
    /// Those that wait to be, in the order in which they came.
    waiting: Vec<(Place, Group)>,
    /// Those that know already that others wait for them.
    named: HashSet<Place>,
}

/// What only one challenge at a time is answered for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) kind: ChallengeType,
}

/// A challenge: whose, and of which authorization.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) order: Name,
    pub(crate) authorization: Url,
}

/// Among whom turns are shared fairly.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Group {
    pub(crate) namespace: Arc<str>,
    pub(crate) issuer: String,
}

/// What a challenge without a verdict wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) place: Place,
    pub(crate) line: Line,
    pub(crate) group: Group,
    pub(crate) server: Server,
}

/// What it wants of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Server {
    /// Nothing so far.
    Nothing,
    /// To tell it.
    Wanted,
    /// It was told.
    Told,
}

/// What became of the others.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    /// It is their turn now.
    pub(crate) called: Vec<Place>,
    /// Others wait for them.
    pub(crate) awaited: Vec<Place>,
}

impl Turns {
    /// Takes in what the challenges of `order` want now. Those that are not among `wishes` have left.
    pub(crate) fn set(&mut self, order: &Name, wishes: &[Wish], most: usize) -> Moved {
        let mut moved = Moved::default();
        let known: Vec<Url> = self.standing.get(order).into_iter().flat_map(HashMap::keys).cloned().collect();
        for authorization in known {
            let place = Place { order: order.clone(), authorization };
            if !wishes.iter().any(|it| it.place == place) {
                self.leave(&place, &mut moved);
            }
        }
        for wish in wishes {
            self.stand(wish, &mut moved);
        }
        self.grant(most, &mut moved);
        moved.awaited.retain(|it| self.named.insert(it.clone()));
        moved
    }

    /// Is it this one's turn to answer?
    pub(crate) fn may_answer(&self, place: &Place) -> bool {
        let line = self.standing.get(&place.order).and_then(|lines| lines.get(&place.authorization));
        line.and_then(|line| self.lines.get(line)).and_then(VecDeque::front) == Some(place)
    }

    /// May the server be told of this one?
    pub(crate) fn may_tell(&self, place: &Place) -> bool {
        self.told.contains_key(place)
    }

    /// How many the server is told of, or may be.
    #[cfg(test)]
    pub(crate) fn told(&self) -> usize {
        self.told.len()
    }

    fn stand(&mut self, wish: &Wish, moved: &mut Moved) {
        let Wish { place, line, group, server } = wish;
        let mine = self.standing.entry(place.order.clone()).or_default();
        if !mine.contains_key(&place.authorization) {
            mine.insert(place.authorization.clone(), line.clone());
            let others = self.lines.entry(line.clone()).or_default();
            moved.awaited.extend(others.front().cloned());
            others.push_back(place.clone());
        }
        match server {
            Server::Nothing => {}
            Server::Told => {
                self.waiting.retain(|(it, _)| it != place);
                self.told.entry(place.clone()).or_insert_with(|| group.clone());
            }
            Server::Wanted if self.told.contains_key(place) || self.waiting.iter().any(|(it, _)| it == place) => {}
            Server::Wanted => self.waiting.push((place.clone(), group.clone())),
        }
    }

    fn leave(&mut self, place: &Place, moved: &mut Moved) {
        self.told.remove(place);
        self.named.remove(place);
        self.waiting.retain(|(it, _)| it != place);
        let Some(mine) = self.standing.get_mut(&place.order) else { return };
        let Some(line) = mine.remove(&place.authorization) else { return };
        if mine.is_empty() {
            self.standing.remove(&place.order);
        }
        let Some(others) = self.lines.get_mut(&line) else { return };
        let was_first = others.front() == Some(place);
        others.retain(|it| it != place);
        if others.is_empty() {
            self.lines.remove(&line);
        } else if was_first {
            moved.called.extend(others.front().cloned());
            moved.awaited.extend(others.front().filter(|_| others.len() > 1).cloned());
        }
    }

    /// Lets in as many as there is room for: who has fewest in goes first, by namespace and then by issuer, and then who came first.
    fn grant(&mut self, most: usize, moved: &mut Moved) {
        while self.told.len() < most.max(1) && !self.waiting.is_empty() {
            let in_namespace = |group: &Group| self.told.values().filter(|it| it.namespace == group.namespace).count();
            let in_issuer = |group: &Group| self.told.values().filter(|it| it.issuer == group.issuer).count();
            let weight = |(at, (_, group)): &(usize, &(Place, Group))| (in_namespace(group), in_issuer(group), *at);
            let Some(next) = self.waiting.iter().enumerate().min_by_key(weight).map(|(at, _)| at) else { break };
            let (place, group) = self.waiting.remove(next);
            moved.called.push(place.clone());
            self.told.insert(place, group);
        }
        if !self.waiting.is_empty() {
            moved.awaited.extend(self.told.keys().cloned());
        }
    }
}

#[cfg(test)]
mod tests {
    use acme_core::protocol::Url;

    use super::{Group, Line, Place, Server, Turns, Wish};
    use crate::crd::challenge::ChallengeType;
    use crate::key::Name;

    fn wish(namespace: &str, name: &str, server: Server) -> Wish {
        let order = Name::new(namespace, name);
        let authorization = Url::parse(&format!("https://ca.example/authz/{namespace}-{name}")).unwrap();
        Wish {
            place: Place { order, authorization },
            line: Line { name: name.to_owned(), kind: ChallengeType::Dns01 },
            group: Group { namespace: namespace.into(), issuer: "ca".to_owned() },
            server,
        }
    }

    fn set(turns: &mut Turns, wish: &Wish, most: usize) -> super::Moved {
        turns.set(&wish.place.order, std::slice::from_ref(wish), most)
    }

    #[test]
    fn the_second_of_a_name_waits_for_the_first_and_is_called() {
        let mut turns = Turns::default();
        let (first, second) = (wish("a", "www", Server::Nothing), wish("b", "www", Server::Nothing));
        set(&mut turns, &first, 60);
        let moved = set(&mut turns, &second, 60);
        assert_eq!(moved.awaited, std::slice::from_ref(&first.place));
        assert!(turns.may_answer(&first.place) && !turns.may_answer(&second.place));
        let moved = turns.set(&first.place.order, &[], 60);
        assert_eq!(moved.called, std::slice::from_ref(&second.place));
        assert!(turns.may_answer(&second.place));
    }

    #[test]
    fn the_server_is_told_of_no_more_than_so_many() {
        let mut turns = Turns::default();
        let wishes: Vec<Wish> = (0..5).map(|at| wish("a", &format!("n{at}"), Server::Wanted)).collect();
        for wish in &wishes {
            set(&mut turns, wish, 2);
        }
        assert_eq!(wishes.iter().filter(|it| turns.may_tell(&it.place)).count(), 2);
        let moved = turns.set(&wishes[0].place.order, &[], 2);
        assert_eq!(moved.called, std::slice::from_ref(&wishes[2].place), "who came first");
        assert_eq!(turns.told(), 2);
    }

    #[test]
    fn a_namespace_that_wants_much_does_not_shut_out_another() {
        let mut turns = Turns::default();
        for at in 0..10 {
            set(&mut turns, &wish("greedy", &format!("n{at}"), Server::Wanted), 3);
        }
        let modest = wish("modest", "m", Server::Wanted);
        set(&mut turns, &modest, 3);
        assert!(!turns.may_tell(&modest.place));
        turns.set(&Name::new("greedy", "n0"), &[], 3);
        assert!(turns.may_tell(&modest.place), "it has fewer in than the others");
    }

    #[test]
    fn those_that_are_waited_for_are_named() {
        let mut turns = Turns::default();
        let first = wish("a", "n0", Server::Told);
        set(&mut turns, &first, 1);
        let moved = set(&mut turns, &wish("a", "n1", Server::Wanted), 1);
        assert_eq!(moved.awaited, [first.place]);
    }
}
