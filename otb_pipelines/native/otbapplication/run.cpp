#include "run.hpp"

#include <pybind11/pybind11.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <thread>
#include <utility>

#include "application.hpp"
#include "errors.hpp"
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

// What Python has to say while a run lasts; the exception to raise, if any.
std::optional<py::error_already_set> attend(Run& run) {
    try {
        Mailbox::instance().deliver();
        report_progress(run);
        if (PyErr_CheckSignals() != 0) {
            throw py::error_already_set();
        }
    } catch (py::error_already_set& error) {
        return error;
    }
    return std::nullopt;
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
                pending.push_back(input->GetSource().GetPointer());
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
    finished_ = true;
    if (abandoned_) {
        processes_.clear();
        --abandoned_runs;
    }
    over_.notify_all();
}

bool Run::finished() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return finished_;
}

bool Run::wait(double seconds) {
    std::unique_lock<std::mutex> lock(mutex_);
    return over_.wait_for(lock, std::chrono::duration<double>(seconds), [this] { return finished_; });
}

std::exception_ptr Run::error() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return error_;
}

void Run::abandon() {
    // Registered when first needed, so that it runs before the destructors registered at load time.
    static const int registered = on_exit(exit_without_destructors, nullptr);
    static_cast<void>(registered);
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!finished_) {
        abandoned_ = true;
        ++abandoned_runs;
    }
}

void run_interruptibly(const std::shared_ptr<Application>& application, std::function<void()> work) {
    const auto run = std::make_shared<Run>();
    auto involved = application->with_upstream();
    for (const auto& member : involved) {
        member->require_idle();
    }
    for (const auto& member : involved) {
        member->enter(run);
    }

    std::thread worker;
    {
        const SignalsBlocked blocked;
        worker = std::thread([run, work = std::move(work), involved = std::move(involved)]() mutable {
            std::exception_ptr error;
            try {
                work();
            } catch (...) {
                error = std::current_exception();
            }
            work = nullptr;
            involved.clear();
            run->finish(error);
        });
    }

    std::optional<py::error_already_set> raised;
    bool stopping = false;
    auto deadline = std::chrono::steady_clock::time_point::max();
    bool finished = false;
    while (!finished) {
        {
            const py::gil_scoped_release released;
            finished = run->wait(poll_seconds);
        }
        if (auto error = attend(*run); error && !raised) {
            raised = std::move(error);
        }
        if (!finished && (raised || run->stop_requested())) {
            if (!stopping) {
                stopping = true;
                deadline = std::chrono::steady_clock::now() + grace;
            }
            run->abort();
            if (std::chrono::steady_clock::now() > deadline) {
                break;
            }
        }
    }

    if (finished) {
        worker.join();
        run->clear_abort();
    } else {
        worker.detach();
        run->abandon();
    }
    if (raised) {
        throw *raised;
    }
    if (stopping) {
        throw ApplicationError(application->name() + " was stopped");
    }
    if (run->error()) {
        std::rethrow_exception(run->error());
    }
}

}  // namespace otbpy
