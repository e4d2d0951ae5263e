"""Duplicates: what survives resizing and recompression is one picture, what merely resembles is not."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage import data

from upscale_cli.duplicates import NEAR, Duplicate, Facts, fingerprint, split_duplicates

PHOTOS = {
    "astronaut": data.astronaut(),
    "coffee": data.coffee(),
    "cat": data.chelsea(),
    "rocket": data.rocket(),
    "camera": data.camera()[:, :, None],
}


def distance(a: np.ndarray, b: np.ndarray) -> int:
    return int(np.unpackbits(fingerprint(a) ^ fingerprint(b)).sum())


def resized(pixels: np.ndarray, factor: float) -> np.ndarray:
    small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return small.reshape(*small.shape[:2], pixels.shape[2])


def saved_again(pixels: np.ndarray) -> np.ndarray:
    _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 60])
    again = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    return again.reshape(pixels.shape)


def brighter(pixels: np.ndarray) -> np.ndarray:
    return np.clip(pixels * 0.8 + 20, 0, 255).astype(np.uint8)


def coloured(pixels: np.ndarray) -> np.ndarray:
    return np.repeat(pixels[:, :, :1], 3, axis=2) if pixels.shape[2] == 1 else pixels


@pytest.mark.parametrize("change", [lambda p: resized(p, 0.4), saved_again, brighter, coloured])
@pytest.mark.parametrize("name", PHOTOS)
def test_the_same_picture_stays_near(name, change) -> None:
    assert distance(PHOTOS[name], change(PHOTOS[name])) <= NEAR // 2


def test_strangers_mirrors_and_other_crops_are_far() -> None:
    photos = list(PHOTOS.values())
    for i, a in enumerate(photos):
        assert distance(a, a[:, ::-1]) > 2 * NEAR
        assert distance(a[:300, :300], a[-300:, -300:]) > 2 * NEAR
        for b in photos[:i]:
            assert distance(a, b) > 2 * NEAR


def facts(name: str, pixels: int, digest: str, bits: list[int]) -> Facts:
    fingerprint = np.zeros(256, np.uint8)
    fingerprint[bits] = 1
    return Facts(Path(name), pixels, digest, np.packbits(fingerprint))


def test_the_largest_of_each_group_is_kept() -> None:
    one, other = list(range(60)), list(range(150, 220))
    kept, duplicates = split_duplicates(
        [
            facts("thumbnail", 10, "t", [*one, *range(60, 60 + NEAR)]),
            facts("copy", 100, "a", one),
            facts("another", 50, "b", other),
            facts("big", 100, "a", one),
            facts("stranger", 50, "c", [*one, *range(60, 60 + NEAR + 1)]),
        ]
    )
    assert [str(one.source) for one in kept] == ["big", "another", "stranger"]
    assert duplicates[0] == Duplicate(Path("copy"), Path("big"), exact=True)
    assert duplicates[1].source == Path("thumbnail") and not duplicates[1].exact
    assert split_duplicates([]) == ([], [])
