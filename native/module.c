/* upscale_cli._native: checks what Python hands over, and lets other threads run while network.c and compose.c work. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "compose.h"
#include "network.h"

/* An array's memory, if it has `dimensions` of `format` and no gaps except between rows. Sets an exception on failure. */
static int view(PyObject *array, Py_buffer *out, int writable, char format, int dimensions)
{
    if (PyObject_GetBuffer(array, out, PyBUF_STRIDES | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0)))
        return -1;
    int fits = out->ndim == dimensions && out->format && out->format[0] == format && !out->format[1];
    Py_ssize_t step = out->itemsize;
    for (int n = dimensions - 1; fits && n > 0; step *= out->shape[n--])
        fits = out->strides[n] == step || out->shape[n] == 1;
    fits = fits && (out->strides[0] >= step || out->shape[0] == 1) && out->strides[0] % out->itemsize == 0;
    for (int n = 0; fits && n < dimensions; n++)
        fits = out->shape[n] > 0 && out->shape[n] <= (dimensions == 1 ? PY_SSIZE_T_MAX : 1 << 20);
    if (fits)
        return 0;
    PyBuffer_Release(out);
    PyErr_Format(PyExc_ValueError, "an array of %d dimensions of '%c' with whole rows is needed", dimensions, format);
    return -1;
}

static void release(Py_buffer *views, int count)
{
    while (count--)
        PyBuffer_Release(&views[count]);
}

/* Several arrays, of which the last is written to */
static int view_all(PyObject *const *arrays, Py_buffer *out, int count, const char *formats, const int *dimensions)
{
    for (int n = 0; n < count; n++)
        if (view(arrays[n], &out[n], n + 1 == count, formats[n], dimensions[n])) {
            release(out, n);
            return -1;
        }
    return 0;
}

static PyObject *finished(int status)
{
    if (status > 0)
        return PyErr_Format(PyExc_ValueError, "these arrays and places do not fit together");
    if (status < 0)
        return PyErr_NoMemory();
    Py_RETURN_NONE;
}

typedef struct {
    network net;
    void *memory; /* what its pointers point into */
} prepared;

static void forget(PyObject *capsule)
{
    prepared *found = PyCapsule_GetPointer(capsule, "upscale_cli.network");
    if (found)
        PyMem_Free(found->memory);
    PyMem_Free(found);
}

/* Take `count` floats, or none where they are used up */
static const float *take(const float **from, Py_ssize_t *left, Py_ssize_t count)
{
    const float *taken = *from;
    *left -= count;
    *from += *left < 0 ? 0 : count;
    return taken;
}

/* Fill in the layers from shapes (channels, filters, zero, low each), weights and factors; 0 if they do not fit together */
static int lay_out(network *net, const int32_t *shapes, Py_ssize_t layers, const int8_t *weights, Py_ssize_t weights_left,
                   const float *factors, Py_ssize_t factors_left)
{
    net->layers = (int)layers;
    net->input_factor = take(&factors, &factors_left, 4), net->input_offset = take(&factors, &factors_left, 4);
    int channels = 4;
    for (int n = 0; n < layers; n++, shapes += 4) {
        network_layer *layer = &net->layer[n];
        int last = n + 1 == layers;
        if (shapes[0] != channels || shapes[1] < 16 || shapes[1] > NETWORK_WIDEST || shapes[1] % 16 || (last && shapes[1] != 16))
            return 0;
        layer->channels = channels, layer->filters = channels = shapes[1];
        layer->zero = (uint8_t)shapes[2], layer->low = (uint8_t)shapes[3];
        for (layer->period = 64; layer->period % channels; layer->period += 64)
            ;
        layer->weights = weights;
        Py_ssize_t bytes = (Py_ssize_t)(channels / 16) * 3 * network_chunks(layer->channels) * 1024;
        weights += (weights_left -= bytes) < 0 ? 0 : bytes;
        layer->factor = take(&factors, &factors_left, last ? (net->block == 2 ? 32 : 16) : layer->period);
        layer->offset = take(&factors, &factors_left, last ? (net->block == 2 ? 4 : 16) : layer->period);
    }
    return weights_left == 0 && factors_left == 0;
}

PyDoc_STRVAR(prepare_doc, "prepare(block, shapes, weights, factors)\n--\n\n"
                          "A network; see native/network.h. Raises ValueError for arrays that do not fit together.");

static PyObject *prepare(PyObject *module, PyObject *arguments)
{
    (void)module;
    int block;
    Py_buffer shapes, weights, factors;
    if (!PyArg_ParseTuple(arguments, "iy*y*y*", &block, &shapes, &weights, &factors))
        return NULL;
    PyObject *result = NULL;
    prepared *made = PyMem_Calloc(1, sizeof *made);
    Py_ssize_t layers = shapes.len / 16;
    if (made)
        made->memory = PyMem_Malloc(weights.len + factors.len + 64);
    if (!made || !made->memory)
        PyErr_NoMemory();
    else {
        int8_t *own = (int8_t *)made->memory + (64 - (uintptr_t)made->memory % 64);
        memcpy(own, weights.buf, weights.len);
        memcpy(own + weights.len, factors.buf, factors.len);
        made->net.block = block;
        if ((block != 2 && block != 4) || layers < 1 || layers > NETWORK_LAYERS || shapes.len % 16 || weights.len % 64 ||
            !lay_out(&made->net, shapes.buf, layers, own, weights.len, (const float *)(own + weights.len), factors.len / 4))
            PyErr_SetString(PyExc_ValueError, "these layers do not make a network");
        else
            result = PyCapsule_New(made, "upscale_cli.network", forget);
    }
    if (!result && made) {
        PyMem_Free(made->memory);
        PyMem_Free(made);
    }
    PyBuffer_Release(&shapes);
    PyBuffer_Release(&weights);
    PyBuffer_Release(&factors);
    return result;
}

PyDoc_STRVAR(workspace_doc, "workspace(network, width)\n--\n\nBytes that `run` needs for as many columns of luma.");

static PyObject *workspace(PyObject *module, PyObject *arguments)
{
    (void)module;
    PyObject *capsule;
    int width;
    if (!PyArg_ParseTuple(arguments, "Oi", &capsule, &width))
        return NULL;
    const prepared *found = PyCapsule_GetPointer(capsule, "upscale_cli.network");
    return found ? PyLong_FromSize_t(network_workspace(&found->net, width)) : NULL;
}

PyDoc_STRVAR(run_doc, "run(network, kind, luma, workspace, answer)\n--\n\n"
                      "Answer (H, W) float32 of luma, 0 to 1, with residuals (scale*H, scale*W), or without those of as many\n"
                      "pixels along every border as the network has layers. `kind` is one that `KIND` allows: 'vnni' or 'amx'.\n"
                      "`workspace`: uint8, as many as `workspace` says or more, for this call alone.");

static PyObject *run(PyObject *module, PyObject *arguments)
{
    (void)module;
    PyObject *capsule, *arrays[3];
    const char *name;
    if (!PyArg_ParseTuple(arguments, "OsOOO", &capsule, &name, &arrays[0], &arrays[1], &arrays[2]))
        return NULL;
    const prepared *found = PyCapsule_GetPointer(capsule, "upscale_cli.network");
    if (!found)
        return NULL;
    network_kind kind = strcmp(name, "amx") == 0 ? NETWORK_AMX : strcmp(name, "vnni") == 0 ? NETWORK_VNNI : NETWORK_NONE;
    if (kind == NETWORK_NONE || kind > network_best())
        return PyErr_Format(PyExc_ValueError, "this CPU has no '%s'", name);
    Py_buffer views[3], *luma = &views[0], *memory = &views[1], *answer = &views[2];
    if (view_all(arrays, views, 3, "fBf", (int[]){2, 1, 2}))
        return NULL;
    Py_ssize_t height = luma->shape[0], width = luma->shape[1], scale = found->net.block, rim = 2 * found->net.layers;
    int padded = answer->shape[0] == scale * height && answer->shape[1] == scale * width;
    int inside = answer->shape[0] == scale * (height - rim) && answer->shape[1] == scale * (width - rim);
    int fits = (padded || inside) && PyBuffer_IsContiguous(luma, 'C') && PyBuffer_IsContiguous(answer, 'C') && !memory->readonly &&
               (size_t)memory->len >= network_workspace(&found->net, (int)width);
    if (fits) {
        Py_BEGIN_ALLOW_THREADS
        network_run(&found->net, kind, luma->buf, (int)height, (int)width, padded, memory->buf, answer->buf);
        Py_END_ALLOW_THREADS
    }
    release(views, 3);
    return finished(!fits);
}

PyDoc_STRVAR(luma_doc, "luma(window, out)\n--\n\nWrite the luma of (H, W, 3) uint8 to (H, W) float32, 0 to 1.");

static PyObject *luma(PyObject *module, PyObject *arguments)
{
    (void)module;
    PyObject *arrays[2];
    if (!PyArg_ParseTuple(arguments, "OO", &arrays[0], &arrays[1]))
        return NULL;
    Py_buffer views[2], *window = &views[0], *out = &views[1];
    if (view_all(arrays, views, 2, "Bf", (int[]){3, 2}))
        return NULL;
    int status = 1;
    if (window->shape[2] == 3 && window->shape[0] == out->shape[0] && window->shape[1] == out->shape[1] &&
        PyBuffer_IsContiguous(out, 'C')) {
        Py_BEGIN_ALLOW_THREADS
        compose_luma(window->buf, window->strides[0], (int)window->shape[0], (int)window->shape[1], out->buf);
        Py_END_ALLOW_THREADS
        status = 0;
    }
    release(views, 2);
    return finished(status);
}

PyDoc_STRVAR(compose_doc, "add_detail(window, y, x, scale, answer, out, registers=0)\n--\n\n"
                          "Enlarge the area of (H, W, 3) uint8 whose first pixel is (y, x) to out, (h, w, 3) uint8, by 2 or 4:\n"
                          "bicubically, and with answer, (h, w) float32, added to luma. four pixels around the area are\n"
                          "looked at. `registers`: bytes of the vector registers that may be used, 0 = all; no other result.");

static PyObject *add_detail(PyObject *module, PyObject *arguments)
{
    (void)module;
    PyObject *arrays[3];
    Py_ssize_t y, x;
    int scale, registers = 0;
    if (!PyArg_ParseTuple(arguments, "OnniOO|i", &arrays[0], &y, &x, &scale, &arrays[1], &arrays[2], &registers))
        return NULL;
    Py_buffer views[3], *window = &views[0], *answer = &views[1], *out = &views[2];
    if (view_all(arrays, views, 3, "BfB", (int[]){3, 2, 3}))
        return NULL;
    int status = 1, most = compose_widest();
    if ((scale == 2 || scale == 4) && window->shape[2] == 3 && out->shape[2] == 3 && out->shape[0] == answer->shape[0] &&
        out->shape[1] == answer->shape[1] && out->shape[0] % scale == 0 && out->shape[1] % scale == 0 && y >= COMPOSE_MARGIN &&
        x >= COMPOSE_MARGIN && y + out->shape[0] / scale + COMPOSE_MARGIN <= window->shape[0] &&
        x + out->shape[1] / scale + COMPOSE_MARGIN <= window->shape[1]) {
        composition job = {
            .window = (const uint8_t *)window->buf + y * window->strides[0] + 3 * x,
            .answer = answer->buf,
            .out = out->buf,
            .window_row = window->strides[0],
            .answer_row = answer->strides[0] / (ptrdiff_t)sizeof(float),
            .out_row = out->strides[0],
            .height = (int)(out->shape[0] / scale),
            .width = (int)(out->shape[1] / scale),
            .scale = scale,
            .registers = registers > 0 && registers < most ? registers : most,
        };
        Py_BEGIN_ALLOW_THREADS
        status = compose(&job);
        Py_END_ALLOW_THREADS
    }
    release(views, 3);
    return finished(status);
}

static PyMethodDef methods[] = {
    {"prepare", prepare, METH_VARARGS, prepare_doc},
    {"workspace", workspace, METH_VARARGS, workspace_doc},
    {"run", run, METH_VARARGS, run_doc},
    {"luma", luma, METH_VARARGS, luma_doc},
    {"add_detail", add_detail, METH_VARARGS, compose_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_native", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__native(void)
{
    static const char *const kinds[] = {"", "vnni", "amx"};
    PyObject *module = PyModule_Create(&definition);
    if (module && PyModule_AddStringConstant(module, "KIND", kinds[network_best()])) {
        Py_DECREF(module);
        return NULL;
    }
    return module;
}
