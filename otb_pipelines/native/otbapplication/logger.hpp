#pragma once

#include <pybind11/pybind11.h>

#include "otbWrapperApplication.h"

namespace otbpy {

// Sends what the application logs to Python.
void listen_to(otb::Wrapper::Application& engine);

// Sends what OTB's global logger writes to Python. Binds Logger and the functions that add and remove
// callbacks for log lines and progress.
void bind_logger(pybind11::module_& module);

}  // namespace otbpy
