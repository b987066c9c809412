#pragma once

#include <pybind11/pybind11.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "mailbox.hpp"
#include "otbWrapperApplication.h"
#include "run.hpp"

namespace otbpy {

using Engine = otb::Wrapper::Application;
using ImageBase = otb::Wrapper::ImageBaseType;

// One OTB application. It keeps the applications alive whose images it reads. An application is busy during a
// run: it then refuses every other call.
class Application : public std::enable_shared_from_this<Application> {
  public:
    static std::shared_ptr<Application> wrap(Engine* engine);

    const Engine::Pointer& engine() const { return engine_; }
    std::string name() const { return engine_->GetName(); }
    Callbacks& progress_callbacks() { return progress_callbacks_; }

    // Calls `function(engine)` without the GIL, and then delivers what OTB logged meanwhile. This is for
    // functions that return at once. Everything that computes pixels goes through run_interruptibly().
    template <class Function>
    auto call(Function&& function) {
        require_idle();
        struct Delivery {
            ~Delivery() { Mailbox::instance().deliver(); }
        };
        const Delivery delivery;
        const pybind11::gil_scoped_release released;
        return function(*engine_);
    }

    void execute();
    void write_output();
    void execute_and_write_output();

    // Computes the pixels of `image` in memory: the region given to request_region(), otherwise the whole
    // image.
    void update(const std::string& key, const ImageBase::Pointer& image);
    void request_region(const std::string& key, const ImageBase::RegionType& region) {
        regions_[key] = region;
    }

    bool connect(const std::string& key, const std::shared_ptr<Application>& source,
                 const std::string& output);
    // Remembers that the parameter reads an image of `source`, which may be null.
    void depend(const std::string& key, const std::shared_ptr<Application>& source);
    // Remembers that the parameter reads something else from the next execution on.
    void release(const std::string& key);

    // This application and all it depends on, each once.
    std::vector<std::shared_ptr<Application>> with_upstream();

    // Throws ApplicationError if the application is busy, that is, if its last run is not finished.
    void require_idle() const;
    // Makes the application busy until the run is finished.
    void enter(const std::shared_ptr<Run>& run);
    // The run that makes the application busy, or null.
    std::shared_ptr<Run> current_run() const;
    void stop() const;

  private:
    explicit Application(Engine* engine) : engine_(engine) {}

    Engine::Pointer engine_;
    std::map<std::string, std::vector<std::shared_ptr<Application>>> upstream_;
    // Applications that the filters of the last execution may still read from.
    std::vector<std::shared_ptr<Application>> retired_;
    std::map<std::string, ImageBase::RegionType> regions_;
    Callbacks progress_callbacks_;
    mutable std::mutex run_mutex_;
    // The last run, finished or not.
    std::shared_ptr<Run> run_;
};

// An image and the application whose filters compute it. The application is null for an image made from an
// array. It is kept here because ITK's images do not keep their source alive.
struct Image {
    ImageBase::Pointer base;
    std::shared_ptr<Application> owner;
};

void bind_application(pybind11::module_& module,
                      pybind11::class_<Application, std::shared_ptr<Application>>& type);

}  // namespace otbpy
