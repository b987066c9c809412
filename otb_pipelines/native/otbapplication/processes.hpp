#pragma once

#include <memory>

#include "itkCommand.h"
#include "otbWrapperApplication.h"

namespace otbpy {

class Application;

// Follows every process that the application announces: its progress goes to the application's current run,
// and the process can be aborted with it.
itk::Command::Pointer watch_processes(const std::shared_ptr<Application>& application,
                                      otb::Wrapper::Application* engine);

}  // namespace otbpy
