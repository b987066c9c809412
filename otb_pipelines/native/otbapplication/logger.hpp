#pragma once

#include <pybind11/pybind11.h>

#include "otbWrapperApplication.h"

namespace otbpy {

// Sends what the application logs to Python.
void listen_to(otb::Wrapper::Application& engine);

// The library's own logger goes to Python from the first import on. Also binds Logger and the functions that
// add callbacks for log lines and progress.
void bind_logger(pybind11::module_& module);

}  // namespace otbpy
