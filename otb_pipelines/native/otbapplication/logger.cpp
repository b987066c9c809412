#include "logger.hpp"

#include <string>

#include "application.hpp"
#include "itkLogOutput.h"
#include "mailbox.hpp"
#include "otbLogger.h"

namespace py = pybind11;

namespace otbpy {
namespace {

class MailboxOutput : public itk::LogOutput {
  public:
    using Self = MailboxOutput;
    using Superclass = itk::LogOutput;
    using Pointer = itk::SmartPointer<Self>;
    itkNewMacro(Self);

    void Flush() override {}
    void Write(double) override {}
    void Write(const std::string& content) override { Mailbox::instance().post_log(content); }
    void Write(const std::string& content, double) override { Write(content); }
};

MailboxOutput* output() {
    // OTB's own singleton logger holds it to the end of the process.
    static const MailboxOutput::Pointer shared = MailboxOutput::New();
    return shared;
}

// OTB's loggers live as long as their application, which Python's handle keeps; the shared one lives for
// ever.
struct Logger {
    otb::Logger::Pointer logger;
};

template <void (itk::LoggerBase::*write)(const std::string&)>
void log(const Logger& self, const std::string& message) {
    (self.logger->*write)(message);
    Mailbox::instance().deliver();
}

void bind_logger_class(py::module_& module) {
    py::class_<Logger>(module, "Logger",
                       "A logger of OTB. Levels: 1 fatal, 2 critical, 3 warning, 4 info, 5 debug.")
        .def_static("Instance", [] { return Logger{otb::Logger::Instance()}; })
        .def("ResetOutputs", [](const Logger& self) { self.logger->ResetOutputs(); })
        .def("GetPriorityLevel",
             [](const Logger& self) { return static_cast<int>(self.logger->GetPriorityLevel()); })
        .def(
            "SetPriorityLevel",
            [](const Logger& self, int level) {
                if (level < itk::LoggerBase::MUSTFLUSH || level > itk::LoggerBase::NOTSET) {
                    throw py::value_error("a level is 1 (fatal) to 5 (debug), not " + std::to_string(level));
                }
                self.logger->SetPriorityLevel(static_cast<itk::LoggerBase::PriorityLevelType>(level));
            },
            py::arg("level"))
        .def("Debug", &log<&itk::LoggerBase::Debug>, py::arg("message"))
        .def("Info", &log<&itk::LoggerBase::Info>, py::arg("message"))
        .def("Warning", &log<&itk::LoggerBase::Warning>, py::arg("message"))
        .def("Critical", &log<&itk::LoggerBase::Critical>, py::arg("message"))
        .def("Error", &log<&itk::LoggerBase::Error>, py::arg("message"))
        .def("Fatal", &log<&itk::LoggerBase::Fatal>, py::arg("message"));
}

void bind_loggers_of_applications(py::module_& module) {
    auto application = py::reinterpret_borrow<py::class_<Application, std::shared_ptr<Application>>>(
        module.attr("Application"));
    application.def("GetLogger", [](const Application& self) { return Logger{self.engine()->GetLogger()}; })
        .def(
            "SetupLogger", [](const Application& self) { listen_to(*self.engine()); },
            "Send this application's log to Python. CreateApplication has done it.");
}

void bind_callbacks(py::module_& module) {
    module.def(
        "AddLogCallback",
        [](const py::function& callback) { return Mailbox::instance().log_callbacks().add(callback); },
        py::arg("callback"),
        "Call `callback(level: int, message: str)` for every line that OTB logs, with the levels of "
        "Python's\n"
        "logging. Nothing goes to sys.stdout as long as there is a callback. Returns a token.");
    module.def(
        "RemoveLogCallback", [](int token) { Mailbox::instance().log_callbacks().remove(token); },
        py::arg("token"));
    module.def(
        "AddProgressCallback",
        [](const py::function& callback) { return Mailbox::instance().progress_callbacks().add(callback); },
        py::arg("callback"),
        "Call `callback(name: str, fraction: float)` while any application runs. Returns a token. What the\n"
        "callback raises stops the run.");
    module.def(
        "RemoveProgressCallback", [](int token) { Mailbox::instance().progress_callbacks().remove(token); },
        py::arg("token"));
}

}  // namespace

void listen_to(otb::Wrapper::Application& engine) {
    engine.GetLogger()->AddLogOutput(output());
}

void bind_logger(py::module_& module) {
    otb::Logger::Instance()->ResetOutputs();
    otb::Logger::Instance()->AddLogOutput(output());
    bind_logger_class(module);
    bind_loggers_of_applications(module);
    bind_callbacks(module);

    // Callables must not outlive the interpreter.
    py::module_::import("atexit").attr("register")(py::cpp_function([] {
        Mailbox::instance().deliver();
        Mailbox::instance().log_callbacks().clear();
        Mailbox::instance().progress_callbacks().clear();
    }));
}

}  // namespace otbpy
