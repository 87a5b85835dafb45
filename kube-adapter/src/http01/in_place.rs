//! Paths in an Ingress that belongs to the user: put in first, taken out exactly.

use serde_json::{Value, json};

use super::ingress::{path, rule};
use super::{Answered, Led};
use crate::settings::PathType;

/// The rules with a path for each challenge put first in the rule of its host, or in a rule of its own. `None` when they are all there already.
pub(crate) fn insert(rules: &[Value], led: &[Led], path_type: PathType) -> Option<Vec<Value>> {
    let mut wanted = rules.to_vec();
    for it in led {
        let ours = path(it, path_type);
        match wanted.iter_mut().find(|rule| rule["host"].as_str() == it.answered.host()) {
            Some(found) => {
                let mut paths: Vec<Value> = found["http"]["paths"].as_array().cloned().unwrap_or_default();
                paths.retain(|known| known["path"] != ours["path"]);
                paths.insert(0, ours);
                found["http"] = json!({ "paths": paths });
            }
            None => wanted.push(rule(it, path_type)),
        }
    }
    (wanted != rules).then_some(wanted)
}

/// The rules without the paths of these challenges, and without the rules that held nothing else. `None` when there are none.
pub(crate) fn remove(rules: &[Value], answered: &[Answered]) -> Option<Vec<Value>> {
    let ours: Vec<String> = answered.iter().map(Answered::path).collect();
    let is_ours = |path: &Value| path["path"].as_str().is_some_and(|path| ours.iter().any(|ours| ours == path));
    let mut left = Vec::with_capacity(rules.len());
    for rule in rules {
        let Some(paths) = rule["http"]["paths"].as_array() else {
            left.push(rule.clone());
            continue;
        };
        let kept: Vec<Value> = paths.iter().filter(|path| !is_ours(path)).cloned().collect();
        if kept.len() == paths.len() {
            left.push(rule.clone());
        } else if !kept.is_empty() {
            let mut rule = rule.clone();
            rule["http"]["paths"] = kept.into();
            left.push(rule);
        }
    }
    (left != rules).then_some(left)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Answered, Led, PathType, insert, remove};

    fn answered(name: &str, token: &str) -> Answered {
        Answered { name: name.to_owned(), token: token.to_owned() }
    }

    fn led(answered: &[Answered]) -> Vec<Led> {
        answered.iter().map(|it| Led { answered: it.clone(), service: "solver".to_owned() }).collect()
    }

    fn users() -> Vec<Value> {
        let web = json!({ "path": "/", "pathType": "Prefix", "backend": { "service": { "name": "web", "port": { "name": "http" } } } });
        vec![json!({ "host": "edit.example.com", "http": { "paths": [web] } })]
    }

    #[test]
    fn what_was_put_in_is_taken_out_to_the_byte() {
        let before = users();
        let ours =
            [answered("edit.example.com", "one"), answered("new.example.com", "two"), answered("192.0.2.7", "three")];
        let during = insert(&before, &led(&ours), PathType::Exact).unwrap();
        assert_eq!(during.len(), 3);
        assert_eq!(during[0]["http"]["paths"][0]["path"], "/.well-known/acme-challenge/one");
        assert_eq!(during[0]["http"]["paths"][1]["path"], "/");
        assert!(during[2].get("host").is_none(), "an address has no host");
        assert_eq!(remove(&during, &ours), Some(before));
    }

    #[test]
    fn a_second_time_changes_nothing() {
        let ours = [answered("edit.example.com", "one")];
        let once = insert(&users(), &led(&ours), PathType::Exact).unwrap();
        assert_eq!(insert(&once, &led(&ours), PathType::Exact), None);
        assert_eq!(remove(&users(), &ours), None);
    }

    #[test]
    fn paths_of_others_stay() {
        let mine = [answered("edit.example.com", "one")];
        let theirs = [answered("edit.example.com", "two")];
        let both =
            insert(&insert(&users(), &led(&theirs), PathType::Exact).unwrap(), &led(&mine), PathType::Exact).unwrap();
        let left = remove(&both, &mine).unwrap();
        assert_eq!(left, insert(&users(), &led(&theirs), PathType::Exact).unwrap());
    }
}
