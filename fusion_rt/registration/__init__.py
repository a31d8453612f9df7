"""How the infrared picture is laid on the visible one, for a distance that may change."""
