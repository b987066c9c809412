#pragma once

#include <pybind11/pybind11.h>

#include <stdexcept>
#include <string>

namespace otbpy {

// The error for what this module itself refuses. Exceptions of OTB and ITK keep their own types in C++.
class ApplicationError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// Converts every C++ exception to otbApplication.ApplicationError, a RuntimeError with OTB's own message.
void bind_errors(pybind11::module_& module);

}  // namespace otbpy
