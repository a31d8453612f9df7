"""Reads the pictures of a training before it begins, so that their faults show at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from trainer.distributed import World
from trainer.pairs import (
    PairHash,
    Part,
    check_held_out,
    chosen,
    data_hash,
    find_parts,
    read_pair,
)
from trainer.pictures import PictureStore
from trainer.salience import FILTER_PICTURES, PatchSalience, Salience, WholeSalience
from trainer.saliency_cache import SaliencyCache
from trainer.screen import Screen
from trainer.settings import TrainSettings


@dataclass(frozen=True)
class Data:
    """What a training learns from and is judged by.

    Attributes:
        parts: training data.
        held_out: validation data; empty without.
        store: pictures of ``parts``.
        judged: pictures of ``held_out``; None without.
        hash: see `trainer.pairs.data_hash`.
        judged_on: the same of ``held_out``; None without.
    """

    parts: Sequence[Part]
    held_out: Sequence[Part]
    store: PictureStore
    judged: PictureStore | None
    hash: str
    judged_on: str | None


class Loader:
    """Finds the pairs when it is made, reads them when it is asked to.

    Args:
        settings: of the training.
        world: processes that share the reading.
        screen: shows how far it is.
        stop: asked after each picture.
    Raises:
        DataError: there is no usable data.
    """

    def __init__(
        self, settings: TrainSettings, world: World, screen: Screen, stop: Callable[[], bool]
    ) -> None:
        self.settings, self.world, self.screen, self.stop = settings, world, screen, stop
        self.parts = find_parts(settings.data)
        self.held_out = find_parts(settings.validation) if settings.validation else []

    def load(self) -> Data:
        """Read everything.

        Raises:
            DataError: a picture will not do, or is in both the training and the validation data.
            WriteError: the cache cannot be written.
            KeyboardInterrupt: asked to stop.
        """
        salience = self._salience()
        crops = [phase.crop for phase in self.settings.phases]
        store, hashes = self._read(self.parts, "training", salience, max(crops))
        if not self.held_out:
            return Data(self.parts, [], store, None, data_hash(self.parts, hashes), None)
        judged, judged_hashes = self._read(self.held_out, "validation", salience, crops[-1])
        check_held_out(store.pairs, hashes, judged.pairs, judged_hashes)
        return Data(
            *(self.parts, self.held_out, store, judged),
            data_hash(self.parts, hashes),
            data_hash(self.held_out, judged_hashes),
        )

    def _salience(self) -> Salience:
        cache = SaliencyCache(self.settings.cache)
        if self.settings.saliency == "whole":
            return WholeSalience(cache)
        pairs = chosen([pair for part in self.parts for pair in part.pairs], FILTER_PICTURES)
        pictures = []
        with self.screen.bar("filter of the saliency", len(pairs) + 1) as bar:
            for pair in pairs:
                pictures.append(read_pair(pair)[0])
                bar.advance()
                self._end_if_asked()
            learned = PatchSalience(pictures, cache)
            bar.advance()
        return learned

    def _read(
        self, parts: Sequence[Part], use: str, salience: Salience, crop: int
    ) -> tuple[PictureStore, dict[int, PairHash]]:
        """The processes share the work on missing saliency, and the hashes of the files."""
        pairs = [pair for part in parts for pair in part.pairs]
        for line in [line for part in parts for line in part.told(use)]:
            self.screen.say(line)
        store = PictureStore(pairs, salience, self.settings.memory_mib * 2**20, crop)
        mine = range(self.world.rank, len(pairs), self.world.size)
        with self.screen.bar("pictures and their saliency", len(mine)) as bar:
            for _ in store.load(mine, torch.get_num_threads()):
                bar.advance()
                self._end_if_asked()
        hashes: dict[int, PairHash] = {}
        for theirs in self.world.gather(store.hashes):
            hashes.update(theirs)
        return store, hashes

    def _end_if_asked(self) -> None:
        if self.stop():
            raise KeyboardInterrupt
