// The log file: opened safely, appended to exactly once.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/file_id.hpp"
#include "core/mapping.hpp"
#include "shm/ledger.hpp"
#include "shm/session.hpp"
#include "sinks/sink.hpp"
#include "writer/file_memory.hpp"
#include "writer/settle.hpp"

namespace attolog {

class Output {
 public:
  // Opens `path`, made if need be; an empty one is the standard output as it is now. Throws
  // std::system_error or std::runtime_error that name the path.
  explicit Output(const std::string& path);
  // A log file that is open already, whatever its name is now. It is not looked for under `path`
  // when it is renamed.
  Output(File file, const std::string& path);

  // From now on a regular file is written under the ledger in `folder`. `moves`: where another file
  // comes under the log file's name, it is written, and all that belongs to it moves to the folder
  // of that one. Throws std::system_error. Without it the lock alone keeps the rows of several
  // processes whole. Pipes and devices are just written to. `named`: the log file's path when its
  // ledger was made, if that is another one.
  void keep_ledger(const std::string& folder, bool moves, const std::string& named = "");

  struct Result {
    std::size_t written = 0;
    int error = 0;        // errno; 0: the whole batch is in the file and committed
    std::string message;  // what else is to be reported
    // Another process holds the file's lock: it is no failure, but has to be waited for.
    bool is_busy() const { return error == EWOULDBLOCK; }
  };
  // Makes `bytes` the file's next ones as `batch` of the session. `prepare` is called under the
  // lock, before the first byte. After an error the file ends where it did before.
  Result append(Session& session, std::uint64_t batch, std::string_view bytes,
                const std::function<void()>& prepare);

  // Finishes what a dead process was writing. Nothing where another process held the lock for
  // longer than `patience`. Throws std::system_error.
  std::optional<SettleResult> settle(std::chrono::milliseconds patience);

  // The file's memory; `remember` adds to it under the lock, as in FileMemory. Throws
  // std::system_error (EWOULDBLOCK) where the lock is not to be had.
  std::string read_memory();
  bool add_memory(std::string_view text);
  void clear_memory();

  void sync();  // fdatasync
  // Empties the file and forgets what was remembered, if `may` agrees: it is asked under the lock.
  // Whether it did; false, too, where another process holds the lock for longer than `patience`.
  bool truncate(std::chrono::milliseconds patience, const std::function<bool()>& may);
  // Ends a last record that a power cut or another program left open. False: another process held
  // the lock for longer than `patience`.
  bool close_torn_record(Format format, std::chrono::milliseconds patience);
  bool is_empty() const;
  // Whether another logger writes the file, in whatever place its rings are.
  bool is_shared() const;
  // Nothing more is written: others need not mind this logger.
  void leave() {
    if (file_.is_intact()) show_presence(false);
  }

  bool is_regular() const { return is_regular_; }
  const std::string& path() const { return path_; }
  int fd() const { return file_.fd(); }
  FileId id() const { return id_; }
  // The holder of the lock, in words: "process 12 writes it".
  std::string holder() const;

  // In a forked child: gives the parent's descriptor back for one of the child's own, which shares
  // no lock with it. It serves where the child may not open the file any more.
  void renew_in_child();
  // The descriptor, for the child's own channel; none where the program has closed it.
  File release_file() { return file_.is_intact() ? std::move(file_) : File(); }

 private:
  class ScopedLock;
  void open();
  File open_path() const;
  void refuse_second_name(const File& file) const;
  void use(File file);
  bool has_other_root() const;
  void restore();
  void show_presence(bool is_here) const;
  bool acquire(std::chrono::milliseconds patience);
  void release();
  void follow_rename(Session& session);
  void move(Session& session);
  void move_session(Session& session);
  void finish_reopened(const Session& session, std::uint64_t batch, std::string_view bytes,
                       bool is_intent_open, Result& result);
  SettleResult finish_dead();
  std::string torn_end(const Session& session, std::uint64_t size) const;
  std::optional<std::uint64_t> position() const;
  std::string truncate_failed(std::uint64_t from, std::string_view written);
  Result write_all(std::string_view bytes);
  FileMemory::Location memory_location() const;

  std::string path_;
  std::string folder_;  // of the ledger
  std::string named_;   // the path that it is named after
  File file_;
  std::optional<FileId> root_ = file_id(std::string("/"));
  FileId id_;                // of it, or the last one that was open
  bool is_another_ = false;  // the session does not know of it yet
  bool is_standard_output_ = false;
  bool is_regular_ = true;
  bool follows_name_ = true;
  bool moves_ = false;
  std::unique_ptr<Ledger> ledger_;
  std::optional<std::uint64_t> end_;  // of the file, as it was left
  FileMemory memory_;
  bool has_locks_ = true;  // its file system
};

}  // namespace attolog
