#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "itkProcessObject.h"

namespace otbpy {

class Application;

struct Progress {
    std::weak_ptr<Application> application;
    std::string name;
    double fraction;
};

// A Run is one piece of work that OTB does in a thread of its own. The Python thread that asked for the work
// waits for it, and meanwhile delivers messages and looks for signals.
class Run {
  public:
    // Remembers the process and all processes that feed it, so that abort() reaches them. Call this from the
    // working thread, or before that thread starts: pipelines must not change meanwhile.
    void collect(itk::ProcessObject* process);

    void post_progress(const Progress& progress);
    std::vector<Progress> take_progress();

    // Asks every collected process to stop. A process clears the request when it starts on another region, so
    // repeat the call until the run is over.
    void abort();
    void clear_abort();

    void request_stop();
    bool stop_requested() const;

    // The worker calls this when the work is done. `error` is what the work threw, or null.
    void finish(std::exception_ptr error);
    bool finished() const;
    // Returns true as soon as the run is over, and false if it still lasts after `seconds`.
    bool wait(double seconds);
    std::exception_ptr error() const;

    // Lets the run end by itself, because nobody waits for its result any more. Until it ends, the process
    // may only exit without calling destructors. Does nothing and returns false if the run is finished
    // already.
    bool abandon();

  private:
    enum class State { running, abandoned, finished };

    mutable std::mutex mutex_;
    std::condition_variable over_;
    std::map<const itk::ProcessObject*, itk::ProcessObject::Pointer> processes_;
    std::vector<Progress> progress_;
    std::exception_ptr error_;
    bool stop_requested_ = false;
    State state_ = State::running;
};

// Does `work` for the application and returns when it is done. The caller must hold the GIL, which is
// released while the work lasts.
//
// Throws what the work threw. If a signal handler or a progress callback raised a Python exception meanwhile
// (KeyboardInterrupt above all), the work is stopped and that exception is thrown instead. Work that does not
// stop within a second of being asked is left to end by itself: `work` must own everything that it uses.
void run_interruptibly(const std::shared_ptr<Application>& application, std::function<void()> work);

}  // namespace otbpy
