#include "documentation.hpp"

#include <pybind11/stl.h>

#include <string>

#include "engine_method.hpp"

namespace py = pybind11;

namespace otbpy {

void bind_documentation(py::class_<Application, std::shared_ptr<Application>>& type) {
    const auto example = py::arg("id");
    // Of use to a callback while the application runs, and never changed by a run.
    type.def("GetName", [](const Application& self) { return self.name(); })
        .def("SetName", method(&Engine::SetName), py::arg("name"))
        .def("GetDescription", method(&Engine::GetDescription))
        .def("SetDescription", method(&Engine::SetDescription), py::arg("description"))
        .def("GetDocLongDescription", method(&Engine::GetDocLongDescription))
        .def("SetDocLongDescription", method(&Engine::SetDocLongDescription), py::arg("text"))
        .def("GetDocAuthors", method(&Engine::GetDocAuthors))
        .def("SetDocAuthors", method(&Engine::SetDocAuthors), py::arg("text"))
        .def("GetDocLimitations", method(&Engine::GetDocLimitations))
        .def("SetDocLimitations", method(&Engine::SetDocLimitations), py::arg("text"))
        .def("GetDocSeeAlso", method(&Engine::GetDocSeeAlso))
        .def("SetDocSeeAlso", method(&Engine::SetDocSeeAlso), py::arg("text"))
        .def("GetDocTags", method(&Engine::GetDocTags))
        .def("SetDocTags", method(&Engine::SetDocTags), py::arg("tags"))
        .def("AddDocTag", method(&Engine::AddDocTag), py::arg("tag"))
        .def("GetDocLink", method(&Engine::GetDocLink))
        .def("SetDocLink", method(&Engine::SetDocLink), py::arg("link"))
        .def("IsDeprecated", method(&Engine::IsDeprecated))
        .def("GetNumberOfExamples", method(&Engine::GetNumberOfExamples))
        .def("GetExampleComment", method(&Engine::GetExampleComment), example)
        .def("GetExampleNumberOfParameters", method(&Engine::GetExampleNumberOfParameters), example)
        .def("GetExampleParameterKey", method(&Engine::GetExampleParameterKey), py::arg("exId"),
             py::arg("paramId"))
        .def("GetExampleParameterValue", method(&Engine::GetExampleParameterValue), py::arg("exId"),
             py::arg("paramId"))
        .def("SetDocExampleParameterValue", method(&Engine::SetDocExampleParameterValue), py::arg("key"),
             py::arg("value"), py::arg("exId") = 0U)
        .def("SetExampleComment", method(&Engine::SetExampleComment), py::arg("comm"), py::arg("i"))
        .def("AddExample", method(&Engine::AddExample), py::arg("comm") = std::string())
        .def("GetCLExample", method(&Engine::GetCLExample))
        .def("GetHtmlExample", method(&Engine::GetHtmlExample))
        .def("__str__",
             [](Application& self) {
                 return self.call([](Engine& engine) {
                     return std::string(engine.GetName()) + "\n" + engine.GetDocLongDescription();
                 });
             })
        .def("__repr__",
             [](Application& self) { return "<otbApplication.Application " + self.name() + ">"; });
}

}  // namespace otbpy
