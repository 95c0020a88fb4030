//! Folds of one process without a broker: partitions are dealt to lanes, each lane goes through its partitions'
//! entries in order, and outputs come back in input order. The number of lanes changes no byte.

use crate::fold::Fold;

/// What waits for one partition: places in the batch, and entries.
type Queue<E> = Vec<(usize, E)>;

/// What one lane drives: its partitions' folds with what waits for each.
type Dealt<'f, F, E> = Vec<(&'f mut F, Queue<E>)>;

/// Entries below which threads cost more than they save.
const INLINE_MAX: usize = 256;

/// Drives a batch through the folds; outputs stand in the order of `work`.
pub fn drive<'e, F>(
    folds: &mut [F],
    work: Vec<(usize, F::Entry<'e>)>,
    lanes: usize,
) -> Vec<F::Output>
where
    F: Fold + Send,
    F::Entry<'e>: Send,
    F::Output: Send,
{
    if lanes <= 1 || work.len() < INLINE_MAX {
        let apply = |(partition, entry): (usize, F::Entry<'e>)| {
            folds.get_mut(partition).map(|fold| fold.apply(entry))
        };
        return work.into_iter().filter_map(apply).collect();
    }
    let mut queues: Vec<Queue<F::Entry<'e>>> = folds.iter().map(|_| Vec::new()).collect();
    for (place, (partition, entry)) in work.into_iter().enumerate() {
        if let Some(queue) = queues.get_mut(partition) {
            queue.push((place, entry));
        }
    }
    let mut dealt: Vec<Dealt<'_, F, F::Entry<'e>>> = (0..lanes).map(|_| Vec::new()).collect();
    for (index, pair) in folds.iter_mut().zip(queues).enumerate() {
        if let Some(lane) = dealt.get_mut(index % lanes) {
            lane.push(pair);
        }
    }
    let mut outputs: Vec<(usize, F::Output)> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            dealt.into_iter().map(|lane| scope.spawn(move || run_lane(lane))).collect();
        // A lane that fails fails the batch: nothing of it may be missing.
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        threads.into_iter().flat_map(join).collect()
    });
    outputs.sort_by_key(|(place, _)| *place);
    outputs.into_iter().map(|(_, output)| output).collect()
}

fn run_lane<'e, F: Fold>(lane: Dealt<'_, F, F::Entry<'e>>) -> Vec<(usize, F::Output)> {
    let mut outputs = Vec::new();
    for (fold, queue) in lane {
        outputs.extend(queue.into_iter().map(|(place, entry)| (place, fold.apply(entry))));
    }
    outputs
}
