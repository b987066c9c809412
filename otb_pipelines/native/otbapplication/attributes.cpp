#include "attributes.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "letter_case.hpp"
#include "parameter_values.hpp"
#include "text.hpp"

namespace py = pybind11;

namespace otbpy {
namespace {

using Type = py::class_<Application, std::shared_ptr<Application>>;

bool has_key(Application& self, const std::string& attribute) {
    const auto keys = self.call([](Engine& engine) { return engine.GetParametersKeys(true); });
    return std::any_of(keys.begin(), keys.end(), [&](const auto& key) { return upper(key) == attribute; });
}

[[noreturn]] void no_attribute(const std::string& name) {
    throw py::attribute_error("'Application' object has no attribute '" + name +
                              "', and the application no such parameter");
}

void bind_proxy(py::module_& module) {
    py::class_<Proxy>(module, "ApplicationProxy", "The value and the sub-parameters of a group or a choice.")
        .def(py::init([](std::shared_ptr<Application> application, const std::string& key,
                         const std::optional<Text>& value) {
                 if (value) {
                     set_string(*application, key, *value, true);
                 }
                 return Proxy{std::move(application), key};
             }),
             py::arg("application"), py::arg("groupkey"), py::arg("value") = py::none())
        .def_readonly("application", &Proxy::application)
        .def_readonly("groupkey", &Proxy::key)
        .def("__str__", &Proxy::text)
        .def("__repr__",
             [](const Proxy& self) { return "<ApplicationProxy " + self.key + "=" + self.text() + ">"; })
        .def("__eq__",
             [](const Proxy& self, const Proxy& other) {
                 return self.application == other.application && self.key == other.key;
             })
        .def("__eq__", [](const Proxy& self, const std::string& text) { return self.text() == text; })
        .def("__eq__", [](const Proxy&, const py::object&) { return false; })
        .def("__getattr__",
             [](const Proxy& self, const std::string& name) {
                 try {
                     return get_value(*self.application, self.key + "." + lower(name));
                 } catch (const itk::ExceptionObject&) {
                     no_attribute(name);
                 }
             })
        .def("__setattr__", [](const Proxy& self, const std::string& name, const py::object& value) {
            set_value(*self.application, self.key + "." + lower(name), value);
        });
}

void bind_application(Type& type) {
    type.def("__getattr__",
             [](Application& self, const std::string& name) {
                 if (!has_key(self, name)) {
                     no_attribute(name);
                 }
                 return get_value(self, lower(name));
             })
        .def("__setattr__", [](Application& self, const std::string& name, const py::object& value) {
            if (!has_key(self, name)) {
                no_attribute(name);
            }
            set_value(self, lower(name), value);
        });
}

}  // namespace

void bind_attributes(py::module_& module, Type& type) {
    bind_proxy(module);
    bind_application(type);
}

}  // namespace otbpy
