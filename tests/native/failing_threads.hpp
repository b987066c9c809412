#pragma once

// The standard library starts threads by pthread_create. In a test that includes this header, once, the
// threads after some can be refused, as the system refuses them at a limit.

#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>

namespace failing_threads {

// How many threads may still be started; less than 0: any number.
inline std::atomic<int> left{-1};

// Lets `count` threads be started and refuses the others, for as long as it lives.
class Limit {
  public:
    explicit Limit(int count) { left = count; }
    ~Limit() { left = -1; }
    Limit(const Limit&) = delete;
    Limit& operator=(const Limit&) = delete;
};

}  // namespace failing_threads

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*work)(void*),
                              void* argument) noexcept {
    using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
    static const auto create = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
    if (failing_threads::left == 0) {
        return EAGAIN;
    }
    if (failing_threads::left > 0) {
        --failing_threads::left;
    }
    return create(thread, attributes, work, argument);
}
