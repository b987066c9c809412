#include "parameter_values.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "letter_case.hpp"
#include "otbWrapperTypes.h"

namespace py = pybind11;

namespace otbpy {
namespace {

using namespace otb::Wrapper;
using otbpy::Application;

// Setters update the other parameters at once, as the official module does.
template <class Setter>
void set(Application& self, Setter&& setter) {
    self.call([&](Engine& engine) {
        setter(engine);
        engine.UpdateParameters();
    });
}

ParameterType type_of(Application& self, const std::string& key) {
    return self.call([&](Engine& engine) { return engine.GetParameterType(key); });
}

}  // namespace

std::string Proxy::text() const {
    return application->call([this](Engine& engine) { return engine.GetParameterAsString(key); });
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

void set_pixel_type(Application& self, const std::string& key, int pixel_type) {
    if (pixel_type < ImagePixelType_uint8 || pixel_type > ImagePixelType_cdouble) {
        throw py::value_error(std::to_string(pixel_type) + " is not one of the ImagePixelType constants");
    }
    set(self, [&](Engine& engine) {
        engine.SetParameterOutputImagePixelType(key, static_cast<ImagePixelType>(pixel_type));
    });
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

}  // namespace otbpy
