"""How an invocation that finds a pass due gets one started: the doorbell of a running daemon, else a process of its own.

Here belongs what an invocation does after the lock is released. What the started process does is `shipper.flusher`.
"""

from shipper.wakeup.spawn import request_pass, start_pass, tell_daemon

__all__ = ["request_pass", "start_pass", "tell_daemon"]
