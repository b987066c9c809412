#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace reading {

// Threads that decode while others compute. All files share them, and they live as long as one is open.
class DecodingThreads {
  public:
    // As many as GDAL_NUM_THREADS says, which is one where it is not set.
    static std::shared_ptr<DecodingThreads> shared();

    explicit DecodingThreads(int count);
    // Waits for what is being decoded, and drops what waits for its turn.
    ~DecodingThreads();
    DecodingThreads(const DecodingThreads&) = delete;
    DecodingThreads& operator=(const DecodingThreads&) = delete;

    // Jobs must not throw. Urgent ones come before all others.
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
