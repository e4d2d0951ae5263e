import io
import time

import numpy as np
import pytest

from tests.conftest import draw
from upscale_cli.errors import DamagedImageError
from upscale_cli.pipeline import Settings, Upscaler
from upscale_cli.raw import enlarge_frames, read_frames
from upscale_cli.upscaler import Enlarged

FRAMES = [draw(6, 8, seed=seed) for seed in range(7)]


class Trickle(io.RawIOBase):
    """A pipe that gives a few bytes at a time."""

    def __init__(self, data):
        self.rest = io.BytesIO(data)

    def readable(self):
        return True

    def read(self, size=-1):
        return self.rest.read(min(size, 50))


def test_frames_are_read_whole_from_a_slow_pipe():
    data = b"".join(frame.tobytes() for frame in FRAMES)
    for frame, wanted in zip(read_frames(Trickle(data), 8, 6), FRAMES, strict=True):
        np.testing.assert_array_equal(frame, wanted)


def test_a_stream_that_ends_inside_a_frame():
    frames = read_frames(io.BytesIO(FRAMES[0].tobytes() + b"x" * 10), 8, 6)
    next(frames)
    with pytest.raises(DamagedImageError, match=r"frame 2 .* 10 of its 144 bytes"):
        next(frames)


@pytest.mark.parametrize("threads", [1, 3])
def test_frames_come_out_in_order(threads):
    upscaler = Upscaler(Settings(model="bicubic", threads=threads))
    written = []
    assert enlarge_frames(iter(FRAMES), upscaler, lambda data: written.append(bytes(data))) == 7
    assert written == [upscaler(frame).tobytes() for frame in FRAMES]


def test_whole_frames_before_an_error_are_written():
    upscaler = Upscaler(Settings(model="bicubic", threads=2))
    written = []
    stream = io.BytesIO(b"".join(frame.tobytes() for frame in FRAMES[:3]) + b"x")
    with pytest.raises(DamagedImageError):
        enlarge_frames(read_frames(stream, 8, 6), upscaler, written.append)
    assert len(written) == 3


def test_no_more_frames_are_in_memory_than_are_worked_on():
    upscaler = Upscaler(Settings(model="bicubic", threads=2))
    read, written, most = [0], [0], [0]

    def frames():
        for _ in range(40):
            read[0] += 1
            most[0] = max(most[0], read[0] - written[0])
            yield FRAMES[0]

    def write(_):
        written[0] += 1

    enlarge_frames(frames(), upscaler, write)
    assert written[0] == 40
    assert most[0] <= 4


def test_an_empty_stream_is_no_frames():
    assert enlarge_frames(read_frames(io.BytesIO(b""), 8, 6), Upscaler(Settings(model="bicubic")), print) == 0


def test_frames_at_work_are_given_up_when_nobody_reads():
    tiles = []

    class Slow:
        settings = Settings(threads=2)

        def enlarge(self, frame, *, on_tile, threads):
            if frame is not FRAMES[0]:
                while len(tiles) < 1000:
                    time.sleep(0.01)
                    on_tile(1)
                    tiles.append(1)
            return Enlarged(frame, 40.0)

    def write(_):
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        enlarge_frames(iter(FRAMES), Slow(), write)
    assert len(tiles) < 1000
