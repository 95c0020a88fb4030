//! Folds of one process without a broker: partitions are dealt to lanes, each lane goes through its partitions'
//! entries in order, and outputs come back in input order. The number of lanes changes no byte.

use crate::fold::Fold;

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
    let mut queues: Vec<Vec<(usize, F::Entry<'e>)>> = folds.iter().map(|_| Vec::new()).collect();
    for (place, (partition, entry)) in work.into_iter().enumerate() {
        if let Some(queue) = queues.get_mut(partition) {
            queue.push((place, entry));
        }
    }
    let mut dealt: Vec<Vec<(&mut F, Vec<(usize, F::Entry<'e>)>)>> =
        (0..lanes).map(|_| Vec::new()).collect();
    for (index, pair) in folds.iter_mut().zip(queues).enumerate() {
        if let Some(lane) = dealt.get_mut(index % lanes) {
            lane.push(pair);
        }
    }
    let mut outputs: Vec<(usize, F::Output)> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            dealt.into_iter().map(|lane| scope.spawn(move || run_lane(lane))).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).flatten().collect()
    });
    outputs.sort_by_key(|(place, _)| *place);
    outputs.into_iter().map(|(_, output)| output).collect()
}

fn run_lane<'e, F: Fold>(
    lane: Vec<(&mut F, Vec<(usize, F::Entry<'e>)>)>,
) -> Vec<(usize, F::Output)> {
    let mut outputs = Vec::new();
    for (fold, queue) in lane {
        outputs.extend(queue.into_iter().map(|(place, entry)| (place, fold.apply(entry))));
    }
    outputs
}
