#include "decoding_threads.hpp"

#include <cpl_conv.h>
#include <cpl_multiproc.h>
#include <cpl_string.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>

namespace reading {
namespace {

constexpr int most_threads = 1024;

int configured_threads() {
    const std::string wanted = CPLGetConfigOption("GDAL_NUM_THREADS", "1");
    if (EQUAL(wanted.c_str(), "ALL_CPUS")) {
        return CPLGetNumCPUs();
    }
    int count = 1;
    // Any other text leaves 1.
    std::from_chars(wanted.data(), wanted.data() + wanted.size(), count);
    return count;
}

}  // namespace

std::shared_ptr<DecodingThreads> DecodingThreads::shared(int count) {
    static std::mutex mutex;
    static std::map<int, std::weak_ptr<DecodingThreads>> existing;
    const int wanted = std::clamp(count == 0 ? configured_threads() : count, 1, most_threads);
    const std::lock_guard lock(mutex);
    std::shared_ptr<DecodingThreads> threads = existing[wanted].lock();
    if (threads == nullptr) {
        threads = std::make_shared<DecodingThreads>(wanted);
        existing[wanted] = threads;
    }
    return threads;
}

DecodingThreads::DecodingThreads(int count) : threads_(static_cast<std::size_t>(count), [this] { work(); }) {
    if (threads_.size() == 0) {
        throw std::runtime_error("no thread can be started: the system has no room for one more");
    }
}

DecodingThreads::~DecodingThreads() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    changed_.notify_all();
    threads_.join();
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
