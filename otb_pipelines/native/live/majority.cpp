#include "majority.hpp"

#include <algorithm>
#include <array>

namespace live {
namespace {

struct Offset {
    std::ptrdiff_t down;
    std::ptrdiff_t across;
};

// The pixels whose centres lie within half a pixel more than the radius, as in ITK's ball.
std::vector<Offset> ball_of(std::size_t radius) {
    const auto far = static_cast<std::ptrdiff_t>(radius);
    const std::ptrdiff_t limit = far * far + far;
    std::vector<Offset> ball;
    for (std::ptrdiff_t down = -far; down <= far; ++down) {
        for (std::ptrdiff_t across = -far; across <= far; ++across) {
            if (down * down + across * across <= limit) {
                ball.push_back({down, across});
            }
        }
    }
    return ball;
}

}  // namespace

void vote_by_majority(const Labels& labels, std::size_t radius, std::size_t row, std::size_t column,
                      Labels& part) {
    const std::vector<Offset> ball = ball_of(radius);
    const auto rows = static_cast<std::ptrdiff_t>(labels.rows);
    const auto columns = static_cast<std::ptrdiff_t>(labels.columns);
    std::array<std::uint32_t, 256> votes{};
    for (std::size_t y = 0; y < part.rows; ++y) {
        for (std::size_t x = 0; x < part.columns; ++x) {
            const std::uint8_t own = labels.codes[(row + y) * labels.columns + column + x];
            std::uint8_t& result = part.codes[y * part.columns + x];
            result = own;
            if (own == 0) {
                continue;
            }
            votes.fill(0);
            for (const Offset& offset : ball) {
                const std::ptrdiff_t at_row = static_cast<std::ptrdiff_t>(row + y) + offset.down;
                const std::ptrdiff_t at_column = static_cast<std::ptrdiff_t>(column + x) + offset.across;
                if (at_row >= 0 && at_row < rows && at_column >= 0 && at_column < columns) {
                    ++votes[labels.codes[static_cast<std::size_t>(at_row * columns + at_column)]];
                }
            }
            votes[0] = 0;
            const auto most = std::max_element(votes.begin(), votes.end());
            if (std::count(votes.begin(), votes.end(), *most) == 1) {
                result = static_cast<std::uint8_t>(most - votes.begin());
            }
        }
    }
}

}  // namespace live
