"""The fusion network, its losses, its training and its export; needs torch."""

import importlib.util

if importlib.util.find_spec("torch") is None:
    raise ImportError(
        "the trainer needs torch, unlike the rest: pip install -c constraints.txt -e '.[train]'"
    )
