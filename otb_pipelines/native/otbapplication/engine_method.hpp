#pragma once

#include <string>
#include <type_traits>

#include "application.hpp"

namespace otbpy {

// What a method's result is in Python: enumerations are plain integers, as in the official module.
template <class Value>
using Returned = std::conditional_t<
    std::is_enum_v<std::decay_t<Value>>, int,
    std::conditional_t<std::is_same_v<Value, const char*>, std::string, std::decay_t<Value>>>;

// An engine's method as a function of ours: without the GIL, enumerations as plain integers.
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
