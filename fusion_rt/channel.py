"""Bounded hand-over between two threads, with a stated policy for what does not fit."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, Literal, TypeVar

T = TypeVar("T")
Policy = Literal["block", "latest"]


class ChannelClosed(Exception):
    """The reader is gone; nobody will take what the writer puts."""


class Channel(Generic[T]):
    """First in, first out, never more than ``capacity`` items.

    ``block``: a full channel makes the writer wait, nothing is lost (recordings).
    ``latest``: a full channel gives up its oldest item, which is handed back to the writer to be
    counted (live cameras).
    """

    def __init__(
        self, capacity: int, policy: Policy, changed: threading.Condition | None = None
    ) -> None:
        """Make an empty channel.

        Args:
            capacity: most items held, 1 or more.
            policy: what happens when it is full.
            changed: condition shared with other channels, so that one reader can wait for
                whichever of them moves first; its own when None.
        """
        self.changed = changed or threading.Condition()
        self._capacity = capacity
        self._policy = policy
        self._items: deque[T] = deque()
        self._ended = False
        self._closed = False

    def put(self, item: T) -> T | None:
        """Hand over ``item``; returns the item that had to give way, if any.

        Raises:
            ChannelClosed: the reader has closed the channel; ``item`` was not taken.
        """
        with self.changed:
            if self._policy == "block":
                self.changed.wait_for(lambda: self._closed or len(self._items) < self._capacity)
            if self._closed:
                raise ChannelClosed
            overwritten = self._items.popleft() if len(self._items) >= self._capacity else None
            self._items.append(item)
            self.changed.notify_all()
            return overwritten

    def get(self, timeout_s: float) -> T | None:
        """The oldest item; None when ``timeout_s`` passes, or at once when nothing will come."""
        with self.changed:
            self.changed.wait_for(lambda: self.readable or self.exhausted, timeout_s)
            return self.take()

    def take(self) -> T | None:
        """The oldest item if there is one now. For readers that hold ``changed`` themselves."""
        with self.changed:
            if not self._items:
                return None
            item = self._items.popleft()
            self.changed.notify_all()
            return item

    def wake(self) -> None:
        """Make writer and reader look again at what they wait for beside this channel."""
        with self.changed:
            self.changed.notify_all()

    def end(self) -> None:
        """The writer has nothing more; what is inside can still be read."""
        with self.changed:
            self._ended = True
            self.changed.notify_all()

    def close(self) -> list[T]:
        """The reader stops: wakes the writer and returns what was never read."""
        with self.changed:
            self._closed = True
            unread = list(self._items)
            self._items.clear()
            self.changed.notify_all()
            return unread

    @property
    def readable(self) -> bool:
        """Whether an item is waiting."""
        return bool(self._items)

    @property
    def exhausted(self) -> bool:
        """Whether nothing is waiting and nothing will come."""
        return not self._items and (self._ended or self._closed)
