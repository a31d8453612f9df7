"""How found cameras are shown: to people, and as data."""

from __future__ import annotations

from typing import Any

from rich.table import Table
from rich.text import Text

from ..sources.v4l2.choice import rate_text
from ..sources.v4l2.offers import FormatOffer, SizeOffer
from ..sources.v4l2.survey import FoundCamera, Survey
from ..sources.v4l2.thermal_clues import Judgement, Verdict, driverless, judge
from ..terminal import console, say
from .sources_advice import advice
from .sources_proposal import propose

_COLORS = {Verdict.THERMAL: "bold red", Verdict.MAYBE: "red", Verdict.VISIBLE: "green"}


def show(found: Survey) -> None:
    """Print the cameras, each with its formats and the reasons, and what to do next."""
    for camera in found.cameras:
        _show_camera(camera, judge(camera))
        say("")
    for device, name in driverless(found.usb):
        say(f"USB {device.port}: {name}, {device.ids}: no video driver speaks to it")
    if found.others:
        say(f"of no use here: {', '.join(node.path for node in found.others)} (no pictures)")
    for line in (*advice(found), *propose(found).lines):
        say(line)


def as_data(found: Survey) -> dict[str, Any]:
    """The same as plain data: keys cameras, without_driver, other_nodes, advice, config."""
    return {
        "cameras": [_camera_data(camera, judge(camera)) for camera in found.cameras],
        "without_driver": [
            {"usb": device.ids, "port": device.port, "name": name}
            for device, name in driverless(found.usb)
        ],
        "other_nodes": [node.path for node in found.others],
        "advice": list(advice(found)),
        "config": propose(found).config,
    }


def _show_camera(camera: FoundCamera, judged: Judgement) -> None:
    verdict = Text(judged.verdict.value, style=_COLORS.get(judged.verdict, ""))
    console.print(Text.assemble(Text(camera.node.path, style="bold"), "  ", verdict))
    # The name is for copying: never broken by this program.
    if camera.node.lasting_name != camera.node.path:
        say(f"  v4l2:{camera.node.lasting_name}")
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(min_width=6)
    table.add_column(overflow="fold")
    for name, text in _facts(camera, judged):
        table.add_row(f"  {name}", text)
    console.print(table)


def _facts(camera: FoundCamera, judged: Judgement) -> list[tuple[str, str]]:
    facts = [("name", camera.name or "unknown"), ("bus", _bus_words(camera))]
    facts += [(offer.text, _sizes_words(offer)) for offer in camera.offers if offer.readable]
    if others := [offer.text for offer in camera.offers if not offer.readable]:
        facts.append(("other", f"{', '.join(others)}: cannot be read here"))
    if camera.remedy:
        facts.append(("do", camera.remedy))
    labels = ["why", *[""] * (len(judged.reasons) - 1)]
    return facts + list(zip(labels, judged.reasons, strict=True))


def _bus_words(camera: FoundCamera) -> str:
    usb, card = camera.node.usb, camera.card
    parts = [card.bus] if card else []
    if usb is not None:
        parts.append(f"USB {usb.ids}")
        parts += [f"serial {usb.serial}"] if usb.serial else []
        parts += [f"{usb.mbps:g} Mbit/s"] if usb.mbps else []
    return ", ".join([*parts, *([card.driver] if card else [])]) or "unknown"


def _sizes_words(offer: FormatOffer) -> str:
    """Sizes by their rates, for instance "640x480, 320x240 at 5 to 30 fps; 1280x720 at 10 fps"."""
    by_rate: dict[str, list[str]] = {}
    for size in offer.sizes:
        by_rate.setdefault(_rates_words(size), []).append("{}x{}".format(*size.size_wh))
    words = [f"{', '.join(sizes)} {rate}".rstrip() for rate, sizes in by_rate.items()]
    if offer.range is not None:
        words.append("any from {}x{} to {}x{}".format(*offer.range.least_wh, *offer.range.most_wh))
    return "; ".join(words) or offer.description or "no sizes are told"


def _rates_words(size: SizeOffer) -> str:
    if not size.rates:
        return ""
    fastest, slowest = rate_text(size.rates[0]), rate_text(size.rates[-1])
    return f"at {fastest} fps" if fastest == slowest else f"at {slowest} to {fastest} fps"


def _camera_data(camera: FoundCamera, judged: Judgement) -> dict[str, Any]:
    usb = camera.node.usb
    return {
        "path": camera.node.path,
        "uri": f"v4l2:{camera.node.lasting_name}",
        "name": camera.name,
        "driver": camera.card.driver if camera.card else None,
        "bus": camera.card.bus if camera.card else None,
        "by_id": list(camera.node.by_id),
        "by_path": list(camera.node.by_path),
        "usb": None
        if usb is None
        else {
            "ids": usb.ids,
            "maker": usb.maker,
            "model": usb.model,
            "serial": usb.serial or None,
            "mbps": usb.mbps,
            "port": usb.port,
        },
        "verdict": judged.verdict.value,
        "score": judged.score,
        "reasons": list(judged.reasons),
        "fault": camera.fault or None,
        "remedy": camera.remedy or None,
        "formats": [_offer_data(offer) for offer in camera.offers],
    }


def _offer_data(offer: FormatOffer) -> dict[str, Any]:
    limits = offer.range
    return {
        "format": offer.text,
        "description": offer.description,
        "readable": offer.readable is not None,
        "sizes": [
            {
                "size": "{}x{}".format(*size.size_wh),
                "fps": [round(float(rate), 3) for rate in size.rates],
                "any_rate_between": size.any_rate,
            }
            for size in offer.sizes
        ],
        "range": None
        if limits is None
        else {
            "least": "{}x{}".format(*limits.least_wh),
            "most": "{}x{}".format(*limits.most_wh),
            "step": "{}x{}".format(*limits.step_wh),
        },
    }
