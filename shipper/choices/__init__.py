"""What happens seldom with a person's choice: saving it, the id that it is bound to, the notice, the question.

The decision itself (`consent.decide`) and the reading of what is saved are on the recording path: `shipper.recording`.
"""

#: Ends the name of the file that says when an app's question was asked, and what was answered. It is asked once.
INVITED = ".invited"
