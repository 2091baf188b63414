"""What a pass does with the disk. Here stand the format on disk and the invariants that the code keeps.

Names on disk are states. There is no index, no offset and no second file that must agree with a first: who reads
the folder knows all there is to know, and whoever dies leaves a state that the next one can finish.

    <state>/shipper/apps/<app>/
      app.json                  the manifest that the app wrote: endpoint, wire, limits, policy, catalog
      spool.lock                held by who appends, seals, claims, evicts or empties
      active.ndjson             lines appended by CLI invocations
      sealed/<segment>.ndjson   waiting; never changed again
      sending/<segment>.ndjson  claimed by the running pass
      held/active.ndjson  held/<segment>.ndjson      recorded in mode `local`; no pass reads it
      deferred/<segment>.ndjson                      waiting for a receiver that knows the events; tried once a day
      deferred/<segment>.<time>                      empty: since when that segment has been deferred
      held/because              why it was put there, where no mode says it: DO_NOT_TRACK was set in a shell
      unconfirmed/<segment>     empty: that segment was sent, and no answer says that its events did not arrive
      overflow/<n>.ndjson  overflow/held-<n>.ndjson  overflow/<n>.lock     lines of writers that did not get spool.lock
      quarantine/<segment>.<lines>                   refused or unreadable lines; `.new` while being counted
      returning/<segment>/                           quarantine files on their way back into a segment of that name
      lost/<who>.<reason>.<count>                    losses not yet told to the receiver: the name is the count
      lost/<segment>/           losses being written into the losses segment of that name
      tmp/                      not yet complete; older than a day is rubbish
      flusher.lock              one pass at a time
      due                       not-before and next-due, Unix seconds
      rung                      empty: somebody rang for a pass, and none has begun since
      journal.json              what passes remember of each other; may be lost without harm
      history.ndjson            one line per delivered batch
      deletions/<old id>        deletion requests not yet acknowledged
    <state>/shipper/compiled/<00 to 63>     declarations of shell scripts, as `shipper record -c` read them; may be lost

    <segment>   `20261123T100000123Z-1f2e3d4c`: UTC time to the millisecond, eight random hex digits. A losses segment
                has `-losses` after the time. Names sort by age; a segment's name is the idempotency key of its batch.
    <lines>     `7` or, for a run of unreadable lines, `7-9`: line numbers in the segment, from 1. The file's first
                line is JSON (reason, detail, time), everything after it the raw bytes. An empty file keeps the place
                of lines that were dropped or accepted while their segment still waits: they are neither sent again nor
                counted when a bound removes it.
    <who>       `<segment>` for a segment that went whole, `<segment>.7-7` for a line; two joined by `+` is a merge of
                two counts under way, named after both and holding their sum.
    <reason>    full, old (the segment went by a bound); damaged, rejected, too-large (the line is in quarantine);
                recovered (that many counted ones left quarantine and wait again: they are taken off the sum)

The invariants. Each has a test that fails without the code that keeps it; the code names it by number.

S1   When `record()` has returned True the whole line is with the kernel, so the death of the process loses nothing.
     Under durability "power-loss" it is on the disk as well, and so is every folder entry made on the way. In the
     default mode nobody but a pass ever waits for a sync: it syncs what it claims.
S2   A line is never split, merged or interleaved with another. The file is opened after the lock is taken and closed
     before it is released. A line is one write; a short one is taken back; what a killed writer left behind is closed
     off with a newline, so that only it is unreadable.
S3   A sealed segment never changes, keeps its name for ever, and holds at most 256 KiB and 1,000 lines. Only a writer
     who has to seal a full one looks at the bounds. A new name is never smaller than the largest present.
S4   A segment goes only when each of its lines is accepted or in quarantine, or by a bound (S8), or with its owner's
     consent (S6).
S5   One pass per app at a time. Locks are the kernel's, opened for each use, released by unlocking, ended by their
     holder's death; their files stay. A pass claims by a rename from sealed/ to sending/, and first puts back what a
     dead pass left in sending/.
S6   Without consent nothing leaves. In mode `local` lines go to held/. `off` empties everything that holds an event,
     and whoever comes next under `off` empties again first.
S7   Every event that will not be delivered is counted once, by reason, and the counts are delivered, as an event of
     their own named `shipper.losses` in a segment that no bound removes and no refusal sets aside. Each step is finished
     by the next pass if this one dies.
S8   The spool is bounded in bytes, days and files, quarantine and history included. What has to go is the oldest
     segment that no pass has in hand, by one rename into lost/. A segment that may have arrived (unconfirmed/) goes after
     all others and is sent before them: what is counted as lost has not arrived as well.
S9   A clock that jumps costs nothing: no wait read from disk is longer than a day, and a segment goes for its age
     only if a pass at least a day ago already found it too old.
S10  Folders are 0700 and files 0600; no link is followed from the folder `shipper` downwards; what is another
     person's is refused.
S11  Where the home is read-only, full, missing or another's, recording silently does nothing, within 50 ms.
S12  A writer waits for the lock at most 50 ms in the life of its process. Who did not get it appends to the first of four
     files in overflow/ whose lock is free, and looks at the bounds when it begins one; it never evicts. Who gets none of
     them writes a segment of its own in tmp/ and renames it into sealed/.
S13  fork, threads and exec neither double nor lose an event: ids and sessions are drawn from the system's randomness,
     the session again in every new process.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from shipper.spool.spool import Spool

__all__ = ["Spool"]


def __getattr__(name: "str") -> "object":
    # A writer that seals imports shipper.spool.segments and must not pay for what only a pass needs.
    if name == "Spool":
        from shipper.spool.spool import Spool

        return Spool
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
