//! Random histories: the graph accepts exactly those without a cycle, although it forgets.

use std::collections::BTreeSet;

use lw_base::{TxnId, Version};

use super::super::serial::{Node, SerializationGraph};
use super::*;

/// A small generator, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % sides
    }
}

/// The definition, spelled out: must `x` come before `y`?
fn before(x: &Node, y: &Node) -> bool {
    (0..4).map(Oid).any(|t| {
        let (xr, yr) = (x.reads.contains(&t), y.reads.contains(&t));
        match (x.writes.get(&t), y.writes.get(&t)) {
            (Some(_), _) if yr && x.commit <= y.snapshot => true,
            (_, Some(_)) if xr && y.commit > x.snapshot => true,
            (Some(a), Some(b)) => {
                x.commit < y.commit && (*a == WriteKind::Definition || *b == WriteKind::Definition)
            }
            _ => false,
        }
    })
}

fn has_cycle(nodes: &[Node]) -> bool {
    let mut left: Vec<&Node> = nodes.iter().collect();
    // Take away what nothing must precede, until nothing can be taken.
    loop {
        let free = left.iter().position(|n| {
            !left
                .iter()
                .any(|other| other.xid != n.xid && before(other, n))
        });
        match free {
            Some(i) => {
                left.swap_remove(i);
            }
            None => return !left.is_empty(),
        }
    }
}

#[test]
fn exactly_the_serializable_histories_are_accepted() {
    let (mut accepted, mut refused) = (0, 0);
    for seed in 0..400 {
        let mut dice = Dice(seed);
        let mut graph = SerializationGraph::default();
        let mut committed: Vec<Node> = Vec::new();
        let mut running: Vec<Node> = Vec::new();
        let mut version = 0;
        for xid in 0..30 {
            running.push(Node {
                xid: TxnId(xid),
                snapshot: Version(version),
                commit: Version(0),
                reads: BTreeSet::new(),
                writes: BTreeMap::new(),
            });
            for node in &mut running {
                match dice.roll(4) {
                    0 => {
                        node.reads.insert(Oid(dice.roll(4) as u32));
                    }
                    1 => {
                        let table = Oid(dice.roll(4) as u32);
                        node.writes.entry(table).or_insert(WriteKind::Insert);
                    }
                    2 if dice.roll(2) == 0 => {
                        let table = Oid(dice.roll(4) as u32);
                        node.reads.insert(table);
                        node.writes.insert(table, WriteKind::Modify);
                    }
                    3 if dice.roll(8) == 0 => {
                        let table = Oid(dice.roll(4) as u32);
                        node.writes.insert(table, WriteKind::Definition);
                    }
                    _ => {}
                }
            }
            while running.len() as u64 > 1 + dice.roll(4) {
                let mut node = running.swap_remove(dice.roll(running.len() as u64) as usize);
                let reads_only = node.writes.is_empty();
                node.commit = Version(version + u64::from(!reads_only));
                let mut with = committed.clone();
                with.push(node.clone());
                let cycle = has_cycle(&with);
                let result = match reads_only {
                    true => graph.commit_read(node),
                    false => graph.commit(node),
                };
                assert_eq!(result.is_err(), cycle, "seed {seed}: {with:#?}");
                if cycle {
                    refused += 1;
                } else {
                    accepted += 1;
                    committed = with;
                    version += u64::from(!reads_only);
                }
                let oldest = running
                    .iter()
                    .map(|n| n.snapshot.0)
                    .min()
                    .unwrap_or(version);
                graph.prune(Version(oldest));
            }
        }
    }
    assert!(accepted > 1000 && refused > 100, "{accepted} {refused}");
}

fn writer(xid: u64, snapshot: u64, commit: u64) -> Node {
    Node {
        xid: TxnId(xid),
        snapshot: Version(snapshot),
        commit: Version(commit),
        reads: BTreeSet::from([A]),
        writes: BTreeMap::from([(A, WriteKind::Modify)]),
    }
}

#[test]
fn what_nobody_overlaps_is_forgotten() {
    let mut graph = SerializationGraph::default();
    for commit in 1..100 {
        graph.commit(writer(commit, commit - 1, commit)).unwrap();
        graph.prune(Version(commit));
        assert_eq!(graph.len(), 0);
    }
    // While a transaction with a snapshot of 99 runs, later ones are kept.
    for commit in 100..110 {
        graph.commit(writer(commit, commit - 1, commit)).unwrap();
        graph.prune(Version(99));
    }
    assert_eq!(graph.xids(), (100..110).map(TxnId).collect());
    assert!(graph.modified_since(A, Version(99)));
    graph.prune(Version(109));
    assert_eq!(graph.len(), 0);
}

#[test]
fn an_old_snapshot_does_not_make_the_graph_grow_for_ever() {
    let mut graph = SerializationGraph::default();
    for commit in 1..=30_000 {
        let mut node = writer(commit, commit - 1, commit);
        node.reads.clear();
        graph.commit(node).unwrap();
        graph.prune(Version(0));
    }
    assert!(graph.len() <= 20_000);
    // The old one overlooked commits that are forgotten: it may not write any more.
    assert!(graph.commit(writer(40_000, 0, 30_001)).is_err());
    let mut reader = writer(40_001, 0, 30_001);
    reader.writes.clear();
    graph.commit_read(reader).unwrap();
}
