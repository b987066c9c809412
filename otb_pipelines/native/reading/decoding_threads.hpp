#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "threads/started_threads.hpp"

namespace reading {

// Threads that decode files while other threads compute. All files share them. They end when the last owner
// drops them.
class DecodingThreads {
  public:
    // The threads that all files with this number of threads share. 0 stands for GDAL_NUM_THREADS, as it is
    // set in the calling thread, and for 1 if that is not set.
    static std::shared_ptr<DecodingThreads> shared(int count);

    // Starts fewer threads if the system has no room for all. Throws std::runtime_error if it has room
    // for none.
    explicit DecodingThreads(int count);
    // Waits for the jobs that have begun, and drops the others.
    ~DecodingThreads();
    DecodingThreads(const DecodingThreads&) = delete;
    DecodingThreads& operator=(const DecodingThreads&) = delete;

    // Adds a job, which must not throw. Urgent jobs come before all others.
    void add(std::function<void()> job, bool urgent);

  private:
    void work();

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> jobs_;
    bool ending_ = false;
    // The last member: the threads use the others.
    threads::StartedThreads threads_;
};

}  // namespace reading
