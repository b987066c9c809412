#include "constants.hpp"

#include <utility>
#include <vector>

#include "otbWrapperTypes.h"

namespace py = pybind11;

namespace otbpy {

using namespace otb::Wrapper;

std::string parameter_type_name(int type) {
    if (type < 0 || type >= ParameterType_MAX__) {
        return "ParameterType_UNKNOWN";
    }
    return "ParameterType_" + ParameterTypeToString(static_cast<ParameterType>(type));
}

void bind_constants(py::module_& module) {
    for (int type = 0; type < ParameterType_MAX__; ++type) {
        module.attr(parameter_type_name(type).c_str()) = type;
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

}  // namespace otbpy
