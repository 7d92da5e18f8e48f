// Threads that help the one that computes a step. Work is cut into small parts, and whoever is free takes
// the next one: a helper that still sleeps, or whose core has other work, has done less of it in the end,
// and nobody waits for more than the part that it has in hand. A part comes out the same whoever does it.

#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <pthread.h>
#include <system_error>
#include <thread>

struct Helpers {
    // The parts that are handed out: how many there are, and below that the next one's number. Both are in
    // one word so that a ticket can't be taken for other work than it was drawn for.
    std::atomic<uint32_t> tickets{0};
    std::atomic<long> done{0};  // by helpers
    void (*work)(const void* part, long number) = nullptr;
    const void* part = nullptr;

    std::atomic<int> awake{0};  // so many of them
    std::atomic<int> wanted{0};
    std::atomic_flag taken = ATOMIC_FLAG_INIT;  // by the thread that computes
    std::mutex door;
    std::condition_variable wake;
    int hired = 0;
};

constexpr int NUMBER = 16;  // bits of a part's number
// How long a helper stays awake after a step: the next one of an answer mostly comes sooner, and a core that
// has gone to sleep, a virtual one most of all, takes a tenth of a step to wake.
constexpr std::chrono::microseconds ALERT{300};
static Helpers& helpers = *new Helpers;  // never destroyed: they may outlive what ends the process
static thread_local bool helped = false;

static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

// Do the next part, if there is one.
static bool do_next() {
    constexpr uint32_t LOW = (1u << NUMBER) - 1;
    uint32_t ticket = helpers.tickets.load(std::memory_order_relaxed);
    if ((ticket & LOW) >= ticket >> NUMBER) return false;
    ticket = helpers.tickets.fetch_add(1, std::memory_order_acq_rel);
    if ((ticket & LOW) >= ticket >> NUMBER) return false;
    helpers.work(helpers.part, ticket & LOW);
    return true;
}

static void work_along(int own) {
    const auto unwanted = [&] { return helpers.awake.load(std::memory_order_relaxed) <= own; };
    for (;;) {
        const auto until = std::chrono::steady_clock::now() + ALERT;
        while (unwanted() && std::chrono::steady_clock::now() < until)
            std::this_thread::yield();  // to whoever else wants the core
        {
            std::unique_lock<std::mutex> lock(helpers.door);
            helpers.wake.wait(lock, [&] { return !unwanted(); });
        }
        while (!unwanted()) {
            if (do_next()) helpers.done.fetch_add(1, std::memory_order_release);
            else pause();
        }
    }
}

// part(number) for each number below `count`, in any order and by several threads at a time.
template <class Part> static void in_parts(long count, const Part& part) {
    if (!helped || count < 2 || count >> NUMBER) {
        for (long number = 0; number < count; number++) part(number);
        return;
    }
    helpers.work = [](const void* part, long number) { (*(const Part*)part)(number); };
    helpers.part = &part;
    helpers.done.store(0, std::memory_order_relaxed);
    helpers.tickets.store((uint32_t)count << NUMBER, std::memory_order_release);
    long own = 0;
    while (do_next()) own++;
    while (helpers.done.load(std::memory_order_acquire) < count - own) pause();
}

// While there is one, the helpers are awake for this thread, unless another one has them.
struct WithHelp {
    WithHelp() {
        if (!helpers.wanted || helpers.taken.test_and_set(std::memory_order_acquire)) return;
        helped = true;
        change(helpers.wanted);
        helpers.wake.notify_all();
    }
    ~WithHelp() {
        if (!helped) return;
        change(0);
        helped = false;
        helpers.taken.clear(std::memory_order_release);
    }
    static void change(int awake) {
        std::lock_guard<std::mutex> lock(helpers.door);
        helpers.awake = awake;
    }
};

extern "C" {

// Let `count` threads help from now on. Raises nothing: those that the system refuses are done without.
void hire(int32_t count) {
    static const int forked = pthread_atfork(nullptr, nullptr, [] { helpers.wanted = 0; });  // they stay behind
    std::lock_guard<std::mutex> lock(helpers.door);
    if (forked) return;
    try {
        for (; helpers.hired < count; helpers.hired++) std::thread(work_along, helpers.hired).detach();
    } catch (const std::system_error&) {
    }
    helpers.wanted = std::min(count, helpers.hired);
}
}
