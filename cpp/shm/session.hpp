// A session: one process writing one log file. Its mapped page says all that is needed to finish
// the work without the process: what the file is, how to format it, the clock, the sites, and which
// batch was the last to reach the file. Rings lie beside it, named after it, as does a copy of the
// batch that is being written (*.batch).
//
// Alive means: the lock on the session file is held. pid and start time are only told to the user.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/arena.hpp"
#include "core/clock.hpp"
#include "core/file_id.hpp"
#include "core/mapping.hpp"
#include "core/site_table.hpp"
#include "shm/circular_buffer.hpp"
#include "shm/ring.hpp"

namespace attolog {

// What a session needs to know of its log file.
struct LogTarget {
  std::string path;  // real
  std::uint8_t format = 0;
  std::uint8_t digits = 6;
  std::uint16_t columns = 0;
  std::string pattern;
  std::uint64_t run_id = 0;  // shared by a program and its child processes
  std::uint32_t pid = 0;     // of the process that logs
  std::uint8_t weight = 0;   // CSV: whether rows show it
  FileId file{};             // which file it is, as the session's folder knows it
};

struct SessionHeader {
  static constexpr std::uint64_t kMagic = 0x34534553'4f545441;  // "ATTOSES4"
  // One whose rings have no nested values. Who knows no other leaves those that have them alone.
  static constexpr std::uint64_t kMagicBefore = 0x33534553'4f545441;  // "ATTOSES3"
  std::uint64_t magic;
  std::uint32_t pid;
  std::uint8_t format;
  std::uint8_t digits;
  std::uint16_t columns;
  std::uint64_t run_id;
  std::int64_t started_ns;
  char boot_id[40];  // what another start of the machine has left is not to be trusted
  std::uint8_t weight;
  // Set by a recovery, for good: its owner is dead. Relaxed: the lock comes first.
  std::atomic<bool> is_claimed;
  FileId file;
  // release: the bytes of the batch are in the file; acquired by readers of ring tails.
  std::atomic<std::uint64_t> committed_batch;
  // Records that were not taken: full ring, no memory. Relaxed: a count.
  std::atomic<std::uint64_t> dropped;
  std::atomic<Ticks> dropped_since;  // the first of them
  // How many of them the file tells of, and what that becomes with batch `pending_batch`.
  std::atomic<std::uint64_t> reported;
  std::atomic<std::uint64_t> pending_reported;
  std::atomic<std::uint64_t> pending_batch;
  std::atomic<std::uint64_t> pending_records;  // how many that batch puts into the file
  std::atomic<std::uint64_t> site_bytes;       // release: the table is complete up to here
  ClockHistory clock;
  char path[4096];
  char pattern[1024];
};

inline constexpr std::string_view kSessionSuffix = ".session";
inline constexpr std::string_view kRingSuffix = ".ring";

class Session final : public SiteMirror {
 public:
  static constexpr std::size_t kHeader = 8192;
  static constexpr std::size_t kSiteRoom = std::size_t{64} << 20;  // address space, used as needed
  static_assert(sizeof(SessionHeader) <= kHeader);

  // A new session in `folder`, locked. An empty folder keeps it in anonymous memory.
  static std::unique_ptr<Session> create(const std::string& folder, const LogTarget& target);
  // A session by the name of its file; null where there is none (any more).
  //   read: looks only. claim: takes its lock; null if its owner lives. settle: writes without the
  //   lock, for the holder of the ledger who ends a dead session's batch.
  // One that is damaged is null as well; to claim it throws DamagedFile.
  enum class Access { read, claim, settle };
  static std::unique_ptr<Session> open(const std::string& folder, const std::string& name,
                                       Access access);

  SessionHeader& header() const { return *reinterpret_cast<SessionHeader*>(mapping_.data()); }
  LogTarget target() const;
  const std::string& name() const { return name_; }  // "" in anonymous memory
  std::string file_name() const { return name_ + std::string(kSessionSuffix); }
  std::string folder() const;  // "" in anonymous memory
  // Whether the machine has been started since: pages of several ages may be on its disk.
  bool is_of_other_start() const;
  std::string_view sites() const;

  bool append_sites(std::string_view encoded) override;

  // Name of a ring; "" in anonymous memory.
  std::string ring_path(std::uint32_t index) const;
  // Keeps values that are too large for a ring; they are referred to by the number. Throws
  // std::system_error.
  std::uint64_t spill(std::string_view values);
  // All `size` bytes of them, in the arena; nothing where they are not there. Throws
  // std::system_error where descriptors or memory are short.
  std::optional<std::string_view> read_spill(std::uint64_t number, std::uint64_t size,
                                             Arena& arena) const;
  std::string spill_path(std::uint64_t number) const;  // not in anonymous memory
  // Without memory it stays, and goes with the session.
  void remove_spill(std::uint64_t number) const noexcept;
  // Names of a box, and of the checkpoint of statistics; "" in anonymous memory.
  std::string circular_buffer_path(std::uint32_t index) const;
  std::string stats_path() const;
  // Paths of the rings that exist.
  std::vector<std::string> ring_paths() const { return paths_of(kRingSuffix); }
  std::vector<std::string> circular_buffer_paths() const { return paths_of(kCircularBufferSuffix); }

  // Keeps a copy of the bytes that are about to be written, for a process that has to finish the
  // writing. False: there is no room for it.
  bool stage(std::string_view bytes);
  // The copy, as long as it was said to be and with that checksum; nothing where it is not whole.
  std::optional<std::string> staged(std::uint64_t size, std::uint32_t checksum) const;

  // The log file is another one from now on, whose folder this is: all that belongs to the session
  // goes there. A kill in between leaves it in both, as one session. False: it stays where it is.
  bool move(const std::string& folder, const FileId& file);

  std::uint64_t committed() const {
    // acquire: pairs with commit; the batch's tails are valid.
    return header().committed_batch.load(std::memory_order_acquire);
  }
  void commit(std::uint64_t batch) {
    header().committed_batch.store(batch, std::memory_order_release);
  }
  // How many drops the file tells of; pending until the batch is committed, as is all of it.
  std::uint64_t reported() const;
  void prepare_batch(std::uint64_t batch, std::uint64_t records, std::uint64_t reported);

  void drop(std::uint64_t n);

  // Whether the session's owner holds its lock; a recovery does not count.
  bool is_alive() const;
  // Whether its file is gone from its place: nobody would find its rings.
  bool is_removed() const;
  // Removes the session's files. Rings first: a session file without rings is harmless.
  void remove();
  // In a forked child: lets go of the parent's lock and files.
  void close_in_child() {
    lock_.close();
    batch_file_.close();
  }

 private:
  Session() = default;
  std::string path_of(const std::string& rest) const { return folder() + "/" + name_ + rest; }
  std::vector<std::string> paths_of(std::string_view suffix) const;
  std::vector<std::string> own_files() const;
  bool restore_lock();

  mutable std::mutex folder_mutex_;  // folder_, which callers need that put large values beside it
  std::string folder_;
  // In anonymous memory; under the mutex, too.
  mutable std::map<std::uint64_t, std::string> memory_spills_;
  std::string name_;
  File lock_;
  Mapping mapping_;
  File batch_file_;
  Mapping batch_;
  std::size_t site_room_ = 0;  // allocated so far
  std::atomic<std::uint64_t> spills_{0};
};

}  // namespace attolog
