#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "share_planes.hpp"

namespace live {

// How maps are made of shares.
struct MapSettings {
    // The codes of the classes, 1 to 255.
    std::vector<int> labels;
    // What the shares of a pixel add up to.
    float whole;
    // Standard deviation in pixels of the Gaussian by which shares are averaged; 0: they are not. OTB's
    // parameters have 32 bits, too.
    float smoothing;
    // Radius in pixels of a majority vote; 0: none. There is none with smoothing.
    std::size_t majority;
    // Whether the shares are rounded to 1/200, as they always are with smoothing.
    bool stepped;
};

// The maps of a window; each has room for its pixels, row by row.
struct WindowMaps {
    std::uint8_t* labels;
    float* confidence;
    float* margin;
    std::uint8_t* second;
};

// The rows and columns of a scene.
struct SceneSize {
    std::size_t rows;
    std::size_t columns;
};

// The distance, in pixels, up to which a pixel affects another.
std::size_t reach_of(float smoothing, std::size_t majority);

// Makes the maps of the window of the planes. Returns whether it was not stopped. Throws
// std::invalid_argument if the planes do not reach far enough.
template <class Share>
bool make_maps(const SharePlanes<Share>& planes, const MapSettings& settings, SceneSize size,
               const WindowMaps& maps, std::size_t thread_count, const std::atomic<bool>& stopped);

}  // namespace live
