#include "parameters.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine_method.hpp"
#include "otbWrapperTypes.h"
#include "text.hpp"

namespace py = pybind11;

namespace otbpy {
namespace {

using namespace otb::Wrapper;
using Type = py::class_<otbpy::Application, std::shared_ptr<otbpy::Application>>;
using otbpy::Application;

// Keys of a group or a choice as attributes: `app.CLASSIFIER.RF.MAX = 25`.
struct Proxy {
    std::shared_ptr<Application> application;
    std::string key;

    std::string text() const {
        return application->call([this](Engine& engine) { return engine.GetParameterAsString(key); });
    }
};

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
    return text;
}

bool has_key(Application& self, const std::string& attribute) {
    const auto keys = self.call([](Engine& engine) { return engine.GetParametersKeys(true); });
    return std::any_of(keys.begin(), keys.end(), [&](const auto& key) { return upper(key) == attribute; });
}

// Setters update the other parameters at once, as the official module does.
template <class Setter>
void set(Application& self, Setter&& setter) {
    self.call([&](Engine& engine) {
        setter(engine);
        engine.UpdateParameters();
    });
}

void set_int(Application& self, const std::string& key, int value, bool user) {
    set(self, [&](Engine& engine) { engine.SetParameterInt(key, value, user); });
}

void set_float(Application& self, const std::string& key, float value, bool user) {
    set(self, [&](Engine& engine) { engine.SetParameterFloat(key, value, user); });
}

void set_double(Application& self, const std::string& key, double value, bool user) {
    set(self, [&](Engine& engine) { engine.SetParameterDouble(key, value, user); });
}

void set_string(Application& self, const std::string& key, const Text& value, bool user) {
    self.release(key);
    set(self, [&](Engine& engine) { engine.SetParameterString(key, value.value, user); });
}

void set_string_list(Application& self, const std::string& key, const std::vector<Text>& values, bool user) {
    std::vector<std::string> texts;
    std::transform(values.begin(), values.end(), std::back_inserter(texts),
                   [](const Text& text) { return text.value; });
    self.release(key);
    set(self, [&](Engine& engine) { engine.SetParameterStringList(key, texts, user); });
}

ParameterType type_of(Application& self, const std::string& key) {
    return self.call([&](Engine& engine) { return engine.GetParameterType(key); });
}

py::object set_value(Application& self, const std::string& key, const py::object& value) {
    switch (type_of(self, key)) {
        case ParameterType_Int:
        case ParameterType_Radius:
        case ParameterType_RAM:
            set_int(self, key, value.cast<int>(), true);
            return py::none();
        case ParameterType_Float:
            set_float(self, key, value.cast<float>(), true);
            return py::none();
        case ParameterType_Double:
            set_double(self, key, value.cast<double>(), true);
            return py::none();
        case ParameterType_Bool:
            set_string(self, key, Text{lower(py::str(value).cast<std::string>())}, true);
            return py::none();
        case ParameterType_StringList:
        case ParameterType_InputFilenameList:
        case ParameterType_InputImageList:
        case ParameterType_InputVectorDataList:
        case ParameterType_ListView:
        case ParameterType_Field:
        case ParameterType_Band:
            set_string_list(self, key, value.cast<std::vector<Text>>(), true);
            return py::none();
        case ParameterType_Choice:
            set_string(self, key, value.cast<Text>(), true);
            return py::cast(Proxy{self.shared_from_this(), key});
        case ParameterType_Group:
            return py::cast(Proxy{self.shared_from_this(), key});
        default:
            set_string(self, key, value.cast<Text>(), true);
            return py::none();
    }
}

py::object get_value(Application& self, const std::string& key) {
    switch (type_of(self, key)) {
        case ParameterType_Int:
        case ParameterType_Radius:
        case ParameterType_RAM:
            return py::int_(self.call([&](Engine& engine) { return engine.GetParameterInt(key); }));
        case ParameterType_Float:
            return py::float_(self.call([&](Engine& engine) { return engine.GetParameterFloat(key); }));
        case ParameterType_Double:
            return py::float_(self.call([&](Engine& engine) { return engine.GetParameterDouble(key); }));
        case ParameterType_Bool:
            return py::bool_(self.call([&](Engine& engine) { return engine.GetParameterInt(key) != 0; }));
        case ParameterType_StringList:
        case ParameterType_InputFilenameList:
        case ParameterType_InputImageList:
        case ParameterType_InputVectorDataList:
        case ParameterType_ListView:
        case ParameterType_Field:
        case ParameterType_Band:
            return py::cast(self.call([&](Engine& engine) { return engine.GetParameterStringList(key); }));
        case ParameterType_Choice:
        case ParameterType_Group:
            return py::cast(Proxy{self.shared_from_this(), key});
        default:
            return py::str(self.call([&](Engine& engine) { return engine.GetParameterString(key); }));
    }
}

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

[[noreturn]] void no_attribute(const std::string& name) {
    throw py::attribute_error("'Application' object has no attribute '" + name +
                              "', and the application no such parameter");
}

std::string type_as_string(int type) {
    if (type < 0 || type >= ParameterType_MAX__) {
        return "ParameterType_UNKNOWN";
    }
    return "ParameterType_" + ParameterTypeToString(static_cast<ParameterType>(type));
}

void bind_constants(py::module_& module) {
    for (int type = 0; type < ParameterType_MAX__; ++type) {
        module.attr(type_as_string(type).c_str()) = type;
    }
    const std::vector<std::pair<const char*, int>> constants = {
        {"UserLevel_Basic", UserLevel_Basic},
        {"UserLevel_Advanced", UserLevel_Advanced},
        {"Role_Input", Role_Input},
        {"Role_Output", Role_Output},
        {"ImagePixelType_uint8", ImagePixelType_uint8},
        {"ImagePixelType_int16", ImagePixelType_int16},
        {"ImagePixelType_uint16", ImagePixelType_uint16},
        {"ImagePixelType_int32", ImagePixelType_int32},
        {"ImagePixelType_uint32", ImagePixelType_uint32},
        {"ImagePixelType_float", ImagePixelType_float},
        {"ImagePixelType_double", ImagePixelType_double},
        {"ImagePixelType_cint16", ImagePixelType_cint16},
        {"ImagePixelType_cint32", ImagePixelType_cint32},
        {"ImagePixelType_cfloat", ImagePixelType_cfloat},
        {"ImagePixelType_cdouble", ImagePixelType_cdouble},
        {"ComplexImagePixelType_float", ComplexImagePixelType_float},
        {"ComplexImagePixelType_double", ComplexImagePixelType_double}};
    for (const auto& [name, value] : constants) {
        module.attr(name) = value;
    }
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

void bind_getters_and_setters(Type& type) {
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
        .def(
            "SetParameterOutputImagePixelType",
            [](Application& self, const std::string& parameter, int pixel_type) {
                if (pixel_type < ImagePixelType_uint8 || pixel_type > ImagePixelType_cdouble) {
                    throw py::value_error(std::to_string(pixel_type) +
                                          " is none of the ImagePixelType constants");
                }
                set(self, [&](Engine& engine) {
                    engine.SetParameterOutputImagePixelType(parameter,
                                                            static_cast<ImagePixelType>(pixel_type));
                });
            },
            key, py::arg("pixelType"))
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
            key)
        .def("GetParameterValue", get_value, key,
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
    const auto key = py::arg("paramKey");
    type.def("Init", method(&Engine::Init))
        .def("IsInitialized", method(&Engine::IsInitialized))
        .def("UpdateParameters", method(&Engine::UpdateParameters))
        .def("IsApplicationReady", method(&Engine::IsApplicationReady))
        .def("IsExecuteDone", method(&Engine::IsExecuteDone))
        .def("IsMultiWritingEnabled", method(&Engine::IsMultiWritingEnabled))
        .def("FreeRessources", method(&Engine::FreeRessources))
        .def("GetParametersKeys", method(&Engine::GetParametersKeys), py::arg("recursive") = true)
        .def("GetParameterName", method(&Engine::GetParameterName), key)
        .def("GetParameterDescription", method(&Engine::GetParameterDescription), key)
        .def("SetParameterDescription", method(&Engine::SetParameterDescription), key, py::arg("dec"))
        .def("GetParameterType", method(&Engine::GetParameterType), key)
        .def(
            "GetParameterTypeAsString",
            [](const Application&, int parameter_type) { return type_as_string(parameter_type); },
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
        .def("SetRasterData", method(&Engine::SetRasterData), key, py::arg("rasterData"))
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

void bind_attributes(Type& type) {
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

void bind_parameters(py::module_& module, Type& type) {
    bind_constants(module);
    bind_proxy(module);
    bind_getters_and_setters(type);
    bind_state(type);
    bind_attributes(type);
}

}  // namespace otbpy
