"""Raw video: uncompressed frames in, enlarged frames out, in constant memory."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import BinaryIO

import numpy as np

from upscale_cli.errors import DamagedImageError
from upscale_cli.machine import available_cpus
from upscale_cli.pipeline import Upscaler
from upscale_cli.pixels import Pixels


def read_frames(stream: BinaryIO, width: int, height: int, channels: int = 3) -> Iterator[Pixels]:
    """Yield (height, width, channels) uint8 frames until the stream ends.

    Raises `DamagedImageError` when it ends inside a frame.
    """
    size = width * height * channels
    number = 0
    while data := _read_exactly(stream, size):
        if len(data) < size:
            raise DamagedImageError(
                f"frame {number + 1} of the raw video has {len(data)} of its {size} bytes",
                hint=f"check that frames are {width}x{height} with {channels} bytes per pixel (rgb24)",
            )
        yield np.frombuffer(data, np.uint8).reshape(height, width, channels)
        number += 1


def _read_exactly(stream: BinaryIO, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size and (part := stream.read(size - len(parts))):
        parts += part
    return bytes(parts)


def enlarge_frames(
    frames: Iterator[Pixels], upscaler: Upscaler, write: Callable[[memoryview], object]
) -> int:
    """Enlarge frames, several at a time, and write them in order; return how many there were.

    Frames that arrived whole before an error are written before it is raised; when ``write`` raises, no
    further tile is begun.
    """
    workers = upscaler.settings.threads or available_cpus()
    waiting: deque[Future[Pixels]] = deque()
    count = 0
    trouble: Exception | None = None
    stopped = threading.Event()

    def go_on(_: int) -> None:
        if stopped.is_set():
            raise CancelledError

    def enlarge(frame: Pixels) -> Pixels:
        return upscaler.enlarge(frame, on_tile=go_on, threads=1).pixels

    with ThreadPoolExecutor(workers) as pool:
        try:
            while True:
                try:
                    frame = next(frames, None)
                except Exception as error:
                    frame, trouble = None, error
                if frame is not None:
                    waiting.append(pool.submit(enlarge, frame))
                while waiting and (frame is None or len(waiting) > workers):
                    write(waiting.popleft().result().data)
                    count += 1
                if frame is None:
                    break
        except BaseException:  # Ctrl-C, or nobody reads any more: the frames at work are not waited for
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if trouble:
        raise trouble
    return count
