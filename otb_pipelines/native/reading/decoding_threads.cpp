#include "decoding_threads.hpp"

#include <cpl_conv.h>
#include <cpl_multiproc.h>
#include <cpl_string.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace reading {
namespace {

int wanted_threads() {
    const char* wanted = CPLGetConfigOption("GDAL_NUM_THREADS", "1");
    if (EQUAL(wanted, "ALL_CPUS")) {
        return std::max(1, CPLGetNumCPUs());
    }
    return std::max(1, static_cast<int>(std::strtol(wanted, nullptr, 10)));
}

}  // namespace

std::shared_ptr<DecodingThreads> DecodingThreads::shared() {
    static std::mutex mutex;
    static std::weak_ptr<DecodingThreads> existing;
    const std::lock_guard lock(mutex);
    std::shared_ptr<DecodingThreads> threads = existing.lock();
    if (threads == nullptr) {
        threads = std::make_shared<DecodingThreads>(wanted_threads());
        existing = threads;
    }
    return threads;
}

DecodingThreads::DecodingThreads(int count) {
    for (int number = 0; number < count; ++number) {
        threads_.emplace_back([this] { work(); });
    }
}

DecodingThreads::~DecodingThreads() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) {
        thread.join();
    }
}

void DecodingThreads::add(std::function<void()> job, bool urgent) {
    {
        const std::lock_guard lock(mutex_);
        jobs_.insert(urgent ? jobs_.begin() : jobs_.end(), std::move(job));
    }
    changed_.notify_one();
}

void DecodingThreads::work() {
    // Each thread decodes another file. If GDAL divided one file among several threads, they would wait for
    // the last tile of each row.
    CPLSetThreadLocalConfigOption("GDAL_NUM_THREADS", "1");
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
        if (ending_) {
            return;
        }
        const std::function<void()> job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        job();
        lock.lock();
    }
}

}  // namespace reading
