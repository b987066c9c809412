#pragma once

#include <pybind11/pybind11.h>

#include <string>

namespace otbpy {

// The type of an argument that may be str or os.PathLike, so that a path can be given wherever OTB expects
// text.
struct Text {
    std::string value;
};

}  // namespace otbpy

namespace pybind11::detail {

template <>
struct type_caster<otbpy::Text> {
  public:
    PYBIND11_TYPE_CASTER(otbpy::Text, const_name("str | os.PathLike[str]"));

    bool load(handle source, bool) {
        if (!isinstance<str>(source) && !hasattr(source, "__fspath__")) {
            return false;
        }
        const auto path = reinterpret_steal<object>(PyOS_FSPath(source.ptr()));
        if (!path) {
            throw error_already_set();
        }
        if (!isinstance<str>(path)) {
            return false;
        }
        value.value = path.cast<std::string>();
        return true;
    }
};

}  // namespace pybind11::detail
