#pragma once

#include <optional>
#include <string>

namespace reading {

// Messages of a decoder about code-blocks that do not fit their bytes.
class CodeBlockDamage {
  public:
    // Reads one message of the decoder.
    void note(const char* message);

    // The decoder's message about the first damaged code-block, or nothing.
    const std::optional<std::string>& first() const { return first_; }

  private:
    std::optional<std::string> first_;
};

// A JPEG 2000 file that OpenJPEG compares with its own lengths while it decodes it: a copy, in which a bit of
// the main header states that each code-block ends predictably (ISO/IEC 15444-1, table A.19,
// "predictable termination"). OpenJPEG then warns where it has read fewer bytes than a code-block has, or
// more. This happens with damaged bytes, whatever the bit was before: they are other symbols, whose lengths
// differ. The bit changes no pixel. Nothing is copied but the header: GDAL reads all other bytes in their
// file.
class CheckedCopy {
  public:
    // There is no copy if the file is not a JPEG 2000 file of an image, or has code-blocks of another kind
    // (ISO/IEC 15444-15).
    explicit CheckedCopy(const std::string& path);
    ~CheckedCopy();
    CheckedCopy(const CheckedCopy&) = delete;
    CheckedCopy& operator=(const CheckedCopy&) = delete;

    // The path by which GDAL opens the copy; empty if there is none.
    const std::string& path() const { return path_; }

  private:
    std::string description_;
    std::string path_;
};

// Lets OpenJPEG decode in the thread that calls GDAL. Otherwise GDAL has it start one, whose warnings do not
// reach the handler of the thread that waits for it.
void decode_in_calling_thread();

}  // namespace reading
