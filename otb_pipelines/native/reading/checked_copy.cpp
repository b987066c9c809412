#include "checked_copy.hpp"

#include <cpl_minixml.h>
#include <cpl_vsi.h>

#include <array>
#include <atomic>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

namespace reading {
namespace {

// An encoder may give a code-block a few bytes more than its decoder reads: it cuts the bytes of a pass that
// it did not end, and adds up to five to be safe, of which the decoder holds three ahead. It may also leave
// bytes out that the decoder adds by itself. Kakadu leaves out 6, OpenJPEG 16 where it resets contexts.
constexpr int most_unread = 1;
constexpr int most_added = 24;

constexpr std::uint16_t start_of_codestream = 0xFF4F;
constexpr std::uint16_t image_size = 0xFF51;
constexpr std::uint16_t coding_style = 0xFF52;
constexpr std::uint16_t component_coding_style = 0xFF53;
constexpr std::uint16_t start_of_tile_part = 0xFF90;

constexpr unsigned predictable_termination = 0x10;
constexpr unsigned other_code_blocks = 0xC0;

struct Closing {
    void operator()(VSILFILE* file) const { VSIFCloseL(file); }
};

// Reads big-endian numbers of an open file.
class Bytes {
  public:
    explicit Bytes(const std::string& path) {
        VSIStatBufL status{};
        if (VSIStatL(path.c_str(), &status) == 0) {
            size_ = static_cast<std::uint64_t>(status.st_size);
            file_.reset(VSIFOpenL(path.c_str(), "rb"));
        }
    }

    std::uint64_t size() const { return file_ == nullptr ? 0 : size_; }

    // Nothing if the file ends before.
    template <class Number>
    std::optional<Number> at(std::uint64_t offset) {
        std::array<unsigned char, sizeof(Number)> bytes{};
        if (file_ == nullptr || VSIFSeekL(file_.get(), offset, SEEK_SET) != 0 ||
            VSIFReadL(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size()) {
            return std::nullopt;
        }
        std::uint64_t number = 0;
        for (const unsigned char byte : bytes) {
            number = number << 8U | byte;
        }
        return static_cast<Number>(number);
    }

  private:
    std::unique_ptr<VSILFILE, Closing> file_;
    std::uint64_t size_ = 0;
};

// Where the codestream begins in the boxes of a JP2 file (annex I).
std::optional<std::uint64_t> codestream(Bytes& bytes) {
    constexpr std::uint32_t signature = 0x6A502020;
    constexpr std::uint32_t contiguous = 0x6A703263;
    if (bytes.at<std::uint32_t>(4) != signature) {
        return std::nullopt;
    }
    for (std::uint64_t offset = 0; offset < bytes.size();) {
        const std::optional<std::uint32_t> length = bytes.at<std::uint32_t>(offset);
        const std::optional<std::uint32_t> kind = bytes.at<std::uint32_t>(offset + 4);
        if (!length || !kind) {
            return std::nullopt;
        }
        const bool extended = *length == 1;
        if (*kind == contiguous) {
            return offset + (extended ? 16 : 8);
        }
        const std::uint64_t whole = extended ? bytes.at<std::uint64_t>(offset + 8).value_or(0) : *length;
        if (whole < 8 || whole > bytes.size()) {
            return std::nullopt;
        }
        offset += whole;
    }
    return std::nullopt;
}

struct Style {
    std::uint64_t offset;
    std::uint8_t bits;
};

// Where the main header (annex A) gives the style of code-blocks. Empty if it cannot be read.
std::vector<Style> styles(Bytes& bytes) {
    std::vector<Style> found;
    const std::optional<std::uint64_t> begin = codestream(bytes);
    if (!begin || bytes.at<std::uint16_t>(*begin) != start_of_codestream) {
        return found;
    }
    bool many_components = false;
    for (std::uint64_t offset = *begin + 2;;) {
        const std::optional<std::uint16_t> marker = bytes.at<std::uint16_t>(offset);
        const std::optional<std::uint16_t> length = bytes.at<std::uint16_t>(offset + 2);
        if (marker == start_of_tile_part) {
            return found;
        }
        if (!marker || !length || *length < 2) {
            return {};
        }
        std::uint64_t place = 0;
        if (marker == image_size) {
            many_components = bytes.at<std::uint16_t>(offset + 38).value_or(0) > 256;
        } else if (marker == coding_style) {
            place = offset + 12;
        } else if (marker == component_coding_style) {
            place = offset + (many_components ? 10 : 9);
        }
        if (place != 0) {
            const std::optional<std::uint8_t> style = bytes.at<std::uint8_t>(place);
            if (!style || (*style & other_code_blocks) != 0) {
                return {};
            }
            found.push_back({place, *style});
        }
        offset += 2U + *length;
    }
}

// Writes the description of a file for GDAL's /vsisparse/.
class Description {
  public:
    explicit Description(std::string source) : source_(std::move(source)) {}

    void add_bytes(std::uint64_t begin, std::uint64_t end) {
        CPLXMLNode* region = add_region("SubfileRegion", begin, end);
        CPLCreateXMLElementAndValue(region, "Filename", source_.c_str());
        CPLCreateXMLElementAndValue(region, "SourceOffset", std::to_string(begin).c_str());
    }

    void add_value(std::uint64_t place, unsigned value) {
        CPLXMLNode* region = add_region("ConstantRegion", place, place + 1);
        CPLCreateXMLElementAndValue(region, "Value", std::to_string(value).c_str());
    }

    std::string text(std::uint64_t size) {
        CPLCreateXMLElementAndValue(root_.get(), "Length", std::to_string(size).c_str());
        const std::unique_ptr<char, decltype(&VSIFree)> text(CPLSerializeXMLTree(root_.get()), VSIFree);
        return text.get();
    }

  private:
    struct Destroying {
        void operator()(CPLXMLNode* node) const { CPLDestroyXMLNode(node); }
    };

    CPLXMLNode* add_region(const char* kind, std::uint64_t begin, std::uint64_t end) {
        CPLXMLNode* region = CPLCreateXMLNode(root_.get(), CXT_Element, kind);
        CPLCreateXMLElementAndValue(region, "DestinationOffset", std::to_string(begin).c_str());
        CPLCreateXMLElementAndValue(region, "RegionLength", std::to_string(end - begin).c_str());
        return region;
    }

    std::string source_;
    std::unique_ptr<CPLXMLNode, Destroying> root_{CPLCreateXMLNode(nullptr, CXT_Element, "VSISparseFile")};
};

}  // namespace

void CodeBlockDamage::note(const char* message) {
    constexpr std::string_view check = "PTERM check failure: ";
    const std::string_view text = message;
    if (first_ || text.substr(0, check.size()) != check) {
        return;
    }
    int count = 0;
    std::from_chars(text.data() + check.size(), text.data() + text.size(), count);
    const bool unread = text.find("remaining") != std::string_view::npos;
    if (count > (unread ? most_unread : most_added)) {
        first_ = "a code-block has " + std::to_string(count) + (unread ? " bytes more" : " bytes less") +
                 " than its symbols take";
    }
}

CheckedCopy::CheckedCopy(const std::string& path) {
    Bytes bytes(path);
    const std::vector<Style> found = styles(bytes);
    if (found.empty()) {
        return;
    }
    Description description(path);
    std::uint64_t copied = 0;
    for (const Style& style : found) {
        description.add_bytes(copied, style.offset);
        description.add_value(style.offset, style.bits | predictable_termination);
        copied = style.offset + 1;
    }
    description.add_bytes(copied, bytes.size());
    const std::string text = description.text(bytes.size());

    static std::atomic<unsigned> count{0};
    description_ = "/vsimem/checked_copies/" + std::to_string(count++) + ".xml";
    VSILFILE* file = VSIFOpenL(description_.c_str(), "wb");
    if (file != nullptr && VSIFWriteL(text.data(), 1, text.size(), file) == text.size()) {
        path_ = "/vsisparse/" + description_;
    }
    if (file != nullptr) {
        VSIFCloseL(file);
    }
}

CheckedCopy::~CheckedCopy() {
    if (!description_.empty()) {
        VSIUnlink(description_.c_str());
    }
}

void decode_in_calling_thread() {
    static std::once_flag once;
    std::call_once(once, [] {
        const char* threads = std::getenv("OPJ_NUM_THREADS");
        if (threads == nullptr || std::strcmp(threads, "0") != 0) {
            setenv("OPJ_NUM_THREADS", "0", 1);
        }
    });
}

}  // namespace reading
