#pragma once

#include <cstddef>
#include <functional>
#include <system_error>
#include <thread>
#include <vector>

namespace threads {

// Threads that all do the same work. Where the system has no room for all of them, there are fewer.
class StartedThreads {
  public:
    // Starts up to `count` threads. `work` must not throw.
    StartedThreads(std::size_t count, const std::function<void()>& work) {
        threads_.reserve(count);
        while (threads_.size() < count) {
            try {
                threads_.emplace_back(work);
            } catch (const std::system_error&) {
                // A limit of the user, the container or the memory. It will refuse the next ones as well.
                return;
            }
        }
    }
    ~StartedThreads() { join(); }
    StartedThreads(const StartedThreads&) = delete;
    StartedThreads& operator=(const StartedThreads&) = delete;

    std::size_t size() const { return threads_.size(); }

    // Waits until the work of all threads is done.
    void join() {
        for (std::thread& thread : threads_) {
            if (thread.joinable()) {
                thread.join();
            }
        }
    }

  private:
    std::vector<std::thread> threads_;
};

}  // namespace threads
