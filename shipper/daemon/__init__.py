"""`shipper run`: one small process that has every app's passes started when they are due, and does nothing else.

schedule decides what to start and when to look again, from values alone; spools reads those values from the disk;
passes starts, watches and ends the passes, each a program of its own; systemd is the way to speak with the manager and the
journal; loop waits, for the doorbell, a signal or the next due time, and for nothing else.
"""
