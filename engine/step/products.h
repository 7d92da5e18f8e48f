// Products of a few rows with a matrix. They are as fast as the matrix is read or, from some 8 rows on, as
// the CPU multiplies. Both want the weights in the order in which they are used, so engine/compiled.py packs
// every matrix [outputs, inputs] into panels [outputs / LANES][inputs][LANES]: a vector register has
// one input's weights for LANES outputs.

#pragma once

#include <algorithm>

#include "helpers.h"
#include "registers.h"

extern "C" {

// W [outputs, inputs], in panels of the given form; a bias [outputs], if there is one.
struct Matrix {
    const void* panels;
    const float* bias;
    int32_t outputs, inputs, form;
};
}

// What a panel holds: float32; bfloat16; or bfloat16 of two inputs side by side, [inputs / 2][LANES][2],
// for CPUs that multiply and add such pairs at once. The latter round what they are multiplied by.
enum Form { FLOATS, HALVES, PAIRS };

static vec plus_product(vec sum, float x, vec w) { return sum + x * w; }

#if defined(__AVX512BF16__)
struct Pairs {
    __m512bh values;
};

static Pairs load(const uint32_t* w) { return {(__m512bh)_mm512_loadu_si512(w)}; }

static vec plus_product(vec sum, float x, Pairs w) {  // x has the bits of a pair
    return (vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_ps(x), w.values);
}
#endif

// sums[m][v] += the products of M rows x with V panels, input after input, so that a sum that is made in
// two parts is the same number. Row m, input k of x is x[m * row + k * step].
template <int M, int V, class W>
static void multiply(const float* x, long row, long step, long inputs, const W* w, vec (&sums)[M][V]) {
    vec s[M][V];
    std::memcpy(s, sums, sizeof s);
    for (long k = 0; k < inputs; k++) {
#pragma GCC unroll 16
        for (int v = 0; v < V; v++) {
            const auto weights = load(w + (v * inputs + k) * LANES);
#pragma GCC unroll 16
            for (int m = 0; m < M; m++)
                s[m][v] = plus_product(s[m][v], x[m * row + k * step], weights);
        }
    }
    std::memcpy(sums, s, sizeof s);
}

// Where a product goes: row m, output o to y[m * row + o], added to what is there if `add`.
struct Target {
    float* y;
    long row, outputs;
    const float* bias;
    bool add;
};

template <int M, int V, class W>
static void panels(const float* x, long row, long step, long inputs, const W* w, Target to, long first) {
    vec sums[M][V] = {};
    const auto each = [&](auto visit) {
        for (int v = 0; v < V; v++) {
            const long o = (first + v) * LANES;
            for (int m = 0; m < M; m++) visit(sums[m][v], to.y + m * to.row + o, o);
        }
    };
    if (to.add) each([&](vec& sum, float* y, long o) { sum = load_some(y, to.outputs - o); });
    multiply<M, V>(x, row, step, inputs, w + first * inputs * LANES, sums);
    each([&](vec& sum, float* y, long o) {
        if (to.bias) sum += load(to.bias + o);
        store_some(y, sum, to.outputs - o);
    });
}

template <int M, class W>
static void rows(const float* x, long row, long step, long inputs, const W* w, Target to) {
    constexpr int V = std::min(4, ROWS / M);  // few rows take several panels at a time
    const long count = (to.outputs + LANES - 1) / LANES;
    in_parts((count + V - 1) / V, [=](long part) {
        long p = part * V;
        if (p + V <= count) return panels<M, V>(x, row, step, inputs, w, to, p);
        for (; p < count; p++) panels<M, 1>(x, row, step, inputs, w, to, p);
    });
}

// rows<n>, for an n known only now.
template <int M, class W>
static void some_rows(long n, const float* x, long row, long step, long inputs, const W* w, Target to) {
    if (n == M) return rows<M>(x, row, step, inputs, w, to);
    if constexpr (M > 1) some_rows<M - 1>(n, x, row, step, inputs, w, to);
}

// y = x W^T for n rows.
template <class W>
static void product(long n, const float* x, long row, long step, long inputs, const W* w, Target to) {
    for (long m = 0; m < n; m += ROWS) {
        Target part = to;
        part.y += m * to.row;
        some_rows<ROWS>(std::min<long>(ROWS, n - m), x + m * row, row, step, inputs, w, part);
    }
}

// y = x W^T + bias for n rows, added to what is in y if `add`.
static void linear(long n, const float* x, const Matrix& w, float* y, bool add = false) {
    const long inputs = w.inputs;
    const Floats together = floats(inputs * ROWS);  // [inputs][rows]: what is multiplied at a time
    for (; n > 0; n -= ROWS, x += ROWS * inputs, y += ROWS * w.outputs) {
        const long count = std::min<long>(ROWS, n);
        const Target to{y, w.outputs, w.outputs, w.bias, add};
#if defined(__AVX512BF16__)
        if (w.form == PAIRS) {
            const long pairs = inputs / 2;
            for (long m = 0; m < count; m++) {
                const float* own = x + m * inputs;
                for (long k = 0; k < pairs; k++) {
                    const uint32_t pair = rounded(own[2 * k]) | rounded(own[2 * k + 1]) << 16;
                    std::memcpy(&together[k * count + m], &pair, sizeof pair);
                }
            }
            product(count, together.get(), 1, count, pairs, (const uint32_t*)w.panels, to);
            continue;
        }
#endif
        for (long m = 0; m < count; m++)
            for (long k = 0; k < inputs; k++) together[k * count + m] = x[m * inputs + k];
        if (w.form == HALVES)
            product(count, together.get(), 1, count, inputs, (const uint16_t*)w.panels, to);
        else
            product(count, together.get(), 1, count, inputs, (const float*)w.panels, to);
    }
}
