// Threads that are started together, also where the system refuses some.

#include "threads/started_threads.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "failing_threads.hpp"

namespace {

using threads::StartedThreads;

TEST(StartedThreads, AllDoTheWork) {
    std::atomic<int> done{0};
    StartedThreads threads(5, [&done] { ++done; });
    EXPECT_EQ(threads.size(), 5U);
    threads.join();
    EXPECT_EQ(done, 5);
}

TEST(StartedThreads, AreJoinedAtTheEnd) {
    std::atomic<int> done{0};
    {
        const StartedThreads threads(3, [&done] { ++done; });
    }
    EXPECT_EQ(done, 3);
}

class Limits : public testing::TestWithParam<int> {};

TEST_P(Limits, AreFewerWhereTheSystemRefusesSome) {
    std::atomic<int> done{0};
    const failing_threads::Limit limit(GetParam());
    StartedThreads threads(8, [&done] { ++done; });
    EXPECT_EQ(threads.size(), static_cast<std::size_t>(GetParam()));
    threads.join();
    EXPECT_EQ(done, GetParam());
}

INSTANTIATE_TEST_SUITE_P(StartedThreads, Limits, testing::Values(0, 1, 2, 7, 8));

}  // namespace
