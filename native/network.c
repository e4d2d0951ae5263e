/* See network.h. */
#include "network.h"

#if defined(__GNUC__) && defined(__x86_64__) && defined(__linux__) && (__has_include(<amxint8intrin.h>) || __has_include(<amxintrin.h>))

#include <immintrin.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define AVX512 "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni"
#define VNNI __attribute__((target(AVX512)))
#define AMX __attribute__((target(AVX512 ",amx-tile,amx-int8")))

enum {
    TILE = 16,       /* pixels, and filters, whose sums one register of the matrix unit holds */
    CHUNK = 64,      /* bytes that one of its rows holds */
    TILE_BYTES = 1024,
    BLOCK = 3,       /* tiles of pixels worked on at a time at most, */
    WIDE_BLOCK = 2,  /* and in layers of so many channels that their weights do not stay in registers */
    SLACK = 80,      /* pixels beyond the ends of a row that blocks read and write */
    STEP = 2,        /* rows that a layer makes before the next layer's turn, such that they are still in the cache, */
    KEPT = STEP + 2, /* and rows that are kept for it */
};

enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 }; /* of Linux: leave to use the matrix unit */

network_kind network_best(void)
{
    static int best = -1;
    if (best < 0) {
        best = NETWORK_NONE;
        __builtin_cpu_init();
        if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
            __builtin_cpu_supports("avx512dq"))
            best = NETWORK_VNNI;
        unsigned a, b, c, d = 0;
        __asm__("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "0"(7), "2"(0));
        int tiles = d >> 24 & 1, bytes = d >> 25 & 1; /* AMX-TILE, AMX-INT8 */
        if (best && tiles && bytes && !syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA))
            best = NETWORK_AMX;
    }
    return best;
}

/* Pixels side by side in one row or two, and what is to be summed for them */
typedef struct {
    const uint8_t *rows[STEP + 2]; /* the pixels' rows and those around them, from the pixel left of the first */
    const network_layer *layer;
    int y, x, height, tiles; /* its first pixel, rows of pixels, and tiles in a row */
} block;

/* The number of sums of one row of a block; the functions below write sums[row][pixel][filter] */
static size_t row_of_sums(const block *at) { return (size_t)at->tiles * TILE * at->layer->filters; }

/* Of `count` pixels from `first` of a row, the sums of one filter tile or of two, `next` bytes of weights apart */
VNNI static inline __attribute__((always_inline)) void dot_products(const block *at, int y, const int8_t *weights, size_t next,
                                                                    int first, int count, int filter_tiles, int32_t *sums)
{
    int channels = at->layer->channels, quads = (3 * channels + 3) / 4;
    __m512i sum[2][16];
#pragma GCC unroll 2
    for (int f = 0; f < filter_tiles; f++)
#pragma GCC unroll 16
        for (int p = 0; p < count; p++)
            sum[f][p] = _mm512_setzero_si512();
    for (int r = 0; r < 3; r++, weights += network_chunks(channels) * TILE_BYTES) {
        const uint8_t *source = at->rows[y + r] + (size_t)first * channels;
        for (int q = 0; q < quads; q++) {
            __m512i one = _mm512_loadu_si512(weights + 64 * q), two = one;
            if (filter_tiles == 2)
                two = _mm512_loadu_si512(weights + next + 64 * q);
#pragma GCC unroll 16
            for (int p = 0; p < count; p++) {
                int32_t four;
                memcpy(&four, source + (size_t)p * channels + 4 * q, 4);
                __m512i bytes = _mm512_set1_epi32(four);
                sum[0][p] = _mm512_dpbusd_epi32(sum[0][p], bytes, one);
                if (filter_tiles == 2)
                    sum[1][p] = _mm512_dpbusd_epi32(sum[1][p], bytes, two);
            }
        }
    }
#pragma GCC unroll 2
    for (int f = 0; f < filter_tiles; f++)
#pragma GCC unroll 16
        for (int p = 0; p < count; p++)
            _mm512_storeu_si512(sums + (size_t)(first + p) * at->layer->filters + f * TILE, sum[f][p]);
}

VNNI static void sum_vnni(const block *at, int32_t *sums)
{
    const network_layer *layer = at->layer;
    size_t next = (size_t)3 * network_chunks(layer->channels) * TILE_BYTES;
    for (int y = 0; y < at->height; y++, sums += row_of_sums(at))
        for (int f = 0; f < layer->filters; f += 2 * TILE) {
            const int8_t *weights = layer->weights + f / TILE * next;
            for (int first = 0; first < at->tiles * TILE; first += TILE)
                if (f + TILE < layer->filters) {
                    dot_products(at, y, weights, next, first, 8, 2, sums + f);
                    dot_products(at, y, weights, next, first + 8, 8, 2, sums + f);
                } else
                    dot_products(at, y, weights, next, first, 16, 1, sums + f);
        }
}

/*
 * AMX: registers 0 to 3 hold sums, the others bytes of 16 pixels (a row is a pixel and its two neighbours, so that rows
 * overlap in memory) or of 16 filters.
 */
typedef struct {
    uint8_t palette, start, none[14];
    uint16_t bytes[16];
    uint8_t rows[16];
} tile_shapes;

AMX static void shape_tiles(int channels)
{
    static const tile_shapes
        wide = {1, 0, {0}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}},
        sixteen = {1, 0, {0}, {64, 64, 64, 64, 48, 64, 64, 64}, {16, 16, 16, 16, 16, 12, 12, 12}},
        four = {1, 0, {0}, {64, 64, 64, 64, 12, 64, 64, 64}, {16, 16, 16, 16, 16, 3, 3, 3}};
    _tile_loadconfig(channels == 4 ? &four : channels == 16 ? &sixteen : &wide);
}

AMX static void release_tiles(void) { _tile_release(); }

/* 4 or 16 channels: three neighbours fit one chunk, and all weights of 16 filters stay in registers */
AMX static void sum_amx_narrow(const block *at, int32_t *sums)
{
    const network_layer *layer = at->layer;
    int channels = layer->channels, filters = layer->filters;
    size_t step = (size_t)TILE * channels, row = sizeof(int32_t) * (size_t)filters;
    const int8_t *weights = layer->weights;
    for (int f = 0; f < filters; f += TILE, weights += 3 * TILE_BYTES) {
        int32_t *top = sums + f, *bottom = top + row_of_sums(at);
        _tile_loadd(5, weights, CHUNK);
        _tile_loadd(6, weights + TILE_BYTES, CHUNK);
        _tile_loadd(7, weights + 2 * TILE_BYTES, CHUNK);
        for (int t = 0; t < at->tiles; t++, top += TILE * filters, bottom += TILE * filters) {
            _tile_zero(0);
            _tile_loadd(4, at->rows[0] + t * step, channels);
            _tile_dpbusd(0, 4, 5);
            _tile_loadd(4, at->rows[1] + t * step, channels);
            _tile_dpbusd(0, 4, 6);
            if (at->height == 2) { /* two of the three rows are the same */
                _tile_zero(1);
                _tile_dpbusd(1, 4, 5);
                _tile_loadd(4, at->rows[2] + t * step, channels);
                _tile_dpbusd(0, 4, 7);
                _tile_dpbusd(1, 4, 6);
                _tile_loadd(4, at->rows[3] + t * step, channels);
                _tile_dpbusd(1, 4, 7);
                _tile_stored(1, bottom, row);
            } else {
                _tile_loadd(4, at->rows[2] + t * step, channels);
                _tile_dpbusd(0, 4, 7);
            }
            _tile_stored(0, top, row);
        }
    }
}

/* Any number of channels; always one row of WIDE_BLOCK tiles of pixels, by two tiles of filters where there are two */
AMX static void sum_amx_wide(const block *at, int32_t *sums)
{
    const network_layer *layer = at->layer;
    int channels = layer->channels, filters = layer->filters, chunks = network_chunks(channels), two;
    size_t step = (size_t)TILE * channels, row = sizeof(int32_t) * (size_t)filters, next = (size_t)3 * chunks * TILE_BYTES;
    for (int f = 0; f < filters; f += TILE << two) {
        const int8_t *weights = layer->weights + f / TILE * next;
        int32_t *left = sums + f, *right = left + (size_t)TILE * filters;
        two = f + TILE < filters;
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
        for (int r = 0; r < 3; r++)
            for (int k = 0; k < chunks; k++, weights += TILE_BYTES) {
                const uint8_t *source = at->rows[r] + k * CHUNK;
                _tile_loadd(6, weights, CHUNK);
                _tile_loadd(4, source, channels);
                _tile_dpbusd(0, 4, 6);
                _tile_loadd(5, source + step, channels);
                _tile_dpbusd(1, 5, 6);
                if (two) {
                    _tile_loadd(7, weights + next, CHUNK);
                    _tile_dpbusd(2, 4, 7);
                    _tile_dpbusd(3, 5, 7);
                }
            }
        _tile_stored(0, left, row);
        _tile_stored(1, right, row);
        if (two) {
            _tile_stored(2, left + TILE, row);
            _tile_stored(3, right + TILE, row);
        }
    }
}

/* Luma to the first layer's bytes */
VNNI static void quantize(const network *net, const float *luma, int pixels, uint8_t *out)
{
    const __m512i spread = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    __m512 factor = _mm512_broadcast_f32x4(_mm_loadu_ps(net->input_factor));
    __m512 offset = _mm512_broadcast_f32x4(_mm_loadu_ps(net->input_offset));
    for (int x = 0; x < pixels; x += 4) {
        __mmask8 inside = pixels - x < 4 ? (1 << (pixels - x)) - 1 : 15;
        __m512 four = _mm512_permutexvar_ps(spread, _mm512_castps128_ps512(_mm_maskz_loadu_ps(inside, luma + x)));
        __m512 value = _mm512_max_ps(_mm512_fmadd_ps(four, factor, offset), _mm512_setzero_ps());
        _mm_storeu_si128((__m128i *)(out + 4 * (size_t)x), _mm512_cvtusepi32_epi8(_mm512_cvtps_epi32(value)));
    }
}

/* Sums to the next layer's bytes */
VNNI static void requantize(const network_layer *layer, const int32_t *sums, int values, uint8_t *out)
{
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i low = _mm512_set1_epi8((char)layer->low), four[4];
    __m512 factor[4], offset[4];
    for (int first = 0; first < layer->period; first += 64) {
#pragma GCC unroll 4
        for (int n = 0; n < 4; n++) {
            factor[n] = _mm512_loadu_ps(layer->factor + first + 16 * n);
            offset[n] = _mm512_loadu_ps(layer->offset + first + 16 * n);
        }
        for (int v = first; v < values; v += layer->period) {
#pragma GCC unroll 4
            for (int n = 0; n < 4; n++) {
                __m512 sum = _mm512_cvtepi32_ps(_mm512_loadu_si512(sums + v + 16 * n));
                four[n] = _mm512_cvtps_epi32(_mm512_fmadd_ps(sum, factor[n], offset[n]));
            }
            __m512i bytes = _mm512_packus_epi16(_mm512_packs_epi32(four[0], four[1]), _mm512_packs_epi32(four[2], four[3]));
            _mm512_storeu_si512(out + v, _mm512_max_epu8(_mm512_permutexvar_epi32(order, bytes), low));
        }
    }
}

/* Four of 16 sums of four pixels each */
VNNI static __m512 gather(const int32_t *sums)
{
    __m512i four = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)sums));
    four = _mm512_inserti32x4(four, _mm_loadu_si128((const __m128i *)(sums + TILE)), 1);
    four = _mm512_inserti32x4(four, _mm_loadu_si128((const __m128i *)(sums + 2 * TILE)), 2);
    return _mm512_cvtepi32_ps(_mm512_inserti32x4(four, _mm_loadu_si128((const __m128i *)(sums + 3 * TILE)), 3));
}

/* Sums to two rows of sub-pixels, `row` apart */
VNNI static void answer_2(const network_layer *layer, const int32_t *sums, int pixels, float *out, size_t row)
{
    const __m512i order = _mm512_setr_epi32(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
    __m512 share[8], offset = _mm512_broadcast_f32x4(_mm_loadu_ps(layer->offset));
    for (int n = 0; n < 8; n++)
        share[n] = _mm512_broadcast_f32x4(_mm_loadu_ps(layer->factor + 4 * n));
    for (int p = 0; p < pixels; p += 4) {
        __m512 low = gather(sums + (size_t)p * TILE), high = gather(sums + (size_t)p * TILE + 4), value = offset;
        value = _mm512_fmadd_ps(_mm512_permute_ps(low, 0x00), share[0], value);
        value = _mm512_fmadd_ps(_mm512_permute_ps(low, 0x55), share[1], value);
        value = _mm512_fmadd_ps(_mm512_permute_ps(low, 0xaa), share[2], value);
        value = _mm512_fmadd_ps(_mm512_permute_ps(low, 0xff), share[3], value);
        value = _mm512_fmadd_ps(_mm512_permute_ps(high, 0x00), share[4], value);
        value = _mm512_fmadd_ps(_mm512_permute_ps(high, 0x55), share[5], value);
        value = _mm512_fmadd_ps(_mm512_permute_ps(high, 0xaa), share[6], value);
        value = _mm512_fmadd_ps(_mm512_permute_ps(high, 0xff), share[7], value);
        value = _mm512_permutexvar_ps(order, value);
        _mm256_storeu_ps(out + 2 * p, _mm512_castps512_ps256(value));
        _mm256_storeu_ps(out + row + 2 * p, _mm512_extractf32x8_ps(value, 1));
    }
}

/* Sums to four rows of sub-pixels */
VNNI static void answer_4(const network_layer *layer, const int32_t *sums, int pixels, float *out, size_t row)
{
    __m512 factor = _mm512_loadu_ps(layer->factor), offset = _mm512_loadu_ps(layer->offset);
    for (int p = 0; p < pixels; p++, out += 4) {
        __m512 value = _mm512_cvtepi32_ps(_mm512_loadu_si512(sums + (size_t)p * TILE));
        value = _mm512_fmadd_ps(value, factor, offset);
        _mm_storeu_ps(out, _mm512_castps512_ps128(value));
        _mm_storeu_ps(out + row, _mm512_extractf32x4_ps(value, 1));
        _mm_storeu_ps(out + 2 * row, _mm512_extractf32x4_ps(value, 2));
        _mm_storeu_ps(out + 3 * row, _mm512_extractf32x4_ps(value, 3));
    }
}

/* The last KEPT rows that a layer reads */
typedef struct {
    uint8_t *memory, zero;
    int channels;
    size_t row;
} ring;

/* The first pixel of row `y`, which may lie a little above the picture */
static uint8_t *ring_row(const ring *at, int y)
{
    return at->memory + (size_t)((y + KEPT * NETWORK_LAYERS) % KEPT) * at->row + (size_t)TILE * at->channels;
}

/* Make row `y` one of those around the picture */
static void blank(const ring *at, int y) { memset(ring_row(at, y) - (size_t)TILE * at->channels, at->zero, at->row); }

typedef struct {
    const network *net;
    network_kind kind;
    int height, width, padded;
    ring rings[NETWORK_LAYERS];
    int32_t *sums[2];
    float *end; /* rows of sub-pixels of a block that may reach beyond the answer's */
} job;

/* Make bytes for the next layer or sub-pixels of the sums of a block */
static void hand_on(const job *at, int number, const block *done, const int32_t *sums, float *answer)
{
    const network_layer *layer = done->layer;
    int y = done->y, x = done->x;
    int scale = at->net->block, pixels = done->tiles * TILE, rim = at->padded ? 0 : at->net->layers;
    int width = scale * (at->width - 2 * rim), inside = at->width - rim - x;
    for (int n = 0; n < done->height; n++, y++, sums += row_of_sums(done)) {
        if (number + 1 < at->net->layers) {
            requantize(layer, sums, pixels * layer->filters, ring_row(&at->rings[number + 1], y) + (size_t)x * layer->filters);
            continue;
        }
        float *to = answer + (size_t)scale * (y - rim) * width + (size_t)scale * (x - rim);
        float *out = pixels <= inside ? to : at->end;
        size_t row = pixels <= inside ? (size_t)width : (size_t)scale * pixels;
        if (scale == 2)
            answer_2(layer, sums, pixels, out, row);
        else
            answer_4(layer, sums, pixels, out, row);
        for (int s = 0; out == at->end && s < scale; s++)
            memcpy(to + (size_t)s * width, out + s * row, sizeof(float) * scale * inside);
    }
}

/* Rows `top` to `bottom` of a layer's result, as far as they lie in the picture */
static void run_layer(const job *at, int number, int top, int bottom, float *answer)
{
    const network_layer *layer = &at->net->layer[number];
    const ring *from = &at->rings[number], *to = number + 1 < at->net->layers ? from + 1 : NULL;
    int edge = at->padded ? 0 : number + 1, right = at->width - edge;
    for (int y = top; to && at->padded && y < bottom; y++)
        if (y == -1 || y == at->height)
            blank(to, y);
    top = top < edge ? edge : top;
    bottom = bottom > at->height - edge ? at->height - edge : bottom;
    if (top >= bottom)
        return;
    int wide = network_chunks(layer->channels) > 1, most = wide ? WIDE_BLOCK : BLOCK, turn = 0;
    if (at->kind == NETWORK_AMX)
        shape_tiles(layer->channels);
    block now = {.layer = layer, .y = top, .x = edge, .height = wide ? 1 : bottom - top}, before = now;
    do {
        now.tiles = 0;
        if (now.x < right) {
            int rest = (right - now.x + TILE - 1) / TILE;
            now.tiles = wide || rest > most ? most : rest;
            for (int r = 0; r < now.height + 2; r++)
                now.rows[r] = ring_row(from, now.y + r - 1) + (ptrdiff_t)(now.x - 1) * layer->channels;
            if (at->kind == NETWORK_VNNI)
                sum_vnni(&now, at->sums[turn]);
            else if (wide)
                sum_amx_wide(&now, at->sums[turn]);
            else
                sum_amx_narrow(&now, at->sums[turn]);
        }
        if (before.tiles) /* only now, while the matrix unit still works on the next sums */
            hand_on(at, number, &before, at->sums[turn ^ 1], answer);
        before = now, turn ^= 1;
        now.y += now.height;
        if (now.y >= bottom)
            now.y = top, now.x += most * TILE;
    } while (before.tiles);
    for (int y = top; to && at->padded && y < bottom; y++)
        memset(ring_row(to, y) + (size_t)at->width * layer->filters, to->zero, layer->filters);
}

enum { MOST_SUMS = STEP * BLOCK * TILE * NETWORK_WIDEST };

static size_t ring_bytes(int channels, int width)
{
    return ((size_t)(width + TILE + SLACK) * channels + 2 * CHUNK) / CHUNK * CHUNK;
}

size_t network_workspace(const network *net, int width)
{
    size_t sub_pixels = (size_t)net->block * net->block * BLOCK * TILE;
    size_t bytes = 2 * MOST_SUMS * sizeof(int32_t) + sub_pixels * sizeof(float) + CHUNK;
    for (int n = 0; n < net->layers; n++)
        bytes += KEPT * ring_bytes(net->layer[n].channels, width);
    return bytes;
}

void network_run(const network *net, network_kind kind, const float *luma, int height, int width, int padded, void *workspace,
                 float *answer)
{
    job at = {.net = net, .kind = kind, .height = height, .width = width, .padded = padded};
    uint8_t *place = (uint8_t *)workspace + (CHUNK - (uintptr_t)workspace % CHUNK); /* loads across cache lines are slow */
    at.sums[0] = (int32_t *)place, at.sums[1] = at.sums[0] + MOST_SUMS;
    place += 2 * MOST_SUMS * sizeof(int32_t);
    for (int n = 0; n < net->layers; n++) {
        const network_layer *layer = &net->layer[n];
        at.rings[n] = (ring){place, layer->zero, layer->channels, ring_bytes(layer->channels, width)};
        memset(place, layer->zero, KEPT * at.rings[n].row);
        place += KEPT * at.rings[n].row;
    }
    at.end = (float *)place;
    for (int first = 0; first < height + net->layers; first += STEP) {
        for (int y = first; y < first + STEP && y <= height; y++)
            if (y < height) {
                uint8_t *row = ring_row(at.rings, y);
                quantize(net, luma + (size_t)y * width, width, row);
                memset(row + 4 * (size_t)width, at.rings[0].zero, 4);
            } else
                blank(at.rings, y);
        for (int n = 0; n < net->layers; n++) /* each a row behind the one before, whose rows it sees on both sides */
            run_layer(&at, n, first - n - 1, first - n - 1 + STEP, answer);
    }
    if (kind == NETWORK_AMX)
        release_tiles();
}

#else

network_kind network_best(void) { return NETWORK_NONE; }

size_t network_workspace(const network *net, int width)
{
    (void)net, (void)width;
    return 0;
}

void network_run(const network *net, network_kind kind, const float *luma, int height, int width, int padded, void *workspace,
                 float *answer)
{
    (void)net, (void)kind, (void)luma, (void)height, (void)width, (void)padded, (void)workspace, (void)answer;
}

#endif
