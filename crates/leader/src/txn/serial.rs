//! The serialization graph: which concurrent transactions must come before which, at the
//! granularity of tables. A commit that would close a cycle fails with error 1023 (Developer Guide,
//! "Serializable isolation").
//!
//! Edges (X before Y), with versions telling who saw whom:
//! - X wrote what Y read, and Y's snapshot has it;
//! - X read what Y wrote, and X's snapshot does not have it;
//! - both wrote, X committed first, and one of them changed the definition. (Two that append do
//!   not depend on each other, and one that changes rows has read the table.)
//!
//! Commit order already agrees with the first and third kind, so every cycle goes through a
//! transaction that read a table and did not see a later commit to it: without one, a commit is
//! checked in a few look-ups.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use lw_base::{Oid, TxnId, Version};

/// How a transaction wrote a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WriteKind {
    /// It only appended rows (INSERT, COPY).
    Insert,
    /// It changed or removed rows it had read (UPDATE, DELETE, MERGE).
    Modify,
    /// It changed the definition (ALTER, DROP, TRUNCATE).
    Definition,
}

/// A transaction as the graph sees it.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub xid: TxnId,
    /// The version it read.
    pub snapshot: Version,
    /// The version it made; of one that wrote nothing, the version it ended at.
    pub commit: Version,
    pub reads: BTreeSet<Oid>,
    pub writes: BTreeMap<Oid, WriteKind>,
}

/// A cycle that a commit would close.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Violation {
    /// A table read and concurrently written.
    pub table: Oid,
    /// The transactions of the cycle.
    pub xids: Vec<TxnId>,
}

/// Committed transactions that a running one may still form a cycle with.
#[derive(Default)]
pub(super) struct SerializationGraph {
    /// In order of commit.
    nodes: VecDeque<Node>,
    /// The last commit to each table among `nodes`, and the last that did not only append.
    last_write: HashMap<Oid, Version>,
    last_modify: HashMap<Oid, Version>,
    /// Nodes up to this commit were forgotten.
    horizon: Version,
}

/// Nodes kept to follow chains of transactions that overlap but are all over. Beyond it the graph
/// errs on the safe side: a path into what was forgotten counts as a cycle.
const CHAIN_KEPT: usize = 2000;
/// Nodes kept at most, however old the oldest running transaction is.
const MOST_KEPT: usize = 20_000;

/// The nodes that read or wrote one table, in the order that decides who comes before whom. Those
/// from the mark on were reached already.
#[derive(Default)]
struct Accesses {
    /// By commit.
    writers: Vec<(Version, usize)>,
    writers_mark: usize,
    /// Those that changed the definition.
    definers: Vec<(Version, usize)>,
    definers_mark: usize,
    /// By snapshot.
    readers: Vec<(Version, usize)>,
    readers_mark: usize,
}

/// A search that reaches each node once and looks at each access once, however many edges there are.
struct Search {
    tables: HashMap<Oid, Accesses>,
    reached: Vec<bool>,
}

impl Search {
    fn new(nodes: &VecDeque<Node>) -> Self {
        let mut tables: HashMap<Oid, Accesses> = HashMap::new();
        for (i, node) in nodes.iter().enumerate() {
            for (table, kind) in &node.writes {
                let accesses = tables.entry(*table).or_default();
                accesses.writers.push((node.commit, i));
                if *kind == WriteKind::Definition {
                    accesses.definers.push((node.commit, i));
                }
            }
            for table in &node.reads {
                let accesses = tables.entry(*table).or_default();
                accesses.readers.push((node.snapshot, i));
            }
        }
        for accesses in tables.values_mut() {
            accesses.readers.sort_unstable();
            accesses.writers_mark = accesses.writers.len();
            accesses.definers_mark = accesses.definers.len();
            accesses.readers_mark = accesses.readers.len();
        }
        Search {
            tables,
            reached: vec![false; nodes.len()],
        }
    }

    /// Gives the nodes not reached before that must come after `node`, with the table because of
    /// which.
    fn successors(&mut self, node: &Node, mut emit: impl FnMut(usize, Oid)) {
        let reached = &mut self.reached;
        let mut from = |list: &[(Version, usize)], mark: &mut usize, start: usize, table: Oid| {
            for (_, i) in &list[start.min(*mark)..*mark] {
                if !std::mem::replace(&mut reached[*i], true) {
                    emit(*i, table);
                }
            }
            *mark = start.min(*mark);
        };
        for table in &node.reads {
            if let Some(a) = self.tables.get_mut(table) {
                let start = a.writers.partition_point(|(v, _)| *v <= node.snapshot);
                from(&a.writers, &mut a.writers_mark, start, *table);
            }
        }
        for (table, kind) in &node.writes {
            let Some(a) = self.tables.get_mut(table) else {
                continue;
            };
            let start = a.readers.partition_point(|(v, _)| *v < node.commit);
            from(&a.readers, &mut a.readers_mark, start, *table);
            if *kind != WriteKind::Definition {
                let start = a.definers.partition_point(|(v, _)| *v <= node.commit);
                from(&a.definers, &mut a.definers_mark, start, *table);
            } else {
                let start = a.writers.partition_point(|(v, _)| *v <= node.commit);
                from(&a.writers, &mut a.writers_mark, start, *table);
            }
        }
    }
}

impl Node {
    /// The table because of which this must come before `other`, if it must.
    fn before(&self, other: &Node) -> Option<Oid> {
        let saw = |writer: &Node, reader: &Node| writer.commit <= reader.snapshot;
        for (table, kind) in &self.writes {
            if other.reads.contains(table) && saw(self, other) {
                return Some(*table);
            }
            if let Some(theirs) = other.writes.get(table)
                && self.commit < other.commit
                && (*kind).max(*theirs) == WriteKind::Definition
            {
                return Some(*table);
            }
        }
        let overlooked = |table: &&Oid| other.writes.contains_key(table) && !saw(other, self);
        self.reads.iter().find(overlooked).copied()
    }
}

impl SerializationGraph {
    /// True if a commit to `table` later than `snapshot` changed rows it had read: whoever read the
    /// table at `snapshot` and goes on to write it cannot be serialized.
    pub(super) fn modified_since(&self, table: Oid, snapshot: Version) -> bool {
        self.last_modify.get(&table).is_some_and(|v| *v > snapshot)
    }

    /// The last transaction that modified the table.
    pub(super) fn last_modifier(&self, table: Oid) -> Option<TxnId> {
        self.nodes
            .iter()
            .rev()
            .find(|n| n.writes.contains_key(&table))
            .map(|n| n.xid)
    }

    /// Checks that `node` closes no cycle, and adds it.
    pub(super) fn commit(&mut self, node: Node) -> Result<(), Violation> {
        let overlooked = |table: &Oid| -> bool {
            self.last_write
                .get(table)
                .is_some_and(|v| *v > node.snapshot)
        };
        if let Some(table) = node.reads.iter().find(|t| overlooked(t)) {
            // It overlooked commits that may be forgotten by now. One that only read is let go: a
            // reader is not made to fail for having stayed long.
            if node.snapshot < self.horizon && !node.writes.is_empty() {
                return Err(Violation {
                    table: *table,
                    xids: vec![node.xid],
                });
            }
            if let Some(violation) = self.cycle(&node) {
                return Err(violation);
            }
        }
        for (table, kind) in &node.writes {
            self.last_write.insert(*table, node.commit);
            if *kind != WriteKind::Insert {
                self.last_modify.insert(*table, node.commit);
            }
        }
        self.nodes.push_back(node);
        Ok(())
    }

    /// As [`SerializationGraph::commit`], for a transaction that wrote nothing.
    pub(super) fn commit_read(&mut self, mut node: Node) -> Result<(), Violation> {
        node.writes.clear();
        // Nodes are kept in order; where it stands among those in the making does not matter.
        if let Some(last) = self.nodes.back() {
            node.commit = node.commit.max(last.commit);
        }
        self.commit(node)
    }

    /// Breadth-first search for a way from `start` back to it.
    fn cycle(&self, start: &Node) -> Option<Violation> {
        let mut search = Search::new(&self.nodes);
        let mut queue = VecDeque::new();
        search.successors(start, |i, table| queue.push_back((i, None, table)));
        // Where each node was reached from, in the order they were taken up.
        let mut way: Vec<(usize, Option<usize>, Oid)> = Vec::new();
        while let Some((i, from, table)) = queue.pop_front() {
            let at = way.len();
            way.push((i, from, table));
            let node = &self.nodes[i];
            let into_the_forgotten = node.snapshot < self.horizon && !node.reads.is_empty();
            if into_the_forgotten || node.before(start).is_some() {
                let mut xids = Vec::new();
                let mut step = Some(at);
                let mut first_table = table;
                while let Some((i, from, table)) = step.map(|s| way[s]) {
                    xids.push(self.nodes[i].xid);
                    first_table = table;
                    step = from;
                }
                xids.push(start.xid);
                xids.reverse();
                return Some(Violation {
                    table: first_table,
                    xids,
                });
            }
            search.successors(node, |i, table| queue.push_back((i, Some(at), table)));
        }
        None
    }

    /// Takes back commits later than `version`, which failed to become durable.
    pub(super) fn take_back(&mut self, version: Version) {
        while self.nodes.back().is_some_and(|n| n.commit > version) {
            self.nodes.pop_back();
        }
        for last in self
            .last_write
            .values_mut()
            .chain(self.last_modify.values_mut())
        {
            *last = (*last).min(version);
        }
    }

    /// Forgets what no transaction with a snapshot of `oldest` or newer can form a cycle with.
    pub(super) fn prune(&mut self, oldest: Version) {
        let keep_after = self.keep_after(oldest);
        let before = self.nodes.len();
        while let Some(first) = self.nodes.front()
            && (first.commit <= keep_after || self.nodes.len() > MOST_KEPT)
        {
            self.horizon = self.horizon.max(first.commit);
            self.nodes.pop_front();
        }
        if self.nodes.len() != before && self.last_write.len() > 256 {
            self.last_write.retain(|_, v| *v > oldest);
            self.last_modify.retain(|_, v| *v > oldest);
        }
    }

    /// The commit up to which nodes can be forgotten: all that no running transaction overlaps, nor
    /// a transaction that one overlaps, and so on, as long as the chain is short enough.
    fn keep_after(&self, oldest: Version) -> Version {
        let mut keep_after = oldest;
        if self.nodes.front().is_none_or(|n| n.commit > oldest) {
            return keep_after;
        }
        loop {
            let kept = self
                .nodes
                .iter()
                .rev()
                .take_while(|n| n.commit > keep_after);
            let Some(reaches_back_to) = kept.map(|n| n.snapshot).min() else {
                return keep_after;
            };
            let count = |v| self.nodes.iter().rev().take_while(|n| n.commit > v).count();
            if reaches_back_to >= keep_after || count(reaches_back_to) > CHAIN_KEPT {
                return keep_after;
            }
            keep_after = reaches_back_to;
        }
    }

    /// How many committed transactions are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Ids of the remembered transactions.
    #[cfg(test)]
    pub(super) fn xids(&self) -> BTreeSet<TxnId> {
        self.nodes.iter().map(|n| n.xid).collect()
    }
}
