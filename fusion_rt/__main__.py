"""``python -m fusion_rt``."""

from .cli import main

main()
