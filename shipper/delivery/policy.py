"""Every number of the delivery, with its reason. Seconds, bytes and counts."""

#: Seconds of a day.
DAY = 86400.0

#: The first step of the backoff. A receiver that restarts is back within it.
BACKOFF_FIRST = 30.0
#: The longest step. Full jitter is applied after this cap, so a client asks every half hour on average while a receiver
#: is away, and after an outage the clients come back spread over an hour. `tests/bench/fleet.py`, two hours' outage,
#: busiest second over the steady rate, and tries in vain per client: cap 300 s 389 x and 48; 900 s 129 x and 20; 3,600 s
#: 28 x and 10, and 3 to 5 x since a pass that fails seals nothing more (`plan.may_seal`). Price: the last client's
#: first success comes 53 minutes after the recovery.
BACKOFF_CAP = 3600.0
#: What a receiver may ask for in Retry-After. More than a day is a mistake or malice: we would never find out.
RETRY_AFTER_CAP = 86400.0

#: Tries within one send, the first included, and the pause before the second; it doubles. They bridge a dropped
#: keep-alive connection or a receiver's restart, nothing longer: everything longer is the backoff's work.
QUICK_TRIES = 3
QUICK_PAUSE = 0.3

#: One send, with all its quick tries, over DNS, connect, upload, drip and reply.
SEND_SECONDS = 25.0
#: No send begins with less: it would fail for its haste, and be journalled as the receiver's failure.
SEND_LEAST = 5.0
#: A pass that nobody waits for. Two sends fit in, so the failure of the last one is still journalled.
PASS_SECONDS = 60.0
#: What a pass leaves untouched at its end, to write the journal on a slow disk.
PASS_RESERVE = 5.0

#: Seconds between two batches of a pass that nobody waits for, on average (drawn from 0 to twice this). For clients
#: that filled 20 segments in the outage the busiest second falls from 48 x to 20 x the steady rate. 10 s would gain
#: nothing more (18 x): the hour's jitter has spread them already.
PACE = 2.0
#: Seconds until the next pass where one ended with its time and not with its work.
PASS_REST = 60.0
#: Seconds that a pass by hand waits for a running one; a pass that nobody waits for does not wait either.
LOCK_SECONDS = 10.0
#: Sends at the same time, by hand only, and what makes them worth it: a backlog, and a round trip that dominates.
PARALLEL = 4
PARALLEL_BACKLOG = 8
PARALLEL_ROUND_TRIP = 0.05

#: Refusals (400, 413, 422) that one pass takes before it stops. Finding one poison event among 1,000 takes 21 requests.
REFUSALS = 96
#: The same while the receiver has not accepted a single event in this pass: one bisection down to one event and back.
#: A receiver that refuses everything is itself at fault: bisecting further would find nothing.
REFUSALS_UNPROVEN = 24
#: Whole segments tried before the first bisection while nothing was accepted: a poison segment blocks nobody.
REFUSED_WHOLE = 8
#: Trials after which an event that is refused is set aside. In a trial it is refused and two others are accepted, one right
#: after the other, in an order that chance decides. A balancer between good nodes and a bad one lines that up for a healthy
#: event in every third trial at most, whether it takes turns or draws; with one other, where there are no two, in every
#: second. So 19 trials are less than one healthy event in a million. The levels of a bisection count with the trials of two
#: others: to line them up for one event of a thousand is as improbable. That makes 20 requests for an event that is truly
#: poison, the first refusal included. See `tests/bench/belief.py`.
TRIALS = 19
#: Others that are accepted beside a suspect in one trial, where as many are there.
WITNESSES = 2
#: Seconds between two tries of what a receiver defers: a new catalog is a matter of days, and by hand it is tried at once.
DEFERRED_REST = DAY
#: Days after which a deferred event is set aside: the receiver's operator has had a month of releases to catch up with.
DEFERRED_DAYS = 30
#: Seconds between two tries of a suspect while nothing else is there to be accepted beside it: nothing is learned then.
PROBE_REST = DAY
#: Last-placed segments that the journal remembers; it stays one small file whatever a receiver does.
REMEMBERED = 64
#: Suspected events that it remembers, of some 45 bytes each. One that it forgets is found again, at the cost of a bisection.
SUSPECTS = 512

#: A learned size limit is forgotten after a week: a receiver that was repaired costs one 413 a week to find out.
LIMIT_DAYS = 7
#: The learned limit never goes below this many bytes (decoded): smaller parts only multiply requests.
LIMIT_LEAST = 1024

#: Consecutive failures after which the order is drawn anew, so that one segment which breaks the receiver cannot stand
#: in front of all others for ever.
SHUFFLE_AFTER = 3

#: Segments that may have arrived are sent before all others: while so many wait, no other is sent before one of them is
#: answered, so that a bound which has to remove something finds others. But they may be what breaks the receiver, so one
#: pass in so many begins with any other: about once a day while a receiver is away.
UNSURE_MOST = 4
UNSURE_SPARED = 32

#: Characters of a receiver's words that we keep. Enough for one line in a terminal.
DETAIL = 200
#: Characters of a reason for one rejected event (the shipper wire's own bound).
REASON = 64
