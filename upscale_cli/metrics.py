"""How close two pictures are: PSNR and SSIM, on luma as the super-resolution literature measures them.

The literature's recipe, which :func:`compare_luma` follows: both pictures as 8 bit, their luma as in
MATLAB's ``rgb2ycbcr`` (BT.601, studio range 16 to 235), a border of as many pixels as the scale left out,
then PSNR with a peak of 255 and SSIM as its authors published it.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Plane: TypeAlias = npt.NDArray[Any]

_STUDIO = np.array([65.481, 128.553, 24.966])


def studio_luma(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Luma of an 8-bit picture, BT.601 studio range, 16.0 for black to 235.0 for white.

    Takes ``(H, W, 3)`` RGB, and grey as ``(H, W, 1)`` or ``(H, W)``, which means R = G = B: a grey picture
    scores the same whether its file stores one channel or three. Gives ``(H, W)`` float64, the values that
    MATLAB's ``rgb2ycbcr`` computes before it rounds them: rounding luma, too, would cost 0.03 dB at 34 dB.
    """
    if pixels.dtype != np.uint8:
        raise ValueError(f"studio_luma takes 8-bit pixels, not {pixels.dtype}")
    if pixels.ndim == 3 and pixels.shape[2] == 3:
        luma: npt.NDArray[np.float64] = 16.0 + pixels.astype(np.float64) @ _STUDIO / 255
        return luma
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    if pixels.ndim != 2:
        raise ValueError(f"studio_luma takes grey or RGB, not an array of shape {pixels.shape}")
    return pixels.astype(np.float64) * (219 / 255) + 16.0


def crop_border(pixels: Plane, border: int) -> Plane:
    """``pixels`` without ``border`` rows and columns on each side; ValueError where nothing would be left."""
    if border < 0 or 2 * border >= min(pixels.shape[:2]):
        raise ValueError(f"a border of {border} leaves nothing of {pixels.shape[1]}x{pixels.shape[0]} pixels")
    return pixels[border : pixels.shape[0] - border, border : pixels.shape[1] - border]


def psnr(a: Plane, b: Plane, *, data_range: float = 255.0) -> float:
    """Peak signal-to-noise ratio in dB over all elements; ``inf`` for equal arrays."""
    _check_same(a, b)
    error = float(np.mean(np.square(a.astype(np.float64) - b.astype(np.float64))))
    return 10 * math.log10(data_range**2 / error) if error else math.inf


def ssim(a: Plane, b: Plane, *, data_range: float = 255.0) -> float:
    """Mean structural similarity of two ``(H, W)`` planes, 1.0 for equal ones.

    Windows of 11x11 with Gaussian weights (sigma 1.5), K1 = 0.01, K2 = 0.03, and only where the window lies
    wholly inside: Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to
    structural similarity", IEEE Trans. Image Processing 13 (2004), doi:10.1109/TIP.2003.819861.
    scikit-image gives the same with ``gaussian_weights=True, sigma=1.5, use_sample_covariance=False``.
    """
    _check_same(a, b)
    if a.ndim != 2 or min(a.shape) < 11:
        raise ValueError(f"SSIM needs planes of at least 11x11 pixels, not an array of shape {a.shape}")
    x, y = a.astype(np.float64), b.astype(np.float64)
    mean_x, mean_y = _window_mean(x), _window_mean(y)
    var_x = _window_mean(x * x) - mean_x * mean_x
    var_y = _window_mean(y * y) - mean_y * mean_y
    covariance = _window_mean(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    similarity = ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)) / (
        (mean_x * mean_x + mean_y * mean_y + c1) * (var_x + var_y + c2)
    )
    return float(np.mean(similarity))


def compare_luma(
    result: npt.NDArray[np.uint8], original: npt.NDArray[np.uint8], *, border: int
) -> tuple[float, float]:
    """PSNR (dB) and SSIM of two 8-bit pictures of one shape, on luma.

    ``border`` pixels are left out on each side. SSIM is NaN where less than 11x11 pixels are left.
    """
    x, y = (crop_border(studio_luma(pixels), border) for pixels in (result, original))
    return psnr(x, y), ssim(x, y) if min(x.shape) >= 11 else math.nan


def _window_mean(plane: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    kernel = cv2.getGaussianKernel(11, 1.5, cv2.CV_64F)
    mean = cv2.sepFilter2D(plane, cv2.CV_64F, kernel, kernel)
    inside: npt.NDArray[np.float64] = crop_border(mean, 5)
    return inside


def _check_same(a: Plane, b: Plane) -> None:
    if a.shape != b.shape:
        raise ValueError(f"pictures of one size can be compared, not {a.shape} with {b.shape}")
