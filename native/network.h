/* Int8 networks: plain chains of 3x3 convolutions, all layers at work on a few rows of pixels at a time. */
#ifndef NETWORK_H
#define NETWORK_H

#include <stddef.h>
#include <stdint.h>

enum { NETWORK_LAYERS = 64, NETWORK_WIDEST = 128 }; /* limits of the number of layers, and of filters in one */

typedef enum { NETWORK_NONE, NETWORK_VNNI, NETWORK_AMX } network_kind;

/*
 * One convolution. It reads bytes q that stand for (q - zero) steps, `channels` (4 or a multiple of 16) a pixel, and makes
 * of each sum of products s * factor + offset: for the next layer a byte again, rounded and not below `low`.
 *
 * weights: for 16 filters at a time and each of the three rows that a filter covers, `network_chunks` of 64 bytes of three
 * neighbouring pixels, each as sixteen times four bytes of each filter. At a multiple of 64 bytes, or all is slower.
 * factor, offset: one a filter, repeated to `period`, the least multiple of 64 and of `filters`. Those of the last layer:
 * where an answer has 2x2 sub-pixels, four shares of eight sums and four offsets; where it has 4x4, one a sub-pixel.
 */
typedef struct {
    int channels, filters, period;
    uint8_t zero, low;
    const int8_t *weights;
    const float *factor, *offset;
} network_layer;

typedef struct {
    int layers, block;                       /* `block`: 2 or 4, sub-pixels per pixel along each axis */
    const float *input_factor, *input_offset; /* of the four bytes that are made of a pixel's luma */
    network_layer layer[NETWORK_LAYERS];
} network;

/* The quickest kind of arithmetic that this CPU and its system have. */
network_kind network_best(void);

/* Chunks of 64 bytes that cover three neighbouring pixels. */
static inline int network_chunks(int channels) { return (3 * channels + 63) / 64; }

/* Bytes of memory that `network_run` works in. */
size_t network_workspace(const network *net, int width);

/*
 * Answer `height` x `width` values of luma, 0 to 1, with `block` times as many residuals along each axis. Where not `padded`,
 * without those of the outermost `layers` pixels, which alone would see beyond the picture.
 */
void network_run(const network *net, network_kind kind, const float *luma, int height, int width, int padded, void *workspace,
                 float *answer);

#endif
