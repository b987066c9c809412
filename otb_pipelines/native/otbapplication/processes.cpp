#include "processes.hpp"

#include <cmath>
#include <string>
#include <utility>

#include "application.hpp"
#include "itkProcessObject.h"
#include "otbWrapperAddProcessToWatchEvent.h"
#include "run.hpp"

namespace otbpy {
namespace {

// Filters report progress up to a hundred times per region. Whole per cents are enough.
constexpr double smallest_step = 0.01;

class ProgressRelay : public itk::Command {
  public:
    using Self = ProgressRelay;
    using Superclass = itk::Command;
    using Pointer = itk::SmartPointer<Self>;
    itkNewMacro(Self);

    void set(std::weak_ptr<Run> run, std::weak_ptr<Application> application, std::string name) {
        run_ = std::move(run);
        application_ = std::move(application);
        name_ = std::move(name);
    }

    void Execute(itk::Object* caller, const itk::EventObject& event) override {
        Execute(const_cast<const itk::Object*>(caller), event);
    }

    void Execute(const itk::Object* caller, const itk::EventObject&) override {
        const auto* process = dynamic_cast<const itk::ProcessObject*>(caller);
        const auto run = run_.lock();
        if (process == nullptr || run == nullptr) {
            return;
        }
        const double fraction = process->GetProgress();
        if (fraction == last_ || (fraction < 1.0 && std::abs(fraction - last_) < smallest_step)) {
            return;
        }
        last_ = fraction;
        run->post_progress({application_, name_, fraction});
    }

  private:
    std::weak_ptr<Run> run_;
    std::weak_ptr<Application> application_;
    std::string name_;
    double last_ = -1.0;
};

class ProcessWatcher : public itk::Command {
  public:
    using Self = ProcessWatcher;
    using Superclass = itk::Command;
    using Pointer = itk::SmartPointer<Self>;
    itkNewMacro(Self);

    void set(std::weak_ptr<Application> application) { application_ = std::move(application); }

    void Execute(itk::Object* caller, const itk::EventObject& event) override {
        Execute(const_cast<const itk::Object*>(caller), event);
    }

    void Execute(const itk::Object*, const itk::EventObject& event) override {
        const auto* announcement = dynamic_cast<const otb::Wrapper::AddProcessToWatchEvent*>(&event);
        const auto application = application_.lock();
        if (announcement == nullptr || announcement->GetProcess() == nullptr || application == nullptr) {
            return;
        }
        const auto run = application->current_run();
        if (run == nullptr) {
            return;
        }
        const auto relay = ProgressRelay::New();
        relay->set(run, application, announcement->GetProcessDescription());
        announcement->GetProcess()->AddObserver(itk::ProgressEvent(), relay);
        run->collect(announcement->GetProcess());
    }

  private:
    std::weak_ptr<Application> application_;
};

}  // namespace

itk::Command::Pointer watch_processes(const std::shared_ptr<Application>& application,
                                      otb::Wrapper::Application* engine) {
    const auto watcher = ProcessWatcher::New();
    watcher->set(application);
    engine->AddObserver(otb::Wrapper::AddProcessToWatchEvent(), watcher);
    return watcher.GetPointer();
}

}  // namespace otbpy
