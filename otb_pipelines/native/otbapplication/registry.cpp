#include "registry.hpp"

#include <pybind11/stl.h>

#include <memory>
#include <string>

#include "application.hpp"
#include "logger.hpp"
#include "otbWrapperApplicationRegistry.h"
#include "text.hpp"

namespace py = pybind11;

namespace otbpy {
namespace {

using Factory = otb::Wrapper::ApplicationRegistry;

// Only a name: all functions are static.
struct Registry {};

template <class Function>
auto without_gil(Function&& function) {
    struct Delivery {
        ~Delivery() { Mailbox::instance().deliver(); }
    };
    const Delivery delivery;
    const py::gil_scoped_release released;
    return function();
}

std::shared_ptr<Application> create(const std::string& name, bool with_logger) {
    const auto engine = without_gil([&] { return Factory::CreateApplication(name); });
    if (engine.IsNull()) {
        return nullptr;
    }
    if (with_logger) {
        listen_to(*engine);
        if (engine->IsDeprecated()) {
            engine->GetLogger()->Warning(name + " is deprecated: a later OTB will not have it.\n");
        }
    }
    return Application::wrap(engine);
}

}  // namespace

void bind_registry(py::module_& module) {
    py::class_<Registry>(module, "Registry")
        .def_static(
            "GetAvailableApplications",
            [] { return without_gil([] { return Factory::GetAvailableApplications(); }); },
            "The names of all applications found on the application path.")
        .def_static(
            "CreateApplication", [](const std::string& name) { return create(name, true); }, py::arg("name"),
            "An application of that name, or None if there is none. Its log goes to Python.")
        .def_static(
            "CreateApplicationWithoutLogger", [](const std::string& name) { return create(name, false); },
            py::arg("name"), "As CreateApplication, but the application logs nothing.")
        .def_static(
            "SetApplicationPath", [](const Text& path) { Factory::SetApplicationPath(path.value); },
            py::arg("path"), "Look for applications in these folders (separated by ':') and nowhere else.")
        .def_static(
            "AddApplicationPath", [](const Text& path) { Factory::AddApplicationPath(path.value); },
            py::arg("path"))
        .def_static("GetApplicationPath", [] { return Factory::GetApplicationPath(); })
        .def_static("CleanRegistry", [] { without_gil([] { Factory::CleanRegistry(); }); });
}

}  // namespace otbpy
