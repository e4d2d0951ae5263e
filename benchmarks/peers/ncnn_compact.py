"""Enlarge pictures 4 times with Real-ESRGAN's compact network in ncnn on the CPU.

ncnn_compact.py NAME.param NAME.bin            "source<TAB>target" lines on stdin, seconds on stdout
"""

import os
import sys
import time

import cv2
import ncnn
import numpy as np


def main() -> None:
    param, weights = sys.argv[1:]
    network = ncnn.Net()
    network.opt.use_vulkan_compute = False
    network.opt.num_threads = len(os.sched_getaffinity(0))
    network.load_param(param)
    network.load_model(weights)
    (source_name,), (target_name,) = network.input_names(), network.output_names()
    for source, target in (line.rstrip("\n").split("\t") for line in sys.stdin):
        pixels = cv2.cvtColor(cv2.imread(source), cv2.COLOR_BGR2RGB)
        planes = np.ascontiguousarray(pixels.transpose(2, 0, 1), np.float32) / 255
        start = time.perf_counter()
        run = network.create_extractor()
        run.input(source_name, ncnn.Mat(planes))
        _, answer = run.extract(target_name)
        large = np.array(answer)
        seconds = time.perf_counter() - start
        rgb = np.rint(np.clip(large.transpose(1, 2, 0), 0, 1) * 255).astype(np.uint8)
        cv2.imwrite(target, cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
        print(seconds, flush=True)


main()
