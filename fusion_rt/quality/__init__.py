"""How good a fused picture is, in figures; numpy and OpenCV only."""
