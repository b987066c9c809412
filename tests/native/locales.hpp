#pragma once

#include <clocale>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace locales {

// German numbers, 0,5 for a half, in the whole process for as long as it lives. The locale is made for it.
class CommaLocale {
  public:
    explicit CommaLocale(const std::string& folder) {
        std::filesystem::create_directories(folder);
        const std::string command = "localedef -i de_DE -f UTF-8 " + folder + "/de_DE.UTF-8 > /dev/null 2>&1";
        // It ends with 1 where it warned. The folder is the test's own.
        // NOLINTNEXTLINE(bugprone-command-processor)
        static_cast<void>(std::system(command.c_str()));
        setenv("LOCPATH", folder.c_str(), 1);
        if (std::setlocale(LC_ALL, "de_DE.UTF-8") == nullptr) {
            throw std::runtime_error("localedef makes no locale de_DE.UTF-8");
        }
    }
    ~CommaLocale() {
        std::setlocale(LC_ALL, "C");
        unsetenv("LOCPATH");
    }
    CommaLocale(const CommaLocale&) = delete;
    CommaLocale& operator=(const CommaLocale&) = delete;
};

}  // namespace locales
