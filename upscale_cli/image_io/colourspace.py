"""libvips images of any colour kind as grey or RGB, with transparency where it is real."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from upscale_cli.errors import UnsupportedImageError
from upscale_cli.image_io import libvips, tiff
from upscale_cli.pixels import Pixels, peak

_PLAIN = ("srgb", "rgb16", "scrgb", "b-w", "grey16", "rgb", "multiband", "histogram")
_SAME = 3
"""Levels of 255 by which a profile's colours may be off and still pass for sRGB's."""


def to_rgb(image: Any, name: str, *, extra: tuple[int, ...] = ()) -> tuple[Any, list[str]]:
    """An image of 1 to 4 bands, uchar, ushort or float, and what had to be given up for it.

    Grey and RGB keep their numbers, and their profile is left to the result. CMYK goes through its own
    profile (a common one if it has none that fits) and Lab through its definition, both to sRGB.

    Args:
        extra: kinds of the channels beyond colour, as tiff.Page.extra tells them; () means transparency.

    Raises:
        UnsupportedImageError: samples or a colour space that are not handled.
    """
    notes = []
    kind = image.interpretation
    if image.format not in ("uchar", "ushort", "float") and kind != "labs":
        words = libvips.DTYPES.get(image.format, "complex")
        raise UnsupportedImageError(
            f"{name}: its samples are of the kind {words}, which is not supported",
            hint="convert it to 8 or 16 bits per channel first",
        )
    deep = image.format != "uchar" and kind != "lab"  # of_lab_bytes makes floats of 8 bits
    colours = {"cmyk": 4, "lab": 3, "labs": 3, "xyz": 3}.get(kind, 3 if image.bands >= 3 else 1)
    image, lost = _without_extras(image, colours, extra)
    if lost:
        notes.append(f"{lost} extra channel{'s' * (lost > 1)} left out")
    if kind == "cmyk":
        image = image.icc_transform("srgb", embedded=True, input_profile="cmyk", depth=16 if deep else 8)
        notes.append("CMYK converted to sRGB")
    elif kind in ("lab", "labs"):  # as in ICC profiles, that is, for D50
        image = image.icc_export(output_profile="srgb", depth=16 if deep else 8)
        notes.append("Lab converted to sRGB")
    elif kind not in _PLAIN:
        image = image.colourspace("rgb16" if deep else "srgb")
        notes.append(f"{kind.upper()} converted to sRGB")
    return image, notes


def of_lab_bytes(image: Any) -> Any:
    """8-bit Lab read as if it were RGB (L* over 0 to 255, a* and b* signed) as the Lab that it is."""
    signed = (image > 127).ifthenelse(image - 256, image)
    lab = (image[0] * (100 / 255)).bandjoin(
        [signed[1], signed[2], *(image[i] for i in range(3, image.bands))]
    )
    return lab.cast("float").copy(interpretation="lab")


def of_ycbcr(image: Any, weights: tuple[float, ...], reference: tuple[float, ...]) -> Any:
    """8-bit YCbCr read as if it were RGB, as the RGB that it stands for (TIFF 6.0, section 21).

    Args:
        weights, reference: as tiff.Page.ycbcr tells them.
    """
    red, green, blue = weights
    none, full = reference[::2], reference[1::2]
    scales = [top / (b - a) for a, b, top in zip(none, full, (255, 127, 127), strict=True)]
    scaled = image.linear(scales, [-a * scale for a, scale in zip(none, scales, strict=True)])
    of_cb, of_cr = 2 - 2 * blue, 2 - 2 * red
    matrix = [[1, 0, of_cr], [1, -of_cb * blue / green, -of_cr * red / green], [1, of_cb, 0]]
    return scaled.recomb(matrix).rint().cast("uchar").copy(interpretation="srgb")


def is_srgb(profile: bytes, *, greys: bool = False) -> bool:
    """Whether numbers mean the same colours by an ICC profile as in sRGB; also if it cannot be used.

    Args:
        greys: ask for equal numbers in all channels only.
    """
    channels = 1 if profile[16:20] == b"GRAY" else 3
    levels = np.arange(0, 256, 51, dtype=np.uint8)
    grid = [levels] * channels if greys else np.meshgrid(*[levels] * channels)
    numbers = np.stack(grid, axis=-1).reshape(1, -1, channels)
    image = libvips.image_of(numbers)
    image.set_type(libvips.BLOB, "icc-profile-data", profile)
    try:
        colours = image.icc_transform("srgb", embedded=True).numpy()
    except libvips.Error:
        return True
    return bool((np.abs(colours.reshape(1, -1, 3) - numbers.astype(int)) <= _SAME).all())


def greys(profile: bytes, dtype: npt.DTypeLike) -> Pixels | None:
    """What each level of grey by an ICC profile is in sRGB; None if it is the same, or cannot be told."""
    if is_srgb(profile):
        return None
    levels = np.arange(peak(np.dtype(dtype)) + 1).astype(dtype)
    image = libvips.image_of(levels.reshape(1, -1, 1))
    image.set_type(libvips.BLOB, "icc-profile-data", profile)
    table: Pixels = image.icc_transform("srgb", embedded=True, depth=8 * levels.itemsize).numpy()[0, :, 0]
    return table


def _without_extras(image: Any, colours: int, extra: tuple[int, ...]) -> tuple[Any, int]:
    """`image` with at most one channel beyond its colours, its transparency; how many were dropped."""
    beyond = image.bands - colours
    keep = 0 if extra and extra[0] == tiff.UNSPECIFIED else 1
    if beyond <= keep:
        return image, 0
    return image.extract_band(0, n=colours + keep), beyond - keep
