#include "parameters.hpp"

#include <pybind11/stl.h>

#include <string>

#include "constants.hpp"
#include "engine_method.hpp"
#include "parameter_values.hpp"
#include "text.hpp"

namespace py = pybind11;

namespace otbpy {
namespace {

using namespace otb::Wrapper;
using Type = py::class_<otbpy::Application, std::shared_ptr<otbpy::Application>>;
using otbpy::Application;

py::dict get_parameters(Application& self) {
    py::dict parameters;
    for (const auto& key : self.call([](Engine& engine) { return engine.GetParametersKeys(true); })) {
        const bool given = self.call([&](Engine& engine) {
            return engine.HasValue(key) && engine.IsParameterEnabled(key) &&
                   engine.GetParameterRole(key) == Role_Input;
        });
        if (given) {
            parameters[py::str(key)] = get_value(self, key);
        }
    }
    return parameters;
}

void bind_setters(Type& type) {
    const auto key = py::arg("parameter");
    const auto value = py::arg("value");
    const auto user = py::arg("hasUserValueFlag") = true;
    type.def("SetParameterInt", set_int, key, value, user)
        .def("SetParameterFloat", set_float, key, value, user)
        .def("SetParameterDouble", set_double, key, value, user)
        .def("SetParameterString", set_string, key, value, user)
        .def("SetParameterStringList", set_string_list, key, value, user)
        .def("SetParameterValue", set_value, key, value, "Set a parameter of any type.")
        .def(
            "SetParameters",
            [](Application& self, const py::dict& parameters) {
                for (const auto& [name, item] : parameters) {
                    set_value(self, name.cast<std::string>(), py::reinterpret_borrow<py::object>(item));
                }
            },
            py::arg("parameters"))
        .def("SetParameterOutputImagePixelType", set_pixel_type, key, py::arg("pixelType"))
        .def(
            "AddParameterStringList",
            [](Application& self, const std::string& parameter, const Text& text) {
                self.call([&](Engine& engine) { engine.AddParameterStringList(parameter, text.value); });
            },
            key, value)
        .def(
            "SetNthParameterStringList",
            [](Application& self, const std::string& parameter, unsigned int index, const Text& text) {
                self.call(
                    [&](Engine& engine) { engine.SetNthParameterStringList(parameter, index, text.value); });
            },
            key, py::arg("id"), value)
        .def(
            "ClearValue",
            [](Application& self, const std::string& parameter) {
                self.release(parameter);
                self.call([&](Engine& engine) { engine.ClearValue(parameter); });
            },
            key);
}

void bind_getters(Type& type) {
    const auto key = py::arg("parameter");
    const auto value = py::arg("value");
    type.def("GetParameterValue", get_value, key,
             "The value of a parameter of any type, in Python's own type.")
        .def("GetParameters", get_parameters, "The enabled input parameters that have a value, by key.")
        .def("GetParameterInt", method(&Engine::GetParameterInt), key)
        .def("GetParameterFloat", method(&Engine::GetParameterFloat), key)
        .def("GetParameterDouble", method(&Engine::GetParameterDouble), key)
        .def("GetParameterString", method(&Engine::GetParameterString), key)
        .def("GetParameterStringList", method(&Engine::GetParameterStringList), key)
        .def("GetParameterAsString", method(&Engine::GetParameterAsString), key)
        .def("GetParameterOutputImagePixelType", method(&Engine::GetParameterOutputImagePixelType), key)
        .def("GetDefaultParameterInt", method(&Engine::GetDefaultParameterInt), key)
        .def("GetDefaultParameterFloat", method(&Engine::GetDefaultParameterFloat), key)
        .def("GetDefaultParameterDouble", method(&Engine::GetDefaultParameterDouble), key)
        .def("SetDefaultParameterInt", method(&Engine::SetDefaultParameterInt), key, value)
        .def("SetDefaultParameterFloat", method(&Engine::SetDefaultParameterFloat), key, value)
        .def("SetDefaultParameterDouble", method(&Engine::SetDefaultParameterDouble), key, value)
        .def("GetNumberOfElementsInParameterInputImageList",
             method(&Engine::GetNumberOfElementsInParameterInputImageList), key)
        .def("GetListViewSingleSelectionMode", method(&Engine::GetListViewSingleSelectionMode), key)
        .def("SetListViewSingleSelectionMode", method(&Engine::SetListViewSingleSelectionMode), key,
             py::arg("status"));
}

void bind_state(Type& type) {
    type.def("Init", method(&Engine::Init))
        .def("IsInitialized", method(&Engine::IsInitialized))
        .def("UpdateParameters", method(&Engine::UpdateParameters))
        .def("IsApplicationReady", method(&Engine::IsApplicationReady))
        .def("IsExecuteDone", method(&Engine::IsExecuteDone))
        .def("IsMultiWritingEnabled", method(&Engine::IsMultiWritingEnabled))
        .def("FreeRessources", method(&Engine::FreeRessources))
        .def(
            "LoadParametersFromXML",
            [](Application& self, const Text& file) {
                self.call([&](Engine& engine) { engine.LoadParametersFromXML(file.value); });
            },
            py::arg("filename"))
        .def(
            "SaveParametersToXML",
            [](Application& self, const Text& file) {
                self.call([&](Engine& engine) { engine.SaveParametersToXML(file.value); });
            },
            py::arg("filename"))
        .def("GetProgressDescription", method(&Engine::GetProgressDescription))
        .def("GetLastExecutionTiming", method(&Engine::GetLastExecutionTiming))
        .def("GetOutputParametersSumUp", method(&Engine::GetOutputParametersSumUp));
}

void bind_descriptions(Type& type) {
    const auto key = py::arg("paramKey");
    type.def("GetParametersKeys", method(&Engine::GetParametersKeys), py::arg("recursive") = true)
        .def("GetParameterName", method(&Engine::GetParameterName), key)
        .def("GetParameterDescription", method(&Engine::GetParameterDescription), key)
        .def("SetParameterDescription", method(&Engine::SetParameterDescription), key, py::arg("dec"))
        .def("GetParameterType", method(&Engine::GetParameterType), key)
        .def(
            "GetParameterTypeAsString",
            [](const Application&, int parameter_type) { return parameter_type_name(parameter_type); },
            py::arg("parameter_type"))
        .def("GetParameterRole", method(&Engine::GetParameterRole), key)
        .def("GetParameterUserLevel", method(&Engine::GetParameterUserLevel), key)
        .def("GetChoiceKeys", method(&Engine::GetChoiceKeys), key)
        .def("GetChoiceNames", method(&Engine::GetChoiceNames), key)
        .def("EnableParameter", method(&Engine::EnableParameter), key)
        .def("DisableParameter", method(&Engine::DisableParameter), key)
        .def("IsParameterEnabled", method(&Engine::IsParameterEnabled), key,
             py::arg("recurseParents") = false)
        .def("IsParameterMissing", method(&Engine::IsParameterMissing), key)
        .def("IsMandatory", method(&Engine::IsMandatory), key)
        .def("HasAutomaticValue", method(&Engine::HasAutomaticValue), key)
        .def("HasUserValue", method(&Engine::HasUserValue), key)
        .def("HasValue", method(&Engine::HasValue), key)
        .def("SetParameterUserValue", method(&Engine::SetParameterUserValue), key, py::arg("value"))
        .def("SetVectorData", method(&Engine::SetVectorData), key, py::arg("vectorData"))
        .def("SetRasterData", method(&Engine::SetRasterData), key, py::arg("rasterData"));
}

}  // namespace

void bind_parameters(Type& type) {
    bind_setters(type);
    bind_getters(type);
    bind_state(type);
    bind_descriptions(type);
}

}  // namespace otbpy
