/* The colours of a window, enlarged bicubically, with the network's answer added: upscale_cli/window.py in one pass. */
#ifndef COMPOSE_H
#define COMPOSE_H

#include <stddef.h>
#include <stdint.h>

enum { COMPOSE_MARGIN = 4 }; /* pixels of the window that are looked at on each side of the area */

typedef struct {
    const uint8_t *window; /* the area's first pixel in it, R, G, B; rows `window_row` bytes apart */
    const float *answer;   /* what to add to luma, whose range is 0 to 1, in the enlarged area; rows `answer_row` floats apart */
    uint8_t *out;          /* the enlarged area, R, G, B; rows `out_row` bytes apart */
    ptrdiff_t window_row, answer_row, out_row;
    int height, width; /* of the area, before it is enlarged */
    int scale;         /* 2 or 4 */
    int registers;     /* bytes in the vector registers to use, 16, 32 or 64; the result is the same with any */
} composition;

/* Bytes in the widest registers that this CPU has and `compose` makes use of. */
int compose_widest(void);

/* Fill `out`. Returns -1 if memory is short. */
int compose(const composition *job);

/* Luma of `height` x `width` colours, 0 to 1, without gaps. */
void compose_luma(const uint8_t *window, ptrdiff_t window_row, int height, int width, float *luma);

#endif
