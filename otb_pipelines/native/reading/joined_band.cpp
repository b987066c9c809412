#include "joined_band.hpp"

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <utility>

#include "wavelet.hpp"

namespace reading {
namespace {

constexpr std::int32_t largest = 65535;

bool has_data(const std::vector<std::uint16_t>& pixels) {
    return std::any_of(pixels.begin(), pixels.end(), [](std::uint16_t pixel) { return pixel != 0; });
}

// The side of a tile at a level.
int tile_side(int side, int size, int level, const std::string& path) {
    if (side >= size) {
        return (size + (1 << level) - 1) >> level;
    }
    if (side % (1 << level) != 0) {
        throw std::runtime_error(path + ": its tiles of " + std::to_string(side) +
                                 " pixels cannot be joined at level " + std::to_string(level));
    }
    return side >> level;
}

// The part of a size that a tile covers.
int covered(int begin, int side, int size) {
    return std::min(side, size - begin);
}

}  // namespace

JoinedBand::JoinedBand(const std::vector<BandFile>& files, int level) : level_(level) {
    for (const BandFile& file : files) {
        parts_.push_back({RasterLevel(file.path, level), RasterLevel(file.path, 0), file.shift});
    }
    const RasterLevel& whole = parts_.front().whole;
    const std::array<int, 2> block = whole.block();
    tile_columns_ = tile_side(block[0], whole.columns(), level, whole.path());
    tile_rows_ = tile_side(block[1], whole.rows(), level, whole.path());
    for (const Part& part : parts_) {
        const RasterLevel& other = part.whole;
        if (!other.has_whole_numbers() || other.columns() != whole.columns() ||
            other.rows() != whole.rows() || other.corner() != whole.corner() ||
            other.spacing() != whole.spacing()) {
            throw std::runtime_error(other.path() + ": is not on the grid of " + whole.path());
        }
        same_tiles_ = same_tiles_ && other.block() == block;
    }
    // A single tile may be stated with any size that holds the image.
    same_tiles_ = same_tiles_ || std::all_of(parts_.begin(), parts_.end(), [](const Part& part) {
                      const std::array<int, 2> side = part.whole.block();
                      return side[0] >= part.whole.columns() && side[1] >= part.whole.rows();
                  });
}

std::vector<std::uint16_t> JoinedBand::read(int first, int rows) const {
    const int columns = this->first().columns();
    std::vector<std::uint16_t> pixels(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns));
    for (int row = first; row < first + rows; row += tile_rows_) {
        for (int column = 0; column < columns; column += tile_columns_) {
            const Window window{column, row, covered(column, tile_columns_, columns),
                                covered(row, tile_rows_, first + rows)};
            const std::vector<std::uint16_t> tile = read_tile(window);
            auto from = tile.begin();
            auto to = pixels.begin() + static_cast<std::ptrdiff_t>(row - first) * columns + column;
            for (int line = 0; line < window.rows; ++line) {
                std::copy_n(from, window.columns, to);
                from += window.columns;
                to += line + 1 < window.rows ? columns : 0;
            }
        }
    }
    return pixels;
}

std::vector<std::uint16_t> JoinedBand::read_tile(const Window& window) const {
    std::vector<const Part*> parts;
    std::vector<std::uint16_t> alone;
    for (const Part& part : parts_) {
        std::vector<std::uint16_t> pixels = part.at_level.read<std::uint16_t>(window, GDT_UInt16);
        if (has_data(pixels)) {
            parts.push_back(&part);
            alone = std::move(pixels);
        }
    }
    if (parts.empty()) {
        return std::vector<std::uint16_t>(static_cast<std::size_t>(window.columns) *
                                          static_cast<std::size_t>(window.rows));
    }
    if (parts.size() == 1 && parts.front()->shift == 0 && same_tiles_) {
        return alone;
    }
    return analysed(window, parts);
}

std::vector<std::uint16_t> JoinedBand::analysed(const Window& window,
                                                const std::vector<const Part*>& parts) const {
    const RasterLevel& whole = parts.front()->whole;
    const Window all{window.column << level_, window.row << level_,
                     covered(window.column << level_, window.columns << level_, whole.columns()),
                     covered(window.row << level_, window.rows << level_, whole.rows())};
    Tile tile{all.columns, all.rows,
              std::vector<std::int32_t>(static_cast<std::size_t>(all.columns) *
                                        static_cast<std::size_t>(all.rows))};
    for (const Part* part : parts) {
        const std::vector<std::uint16_t> pixels = part->whole.read<std::uint16_t>(all, GDT_UInt16);
        for (std::size_t pixel = 0; pixel < pixels.size(); ++pixel) {
            if (tile.pixels[pixel] == 0 && pixels[pixel] != 0) {
                tile.pixels[pixel] = std::min(largest, pixels[pixel] + part->shift);
            }
        }
    }
    tile = wavelet_level(std::move(tile), level_);
    std::vector<std::uint16_t> values(tile.pixels.size());
    std::transform(tile.pixels.begin(), tile.pixels.end(), values.begin(), [](std::int32_t pixel) {
        return static_cast<std::uint16_t>(std::clamp(pixel, 0, largest));
    });
    return values;
}

}  // namespace reading
