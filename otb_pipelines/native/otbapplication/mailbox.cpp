#include "mailbox.hpp"

#include <exception>
#include <utility>

namespace py = pybind11;

namespace otbpy {
namespace {

// The levels of Python's logging for the names that itk::Logger prints.
const std::map<std::string, int> python_levels = {
    {"DEBUG", 10}, {"INFO", 20}, {"WARNING", 30}, {"CRITICAL", 40}, {"FATAL", 50}};
constexpr int info_level = 20;

struct LogRecord {
    int level;
    std::string message;
};

LogRecord parse(const std::string& entry) {
    const auto end = entry.find_last_not_of("\r\n");
    const auto text = entry.substr(0, end == std::string::npos ? 0 : end + 1);
    const auto open = text.find('(');
    const auto close = text.find(')', open);
    if (open == std::string::npos || close == std::string::npos) {
        return {info_level, text};
    }
    const auto level = python_levels.find(text.substr(open + 1, close - open - 1));
    if (level == python_levels.end()) {
        return {info_level, text};
    }
    const auto message = text.find_first_not_of(": ", close + 1);
    return {level->second, message == std::string::npos ? std::string() : text.substr(message)};
}

}  // namespace

PythonReference hold(const py::object& object) {
    return PythonReference(py::object(object).release().ptr(),
                           [](PyObject* held) { Mailbox::instance().post_release(held); });
}

int Callbacks::add(const py::function& callback) {
    const int token = by_token_.empty() ? 1 : by_token_.rbegin()->first + 1;
    by_token_.emplace(token, hold(callback));
    return token;
}

void Callbacks::remove(int token) {
    if (by_token_.erase(token) == 0) {
        throw py::key_error("no callback under the token " + std::to_string(token));
    }
}

std::vector<py::object> Callbacks::all() const {
    std::vector<py::object> callbacks;
    for (const auto& [token, callback] : by_token_) {
        callbacks.push_back(py::reinterpret_borrow<py::object>(callback.get()));
    }
    return callbacks;
}

Mailbox& Mailbox::instance() {
    static auto& mailbox = *std::unique_ptr<Mailbox>(new Mailbox).release();
    return mailbox;
}

void Mailbox::post_log(const std::string& entry) {
    const std::lock_guard<std::mutex> lock(mutex_);
    log_.push_back(entry);
}

void Mailbox::post_release(PyObject* object) {
    const std::lock_guard<std::mutex> lock(mutex_);
    released_.push_back(object);
}

void Mailbox::deliver() {
    std::vector<std::string> log;
    std::vector<PyObject*> released;
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        log.swap(log_);
        released.swap(released_);
    }
    for (PyObject* object : released) {
        Py_DECREF(object);
    }
    for (const auto& entry : log) {
        try {
            deliver(entry);
        } catch (py::error_already_set& error) {
            error.discard_as_unraisable("otbApplication log callback");
        } catch (const std::exception& error) {
            PyErr_SetString(PyExc_RuntimeError, error.what());
            PyErr_WriteUnraisable(py::str("otbApplication log callback").ptr());
        }
    }
}

void Mailbox::deliver(const std::string& entry) const {
    if (log_callbacks_.empty()) {
        py::module_::import("sys").attr("stdout").attr("write")(entry);
        return;
    }
    const auto record = parse(entry);
    for (const auto& callback : log_callbacks_.all()) {
        callback(record.level, record.message);
    }
}

}  // namespace otbpy
