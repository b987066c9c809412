#include "run.hpp"

#include <pybind11/pybind11.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <utility>

#include "application.hpp"
#include "errors.hpp"
#include "gdal_context.hpp"
#include "mailbox.hpp"

namespace py = pybind11;

namespace otbpy {
namespace {

constexpr double poll_seconds = 0.05;
constexpr auto grace = std::chrono::milliseconds(1000);

std::atomic<int> abandoned_runs{0};

// Static objects of OTB and GDAL must not be destroyed under a thread that still works with them.
void exit_without_destructors(int status, void*) {
    if (abandoned_runs > 0) {
        std::fflush(nullptr);
        _exit(status);
    }
}

// A thread started within has these signals blocked, so that they reach Python's threads and do not interrupt
// OTB's system calls. Faults stay unblocked: they belong to the thread that caused them.
class SignalsBlocked {
  public:
    SignalsBlocked() {
        sigset_t blocked;
        sigfillset(&blocked);
        for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP}) {
            sigdelset(&blocked, fault);
        }
        pthread_sigmask(SIG_SETMASK, &blocked, &previous_);
    }
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &previous_, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

  private:
    sigset_t previous_{};
};

void report_progress(Run& run) {
    for (const auto& progress : run.take_progress()) {
        auto callbacks = Mailbox::instance().progress_callbacks().all();
        if (const auto application = progress.application.lock()) {
            const auto own = application->progress_callbacks().all();
            callbacks.insert(callbacks.end(), own.begin(), own.end());
        }
        for (const auto& callback : callbacks) {
            callback(progress.name, progress.fraction);
        }
    }
}

using Applications = std::vector<std::shared_ptr<Application>>;

// Makes the applications busy with a new run: each refuses other calls until the run is finished. Nothing has
// to be reset afterwards, whichever way the run ends. No other thread can come between the check and the
// start, because the GIL is held.
std::shared_ptr<Run> start_run(const Applications& involved) {
    for (const auto& member : involved) {
        member->require_idle();
    }
    const auto run = std::make_shared<Run>();
    for (const auto& member : involved) {
        member->enter(run);
    }
    return run;
}

// The thread that does the work of a run. The destructor joins the thread if the run is finished, and
// otherwise leaves it to end by itself.
class Worker {
  public:
    // The thread has the options of GDAL of the calling thread, and its messages go to `messages`.
    Worker(std::shared_ptr<Run> run, std::function<void()> work, Applications involved,
           const std::shared_ptr<GdalMessages>& messages)
        : run_(std::move(run)) {
        const SignalsBlocked blocked;
        try {
            thread_ = std::thread([run = run_, work = std::move(work), involved = std::move(involved),
                                   options = GdalOptions(), messages]() mutable {
                options.apply();
                std::exception_ptr error;
                {
                    const GdalMessagesKept kept(messages);
                    try {
                        work();
                    } catch (...) {
                        error = std::current_exception();
                    }
                    work = nullptr;
                    involved.clear();
                }
                run->finish(error);
            });
        } catch (...) {
            // The system has no thread left. The run is over, so that the applications are not busy for ever.
            run_->finish(std::current_exception());
            throw;
        }
    }
    ~Worker() {
        if (run_->abandon()) {
            thread_.detach();
        } else {
            thread_.join();
            run_->clear_abort();
        }
    }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

  private:
    std::shared_ptr<Run> run_;
    std::thread thread_;
};

// Delivers messages to Python and lets Python handle signals. Returns what was thrown meanwhile, or null: a
// Python exception, or a C++ exception of any type. Nothing is thrown to the caller, who must first stop the
// run.
std::exception_ptr attend(Run& run) {
    try {
        Mailbox::instance().deliver();
        report_progress(run);
        if (PyErr_CheckSignals() != 0) {
            throw py::error_already_set();
        }
    } catch (...) {
        return std::current_exception();
    }
    return nullptr;
}

struct Waiting {
    // Whether the run was asked to stop before it was finished.
    bool stopped = false;
    // The first exception that attend() returned, or null.
    std::exception_ptr raised;
};

// Waits until the run is finished, and attends to Python meanwhile. Asks the run to stop as soon as attend()
// returns an exception or the run has a request to stop; then waits for no longer than `grace`.
Waiting wait_for(Run& run) {
    using Clock = std::chrono::steady_clock;
    Waiting result;
    Clock::time_point deadline;
    bool finished = false;
    while (!finished) {
        {
            const py::gil_scoped_release released;
            finished = run.wait(poll_seconds);
        }
        const std::exception_ptr error = attend(run);
        if (result.raised == nullptr) {
            result.raised = error;
        }
        if (!finished && (result.raised != nullptr || run.stop_requested())) {
            if (!result.stopped) {
                result.stopped = true;
                deadline = Clock::now() + grace;
            }
            run.abort();
            if (Clock::now() > deadline) {
                break;
            }
        }
    }
    return result;
}

}  // namespace

void Run::collect(itk::ProcessObject* process) {
    std::vector<itk::ProcessObject::Pointer> pending = {process};
    const std::lock_guard<std::mutex> lock(mutex_);
    while (!pending.empty()) {
        const auto current = pending.back();
        pending.pop_back();
        if (current.IsNull() || !processes_.emplace(current.GetPointer(), current).second) {
            continue;
        }
        for (const auto& input : current->GetInputs()) {
            if (input.IsNotNull()) {
                pending.emplace_back(input->GetSource().GetPointer());
            }
        }
    }
}

void Run::post_progress(const Progress& progress) {
    const std::lock_guard<std::mutex> lock(mutex_);
    progress_.push_back(progress);
}

std::vector<Progress> Run::take_progress() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return std::exchange(progress_, {});
}

void Run::abort() {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& [address, process] : processes_) {
        process->SetAbortGenerateData(true);
    }
}

void Run::clear_abort() {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& [address, process] : processes_) {
        process->SetAbortGenerateData(false);
    }
}

void Run::request_stop() {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_requested_ = true;
}

bool Run::stop_requested() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return stop_requested_;
}

void Run::finish(std::exception_ptr error) {
    const std::lock_guard<std::mutex> lock(mutex_);
    error_ = std::move(error);
    if (state_ == State::abandoned) {
        processes_.clear();
        --abandoned_runs;
    }
    state_ = State::finished;
    over_.notify_all();
}

bool Run::finished() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return state_ == State::finished;
}

bool Run::wait(double seconds) {
    std::unique_lock<std::mutex> lock(mutex_);
    return over_.wait_for(lock, std::chrono::duration<double>(seconds),
                          [this] { return state_ == State::finished; });
}

std::exception_ptr Run::error() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return error_;
}

bool Run::abandon() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (state_ == State::finished) {
        return false;
    }
    // Registered when first needed, so that it runs before the destructors registered at load time.
    static const int registered = on_exit(exit_without_destructors, nullptr);
    static_cast<void>(registered);
    state_ = State::abandoned;
    ++abandoned_runs;
    return true;
}

void run_interruptibly(const std::shared_ptr<Application>& application, std::function<void()> work) {
    auto involved = application->with_upstream();
    const auto run = start_run(involved);
    const auto messages = std::make_shared<GdalMessages>();
    Waiting result;
    {
        const Worker worker(run, std::move(work), std::move(involved), messages);
        result = wait_for(*run);
    }
    messages->deliver();
    if (result.raised != nullptr) {
        std::rethrow_exception(result.raised);
    }
    if (result.stopped) {
        throw ApplicationError(application->name() + " was stopped");
    }
    if (run->error() != nullptr) {
        std::rethrow_exception(run->error());
    }
}

}  // namespace otbpy
