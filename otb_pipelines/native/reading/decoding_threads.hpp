#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace reading {

// Threads that decode files while other threads compute. All files share them. They end when the last owner
// drops them.
class DecodingThreads {
  public:
    // The threads that all files share. Their number is GDAL_NUM_THREADS, or 1 if that is not set.
    static std::shared_ptr<DecodingThreads> shared();

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
    std::vector<std::thread> threads_;
};

}  // namespace reading
