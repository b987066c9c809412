#include "application.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <set>

#include "errors.hpp"
#include "otbWrapperInputImageListParameter.h"
#include "processes.hpp"

namespace py = pybind11;

namespace otbpy {
namespace {

using Type = py::class_<Application, std::shared_ptr<Application>>;

// Before any pixel flows: what the last execution has built can be aborted.
void collect_outputs(Engine& engine, Run& run) {
    for (const auto& key : engine.GetParametersKeys()) {
        if (engine.GetParameterType(key) != otb::Wrapper::ParameterType_OutputImage) {
            continue;
        }
        const ImageBase::Pointer image = engine.GetParameterOutputImage(key);
        if (image.IsNotNull()) {
            run.collect(image->GetSource());
        }
    }
}

void bind_image(py::module_& module) {
    py::class_<Image>(module, "ImageBase",
                      "An image of a pipeline. It keeps alive the application that makes it.")
        .def("GetNameOfClass", [](const Image& image) { return std::string(image.base->GetNameOfClass()); })
        .def("GetNumberOfComponentsPerPixel",
             [](const Image& image) { return image.base->GetNumberOfComponentsPerPixel(); });
}

void bind_runs(Type& type) {
    type.def(
            "Execute",
            [](Application& self) {
                self.execute();
                return 0;
            },
            "Build the pipeline. Interruptible by Ctrl-C. Returns 0.")
        .def("WriteOutput", &Application::write_output, "Let the pixels flow into the output files.")
        .def(
            "ExecuteAndWriteOutput",
            [](Application& self) {
                self.execute_and_write_output();
                return 0;
            },
            "Execute, then WriteOutput. Returns 0.")
        .def("Stop", &Application::stop,
             "End the run that another Python thread waits for: there, ApplicationError is raised.");
}

void bind_inputs_and_outputs(Type& type) {
    type.def("ConnectImage", &Application::connect, py::arg("in"), py::arg("app"), py::arg("out"),
             "Read the image parameter `in` from the parameter `out` of `app`, in memory.")
        .def(
            "PropagateConnectMode",
            [](Application& self, bool in_memory) {
                self.call([&](Engine& engine) { engine.PropagateConnectMode(in_memory); });
            },
            py::arg("isMem"))
        .def(
            "SetParameterInputImage",
            [](Application& self, const std::string& key, const Image& image) {
                self.call([&](Engine& engine) { engine.SetParameterInputImage(key, image.base); });
                self.depend(key, image.owner);
            },
            py::arg("parameter"), py::arg("inputImage"))
        .def(
            "GetParameterOutputImage",
            [](Application& self, const std::string& key) -> py::object {
                const ImageBase::Pointer image =
                    self.call([&](Engine& engine) { return engine.GetParameterOutputImage(key); });
                return image.IsNull() ? py::object(py::none())
                                      : py::cast(Image{image, self.shared_from_this()});
            },
            py::arg("parameter"));
}

void bind_image_lists(Type& type) {
    type.def(
            "AddImageToParameterInputImageList",
            [](Application& self, const std::string& key, const Image& image) {
                self.call([&](Engine& engine) { engine.AddImageToParameterInputImageList(key, image.base); });
                self.depend(key, image.owner);
            },
            py::arg("parameter"), py::arg("img"))
        .def(
            "SetNthParameterInputImageList",
            [](Application& self, const std::string& key, unsigned int index, const Image& image) {
                self.call(
                    [&](Engine& engine) { engine.SetNthParameterInputImageList(key, index, image.base); });
                self.depend(key, image.owner);
            },
            py::arg("parameter"), py::arg("id"), py::arg("img"))
        .def(
            "ClearParameterInputImageList",
            [](Application& self, const std::string& key) {
                self.call([&](Engine& engine) { engine.ClearParameterInputImageList(key); });
                self.release(key);
            },
            py::arg("parameter"));
}

void bind_progress(Type& type) {
    type.def(
            "AddProgressCallback",
            [](Application& self, const py::function& callback) {
                return self.progress_callbacks().add(callback);
            },
            py::arg("callback"),
            "Call `callback(name: str, fraction: float)` while this application runs. Returns a token. What "
            "the\n"
            "callback raises stops the run.")
        .def(
            "RemoveProgressCallback",
            [](Application& self, int token) { self.progress_callbacks().remove(token); }, py::arg("token"));
}

}  // namespace

std::shared_ptr<Application> Application::wrap(Engine* engine) {
    const std::shared_ptr<Application> application(new Application(engine));
    watch_processes(application, engine);
    return application;
}

void Application::execute() {
    run_interruptibly(shared_from_this(), [engine = engine_] { engine->Execute(); });
    retired_.clear();
}

void Application::write_output() {
    run_interruptibly(shared_from_this(), [engine = engine_, self = weak_from_this()] {
        if (const auto application = self.lock()) {
            collect_outputs(*engine, *application->current_run());
        }
        engine->WriteOutput();
    });
}

void Application::execute_and_write_output() {
    run_interruptibly(shared_from_this(), [engine = engine_] { engine->ExecuteAndWriteOutput(); });
    retired_.clear();
}

void Application::update(const std::string& key, const ImageBase::Pointer& image) {
    const auto wanted = regions_.find(key);
    // A write has left the image with the region of its last strip.
    const bool all = wanted == regions_.end();
    const auto region = all ? ImageBase::RegionType() : wanted->second;
    run_interruptibly(shared_from_this(), [image, all, region, self = weak_from_this()] {
        if (const auto application = self.lock()) {
            application->current_run()->collect(image->GetSource());
        }
        image->UpdateOutputInformation();
        if (all) {
            image->SetRequestedRegionToLargestPossibleRegion();
        } else {
            image->SetRequestedRegion(region);
        }
        image->PropagateRequestedRegion();
        image->UpdateOutputData();
    });
}

bool Application::connect(const std::string& key, const std::shared_ptr<Application>& source,
                          const std::string& output) {
    if (source == nullptr) {
        throw ApplicationError("ConnectImage of " + name() + " wants an application, not None");
    }
    const auto sources = source->with_upstream();
    if (std::find(sources.begin(), sources.end(), shared_from_this()) != sources.end()) {
        throw ApplicationError(name() + " cannot read its own output");
    }
    source->require_idle();
    const bool connected =
        call([&](Engine& engine) { return engine.ConnectImage(key, source->engine_.GetPointer(), output); });
    if (connected) {
        depend(key, source);
    }
    return connected;
}

void Application::depend(const std::string& key, const std::shared_ptr<Application>& source) {
    const bool list = engine_->GetParameterType(key) == otb::Wrapper::ParameterType_InputImageList;
    if (!list) {
        release(key);
    }
    if (source != nullptr) {
        upstream_[key].push_back(source);
    }
}

void Application::release(const std::string& key) {
    const auto found = upstream_.find(key);
    if (found == upstream_.end()) {
        return;
    }
    retired_.insert(retired_.end(), found->second.begin(), found->second.end());
    upstream_.erase(found);
}

std::vector<std::shared_ptr<Application>> Application::with_upstream() {
    std::vector<std::shared_ptr<Application>> found = {shared_from_this()};
    std::set<const Application*> seen = {this};
    for (std::size_t next = 0; next < found.size(); ++next) {
        const auto current = found[next];
        auto sources = current->retired_;
        for (const auto& [key, applications] : current->upstream_) {
            sources.insert(sources.end(), applications.begin(), applications.end());
        }
        for (const auto& source : sources) {
            if (seen.insert(source.get()).second) {
                found.push_back(source);
            }
        }
    }
    return found;
}

void Application::require_idle() const {
    if (current_run() != nullptr) {
        throw ApplicationError(name() +
                               " is busy with a run that another thread started, or that is still ending "
                               "after an interruption: use another application");
    }
}

void Application::enter(const std::shared_ptr<Run>& run) {
    const std::lock_guard<std::mutex> lock(run_mutex_);
    run_ = run;
}

std::shared_ptr<Run> Application::current_run() const {
    const std::lock_guard<std::mutex> lock(run_mutex_);
    return run_ != nullptr && !run_->finished() ? run_ : nullptr;
}

void Application::stop() const {
    if (const auto run = current_run()) {
        run->request_stop();
    }
}

void bind_application(py::module_& module, Type& type) {
    bind_image(module);
    bind_runs(type);
    bind_inputs_and_outputs(type);
    bind_image_lists(type);
    bind_progress(type);
}

}  // namespace otbpy
