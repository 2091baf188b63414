"""What a person is told and can do: the notice, the debug output, the public page, forgetting, and the findings."""
