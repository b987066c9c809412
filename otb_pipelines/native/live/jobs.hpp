#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>

#include "threads/started_threads.hpp"

namespace live {

// Does the jobs 0 to count - 1 in several threads, each job once. Every thread calls `make_worker` once, and
// the worker that it returns with the number of each of its jobs. Ends early once `stopped` is true. Returns
// whether all jobs were done. Throws what a worker throws.
template <class MakeWorker>
bool do_jobs(std::size_t count, std::size_t thread_count, const std::atomic<bool>& stopped,
             const MakeWorker& make_worker) {
    std::atomic<std::size_t> next{0};
    std::exception_ptr failure;
    std::mutex failing;
    const auto work = [&] {
        try {
            auto worker = make_worker();
            for (std::size_t job = next++; job < count && !stopped; job = next++) {
                worker(job);
            }
        } catch (...) {
            const std::lock_guard<std::mutex> guard(failing);
            failure = std::current_exception();
        }
    };
    {
        // This thread works, too, so that the jobs are done even where no other thread can be started.
        const std::size_t all = std::min(thread_count, count);
        const threads::StartedThreads others(all > 0 ? all - 1 : 0, work);
        work();
    }
    if (failure) {
        std::rethrow_exception(failure);
    }
    return !stopped;
}

}  // namespace live
