"""The fusion network, its losses, its training and its export; needs torch."""
