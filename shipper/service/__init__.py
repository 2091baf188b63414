"""`shipper service`: the person's own systemd runs the daemon, or looks now and then whether anything is due.

units says which files go where and what they hold, systemctl is how the user manager is spoken with, and steps puts the
files in place, takes them away again and looks how it goes.
"""
