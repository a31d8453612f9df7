"""The offset and drift between the clocks of two cameras, from what moves in both."""
