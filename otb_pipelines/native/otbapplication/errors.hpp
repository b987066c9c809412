#pragma once

#include <pybind11/pybind11.h>

#include <stdexcept>
#include <string>

namespace otbpy {

// What this module itself refuses; OTB's and ITK's exceptions keep their own types until they reach Python.
class ApplicationError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// Makes every C++ exception an otbApplication.ApplicationError, a RuntimeError that carries OTB's own words.
void bind_errors(pybind11::module_& module);

}  // namespace otbpy
