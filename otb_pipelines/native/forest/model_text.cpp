#include "model_text.hpp"

#include <array>
#include <cstddef>
#include <stdexcept>

namespace fast_forest {
namespace {

// OpenCV wraps lines after some 71 characters, other writers perhaps not.
constexpr std::size_t longest_line = 4096;

// A split is a pair of braces, perhaps with a list in it.
constexpr int most_brackets = 8;

using Characters = std::array<bool, 256>;

std::size_t index_of(char character) {
    return static_cast<unsigned char>(character);
}

Characters those_of(const std::string& text) {
    Characters result{};
    for (const char character : text) {
        result[index_of(character)] = true;
    }
    return result;
}

const std::string in_names = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";

// Most versions of OpenCV write a line of dashes between the marker and the forest.
void check_start(const std::string& text) {
    if (text.compare(0, yaml_marker.size(), yaml_marker) != 0) {
        throw std::invalid_argument("is not YAML");
    }
    std::size_t place = text.find('\n') + 1;
    if (text.compare(place, 4, "---\n") == 0 || text.compare(place, 5, "---\r\n") == 0) {
        place = text.find('\n', place) + 1;
    }
    if (text.compare(place, forest_key.size(), forest_key) != 0) {
        throw std::invalid_argument("does not begin with " + std::string(forest_key));
    }
}

void check_characters(const std::string& text) {
    static const Characters in_name = those_of(in_names);
    static const Characters known = those_of(in_names + " .,+-:[]{}\n");
    for (std::size_t place = yaml_marker.size(); place < text.size(); ++place) {
        if (!known[index_of(text[place])] && text.compare(place, 2, "\r\n") != 0) {
            throw std::invalid_argument("has a character that is in no forest");
        }
        if (text[place] == ':' && !in_name[index_of(text[place - 1])]) {
            throw std::invalid_argument("has a value without a name");
        }
    }
}

void check_lines(const std::string& text) {
    for (std::size_t line = 0; line < text.size();) {
        const std::size_t end = text.find('\n', line);
        if (end == std::string::npos) {
            throw std::invalid_argument("ends within a line");
        }
        if (end - line > longest_line) {
            throw std::invalid_argument("has a line that is too long");
        }
        if (text[line] == '.') {
            throw std::invalid_argument("has more than one document");
        }
        line = end + 1;
    }
}

void check_brackets(const std::string& text) {
    int open = 0;
    for (const char character : text) {
        if (character == '[' || character == '{') {
            ++open;
        } else if (character == ']' || character == '}') {
            --open;
        }
        if (open < 0 || open > most_brackets) {
            throw std::invalid_argument("has brackets that do not match");
        }
    }
}

}  // namespace

// Input on which OpenCV's parser fails:
//
// - It calls itself for each list or map in another: some ten thousand dashes or brackets in a row exhaust
//   the stack. In a block each is further to the right than the one around it, so that the length of the
//   lines bounds their number; brackets are counted. Those in a word count, too, and so there are at most as
//   many lists as are counted.
// - It waits for ever on a dash between two documents. Here there is one, which begins at the margin, so that
//   nothing but a line of dots could end it.
// - It reads before its buffer in search of a name that is nothing but spaces.
//
// Quotes, tags, binary data and comments, which have separate lengths and escapes, do not occur in forests.
void check_text(const std::string& text) {
    check_start(text);
    check_characters(text);
    check_lines(text);
    check_brackets(text);
}

}  // namespace fast_forest
