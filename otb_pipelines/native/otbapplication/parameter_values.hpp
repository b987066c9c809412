#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <string>
#include <vector>

#include "application.hpp"
#include "text.hpp"

namespace otbpy {

// A parameter whose sub-parameters are attributes, which is a group or a choice: `app.CLASSIFIER.RF.MAX =
// 25`.
struct Proxy {
    std::shared_ptr<Application> application;
    std::string key;

    std::string text() const;
};

// Each setter also lets the application update its other parameters at once, as the official module does.
// `user` says whether the value counts as given by the user.
void set_int(Application& application, const std::string& key, int value, bool user);
void set_float(Application& application, const std::string& key, float value, bool user);
void set_double(Application& application, const std::string& key, double value, bool user);
void set_string(Application& application, const std::string& key, const Text& value, bool user);
void set_string_list(Application& application, const std::string& key, const std::vector<Text>& values,
                     bool user);
void set_pixel_type(Application& application, const std::string& key, int pixel_type);

// Sets a parameter of any type. Returns a Proxy for a group or a choice, else None.
pybind11::object set_value(Application& application, const std::string& key, const pybind11::object& value);

// The value of a parameter of any type, in Python's own type. It is a Proxy for a group or a choice.
pybind11::object get_value(Application& application, const std::string& key);

}  // namespace otbpy
