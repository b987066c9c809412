// The threads that decode: what they do first, and what they leave undone.

#include "reading/decoding_threads.hpp"

#include <cpl_conv.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>

#include "failing_threads.hpp"

namespace {

using reading::DecodingThreads;

TEST(DecodingThreads, DoEveryJob) {
    DecodingThreads threads(3);
    std::atomic<int> sum{0};
    std::atomic<int> done{0};
    std::promise<void> all_done;
    for (int number = 1; number <= 100; ++number) {
        threads.add(
            [&, number] {
                sum += number;
                if (++done == 100) {
                    all_done.set_value();
                }
            },
            number % 2 == 0);
    }
    all_done.get_future().wait();
    EXPECT_EQ(sum, 5050);
}

TEST(DecodingThreads, DoUrgentJobsFirst) {
    std::string order;
    std::promise<void> started;
    std::promise<void> go;
    std::promise<void> last;
    DecodingThreads threads(1);
    // Holds the only thread until all jobs are there.
    threads.add(
        [&] {
            started.set_value();
            go.get_future().wait();
        },
        false);
    started.get_future().wait();
    threads.add([&] { order += 'a'; }, false);
    threads.add(
        [&] {
            order += 'b';
            last.set_value();
        },
        false);
    threads.add([&] { order += 'c'; }, true);
    go.set_value();
    last.get_future().wait();
    EXPECT_EQ(order, "cab");
}

TEST(DecodingThreads, DropWhatWaitsWhenTheyEnd) {
    std::promise<void> started;
    std::promise<void> go;
    std::future<void> may_go = go.get_future();
    std::atomic<bool> first_done{false};
    std::atomic<bool> second_done{false};
    auto threads = std::make_unique<DecodingThreads>(1);
    threads->add(
        [&] {
            started.set_value();
            may_go.wait();
            first_done = true;
        },
        false);
    started.get_future().wait();
    const auto captured = std::make_shared<int>(1);
    threads->add([&second_done, captured] { second_done = true; }, false);
    // The thread can end only after the first job, and finds that it should before it looks for the second.
    std::future<void> ending = std::async(std::launch::async, [&] { threads.reset(); });
    EXPECT_EQ(ending.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
    go.set_value();
    ending.wait();
    EXPECT_TRUE(first_done);
    EXPECT_FALSE(second_done);
    EXPECT_EQ(captured.use_count(), 1);
}

TEST(DecodingThreads, AreSharedAsLongAsSomebodyHoldsThem) {
    const std::shared_ptr<DecodingThreads> one = DecodingThreads::shared(2);
    EXPECT_EQ(DecodingThreads::shared(2), one);
    EXPECT_NE(DecodingThreads::shared(3), one);
}

TEST(DecodingThreads, AreAsManyAsTheCallingThreadHasSet) {
    CPLSetThreadLocalConfigOption("GDAL_NUM_THREADS", "3");
    EXPECT_EQ(DecodingThreads::shared(0), DecodingThreads::shared(3));
    CPLSetThreadLocalConfigOption("GDAL_NUM_THREADS", "none");
    EXPECT_EQ(DecodingThreads::shared(0), DecodingThreads::shared(1));
    CPLSetThreadLocalConfigOption("GDAL_NUM_THREADS", nullptr);
}

TEST(DecodingThreads, DoEveryJobWithTheThreadsThatThereAre) {
    const failing_threads::Limit limit(1);
    DecodingThreads threads(4);
    std::promise<void> done;
    threads.add([&done] { done.set_value(); }, false);
    done.get_future().wait();
}

TEST(DecodingThreads, TellThatNoneCanBeStarted) {
    const failing_threads::Limit limit(0);
    EXPECT_THROW(DecodingThreads(4), std::runtime_error);
    EXPECT_THROW(DecodingThreads::shared(4), std::runtime_error);
}

}  // namespace
