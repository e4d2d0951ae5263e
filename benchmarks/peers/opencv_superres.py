"""Enlarge pictures with a network of OpenCV's dnn_superres (opencv-contrib-python-headless).

    opencv_superres.py MODEL.pb SOURCE TARGET      one picture
    opencv_superres.py MODEL.pb                    "source<TAB>target" lines on stdin, seconds on stdout

MODEL.pb is named as its authors do: FSRCNN_x2.pb, FSRCNN-small_x2.pb, ESPCN_x4.pb, LapSRN_x2.pb.
"""

import sys
import time
from pathlib import Path

import cv2


def main() -> None:
    model, *files = sys.argv[1:]
    name, scale = Path(model).stem.split("_x")
    network = cv2.dnn_superres.DnnSuperResImpl_create()
    network.readModel(model)
    network.setModel(name.split("-")[0].lower(), int(scale))
    for source, target in [files] if files else (line.rstrip("\n").split("\t") for line in sys.stdin):
        pixels = cv2.imread(source)
        start = time.perf_counter()
        large = network.upsample(pixels)
        seconds = time.perf_counter() - start
        cv2.imwrite(target, large)  # JPEG: quality 95
        print(seconds, flush=True)


main()
