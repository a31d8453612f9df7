"""The verdict of a soak test, for people."""

from __future__ import annotations

from typing import Any


def say(figures: dict[str, Any]) -> bool:
    """Print the verdict; returns whether all went well."""
    slopes = figures["slopes"]
    for key, slope in slopes.items():
        print(f"{key}: {slope['words']}")
    for name, fault in figures["faults"].items():
        never = fault["never_good_again"]
        print(f"{name}: {fault['times']} times, good again after {fault['good_again_s']} s", end="")
        print(f", NOT good again {never} times" if never else "")
    lost = figures["unaccounted"]
    print(f"frames unaccounted for: {lost}; most in flight: {figures['in_flight_most']}")
    print(f"reconnects: {figures['reconnects']}; seconds in health: {figures['health_seconds']}")
    print(f"exit code {figures['exit_code']} after {figures['seconds']} s")
    grows = [key for key, slope in slopes.items() if slope["words"].startswith("GROWS")]
    stuck = any(fault["never_good_again"] for fault in figures["faults"].values())
    well = not (grows or stuck or figures["exit_code"] or lost is None or any(lost.values()))
    undecided = [key for key, slope in slopes.items() if "undecided" in slope["words"]]
    if not well:
        print("NOT all went well, see above")
    elif undecided:
        print(f"nothing went wrong; too short to be sure of {', '.join(undecided)}")
    else:
        print("all went well")
    return well
