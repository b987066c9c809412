#pragma once

#include <string>
#include <type_traits>

#include "application.hpp"

namespace otbpy {

// The type of a method's result in Python. Enumerations become plain integers, as in the official module.
template <class Value>
using Returned = std::conditional_t<
    std::is_enum_v<std::decay_t<Value>>, int,
    std::conditional_t<std::is_same_v<Value, const char*>, std::string, std::decay_t<Value>>>;

// Wraps a method of the engine for pybind11. It is called without the GIL.
template <class Result, class... Arguments>
auto method(Result (Engine::*pointer)(Arguments...)) {
    return [pointer](Application& self, std::decay_t<Arguments>... arguments) {
        return self.call(
            [&](Engine& engine) { return static_cast<Returned<Result>>((engine.*pointer)(arguments...)); });
    };
}

template <class Result, class... Arguments>
auto method(Result (Engine::*pointer)(Arguments...) const) {
    return [pointer](Application& self, std::decay_t<Arguments>... arguments) {
        return self.call(
            [&](Engine& engine) { return static_cast<Returned<Result>>((engine.*pointer)(arguments...)); });
    };
}

}  // namespace otbpy
