"""Rows that libvips reads while they are made: the same picture, the producer's own errors, no deadlock."""

import threading
import time

import numpy as np
import pytest

from tests.conftest import draw
from upscale_cli.image_io import libvips
from upscale_cli.image_io.decode import to_array
from upscale_cli.image_io.stream import RowStream, save_while_made


def bands_of(picture, rows=7):
    return (picture[top : top + rows] for top in range(0, len(picture), rows))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (16, 5), (33, 1), (1, 300), (301, 77)])
def test_the_picture_arrives_as_it_is(size, channels, dtype):
    picture = draw(*size, channels, dtype)
    arrived = []
    save_while_made(
        lambda stream: arrived.append(stream.image()) or arrived.append(to_array(arrived[0])),
        bands_of(picture),
        picture.shape,
        dtype,
    )
    np.testing.assert_array_equal(arrived[1], picture)
    plain = libvips.image_of(picture)
    assert arrived[0].interpretation == plain.interpretation
    assert set(arrived[0].get_fields()) - set(plain.get_fields()) == {"vips-sequential"}


def test_rows_are_asked_for_in_order_and_while_they_are_made():
    picture = draw(2000, 300)
    ahead = []

    def bands():
        for number, band in enumerate(bands_of(picture, 10)):
            ahead.append(10 * number - read[0])
            yield band

    def save(stream):
        plain = stream._read

        def counting(size):
            data = plain(size)
            if stream.begun:
                read[0] += len(data) / 900
            return data

        stream._read = counting
        stream.image().jpegsave_buffer()

    read = [0]
    save_while_made(save, bands(), picture.shape, np.uint8)
    assert read[0] == 2000
    assert max(ahead) <= 40


@pytest.mark.parametrize("error", [ZeroDivisionError("no"), KeyboardInterrupt()])
@pytest.mark.parametrize("after", [0, 1, 5])
def test_the_producer_s_error_arrives_as_itself(error, after):
    picture = draw(70, 50)
    ended = threading.Event()

    def bands():
        for number, band in enumerate(bands_of(picture)):
            if number == after:
                raise error
            yield band

    def save(stream):
        try:
            stream.image().pngsave_buffer()
        finally:
            ended.set()

    with pytest.raises(type(error)) as caught:
        save_while_made(save, bands(), picture.shape, np.uint8)
    assert caught.value is error
    assert ended.is_set()


def test_a_producer_that_stops_short():
    picture = draw(70, 50)
    with pytest.raises(libvips.Error):
        save_while_made(
            lambda stream: stream.image().pngsave_buffer(), [picture[:40]], picture.shape, np.uint8
        )


@pytest.mark.parametrize("reads", [False, True])
def test_an_encoder_that_gives_up_stops_the_producer(reads):
    made = []

    def bands():
        for _ in range(10_000):
            made.append(1)
            yield np.zeros((10, 50, 3), np.uint8)

    def save(stream):
        if reads:
            stream.image().crop(0, 0, 50, 100).avg()
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        save_while_made(save, bands(), (100_000, 50, 3), np.uint8)
    assert len(made) < 100


def test_a_reader_that_goes_back_finds_nothing():
    stream = RowStream((40, 50, 3), np.uint8)
    assert stream.put(np.zeros((20, 50, 3), np.uint8))
    start = stream._end - 40 * 150
    assert stream._seek(start, 0) == start
    assert len(stream._read(10**6)) == 3000
    assert stream.put(np.ones((20, 50, 3), np.uint8))
    stream._seek(start, 0)
    assert stream._read(10) is None
    assert bytes(stream._read(10) or b"") == b""
    assert stream._seek(0, 2) == stream._end
    assert stream._read(10) is None


def test_nobody_waits_once_it_is_closed():
    stream = RowStream((40, 50, 3), np.uint8)
    rows = np.zeros((10, 50, 3), np.uint8)
    assert stream.put(rows) and stream.put(rows)
    threading.Timer(0.1, stream.close).start()
    started = time.monotonic()
    assert not stream.put(rows)
    assert time.monotonic() - started < 5
