// The memory of a log file: the text that sinks keep about it beyond its bytes (Sink::memory). It
// is kept in an extended attribute, which goes where the file goes. Where that has no room it is
// kept in a file beside the ledger, for as long as the log file is written.
#pragma once

#include <string>
#include <string_view>

namespace attolog {

class FileMemory {
 public:
  // Where it is kept, as of now.
  struct Location {
    int fd;                // of the log file
    std::string log_path;  // for messages
    std::string beside;    // the path of the file beside the ledger; "": there is none
  };

  // The memory as it is stored now, and behind it the text for which there was no room.
  std::string read(const Location& where);
  // Adds to it. False: another process has added to it since it was last read here; then it has to
  // be read again first. Under the log file's lock.
  bool add(const Location& where, std::string_view text);
  void clear(const Location& where);

 private:
  static std::string load(const Location& where);
  bool store(const Location& where, const std::string& text);

  std::string stored_;    // as it was when last read
  std::string unstored_;  // for which there was no room
  bool is_lack_reported_ = false;
};

}  // namespace attolog
