"""The story of `shipper demo`: `wunderctl` is a small instrumented tool, `story` uses it and checks every promise."""
