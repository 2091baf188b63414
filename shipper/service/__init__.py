"""`shipper service`: the system's own service manager runs the daemon, or looks now and then whether anything is due.

`systems` says which manager a system has, and what each offers. systemd: `units` says which files go where and what they
hold, `systemctl` is how the user manager is spoken with, `systemd` puts the files in place, takes them away again and looks
how it goes. `launchd` and `task_scheduler` do the same on macOS and Windows, and were not run by us yet.
"""
