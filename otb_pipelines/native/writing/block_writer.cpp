#include "block_writer.hpp"

#include <algorithm>

namespace writing {

BlockWriter::BlockWriter(const std::vector<GDALRasterBand*>& bands, bool interleaved)
    : interleaved_(interleaved),
      type_(bands.front()->GetRasterDataType()),
      pixel_bytes_(static_cast<std::size_t>(GDALGetDataTypeSizeBytes(type_))),
      columns_(bands.front()->GetXSize()),
      rows_(bands.front()->GetYSize()) {
    for (GDALRasterBand* band : bands) {
        bands_.push_back({band, {}});
    }
    bands.front()->GetBlockSize(&block_columns_, &block_rows_);
    block_.resize(static_cast<std::size_t>(block_columns_) * static_cast<std::size_t>(block_rows_) *
                  pixel_bytes_);
}

CPLErr BlockWriter::add(std::size_t band, const Rows& rows) {
    std::vector<GByte>& pending = bands_[band].pending;
    const std::size_t row_bytes = rows.columns * pixel_bytes_;
    std::size_t end = pending.size();
    // Reserves the largest pending size: growing by itself, it would take up to twice as much.
    pending.reserve((static_cast<std::size_t>(std::min(block_rows_, rows_)) + rows.count) * row_bytes);
    pending.resize(end + rows.count * row_bytes);
    for (std::size_t row = 0; row < rows.count; ++row, end += row_bytes) {
        GDALCopyWords64(rows.values + row * rows.stride, GDT_Float32, sizeof(float), pending.data() + end,
                        type_, static_cast<int>(pixel_bytes_), static_cast<GPtrDiff_t>(rows.columns));
    }
    if (!interleaved_) {
        return write_complete(band, band + 1);
    }
    return band + 1 == bands_.size() ? write_complete(0, bands_.size()) : CE_None;
}

CPLErr BlockWriter::write_complete(std::size_t first, std::size_t end) {
    const auto is_complete = [this](const Band& band) {
        const int wanted = rows_of_block(band.next_block_row);
        return wanted > 0 && pending_rows(band) >= wanted;
    };
    const auto begin_band = bands_.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end_band = bands_.begin() + static_cast<std::ptrdiff_t>(end);
    while (std::all_of(begin_band, end_band, is_complete)) {
        for (int column = 0; column < columns_; column += block_columns_) {
            for (auto band = begin_band; band != end_band; ++band) {
                if (const CPLErr error = write_block(*band, column); error != CE_None) {
                    return error;
                }
            }
        }
        for (auto band = begin_band; band != end_band; ++band) {
            const std::size_t written = static_cast<std::size_t>(rows_of_block(band->next_block_row)) *
                                        static_cast<std::size_t>(columns_) * pixel_bytes_;
            band->pending.erase(band->pending.begin(),
                                band->pending.begin() + static_cast<std::ptrdiff_t>(written));
            ++band->next_block_row;
        }
    }
    return CE_None;
}

// Beyond the edge of the raster, a block holds 0.
CPLErr BlockWriter::write_block(const Band& band, int column) {
    std::fill(block_.begin(), block_.end(), GByte{0});
    const auto width = static_cast<std::size_t>(std::min(block_columns_, columns_ - column)) * pixel_bytes_;
    const std::size_t row_bytes = static_cast<std::size_t>(columns_) * pixel_bytes_;
    const std::size_t block_row_bytes = static_cast<std::size_t>(block_columns_) * pixel_bytes_;
    const GByte* from = band.pending.data() + static_cast<std::size_t>(column) * pixel_bytes_;
    GByte* to = block_.data();
    for (int row = 0; row < rows_of_block(band.next_block_row); ++row) {
        std::copy_n(from, width, to);
        from += row_bytes;
        to += block_row_bytes;
    }
    return band.file->WriteBlock(column / block_columns_, band.next_block_row, block_.data());
}

int BlockWriter::pending_rows(const Band& band) const {
    return static_cast<int>(band.pending.size() / (static_cast<std::size_t>(columns_) * pixel_bytes_));
}

// None below the last.
int BlockWriter::rows_of_block(int block_row) const {
    return std::clamp(rows_ - block_row * block_rows_, 0, block_rows_);
}

}  // namespace writing
