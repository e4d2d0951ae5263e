/*
 * See compose.h. Plain loops over planes of floats, which compilers turn into vector instructions. No product is fused into
 * a sum (the file must be compiled so), hence every CPU and every place in a window gives a pixel the same bits.
 */
#include "compose.h"

#include <stdlib.h>
#include <string.h>

#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#else
#define INLINE static inline
#endif
#if defined(__GNUC__) && !defined(__clang__)
#define INDEPENDENT _Pragma("GCC ivdep") /* the planes of a job do not overlap */
#elif defined(__clang__)
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT
#endif

enum { MARGIN = COMPOSE_MARGIN, COLOURS = 3, TAPS = 6 };

/* Kept of a row: luma, its square, and R - luma and B - luma, alone and times luma */
enum { Y, YY, R, RY, B, BY, SUMMANDS };

/* Rows kept of each kind, by their number modulo this */
enum { PLANES = 8, SUMS = 4, SLOPES = 4 };

typedef struct {
    float *planes[PLANES][COLOURS], *summands[SUMS][SUMMANDS], *slopes[SLOPES][COLOURS];
    float *enlarged, *shares; /* one colour and its slopes, enlarged vertically */
    uint8_t *bytes[COLOURS];
} rows;

/* What is fixed for a scale: the weights of each sub-pixel along an axis, from which neighbour on, and the share of the
 * nearest pixel in linear interpolation */
typedef struct {
    int scale, taps;
    float weights[4][TAPS];
    int first[4];
    float nearest[4];
} enlargement;

/* Cubic convolution with a = -0.75 (resample.double), in 256ths, and twice in a row, in 65536ths: exact in binary */
#define Q(n) ((n) / 256.f)
#define QQ(n) ((n) / 65536.f)
static const enlargement twice = {
    2,
    4,
    {{Q(-9), Q(67), Q(225), Q(-27)}, {Q(-27), Q(225), Q(67), Q(-9)}},
    {-2, -1},
    {.75f, .75f},
};
static const enlargement fourfold = {
    4,
    6,
    {{QQ(81), QQ(-4437), QQ(28854), QQ(49282), QQ(-8487), QQ(243)},
     {QQ(-1296), QQ(7272), QQ(63288), QQ(-3368), QQ(-360), 0},
     {QQ(-360), QQ(-3368), QQ(63288), QQ(7272), QQ(-1296), 0},
     {QQ(243), QQ(-8487), QQ(49282), QQ(28854), QQ(-4437), QQ(81)}},
    {-3, -2, -2, -2},
    {.625f, .875f, .875f, .625f},
};

INLINE int kept(int row, int count) { return (row + 8 * count) % count; }

INLINE void take_row(const uint8_t *restrict pixels, int width, float *const *planes, float *const *summands)
{
    float *restrict red = planes[0], *restrict green = planes[1], *restrict blue = planes[2];
    float *restrict y = summands[Y], *restrict yy = summands[YY], *restrict r = summands[R], *restrict ry = summands[RY],
                    *restrict b = summands[B], *restrict by = summands[BY];
    INDEPENDENT
    for (ptrdiff_t x = 0; x < width; x++)
        red[x] = pixels[3 * x], green[x] = pixels[3 * x + 1], blue[x] = pixels[3 * x + 2];
    INDEPENDENT
    for (ptrdiff_t x = 0; x < width; x++) {
        float luma = (float)((9798 * (int)red[x] + 19235 * (int)green[x] + 3735 * (int)blue[x] + 16384) >> 15);
        y[x] = luma, yy[x] = luma * luma;
        r[x] = red[x] - luma, ry[x] = (red[x] - luma) * luma;
        b[x] = blue[x] - luma, by[x] = (blue[x] - luma) * luma;
    }
}

/* The sum over 3x3 pixels */
INLINE float nine(const float *above, const float *at, const float *below)
{
    return above[-1] + above[0] + above[1] + at[-1] + at[0] + at[1] + below[-1] + below[0] + below[1];
}

/* By how much R, G and B change where luma changes by 1: color.slopes. The sums are of whole numbers and exact. */
INLINE void slope_row(float *const *above, float *const *at, float *const *below, int width, float *const *slopes)
{
    const float *a[SUMMANDS], *m[SUMMANDS], *z[SUMMANDS];
    for (int n = 0; n < SUMMANDS; n++)
        a[n] = above[n], m[n] = at[n], z[n] = below[n];
    float *restrict red = slopes[0], *restrict green = slopes[1], *restrict blue = slopes[2];
    INDEPENDENT
    for (ptrdiff_t x = 1; x < width - 1; x++) {
        float y = nine(a[Y] + x, m[Y] + x, z[Y] + x);
        float variance = 9 * nine(a[YY] + x, m[YY] + x, z[YY] + x) - y * y + 81 * 100;
        float r = 9 * nine(a[RY] + x, m[RY] + x, z[RY] + x) - nine(a[R] + x, m[R] + x, z[R] + x) * y;
        float b = 9 * nine(a[BY] + x, m[BY] + x, z[BY] + x) - nine(a[B] + x, m[B] + x, z[B] + x) * y;
        r /= variance, b /= variance;
        red[x] = r + 1;
        green[x] = r * (-0.299f / 0.587f) + b * (-0.114f / 0.587f) + 1;
        blue[x] = b + 1;
    }
}

/* One colour of one row between rows, and its slopes there: `phase` of the enlarged rows that are made from row `y` */
INLINE void between_rows(const rows *at, int y, int colour, int width, const enlargement *by, int phase)
{
    const float *plane[TAPS], *w = by->weights[phase];
    for (int n = 0; n < TAPS; n++)
        plane[n] = at->planes[kept(y + by->first[phase] + n, PLANES)][colour];
    const float *near = at->slopes[kept(y, SLOPES)][colour];
    const float *far = at->slopes[kept(phase < by->scale / 2 ? y - 1 : y + 1, SLOPES)][colour];
    float *restrict enlarged = at->enlarged, *restrict shares = at->shares, nearest = by->nearest[phase];
    INDEPENDENT
    for (ptrdiff_t x = 0; x < width; x++) {
        float sum = w[0] * plane[0][x] + w[1] * plane[1][x] + w[2] * plane[2][x] + w[3] * plane[3][x];
        if (by->taps == 6)
            sum += w[4] * plane[4][x] + w[5] * plane[5][x];
        enlarged[x] = sum;
    }
    INDEPENDENT
    for (ptrdiff_t x = 0; x < width; x++)
        shares[x] = nearest * near[x] + (1 - nearest) * far[x];
}

/* To the nearest whole number from 0 to 255, halves to even: from 2**23 on floats are whole */
INLINE uint8_t rounded(float value)
{
    value += 0x1.8p23f;
    int32_t bits;
    memcpy(&bits, &value, sizeof bits);
    bits -= 0x4b400000;
    bits = bits < 0 ? 0 : bits;
    return (uint8_t)(bits > 255 ? 255 : bits);
}

/* The byte of sub-pixel `phase` of pixel `x` */
INLINE uint8_t sub_pixel(const float *enlarged, const float *shares, const float *answer, ptrdiff_t x, const enlargement *by, int phase)
{
    const float *w = by->weights[phase], *from = enlarged + x + by->first[phase];
    float sum = w[0] * from[0] + w[1] * from[1] + w[2] * from[2] + w[3] * from[3];
    if (by->taps == 6)
        sum += w[4] * from[4] + w[5] * from[5];
    float nearest = by->nearest[phase], far = shares[phase < by->scale / 2 ? x - 1 : x + 1];
    return rounded(sum + answer[by->scale * x + phase] * 255 * (nearest * shares[x] + (1 - nearest) * far));
}

INLINE void between_columns(const rows *at, int colour, int width, const enlargement *by, const float *restrict answer)
{
    const float *enlarged = at->enlarged + MARGIN, *shares = at->shares + MARGIN;
    uint8_t *restrict to = at->bytes[colour];
    if (by->scale == 2) {
        INDEPENDENT
        for (ptrdiff_t x = 0; x < width; x++) {
            to[2 * x] = sub_pixel(enlarged, shares, answer, x, by, 0);
            to[2 * x + 1] = sub_pixel(enlarged, shares, answer, x, by, 1);
        }
    } else {
        INDEPENDENT
        for (ptrdiff_t x = 0; x < width; x++) {
            to[4 * x] = sub_pixel(enlarged, shares, answer, x, by, 0);
            to[4 * x + 1] = sub_pixel(enlarged, shares, answer, x, by, 1);
            to[4 * x + 2] = sub_pixel(enlarged, shares, answer, x, by, 2);
            to[4 * x + 3] = sub_pixel(enlarged, shares, answer, x, by, 3);
        }
    }
}

INLINE void interleave(uint8_t *const *planes, int width, uint8_t *restrict out)
{
    const uint8_t *red = planes[0], *green = planes[1], *blue = planes[2];
    INDEPENDENT
    for (ptrdiff_t x = 0; x < width; x++)
        out[3 * x] = red[x], out[3 * x + 1] = green[x], out[3 * x + 2] = blue[x];
}

INLINE void enlarge(const composition *job, const rows *at, const enlargement *by)
{
    int width = job->width + 2 * MARGIN, next = -MARGIN;
    for (int y = 0; y < job->height; y++) {
        for (; next < y + MARGIN; next++) {
            float *const *summands = at->summands[kept(next, SUMS)];
            take_row(job->window + next * job->window_row - COLOURS * MARGIN, width, at->planes[kept(next, PLANES)], summands);
            if (next >= 2 - MARGIN)
                slope_row(at->summands[kept(next - 2, SUMS)], at->summands[kept(next - 1, SUMS)], summands, width,
                          at->slopes[kept(next - 1, SLOPES)]);
        }
        for (int phase = 0; phase < by->scale; phase++) {
            ptrdiff_t row = (ptrdiff_t)y * by->scale + phase;
            for (int colour = 0; colour < COLOURS; colour++) {
                between_rows(at, y, colour, width, by, phase);
                between_columns(at, colour, job->width, by, job->answer + row * job->answer_row);
            }
            interleave(at->bytes, by->scale * job->width, job->out + row * job->out_row);
        }
    }
}

/* Two programs, whose loops over phases and taps have fixed ends */
INLINE void enlarge_any(const composition *job, const rows *at)
{
    if (job->scale == 2)
        enlarge(job, at, &twice);
    else
        enlarge(job, at, &fourfold);
}

INLINE void luma_rows(const uint8_t *restrict window, ptrdiff_t window_row, int height, int width, float *restrict luma)
{
    for (int y = 0; y < height; y++, window += window_row, luma += width)
        INDEPENDENT
        for (ptrdiff_t x = 0; x < width; x++)
            luma[x] = (float)(299 * window[3 * x] + 587 * window[3 * x + 1] + 114 * window[3 * x + 2]) * (1 / 255000.f);
}

/* Each once more for every width of vector registers */
#define VARIANT(bytes, attributes)                                                                                            \
    attributes static void enlarge_##bytes(const composition *job, const rows *at) { enlarge_any(job, at); }                  \
    attributes static void luma_##bytes(const uint8_t *window, ptrdiff_t window_row, int height, int width, float *luma)      \
    {                                                                                                                         \
        luma_rows(window, window_row, height, width, luma);                                                                   \
    }
#define PICK(function, bytes) (bytes == 64 ? function##_64 : bytes == 32 ? function##_32 : function##_16)

#if defined(__GNUC__) && defined(__x86_64__)
#if defined(__clang__)
#define AVX512 "avx512f,avx512bw,avx512vl,avx512dq"
#else
#define AVX512 "avx512f,avx512bw,avx512vl,avx512dq,prefer-vector-width=512"
#endif
VARIANT(16, )
VARIANT(32, __attribute__((target("avx2"))))
VARIANT(64, __attribute__((target(AVX512))))

int compose_widest(void)
{
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
        return 64;
    return __builtin_cpu_supports("avx2") ? 32 : 16;
}
#else
VARIANT(16, )
#undef PICK
#define PICK(function, bytes) ((void)(bytes), function##_16)

int compose_widest(void) { return 16; }
#endif

int compose(const composition *job)
{
    size_t width = ((size_t)job->width + 2 * MARGIN + 15) / 16 * 16, planes = COLOURS * (PLANES + SLOPES) + SUMMANDS * SUMS + 2;
    /* zeros: the ends of rows of slopes are read, though not used */
    float *memory = calloc(width, planes * sizeof(float) + (size_t)COLOURS * job->scale), *place = memory;
    if (!memory)
        return -1;
    rows at;
    for (int n = 0; n < PLANES * COLOURS; n++, place += width)
        at.planes[n / COLOURS][n % COLOURS] = place;
    for (int n = 0; n < SLOPES * COLOURS; n++, place += width)
        at.slopes[n / COLOURS][n % COLOURS] = place;
    for (int n = 0; n < SUMS * SUMMANDS; n++, place += width)
        at.summands[n / SUMMANDS][n % SUMMANDS] = place;
    at.enlarged = place, at.shares = place + width, place += 2 * width;
    for (int n = 0; n < COLOURS; n++)
        at.bytes[n] = (uint8_t *)place + n * width * job->scale;
    PICK(enlarge, job->registers)(job, &at);
    free(memory);
    return 0;
}

void compose_luma(const uint8_t *window, ptrdiff_t window_row, int height, int width, float *luma)
{
    int registers = compose_widest();
    PICK(luma, registers)(window, window_row, height, width, luma);
}
