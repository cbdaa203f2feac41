// The log file: opened safely, appended to exactly once.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/ledger.hpp"
#include "core/mapping.hpp"
#include "core/session.hpp"

namespace attolog {

class Output {
 public:
  // Opens `path`, made if need be; an empty one is the standard output as it is now. Throws
  // std::system_error or std::runtime_error that name the path. A regular file is written under the
  // ledger in `folder`; with an empty folder its own lock keeps the rows of several processes
  // whole. Pipes and devices are just written to.
  Output(const std::string& path, const std::string& folder);

  struct Result {
    std::size_t written = 0;
    int error = 0;        // errno; 0: the whole batch is in the file and committed
    std::string message;  // what else has to be said
  };
  // Makes `bytes` the file's next ones as `batch` of the session. `prepare` is called under the
  // ledger's lock, before the first byte. After an error the file ends where it did before.
  Result append(Session& session, std::uint64_t batch, std::string_view bytes,
                const std::function<void()>& prepare);

  // What sinks remember of the file (Sink::memory), kept in an attribute of it. Adding to it fails
  // where another process did so since it was last read: then it has to be read again first.
  std::string remembered();
  bool remember(std::string_view text);
  void forget();

  void sync();  // fdatasync
  // Empties the file and forgets what was remembered, if `may` agrees: it is asked under the
  // ledger's lock. Whether it did.
  bool truncate(const std::function<bool()>& may);
  void end_line();  // ends a last line that a power cut or another program left open
  bool is_empty() const;

  bool is_regular() const { return is_regular_; }
  Ledger* ledger() { return ledger_ ? ledger_.get() : nullptr; }
  const std::string& path() const { return path_; }
  void close_locks();  // in a forked child

 private:
  void open();
  std::string read_memory() const;
  void write_memory(const std::string& text);
  std::string acquire();  // the ledger, or the file's own lock
  void release();
  void reopen_if_moved();
  Result write_all(std::string_view bytes);

  std::string path_;
  std::string folder_;
  File file_;
  bool is_regular_ = true;
  std::unique_ptr<Ledger> ledger_;
  std::string known_memory_;  // when last read
};

}  // namespace attolog
