#pragma once

#include <cpl_error.h>
#include <cpl_string.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace otbpy {

// Messages of GDAL in a thread of OTB, for the thread that waits for it.
class GdalMessages {
  public:
    void add(CPLErr kind, CPLErrorNum number, const char* text);
    // Hands each message once to the error handler of the calling thread. The caller holds the GIL, as that
    // handler may be Python's.
    void deliver();

  private:
    struct Message {
        CPLErr kind;
        CPLErrorNum number;
        std::string text;
    };

    std::mutex mutex_;
    std::vector<Message> messages_;
};

// The options of GDAL that a thread has set for itself, such as GDAL_NUM_THREADS.
class GdalOptions {
  public:
    // Takes those of the calling thread.
    GdalOptions() : options_(CPLGetThreadLocalConfigOptions()) {}
    // Sets them in the calling thread.
    void apply() const { CPLSetThreadLocalConfigOptions(options_.List()); }

  private:
    CPLStringList options_;
};

// For as long as it lives, messages of GDAL in this thread are kept, and none is printed.
class GdalMessagesKept {
  public:
    explicit GdalMessagesKept(std::shared_ptr<GdalMessages> messages);
    ~GdalMessagesKept();
    GdalMessagesKept(const GdalMessagesKept&) = delete;
    GdalMessagesKept& operator=(const GdalMessagesKept&) = delete;

  private:
    std::shared_ptr<GdalMessages> messages_;
};

}  // namespace otbpy
