#include "model_file.hpp"

#include <array>
#include <charconv>
#include <fstream>
#include <sstream>
#include <vector>

namespace logistic {
namespace {

// The text of the largest model, of some 25 characters a number, is not much longer.
constexpr std::size_t longest_text = std::size_t{1} << 27;

template <class Number>
void append(std::string& text, Number number) {
    std::array<char, 32> digits{};
    const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    text += ' ';
    text.append(digits.data(), written.ptr);
}

// Takes a text apart line by line.
class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {}

    // The next line, without its end.
    std::string_view line() {
        const std::size_t end = text_.find('\n');
        if (end == std::string_view::npos) {
            throw std::invalid_argument("ends too early");
        }
        const std::string_view line = text_.substr(0, end);
        text_.remove_prefix(end + 1);
        return line;
    }

    // The words of the next line after the first one, which is the key. Single spaces are between them.
    std::vector<std::string_view> words(std::string_view key, std::size_t count) {
        std::string_view rest = line();
        if (rest.substr(0, key.size()) != key) {
            throw std::invalid_argument("has no line '" + std::string(key) + "' where it belongs");
        }
        rest.remove_prefix(key.size());
        std::vector<std::string_view> found;
        while (!rest.empty() && found.size() <= count && rest.front() == ' ') {
            rest.remove_prefix(1);
            const std::string_view word = rest.substr(0, rest.find(' '));
            found.push_back(word);
            rest.remove_prefix(word.size());
        }
        if (!rest.empty() || found.size() != count) {
            throw std::invalid_argument("a line '" + std::string(key) + "' does not have the " +
                                        std::to_string(count) + " numbers that it needs");
        }
        return found;
    }

    bool is_at_end() const { return text_.empty(); }

  private:
    std::string_view text_;
};

template <class Number>
Number number_in(std::string_view word) {
    Number number{};
    const char* begin = word.data();
    const char* end = begin + word.size();
    const auto read = std::from_chars(begin, end, number);
    if (read.ec != std::errc() || read.ptr != end) {
        // The content of a damaged file may be long.
        throw std::invalid_argument("'" + std::string(word.substr(0, 20)) + "' is not a number that fits");
    }
    return number;
}

std::size_t size_in(Reader& reader, std::string_view key, std::size_t most) {
    const auto size = number_in<std::size_t>(reader.words(key, 1).front());
    if (size == 0 || size > most) {
        throw std::invalid_argument("has " + std::to_string(size) + " " + std::string(key) +
                                    "; there can be 1 to " + std::to_string(most));
    }
    return size;
}

std::vector<double> numbers_in(Reader& reader, std::string_view key, std::size_t count) {
    std::vector<double> numbers;
    for (const std::string_view word : reader.words(key, count)) {
        numbers.push_back(number_in<double>(word));
    }
    return numbers;
}

Model parse(std::string_view text) {
    Reader reader(text);
    if (text.substr(0, model_marker.size() + 1) != std::string(model_marker) + "\n") {
        throw std::invalid_argument("does not begin with '" + std::string(model_marker) + "'");
    }
    if (text.size() > longest_text) {
        throw std::invalid_argument("is too long");
    }
    reader.line();
    Model model;
    const std::size_t features = size_in(reader, "features", most_features);
    const std::size_t classes = size_in(reader, "classes", most_classes);
    model.means = numbers_in(reader, "means", features);
    model.deviations = numbers_in(reader, "deviations", features);
    for (std::size_t kind = 0; kind < classes; ++kind) {
        const std::vector<std::string_view> words = reader.words("class", features + 2);
        model.labels.push_back(number_in<int>(words[0]));
        model.intercepts.push_back(number_in<double>(words[1]));
        for (std::size_t feature = 0; feature < features; ++feature) {
            model.weights.push_back(number_in<double>(words[feature + 2]));
        }
    }
    if (!reader.is_at_end()) {
        throw std::invalid_argument("goes on after its last class");
    }
    check(model);
    return model;
}

}  // namespace

std::string model_text(const Model& model) {
    std::string text(model_marker);
    text += "\nfeatures";
    append(text, model.features());
    text += "\nclasses";
    append(text, model.classes());
    text += "\nmeans";
    for (const double mean : model.means) {
        append(text, mean);
    }
    text += "\ndeviations";
    for (const double deviation : model.deviations) {
        append(text, deviation);
    }
    for (std::size_t kind = 0; kind < model.classes(); ++kind) {
        text += "\nclass";
        append(text, model.labels[kind]);
        append(text, model.intercepts[kind]);
        for (std::size_t feature = 0; feature < model.features(); ++feature) {
            append(text, model.weights[kind * model.features() + feature]);
        }
    }
    return text + "\n";
}

Model parse_model(std::string_view text, const std::string& name) {
    try {
        return parse(text);
    } catch (const std::invalid_argument& error) {
        throw ModelError(name + ": is not a sound logistic regression: " + error.what() + "; train it again");
    }
}

void write_model(const std::string& path, const Model& model) {
    std::ofstream stream(path, std::ios::binary);
    stream << model_text(model);
    stream.close();
    if (!stream) {
        throw std::runtime_error(path + ": cannot be written");
    }
}

Model read_model(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file) {
        throw ModelError(path + ": cannot be read");
    }
    return parse_model(text.str(), path);
}

}  // namespace logistic
