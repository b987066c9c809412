#pragma once

#include <pybind11/pybind11.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace otbpy {

// A reference to a Python object that C++ may drop from any thread. The mailbox gives the last reference back
// later, under the GIL.
using PythonReference = std::shared_ptr<PyObject>;

// Takes a reference of its own. The caller must hold the GIL.
PythonReference hold(const pybind11::object& object);

// Callables registered from Python, each under the token that removes it. All calls need the GIL.
class Callbacks {
  public:
    int add(const pybind11::function& callback);
    void remove(int token);
    void clear() { by_token_.clear(); }
    bool empty() const { return by_token_.empty(); }
    std::vector<pybind11::object> all() const;

  private:
    std::map<int, PythonReference> by_token_;
};

// The mailbox keeps what OTB's threads have for Python: log lines, and references to drop. A thread that
// holds the GIL delivers it later. Therefore no thread of OTB ever waits for the GIL or calls the
// interpreter.
class Mailbox {
  public:
    // The mailbox is never destroyed, because threads of OTB may still post when the process ends.
    static Mailbox& instance();

    // `entry` is a line as otb::Logger formats it: date, time, (LEVEL), text.
    void post_log(const std::string& entry);
    void post_release(PyObject* object);

    // The caller must hold the GIL. An exception of a log callback is reported as unraisable and does not
    // reach the caller: a broken logger does not stop a run.
    void deliver();

    Callbacks& log_callbacks() { return log_callbacks_; }
    Callbacks& progress_callbacks() { return progress_callbacks_; }

  private:
    Mailbox() = default;

    void deliver(const std::string& entry) const;

    std::mutex mutex_;
    std::vector<std::string> log_;
    std::vector<PyObject*> released_;
    Callbacks log_callbacks_;
    Callbacks progress_callbacks_;
};

}  // namespace otbpy
