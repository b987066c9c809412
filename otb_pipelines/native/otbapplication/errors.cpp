#include "errors.hpp"

#include "itkMacro.h"
#include "otbImageFileReaderException.h"

namespace py = pybind11;

namespace otbpy {
namespace {

std::string trimmed(const std::string& text) {
    const char* blanks = " \t\r\n";
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// ITK's description may be empty; what() then still names the file and line.
std::string message_of(const itk::ExceptionObject& error) {
    const auto description = trimmed(error.GetDescription());
    return description.empty() ? trimmed(error.what()) : description;
}

}  // namespace

void bind_errors(py::module_& module) {
    // Kept by the module's dictionary; the translator needs a reference that outlives static destruction.
    static PyObject* const error_type =
        PyErr_NewExceptionWithDoc("otbApplication.ApplicationError",
                                  "OTB refused a parameter or failed while it ran. The text is OTB's own.",
                                  PyExc_RuntimeError, nullptr);
    if (error_type == nullptr) {
        throw py::error_already_set();
    }
    module.attr("ApplicationError") = py::reinterpret_borrow<py::object>(error_type);
    // pybind11 prescribes a function that takes a copy.
    // NOLINTNEXTLINE(performance-unnecessary-value-param)
    py::register_exception_translator([](std::exception_ptr pointer) {
        try {
            if (pointer) {
                std::rethrow_exception(pointer);
            }
        } catch (const otb::ImageFileReaderException& error) {
            const auto message = message_of(error);
            const bool names_file = message.find(error.m_Filename) != std::string::npos;
            PyErr_SetString(
                error_type,
                (names_file ? message : "Cannot open image " + error.m_Filename + ". " + message).c_str());
        } catch (const itk::ExceptionObject& error) {
            PyErr_SetString(error_type, message_of(error).c_str());
        } catch (const py::builtin_exception&) {
            throw;
        } catch (const std::exception& error) {
            PyErr_SetString(error_type, error.what());
        } catch (...) {
            PyErr_SetString(error_type, "an unknown C++ exception");
        }
    });
}

}  // namespace otbpy
