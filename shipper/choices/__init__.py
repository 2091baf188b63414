"""What happens seldom with a person's choice: saving it, the id that it is bound to, the notice.

The decision itself (`consent.decide`) and the reading of what is saved are on the recording path: `shipper.recording`.
"""
