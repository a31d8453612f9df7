"""What each sub-command of ``fusion-rt`` does; `fusion_rt.cli` only parses and calls."""
