// Products of a few rows with a matrix. One is as fast as the matrix is read, many are as fast as the CPU
// multiplies. Both want the weights in the order in which they are used, so engine/compiled.py packs
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

static vec plus_product(vec sum, uint32_t x, Pairs w) {
    return (vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)_mm512_set1_epi32(x), w.values);
}
#endif

// What is multiplied at a time, so that its sums stay in registers: few rows with 4 panels, or many.
#if defined(__AVX512F__)
constexpr int FEW = 4, MANY = 8, PANELS_OF_MANY = 3;
#else
constexpr int FEW = 2, MANY = 4, PANELS_OF_MANY = 2;
#endif

// sums[m][v] += the products of M rows x [M][inputs] with V panels, input after input, so that a sum is the
// same number whatever is multiplied beside it.
template <int M, int V, class X, class W>
static void multiply(const X* x, long inputs, const W* w, vec (&sums)[M][V]) {
    vec s[M][V];
    std::memcpy(s, sums, sizeof s);
    for (long k = 0; k < inputs; k++) {
        decltype(load(w)) weights[V];
#pragma GCC unroll 4
        for (int v = 0; v < V; v++) weights[v] = load(w + (v * inputs + k) * LANES);
#pragma GCC unroll 16
        for (int m = 0; m < M; m++) {
            const X one = x[m * inputs + k];
#pragma GCC unroll 4
            for (int v = 0; v < V; v++) s[m][v] = plus_product(s[m][v], one, weights[v]);
        }
    }
    std::memcpy(sums, s, sizeof s);
}

// Where a product goes: row m, output o to y[m * outputs + o], added to what is there if `add`.
struct Target {
    float* y;
    long outputs;
    const float* bias;
    bool add;
};

template <int M, int V, class X, class W>
static void panels(const X* x, long inputs, const W* w, Target to, long first) {
    vec sums[M][V] = {};
    const auto each = [&](auto visit) {
        for (int v = 0; v < V; v++) {
            const long o = (first + v) * LANES;
            for (int m = 0; m < M; m++) visit(sums[m][v], to.y + m * to.outputs + o, o);
        }
    };
    if (to.add) each([&](vec& sum, float* y, long o) { sum = load_some(y, to.outputs - o); });
    multiply<M, V>(x, inputs, w + first * inputs * LANES, sums);
    each([&](vec& sum, float* y, long o) {
        if (to.bias) sum += load(to.bias + o);
        store_some(y, sum, to.outputs - o);
    });
}

// panels<n, V>, for an n known only now.
template <int M, int V, class X, class W>
static void some_rows(long n, const X* x, long inputs, const W* w, Target to, long first) {
    if (n == M) return panels<M, V>(x, inputs, w, to, first);
    if constexpr (M > 1) some_rows<M - 1, V>(n, x, inputs, w, to, first);
}

// All n rows, at most M at a time, with V panels, which stay in the nearest cache meanwhile, then with the
// next ones.
template <int M, int V, class X, class W>
static void product_of(long n, const X* x, long inputs, const W* w, Target to) {
    const long count = (to.outputs + LANES - 1) / LANES;
    in_parts((count + V - 1) / V, [=](long part) {
        Target at = to;
        const X* from = x;
        for (long left = n; left > 0; left -= M, from += M * inputs, at.y += M * to.outputs) {
            const long rows = std::min<long>(M, left);
            long p = part * V;
            if (p + V <= count) some_rows<M, V>(rows, from, inputs, w, at, p);
            else for (; p < count; p++) some_rows<M, 1>(rows, from, inputs, w, at, p);
        }
    });
}

template <class X, class W>
static void product(long n, const X* x, long inputs, const W* w, Target to) {
    if (n <= FEW) return product_of<FEW, 4>(n, x, inputs, w, to);
    product_of<MANY, PANELS_OF_MANY>(n, x, inputs, w, to);
}

// y = x W^T + bias for n rows, added to what is in y if `add`.
static void linear(long n, const float* x, const Matrix& w, float* y, bool add = false) {
    const long inputs = w.inputs;
    const Target to{y, w.outputs, w.bias, add};
#if defined(__AVX512BF16__)
    if (w.form == PAIRS) {
        const std::unique_ptr<uint32_t[]> pairs(new uint32_t[n * inputs / 2]);
        in_parts((n + FEW - 1) / FEW, [&](long part) {
            const long end = std::min(n, (part + 1) * FEW) * inputs;
            for (long k = part * FEW * inputs; k < end; k += 2)
                pairs[k / 2] = rounded(x[k]) | rounded(x[k + 1]) << 16;
        });
        return product(n, pairs.get(), inputs / 2, (const uint32_t*)w.panels, to);
    }
#endif
    if (w.form == HALVES) product(n, x, inputs, (const uint16_t*)w.panels, to);
    else product(n, x, inputs, (const float*)w.panels, to);
}
