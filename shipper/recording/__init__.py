"""Recording: all that a host's process loads for an event, from the declaration to the line on disk.

Here belongs what runs in every invocation of an instrumented program, in small files; the wheel carries them fused into
one, because each file costs every host a tenth of a millisecond. Beside them, loaded only when they are needed: `debug`,
`platforms` (other systems, a first use), `questions` (for the receiver's page) and `value_names` (versions and error
classes). What a pass does with the disk is `shipper.spool`.
"""
