//! Who is waited for, and who is not.

use super::*;
use crate::{
    domain::{clock::Timestamp, id::Id},
    store::journal::Command,
};

fn entry() -> Entry {
    let id = Id::new(Timestamp::default(), [0; 16]);
    Entry::unattended(Command::Expire(id), [0; 16])
}

#[tokio::test]
async fn whoever_comes_while_nobody_works_is_taken_at_once() {
    let (queue, gathering) = queue(1000, Returning::Most);
    assert!(queue.put(entry()).is_none());
    let (batch, at_work) = gathering.next().await.unwrap();
    assert_eq!(batch.len(), 1);
    drop(at_work);
    drop(queue);
    assert!(gathering.next().await.is_none());
}

#[tokio::test]
async fn while_a_batch_runs_the_next_one_gathers_until_it_is_done() {
    let (queue, gathering) = queue(1000, Returning::Most);
    assert!(queue.put(entry()).is_none());
    let (_, first) = gathering.next().await.unwrap();
    assert!(queue.put(entry()).is_none());
    let mut next = std::pin::pin!(gathering.next());
    assert!(futures_util::poll!(&mut next).is_pending());
    assert!(queue.put(entry()).is_none());
    drop(first);
    assert_eq!(next.await.unwrap().0.len(), 2);
}

#[tokio::test]
async fn many_do_not_wait_for_a_batch_that_runs_and_few_not_for_ever() {
    let (queue, gathering) = queue(1000, Returning::Most);
    assert!(queue.put(entry()).is_none());
    let (_, _stuck) = gathering.next().await.unwrap();
    for _ in 0..ENOUGH {
        assert!(queue.put(entry()).is_none());
    }
    let mut many = std::pin::pin!(gathering.next());
    assert!(futures_util::poll!(&mut many).is_ready());
    assert!(queue.put(entry()).is_none());
    let (few, _) = gathering.next().await.unwrap();
    assert_eq!(few.len(), 1);
}

#[tokio::test]
async fn whoever_makes_them_enough_wakes_those_who_wait_for_a_batch_that_runs() {
    let (queue, gathering) = queue(1000, Returning::Most);
    assert!(queue.put(entry()).is_none());
    let (_, _stuck) = gathering.next().await.unwrap();
    assert!(queue.put(entry()).is_none());
    let mut next = std::pin::pin!(gathering.next());
    for _ in 1..ENOUGH {
        assert!(futures_util::poll!(&mut next).is_pending());
        assert!(queue.put(entry()).is_none());
    }
    let std::task::Poll::Ready(Some((batch, _))) = futures_util::poll!(&mut next) else {
        panic!("there are enough")
    };
    assert_eq!(batch.len(), ENOUGH);
}

/// Each arrival is seen by one side or the other: one that is missed would be waited for without end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_arrival_is_missed_by_whoever_begins_to_wait_just_then() {
    let (entrance, gathering) = queue(1000, Returning::Most);
    let mut queue = gathering.queue.lock().await;
    for _ in 0..2000 {
        let entrance = entrance.clone();
        let arriving = tokio::spawn(async move {
            for _ in 0..5 {
                assert!(entrance.put(entry()).is_none());
            }
        });
        gathering.arrivals.come(&queue, 5).await;
        let mut batch = Vec::new();
        take(&mut queue, &mut batch);
        assert_eq!(batch.len(), 5);
        arriving.await.unwrap();
    }
}

/// A batch of `MANY`, done while nobody waits.
async fn after_many(returning: Returning) -> (Entrance, Gathering) {
    let (queue, gathering) = queue(1000, returning);
    for _ in 0..MANY {
        assert!(queue.put(entry()).is_none());
    }
    drop(gathering.next().await);
    assert!(queue.put(entry()).is_none());
    (queue, gathering)
}

#[tokio::test]
async fn after_a_large_batch_those_who_come_back_share_the_next() {
    let (queue, gathering) = after_many(Returning::Most).await;
    let mut next = std::pin::pin!(gathering.next());
    let nearly_all = MANY * 7 / 8;
    for _ in 1..nearly_all {
        assert!(futures_util::poll!(&mut next).is_pending());
        assert!(queue.put(entry()).is_none());
    }
    let std::task::Poll::Ready(Some((batch, _))) = futures_util::poll!(&mut next) else {
        panic!("the last ones are not waited for")
    };
    assert_eq!(batch.len(), nearly_all);
}

#[test]
fn batches_take_turns_only_where_this_process_has_processors_for_both() {
    assert_eq!(Returning::with(true, 1), Returning::Most);
    assert_eq!(Returning::with(true, 2), Returning::Half);
    assert_eq!(Returning::with(false, 1), Returning::Most);
    assert_eq!(Returning::with(false, 2), Returning::Most);
}

#[tokio::test]
async fn where_another_processor_reads_what_they_ask_for_half_of_them_are_waited_for() {
    let (queue, gathering) = after_many(Returning::Half).await;
    let mut next = std::pin::pin!(gathering.next());
    for _ in 1..MANY / 2 {
        assert!(futures_util::poll!(&mut next).is_pending());
        assert!(queue.put(entry()).is_none());
    }
    let std::task::Poll::Ready(Some((batch, _))) = futures_util::poll!(&mut next) else {
        panic!("the other half is not waited for")
    };
    assert_eq!(batch.len(), MANY / 2);
}

#[tokio::test]
async fn where_the_disk_is_what_callers_wait_for_no_batches_take_turns() {
    let (queue, gathering) = after_many(Returning::Half).await;
    let work = Duration::from_micros(500);
    let took = |commit| Took { work, commit };
    gathering.took(took(2 * work + Duration::from_micros(1)));
    let mut next = std::pin::pin!(gathering.next());
    for _ in 1..MANY * 7 / 8 {
        assert!(futures_util::poll!(&mut next).is_pending());
        assert!(queue.put(entry()).is_none());
    }
    assert!(futures_util::poll!(&mut next).is_ready());

    let (queue, gathering) = after_many(Returning::Half).await;
    gathering.took(took(2 * work + Duration::from_micros(1)));
    gathering.took(took(2 * work));
    for _ in 1..MANY / 2 {
        assert!(queue.put(entry()).is_none());
    }
    let mut next = std::pin::pin!(gathering.next());
    assert!(futures_util::poll!(&mut next).is_ready());
}

#[tokio::test]
async fn whoever_does_not_come_back_is_not_waited_for_long() {
    let (_queue, gathering) = after_many(Returning::Most).await;
    assert_eq!(gathering.next().await.unwrap().0.len(), 1);
}
