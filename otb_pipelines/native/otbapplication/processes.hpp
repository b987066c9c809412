#pragma once

#include <memory>

#include "itkCommand.h"
#include "otbWrapperApplication.h"

namespace otbpy {

class Application;

// Watches every process (filter) that the application announces. The progress of the process goes to the
// application's current run, and aborting the run aborts the process.
itk::Command::Pointer watch_processes(const std::shared_ptr<Application>& application,
                                      otb::Wrapper::Application* engine);

}  // namespace otbpy
