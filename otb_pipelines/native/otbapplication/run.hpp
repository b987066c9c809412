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

// One piece of work that OTB does in a thread of its own, while the Python thread that asked for it waits,
// delivers messages and looks for signals.
class Run {
  public:
    // Remembers the process and all that feeds it, so that abort() reaches them. Call it from the working
    // thread, or before that starts: pipelines must not change meanwhile.
    void collect(itk::ProcessObject* process);

    void post_progress(const Progress& progress);
    std::vector<Progress> take_progress();

    // Asks every collected process to stop. A process clears the request when it starts on another region, so
    // ask again until the run is over.
    void abort();
    void clear_abort();

    void request_stop();
    bool stop_requested() const;

    void finish(std::exception_ptr error);
    bool finished() const;
    // Returns true as soon as the run is over, false if it still lasts after `seconds`.
    bool wait(double seconds);
    std::exception_ptr error() const;

    // Lets the run end by itself, its result unwanted. Until then the process may only exit without
    // destructors.
    void abandon();

  private:
    mutable std::mutex mutex_;
    std::condition_variable over_;
    std::map<const itk::ProcessObject*, itk::ProcessObject::Pointer> processes_;
    std::vector<Progress> progress_;
    std::exception_ptr error_;
    bool stop_requested_ = false;
    bool finished_ = false;
    bool abandoned_ = false;
};

// Does `work` for the application and returns when it is done. The GIL must be held; it is released while the
// work lasts. Throws what the work threw, or the Python exception (KeyboardInterrupt first of all) that a
// signal handler or a progress callback raised meanwhile. Work that does not stop within a second of being
// asked is left to end by itself: `work` must own all it uses.
void run_interruptibly(const std::shared_ptr<Application>& application, std::function<void()> work);

}  // namespace otbpy
